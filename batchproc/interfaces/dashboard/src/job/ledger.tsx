// How far a job is: the ledger with a link to the units of each status, and the figures that matter.
import { big, count, duration, FINAL, money, percent, span, STATUSES } from "../format";
import { to } from "../router";
import type { JobStatus } from "../types";
import { Bar, Figure, LedgerBar } from "../ui/basics";
import { tone } from "./words";

export function Progress({ job }: { job: JobStatus }) {
  const final = FINAL.reduce((sum, status) => sum + (job.counts[status] ?? 0), 0);
  return (
    <section class="card progress" aria-labelledby="progress">
      <h2 id="progress" class="far">
        <span class="percent">{percent(job.percent / 100, job.percent > 0 && job.percent < 100 ? 1 : 0)}</span>{" "}
        <small>
          {count(final)} of {count(job.total_units)} units are final
        </small>
      </h2>
      <LedgerBar counts={job.counts} total={job.total_units} />
      <ul class="legend">
        {STATUSES.map((status) => (
          <li key={status} class={job.counts[status] ? "" : "none"}>
            <a class={`status ${status}`} href={to("jobs", job.job_id, "units", { status })}>
              <span class="dot" aria-hidden="true" />
              <b>{count(job.counts[status] ?? 0)}</b> {status}
            </a>
          </li>
        ))}
      </ul>
      <Figures job={job} />
    </section>
  );
}

function Figures({ job }: { job: JobStatus }) {
  const { budget_usd: budget, reserved_usd: reserved } = job.spending;
  const share = job.tokens ? job.cache.read_tokens / job.tokens : 0;
  return (
    <dl class="figures">
      <Figure label="Cost" note={<Spent job={job} />}>
        {money(job.cost_usd)} <span class="of">of {money(budget)}</span>
        <Bar
          part={budget > 0 ? (job.cost_usd + reserved) / budget : 0}
          label={`${money(job.cost_usd)} spent and ${money(reserved)} reserved, of ${money(budget)}`}
          tone={tone(job.cost_usd, budget)}
        />
      </Figure>
      <Figure label="Time left" note={left(job).note}>
        {left(job).words}
      </Figure>
      <Figure label="Rate" note={pace(job)}>
        {job.rate_per_min ? `${rate(job.rate_per_min)} / min` : "—"}
      </Figure>
      <Figure label="Tokens" note={perUnit(job)}>
        {big(job.tokens)}
      </Figure>
      <Figure label="From the cache" note={`${big(job.cache.read_tokens)} read, ${big(job.cache.written_tokens)} written`}>
        {job.tokens ? percent(share) : "—"}
      </Figure>
      <Figure label="Model" note={/\((.*)\)$/s.exec(job.model)?.[1]}>
        {job.model.replace(/ \(.*\)$/s, "")}
      </Figure>
    </dl>
  );
}

function Spent({ job: { spending } }: { job: JobStatus }) {
  const parts = [
    spending.reserved_usd ? `${money(spending.reserved_usd)} reserved` : "",
    spending.wasted_usd ? `${money(spending.wasted_usd)} wasted` : "",
    spending.saved_usd ? `${money(spending.saved_usd)} saved` : "",
  ].filter(Boolean);
  return <span title={MEANING}>{parts.join(" · ") || "nothing reserved or wasted"}</span>;
}

const MEANING =
  "Reserved: the most that running agents may still cost. Wasted: spent on attempts that came to nothing. " +
  "Saved: spent on lost attempts whose conversation went on.";

function left(job: JobStatus): { words: string; note: string } {
  if (job.status === "completed") return { words: "none", note: "every unit is final" };
  if (job.status !== "running") return { words: "—", note: "while it runs" };
  const said = job.forecast?.time_s;
  if (said) return { words: span(said.low, said.high), note: `at this pace, ${percent(job.forecast?.level ?? 0.9)} sure` };
  if (job.eta_s !== null) return { words: `about ${duration(job.eta_s)}`, note: "at this pace" };
  return { words: "—", note: "known after 5 units" };
}

function perUnit(job: JobStatus): string {
  const done = (job.counts.succeeded ?? 0) + (job.counts.flagged ?? 0) + (job.counts.failed ?? 0);
  if (done && !job.tokens) return "none used";
  return done ? `${big(Math.round(job.tokens / done))} a unit that ended` : "none yet";
}

function pace({ status, rate_per_min: perMinute }: JobStatus): string {
  if (!perMinute) return status === "running" ? "known after 5 units" : "while it runs";
  return perMinute > 60 ? `${(perMinute / 60).toFixed(1)} a second` : `one every ${duration(60 / perMinute)}`;
}

function rate(perMinute: number): string {
  return perMinute >= 10 ? count(Math.round(perMinute)) : perMinute.toFixed(1);
}
