// A job on one line of the list: how far it is, what it costs, how long it takes, and what it waits for.
import type { VNode } from "preact";
import { ago, count, money, percent, span, STATUSES, units } from "../format";
import { ENDED, needsPerson, shortReason, tone, waitsFor } from "../job/words";
import { to } from "../router";
import type { JobCard } from "../types";
import { Bar, LedgerBar, Status } from "../ui/basics";

const drawn = new WeakMap<JobCard, { until: number; row: VNode }>();
const [MINUTE_MS, DAY_MS] = [60_000, 86_400_000];

/** The row of a job; the same one while neither the job nor what is said of its age has changed: 1,000 rows cost nothing. */
export function rowOf(job: JobCard, now: number): VNode {
  const known = drawn.get(job);
  if (known && now < known.until) return known.row;
  const old = now - Date.parse(job.created_at) > 2 * DAY_MS && job.finished_at !== null;
  const row = <Row key={job.job_id} job={job} now={now} />;
  drawn.set(job, { until: now + (old ? DAY_MS / 24 : MINUTE_MS / 2), row });
  return row;
}

interface Props {
  job: JobCard;
  now: number;
}

function Row({ job, now }: Props) {
  const needs = needsPerson(job);
  const why = job.detail ?? (job.status === "failed" ? job.reason : null);
  return (
    <li class={`job-row${needs ? " needs" : ""}`}>
      <div class="what">
        <a href={to("jobs", job.job_id)} data-row>
          {job.name}
        </a>
        <small>
          <span class="mono">{job.job_id}</span> · {shortModel(job.model)}
        </small>
      </div>
      <div class="state">
        <Status of={job.status} reason={shortReason(job)} />
        {why && !needs ? <small title={why}>{why}</small> : null}
      </div>
      <div class="far">
        <span class="percent">{percent(job.percent / 100)}</span>
        <LedgerBar counts={job.counts} total={job.total_units} thin />
        <small>{ledger(job)}</small>
      </div>
      <Cost job={job} />
      <Times job={job} now={now} />
      {needs ? <Todo job={job} /> : null}
    </li>
  );
}

function Todo({ job }: { job: JobCard }) {
  const waits = waitsFor(job);
  return (
    <p class="todo">
      <strong>{waits?.title}.</strong> {job.detail ? `${sentence(job.detail)} ` : ""}
      {waits?.todo}
    </p>
  );
}

function Cost({ job }: { job: JobCard }) {
  const words = `${money(job.cost_usd)} of ${money(job.budget_usd)}`;
  return (
    <div class="cost">
      <span>
        {money(job.cost_usd)} <small>of {money(job.budget_usd)}</small>
      </span>
      <Bar part={job.budget_usd > 0 ? job.cost_usd / job.budget_usd : 0} label={words} tone={tone(job.cost_usd, job.budget_usd)} />
    </div>
  );
}

function Times({ job, now }: { job: JobCard; now: number }) {
  return (
    <div class="times">
      {job.time_s ? (
        <span>{span(job.time_s.low, job.time_s.high)} left</span>
      ) : job.finished_at && ENDED.has(job.status) ? (
        <span title={job.finished_at}>ended {ago(job.finished_at, now)}</span>
      ) : null}
      <small title={job.created_at}>made {ago(job.created_at, now)}</small>
    </div>
  );
}

/** How many, and what is not as it should be, or on its way. The bar has all of it in words. */
function ledger(job: JobCard): string {
  if (job.status === "enumerating") return `${count(job.total_units)} found so far`;
  const parts = STATUSES.filter((status) => status !== "pending" && status !== "succeeded" && job.counts[status]);
  const words = parts.map((status) => `${count(job.counts[status] ?? 0)} ${status}`);
  return [units(job.total_units), ...words].join(" · ");
}

export function shortModel(model: string): string {
  return model.replace(/ \(.*\)$/s, "");
}

function sentence(text: string): string {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}
