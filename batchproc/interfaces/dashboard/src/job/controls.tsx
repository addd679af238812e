// The verbs of a job: the one that it waits for as a button, all others in a menu.
import type { JobStatus } from "../types";
import { Menu } from "../ui/menu";
import { ask } from "./ask";
import { ENDED, waitsFor, WORKING } from "./words";

interface Props {
  job: JobStatus;
  again: () => void;
}

export function Controls({ job, again }: Props) {
  const hasUnits = job.total_units > 0 && job.status !== "enumerating";
  return (
    <>
      <MainVerb job={job} again={again} />
      {WORKING.has(job.status) ? (
        <button type="button" onClick={() => ask("askPause", job, again)}>
          Pause…
        </button>
      ) : null}
      {hasUnits ? (
        <button type="button" onClick={() => ask("askExport", job)}>
          Export…
        </button>
      ) : null}
      <Menu label="More">
        {job.status === "failed" ? null : (
          <button type="button" onClick={() => ask("askSet", job, again)}>
            Change limits…
          </button>
        )}
        {hasUnits ? (
          <button type="button" onClick={() => ask("askSource", job, again)}>
            Update from the source…
          </button>
        ) : null}
        <Retries job={job} again={again} />
        {ENDED.has(job.status) ? null : (
          <button type="button" class="risky" onClick={() => ask("askCancel", job, again)}>
            Cancel the job…
          </button>
        )}
        <button type="button" class="risky" onClick={() => ask("askDelete", job, again)}>
          Delete the job…
        </button>
      </Menu>
    </>
  );
}

/** What the job waits for, if a button does it. */
function MainVerb({ job, again }: Props) {
  const verbs = {
    start: ["Start…", () => ask("askStart", job, again)],
    resume: ["Resume…", () => ask("askResume", job, again)],
    raise: ["Raise the cap…", () => ask("askSet", job, again)],
    again: ["Take up again…", () => ask("askRetry", job, { status: "cancelled", count: job.counts.cancelled ?? 0 }, again)],
    pilot: ["To the pilot", () => document.getElementById("pilot")?.scrollIntoView({ block: "start" })],
  } as const;
  const action = waitsFor(job)?.action;
  if (!action) return null;
  const [words, act] = verbs[action];
  return (
    <button type="button" class="primary" onClick={act}>
      {words}
    </button>
  );
}

function Retries({ job, again }: Props) {
  return (
    <>
      {["failed", "flagged", "skipped"].map((status) => {
        const count = job.counts[status] ?? 0;
        return count > 0 ? (
          <button key={status} type="button" onClick={() => ask("askRetry", job, { status, count }, again)}>
            Retry all {status}…
          </button>
        ) : null;
      })}
    </>
  );
}
