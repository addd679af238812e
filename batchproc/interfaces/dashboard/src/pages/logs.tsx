// What programs said beside the facts: newest first, and what comes in while one looks.
import { useEffect, useMemo } from "preact/hooks";
import { ago, clock } from "../format";
import { ticks } from "../live";
import { throttled } from "../resource";
import { query, setQuery, to } from "../router";
import "../style/logs.css";
import type { LogLine } from "../types";
import { Copy, Empty, Failed, Loading } from "../ui/basics";
import { JobTabs } from "../ui/jobtabs";
import { Tail } from "../logs/tail";

const LEVELS = ["debug", "info", "warning", "error"];
const SOURCES = ["agent", "enumerator", "supervisor", "service", "dashboard"];
const SINCE: [string, string][] = [
  ["15m", "the last 15 min"],
  ["1h", "the last hour"],
  ["24h", "the last 24 h"],
  ["", "all"],
];
const NAMES = ["job_id", "key", "level", "source", "text", "since"] as const;

export function Logs() {
  const filters = Object.fromEntries(NAMES.map((name) => [name, query(name)]));
  const asked = JSON.stringify(filters);
  const tail = useMemo(() => new Tail(), []);
  useEffect(() => {
    tail.look(filters);
    return () => tail.leave();
  }, [asked]);
  useEffect(() => ticks(filters.job_id ? { job_id: filters.job_id } : {}, throttled(() => void tail.newer(), 1000)), [filters.job_id]);
  const lines = tail.lines.value;
  return (
    <>
      {filters.job_id ? (
        <JobTabs id={filters.job_id} here="logs" />
      ) : (
        <div class="head">
          <h1>Logs</h1>
        </div>
      )}
      <Filters lines={lines ?? []} />
      {tail.problem.value ? <Failed problem={tail.problem.value} again={() => tail.look(filters)} kept={lines} /> : null}
      {lines ? <Lines tail={tail} lines={lines} of={filters.job_id ?? ""} /> : tail.problem.value ? null : <Loading />}
    </>
  );
}

function Filters({ lines }: { lines: LogLine[] }) {
  const sources = [...new Set([...SOURCES, ...lines.map((one) => one.source), query("source")])].filter(Boolean).sort();
  const isNarrowed = NAMES.some((name) => query(name) && name !== "job_id");
  return (
    <form class="filters log-filters" role="search" aria-label="Narrow the log" onSubmit={(event) => event.preventDefault()}>
      <input
        type="search"
        aria-label="Text"
        placeholder="Text"
        value={query("text")}
        onInput={(event) => setQuery({ text: event.currentTarget.value })}
      />
      <select aria-label="Level" value={query("level")} onChange={(event) => setQuery({ level: event.currentTarget.value })}>
        <option value="">every level</option>
        {LEVELS.slice(1).map((one) => (
          <option key={one} value={one}>
            {one === "error" ? "errors" : `${one} and worse`}
          </option>
        ))}
      </select>
      <select aria-label="Source" value={query("source")} onChange={(event) => setQuery({ source: event.currentTarget.value })}>
        <option value="">every source</option>
        {sources.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
      <select aria-label="Since" value={query("since")} onChange={(event) => setQuery({ since: event.currentTarget.value })}>
        {SINCE.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
      <Place name="job_id" words="Job" />
      <Place name="key" words="Unit" disabled={!query("job_id")} />
      {isNarrowed ? (
        <button type="button" class="quiet" onClick={() => setQuery({ key: "", level: "", source: "", text: "", since: "" })}>
          Show all
        </button>
      ) : null}
    </form>
  );
}

function Place({ name, words, disabled }: { name: "job_id" | "key"; words: string; disabled?: boolean }) {
  return (
    <input
      class="place"
      aria-label={words}
      placeholder={words}
      disabled={disabled}
      value={query(name)}
      onChange={(event) => setQuery({ [name]: event.currentTarget.value.trim(), ...(name === "job_id" ? { key: "" } : {}) })}
    />
  );
}

function Lines({ tail, lines, of }: { tail: Tail; lines: LogLine[]; of: string }) {
  if (lines.length === 0 && !NAMES.some((name) => query(name))) {
    return (
      <Empty title="Nothing was logged">
        <p>What the supervisor, agents and sources say beside the facts stands here. The facts themselves stand with each unit.</p>
      </Empty>
    );
  }
  if (lines.length === 0) {
    return (
      <Empty title="No such line">
        <p>Nothing was logged that fits. Fewer filters or a longer time may show more.</p>
      </Empty>
    );
  }
  return (
    <section class="card flush" aria-label="Log lines" aria-busy={tail.busy.value}>
      <ol class={`log${tail.isOld.value ? " stale" : ""}${of ? " of-job" : ""}`}>
        {lines.map((one) => (
          <Line key={one.number} line={one} of={of} />
        ))}
      </ol>
      {tail.cursor.value ? (
        <div class="older-lines">
          <button type="button" disabled={tail.busy.value} onClick={() => void tail.older()}>
            Older lines
          </button>
        </div>
      ) : null}
    </section>
  );
}

function Line({ line, of }: { line: LogLine; of: string }) {
  return (
    <li class={`level-${line.level}`}>
      <time dateTime={line.at} title={`${line.at}, ${ago(line.at)}`}>
        {clock(line.at)}
      </time>
      <span class="level">{line.level}</span>
      <span class="source">{line.source}</span>
      <pre>{line.text}</pre>
      <small>
        {line.job_id && !of ? <a href={to("jobs", line.job_id)}>{line.job_id}</a> : null}
        {line.job_id && line.key !== null ? <a href={to("jobs", line.job_id, "units", line.key)}>{line.key}</a> : null}
      </small>
      <Copy text={`${line.at} ${line.level} ${line.source}: ${line.text}`} />
    </li>
  );
}
