// All jobs: what moves, what waits for somebody, and what it cost.
import { useEffect } from "preact/hooks";
import { get } from "../api";
import { money, units } from "../format";
import { ticks } from "../live";
import { throttled, useResource } from "../resource";
import { query, setQuery, to } from "../router";
import type { JobCard, JobCards } from "../types";
import { Bar, Empty, Failed, LedgerBar, Loading, Status } from "../ui/basics";

export function Jobs() {
  const [text, status] = [query("text"), query("status")];
  const jobs = useResource<JobCards>(`${text}\n${status}`, (signal) => get("/jobs", { text, status }, signal));
  useEffect(() => ticks({}, throttled(jobs.again, 1000)), []);
  return (
    <>
      <div class="head">
        <h1>Jobs</h1>
        <div class="actions">
          <input
            type="search"
            aria-label="Search jobs"
            placeholder="Name or id"
            value={text}
            onInput={(event) => setQuery({ text: event.currentTarget.value })}
          />
        </div>
      </div>
      {jobs.problem.value ? <Failed problem={jobs.problem.value} again={jobs.again} /> : null}
      {jobs.data.value ? <List jobs={jobs.data.value.jobs} /> : jobs.problem.value ? null : <Loading />}
    </>
  );
}

function List({ jobs }: { jobs: JobCard[] }) {
  if (jobs.length === 0) {
    return (
      <Empty title="No jobs yet">
        <p>
          Ask your assistant to “review these contracts”, or run <code>batchproc demo</code> in a terminal.
        </p>
      </Empty>
    );
  }
  return (
    <div class="stack">
      {jobs.map((job) => (
        <a key={job.job_id} class="card job-card" href={to("jobs", job.job_id)}>
          <h2>{job.name}</h2>
          <Status of={job.status} reason={job.detail ?? job.reason} />
          <LedgerBar counts={job.counts} total={job.total_units} thin />
          <small>{units(job.total_units)}</small>
          <Bar part={job.cost_usd / job.budget_usd} label={`${money(job.cost_usd)} of ${money(job.budget_usd)}`} />
        </a>
      ))}
    </div>
  );
}
