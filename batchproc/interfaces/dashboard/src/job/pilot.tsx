// What the pilot showed, for a person to decide.
import type { JobStatus } from "../types";

export function PilotReview({ job }: { job: JobStatus }) {
  return job.pilot ? <section id="pilot" class="card" aria-label="Pilot" /> : null;
}
