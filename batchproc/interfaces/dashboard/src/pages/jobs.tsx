// All jobs: what waits for somebody, what moves, and what it cost.
import { useEffect, useMemo, useRef } from "preact/hooks";
import { count, units } from "../format";
import { needsPerson } from "../job/words";
import { type House, HouseLine, useHouse } from "../jobs/house";
import { type JobList, useJobList } from "../jobs/list";
import { rowOf } from "../jobs/row";
import { useKeys } from "../keys";
import { ticks } from "../live";
import { throttled } from "../resource";
import { go, query, setQuery, to } from "../router";
import "../style/jobs.css";
import type { JobCard } from "../types";
import { Empty, Failed, Loading } from "../ui/basics";

const ORDER = ["running", "pilot", "review", "paused", "enumerating", "ready", "completed", "failed", "cancelled"];
const TYPED_MS = 200;
const AT_MOST_EVERY_MS = 1000;
/** Also without a tick: what happened while the stream was away. */
const AT_LEAST_EVERY_MS = 30_000;

export function Jobs() {
  const [text, status] = [query("text"), query("status")];
  const list = useJobList(text, status);
  const { house, again } = useHouse();
  useChanges(list, again);
  return (
    <>
      <div class="head">
        <div>
          <h1>Jobs</h1>
          <HouseLine house={house} />
        </div>
      </div>
      <Filters house={house} text={text} status={status} />
      {list.problem.value ? <Failed problem={list.problem.value} again={() => list.again()} kept={list.jobs.value} /> : null}
      {list.jobs.value ? <Lists list={list} jobs={list.jobs.value} house={house} /> : list.problem.value ? null : <Loading />}
    </>
  );
}

/** Load again what ticks say has changed; never more than once a second. */
function useChanges(list: JobList, house: () => void): void {
  const newest = useRef(list);
  newest.current = list;
  useEffect(() => {
    const changed = new Set<string>();
    const renew = throttled(() => {
      newest.current.again([...changed]);
      changed.clear();
      house();
    }, AT_MOST_EVERY_MS);
    const stop = ticks({}, (tick) => {
      for (const id of tick.jobs) changed.add(id);
      renew();
    });
    const timer = setInterval(() => document.hidden || renew(), AT_LEAST_EVERY_MS);
    return () => {
      clearInterval(timer);
      stop();
    };
  }, []);
}

function Filters({ house, text, status }: { house: House | undefined; text: string; status: string }) {
  const search = useRef<HTMLInputElement>(null);
  const typed = useMemo(() => settled((value: string) => setQuery({ text: value }), TYPED_MS), []);
  useKeys({ "/": () => search.current?.focus() });
  const counts = house?.today.jobs ?? {};
  const all = Object.values(counts).reduce((sum, n) => sum + n, 0);
  const shown = ORDER.filter((one) => counts[one] || one === status);
  return (
    <div class="filters">
      <input
        ref={search}
        type="search"
        aria-label="Search jobs by name or id"
        placeholder="Name or id"
        defaultValue={text}
        onInput={(event) => typed(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
      />
      <nav class="chips" aria-label="Jobs by status">
        <Chip label="all" n={all} href={to({ text })} here={!status} />
        {shown.map((one) => (
          <Chip key={one} label={one} n={counts[one] ?? 0} href={to({ text, status: one })} here={status === one} />
        ))}
      </nav>
    </div>
  );
}

function Chip({ label, n, href, here }: { label: string; n: number; href: string; here: boolean }) {
  return (
    <a href={href} aria-current={here ? "true" : undefined}>
      {label} <span>{count(n)}</span>
    </a>
  );
}

function Lists({ list, jobs, house }: { list: JobList; jobs: JobCard[]; house: House | undefined }) {
  const narrowed = query("text") !== "" || query("status") !== "";
  const waiting = narrowed ? [] : (house?.waiting ?? []).filter(needsPerson);
  const approvals = narrowed ? [] : (house?.approvals ?? []);
  const apart = new Set(waiting.map((job) => job.job_id));
  const rest = jobs.filter((job) => !apart.has(job.job_id));
  useRows();
  if (jobs.length === 0 && approvals.length === 0) return <Nothing narrowed={narrowed} />;
  const now = Date.now();
  return (
    <>
      {waiting.length + approvals.length > 0 ? (
        <section aria-labelledby="waiting">
          <h2 id="waiting" class="group">
            Waiting for a person <span>{count(waiting.length + approvals.length)}</span>
          </h2>
          <ul class="job-list">
            {approvals.map((one) => (
              <li key={one.hash} class="job-row needs">
                <div class="what alone">
                  <a href={to("approvals")} data-row>
                    Approve {one.what}
                  </a>
                  <small>
                    <span class="mono">{one.name}</span>
                  </small>
                </div>
                <p class="todo">Read what it would allow, then allow it or say no.</p>
              </li>
            ))}
            {waiting.map((job) => rowOf(job, now))}
          </ul>
        </section>
      ) : null}
      <section aria-labelledby="all">
        <h2 id="all" class="group">
          {narrowed ? "Found" : waiting.length ? "All others" : "All"} <span>{count(list.total.value - waiting.length)}</span>
        </h2>
        <ul class="job-list">
          {rest.map((job) => rowOf(job, now))}
        </ul>
        {list.hasMore.value ? (
          <button type="button" class="more" onClick={list.more}>
            More of {units(list.total.value, "job")}
          </button>
        ) : null}
      </section>
    </>
  );
}

/** j and k go from row to row, Enter opens it. The browser's focus is the selection. */
function useRows(): void {
  const last = useRef(-1);
  const move = (by: number) => {
    const rows = [...document.querySelectorAll<HTMLAnchorElement>("a[data-row]")];
    const at = rows.indexOf(document.activeElement as HTMLAnchorElement);
    const next = Math.min(rows.length - 1, Math.max(0, (at < 0 ? last.current : at) + by));
    last.current = next;
    rows[next]?.focus();
    rows[next]?.scrollIntoView({ block: "nearest" });
  };
  useKeys({ j: () => move(1), k: () => move(-1), Escape: () => (document.activeElement as HTMLElement | null)?.blur() });
}

function Nothing({ narrowed }: { narrowed: boolean }) {
  if (narrowed) {
    return (
      <Empty title="No job matches">
        <p>
          <button type="button" onClick={() => go("/")}>
            Show all jobs
          </button>
        </p>
      </Empty>
    );
  }
  return (
    <Empty title="No jobs yet">
      <p>
        Ask your assistant to “review these contracts”, or run <code>batchproc demo</code> in a terminal. Jobs appear here by
        themselves.
      </p>
    </Empty>
  );
}

/** Once nothing more came for `ms`. */
function settled(action: (value: string) => void, ms: number): (value: string) => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (value) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(value), ms);
  };
}
