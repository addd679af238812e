// What runs now: each unit with the newest thing that its agent did.
import { useRef } from "preact/hooks";
import { count, units } from "../format";
import { to } from "../router";
import type { JobStatus } from "../types";
import { Card } from "../ui/basics";
import { WORKING } from "./words";

type Running = JobStatus["running"][number];

const MOST = 10;

export function RunningNow({ job }: { job: JobStatus }) {
  const running = job.counts.running ?? 0;
  const places = usePlaces(job.running.slice(0, MOST), WORKING.has(job.status));
  const all = to("jobs", job.job_id, "units", { status: "running" });
  return (
    <Card title="Running now" class="running-now" aside={running > 0 ? <a href={all}>{units(running)}</a> : undefined}>
      {running === 0 ? <p class="quietly">{silence(job)}</p> : null}
      <ul class="lines">
        {places.map((one, n) => (
          <li key={n}>{one ? <Line id={job.job_id} one={one} /> : null}</li>
        ))}
      </ul>
      {running > MOST ? <p class="quietly">and {count(running - MOST)} more</p> : null}
    </Card>
  );
}

function Line({ id, one }: { id: string; one: Running }) {
  const [kind = "", ...rest] = (one.last_event ?? "starts").split(": ");
  return (
    <>
      <a href={to("jobs", id, "units", one.key)}>{one.key}</a>
      <small title={one.last_event ?? undefined}>
        {one.attempt > 1 ? <b>attempt {one.attempt} </b> : null}
        <span class="kind">{kind.replace(/^(agent|unit)\./, "").replaceAll("_", " ")}</span>{" "}
        {rest.join(": ").replace(/\s+/g, " ")}
      </small>
    </>
  );
}

/** Who runs keeps his place, and who comes takes a free one: what one reads does not move. */
function usePlaces(running: Running[], working: boolean): (Running | undefined)[] {
  const keys = useRef<(string | undefined)[]>([]);
  const now = new Map(running.map((one) => [one.key, one]));
  const places = working ? keys.current.map((key) => (key !== undefined && now.has(key) ? key : undefined)) : [];
  for (const { key } of running) {
    if (places.includes(key)) continue;
    const free = places.indexOf(undefined);
    places[free < 0 ? places.length : free] = key;
  }
  keys.current = places;
  return places.map((key) => (key === undefined ? undefined : now.get(key)));
}

function silence(job: JobStatus): string {
  if (!WORKING.has(job.status)) return "Nothing runs.";
  // The server says it where all that is left waits for its time.
  return job.next.startsWith("nothing to do") ? job.next : "The next units are about to start.";
}
