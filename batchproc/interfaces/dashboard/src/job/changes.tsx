// Who did what with the job, and why.
import { ago } from "../format";
import { to } from "../router";
import type { JobStatus } from "../types";
import { Card } from "../ui/basics";

export function Changes({ job }: { job: JobStatus }) {
  return (
    <Card title="Changes" aside={<a href={to("logs", { job_id: job.job_id })}>Logs</a>}>
      {job.changes.length === 0 ? <p class="quietly">Nobody has changed anything yet.</p> : null}
      <ol class="lines changes">
        {job.changes.map((change) => (
          <li key={change.at + change.kind}>
            <b>{change.kind.replace(/^(job|unit)\./, "").replaceAll("_", " ")}</b> by <bdi>{change.by}</bdi>
            {change.why ? <q>{change.why}</q> : null}
            <small title={change.at}>{ago(change.at)}</small>
          </li>
        ))}
      </ol>
    </Card>
  );
}
