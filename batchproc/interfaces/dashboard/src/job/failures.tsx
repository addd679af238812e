// Failures that are alike, largest group first: look at one, then run all of them again.
import { count, units } from "../format";
import { to } from "../router";
import type { Failure, JobStatus } from "../types";
import { Card } from "../ui/basics";
import { ask } from "./ask";

export function Failures({ job, again }: { job: JobStatus; again: () => void }) {
  const all = (job.counts.failed ?? 0) + (job.counts.flagged ?? 0);
  const grouped = job.failures.reduce((sum, group) => sum + group.count, 0);
  if (all === 0) {
    return (
      <Card title="Failures">
        <p class="quietly">None. Units that fail or are flagged alike are gathered here.</p>
      </Card>
    );
  }
  return (
    <Card title="Failures" class="failures" aside={<Others job={job} />}>
      <ul class="lines">
        {job.failures.map((group) => (
          <Group key={group.signature} job={job} group={group} again={again} />
        ))}
      </ul>
      {all > grouped ? <p class="quietly">and {units(all - grouped)} in smaller groups</p> : null}
    </Card>
  );
}

function Others({ job }: { job: JobStatus }) {
  return (
    <span class="links">
      {["failed", "flagged"]
        .filter((status) => job.counts[status])
        .map((status) => (
          <a key={status} href={to("jobs", job.job_id, "units", { status })}>
            {count(job.counts[status] ?? 0)} {status}
          </a>
        ))}
    </span>
  );
}

function Group({ job, group, again }: { job: JobStatus; group: Failure; again: () => void }) {
  const asked = { signature: group.signature, count: group.count, message: group.message };
  return (
    <li>
      <a class="n" href={to("jobs", job.job_id, "units", { signature: group.signature })} title="All units of this group">
        {count(group.count)}
      </a>
      <p class="message" title={group.message}>
        {group.message}
      </p>
      <small>
        for example <a href={to("jobs", job.job_id, "units", group.example_key)}>{group.example_key}</a>
      </small>
      <button type="button" onClick={() => ask("askRetry", job, asked, again)}>
        Retry this group
      </button>
    </li>
  );
}
