// What runs now: each unit with the newest thing that its agent did.
import { count, units } from "../format";
import { to } from "../router";
import type { JobStatus } from "../types";
import { Card } from "../ui/basics";

const MOST = 10;

export function RunningNow({ job }: { job: JobStatus }) {
  const running = job.counts.running ?? 0;
  const shown = job.running.slice(0, MOST);
  return (
    <Card
      title="Running now"
      class="running-now"
      aside={running > 0 ? <a href={to("jobs", job.job_id, "units", { status: "running" })}>{units(running)}</a> : undefined}
    >
      {shown.length === 0 ? <p class="quietly">{silence(job)}</p> : null}
      <ul class="lines">
        {shown.map((one) => (
          <li key={one.key}>
            <a href={to("jobs", job.job_id, "units", one.key)}>{one.key}</a>
            <Last event={one.last_event} attempt={one.attempt} />
          </li>
        ))}
      </ul>
      {running > shown.length && shown.length > 0 ? (
        <p class="quietly">and {count(running - shown.length)} more</p>
      ) : null}
    </Card>
  );
}

function Last({ event, attempt }: { event: string | null; attempt: number }) {
  const [kind = "", ...rest] = (event ?? "starts").split(": ");
  const said = rest.join(": ").replace(/\s+/g, " ");
  return (
    <small title={event ?? undefined}>
      {attempt > 1 ? <b>attempt {attempt} </b> : null}
      <span class="kind">{kind.replace(/^agent\./, "").replaceAll("_", " ")}</span> {said}
    </small>
  );
}

function silence(job: JobStatus): string {
  if (job.status === "running" || job.status === "pilot") {
    // Told by the server: whether nobody works on it, or all that is left waits for its time.
    return /^(nobody works|nothing to do)/.test(job.next) ? job.next : "The next units are about to start.";
  }
  return "Nothing runs.";
}
