// How the house is: what was found, what is wrong with the way out, and who works.
import { useEffect } from "preact/hooks";
import { get } from "../api";
import { ago, clock, count, duration, happened, units } from "../format";
import { ticks } from "../live";
import { throttled, useResource } from "../resource";
import { to } from "../router";
import "../style/doctor.css";
import type { Doctor as Examined, Health, Workers } from "../types";
import { Card, Copy, Empty, Failed, Figure, Loading } from "../ui/basics";

const EVERY_MS = 5000;

export function Doctor() {
  const doctor = useResource<Examined>("doctor", (signal) => get("/doctor", {}, signal));
  const health = useResource<Health>("health", (signal) => get("/health", {}, signal));
  const workers = useResource<Workers>("workers", (signal) => get("/workers", {}, signal));
  useEffect(() => {
    const again = throttled(() => {
      health.again();
      workers.again();
    }, EVERY_MS);
    const timer = setInterval(again, EVERY_MS);
    const silence = ticks({}, again);
    return () => {
      clearInterval(timer);
      silence();
    };
  }, []);
  return (
    <>
      <div class="head">
        <h1>Doctor</h1>
        <div class="actions">
          <button type="button" onClick={doctor.again}>
            Examine again
          </button>
        </div>
      </div>
      <div class="grid doctor">
        <Loaded of={health} title="Health">
          {(found) => <Parts health={found} />}
        </Loaded>
        <Loaded of={workers} title="Supervisor">
          {(found) => <Supervisor workers={found} />}
        </Loaded>
        <Loaded of={doctor} title="What batchproc needs on this machine" whole>
          {(found) => <Checks doctor={found} />}
        </Loaded>
        <Programs version={health.data.value?.version ?? doctor.data.value?.version} />
      </div>
    </>
  );
}

interface LoadedProps<T> {
  of: ReturnType<typeof useResource<T>>;
  title: string;
  whole?: boolean;
  children: (found: T) => preact.ComponentChildren;
}

function Loaded<T>({ of, title, whole, children }: LoadedProps<T>) {
  const found = of.data.value;
  const problem = of.problem.value;
  return (
    <Card title={title} class={whole ? "whole" : undefined}>
      {problem ? <Failed problem={problem} again={of.again} kept={found} /> : null}
      {found ? children(found) : problem ? null : <Loading />}
    </Card>
  );
}

function Parts({ health }: { health: Health }) {
  const queue = health.queue;
  return (
    <>
      <p class={`health-word ${health.status}`}>
        <span class="dot" aria-hidden="true" />
        {health.status}
      </p>
      <ul class="checks">
        {Object.entries(health.parts).map(([name, part]) => (
          <Check key={name} name={name} ok={part.ok} found={part.found} wayOut={part.way_out ?? ""} isRequired />
        ))}
      </ul>
      <p class="aside">
        {count(health.active_jobs)} active {health.active_jobs === 1 ? "job" : "jobs"}: {units(queue.pending ?? 0)} pending,{" "}
        {count(queue.due ?? 0)} of them may run now, {count(queue.running ?? 0)} running. Lock: {health.lock}
        {health.epoch === null ? "" : `, epoch ${health.epoch}`}.
      </p>
    </>
  );
}

function Supervisor({ workers }: { workers: Workers }) {
  if (!workers.alive) {
    return (
      <Empty title="Asleep">
        <p>It starts by itself when a job needs it, and ends when there is nothing left to do.</p>
      </Empty>
    );
  }
  return (
    <>
      {workers.trouble ? <p class="note">{workers.trouble}</p> : null}
      <dl class="figures">
        <Figure label="Agents">
          {workers.agents}
          {workers.slots === null ? "" : ` of ${workers.slots}`}
        </Figure>
        <Figure label="Jobs">{workers.jobs}</Figure>
        <Figure label="Up for">
          <span title={workers.since ?? ""}>{workers.uptime_s === null ? "unknown" : duration(workers.uptime_s)}</span>
        </Figure>
        <Figure label="Epoch" note={workers.pid === null ? null : `pid ${workers.pid}`}>
          {workers.epoch ?? "unknown"}
        </Figure>
      </dl>
      <p class="aside">
        Mode {workers.mode}, guard {workers.guard ?? "unknown"}. Last event {count(workers.last_event)}
        {workers.last_event_kind ? `, ${happened(workers.last_event_kind)}` : ""}
        {workers.last_event_at ? (
          <>
            , <time title={workers.last_event_at}>{ago(workers.last_event_at)}</time>
          </>
        ) : null}
        .
      </p>
      {workers.busy.length ? <Slots busy={workers.busy} /> : null}
    </>
  );
}

function Slots({ busy }: { busy: Workers["busy"] }) {
  return (
    <ul class="slots" aria-label="Slots that are taken">
      {busy.map((one) => (
        <li key={`${one.job_id}/${one.key}`}>
          <a href={to("jobs", one.job_id, "units", one.key)}>{one.key}</a>
          <small>
            <a href={to("jobs", one.job_id)}>{one.job}</a> · attempt {one.attempt} · since{" "}
            <time title={one.since}>{clock(one.since)}</time>
          </small>
          <span class="event">{happened(one.last_event ?? "started")}</span>
        </li>
      ))}
    </ul>
  );
}

function Checks({ doctor }: { doctor: Examined }) {
  return (
    <ul class="checks wide">
      {doctor.checks.map((one) => (
        <Check key={one.name} name={one.name} ok={one.ok} found={one.found} wayOut={one.way_out} isRequired={one.required} />
      ))}
    </ul>
  );
}

interface CheckProps {
  name: string;
  ok: boolean;
  found: string;
  wayOut: string;
  isRequired: boolean;
}

function Check({ name, ok, found, wayOut, isRequired }: CheckProps) {
  const standing = ok ? "good" : isRequired ? "bad" : "lacking";
  return (
    <li class={`is-${standing}`}>
      <span class="tick-sign" role="img" aria-label={{ good: "in order", bad: "wrong", lacking: "not there, and not needed for all" }[standing]}>
        {ok ? "✓" : isRequired ? "✗" : "!"}
      </span>
      <strong>{name}</strong>
      <span class="found">{found}</span>
      {ok || !wayOut ? null : <span class="way-out">{wayOut}</span>}
    </li>
  );
}

/** The same for programs: they show a token instead of a link. */
function Programs({ version }: { version: string | undefined }) {
  const curl = `curl -H "Authorization: Bearer $(cat \${BATCHPROC_HOME:-~/.batchproc}/tokens/api)" ${location.origin}/api/v1/jobs`;
  return (
    <Card title="For programs" class="whole" aside={<small>batchproc {version ?? ""}</small>}>
      <p>
        Everything that this page shows is there for programs, with the token in <code>tokens/api</code> of the store's home. What it can
        do stands in the published document, <code>/api/v1/openapi.json</code>.
      </p>
      <div class="command">
        <pre class="block" tabIndex={0}>
          {curl}
        </pre>
        <Copy text={curl} />
      </div>
    </Card>
  );
}
