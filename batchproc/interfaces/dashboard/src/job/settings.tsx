// Change what a job may use, also while it runs: agents at a time, budget and caps, priority.
import { type Signal, signal } from "@preact/signals";
import { job as at, Problem, send } from "../api";
import { count, money } from "../format";
import type { ControlledJob, JobStatus } from "../types";
import { Field } from "../ui/basics";
import { confirm } from "../ui/confirm";
import { Why } from "./orders";

type Name = (typeof FIELDS)[number][0];
type Values = Record<Name, Signal<string>>;

const FIELDS = [
  ["max_concurrency", "Agents at a time", "1 to 256"],
  ["priority", "Priority", "-100 to 100: higher ones get free slots first"],
  ["budget_usd", "Budget, $", "the job pauses before it passes this"],
  ["unit_budget_usd", "Cap of one attempt, $", "empty: a tenth of the budget"],
  ["max_total_tokens", "Tokens of the whole job", "empty: no cap"],
  ["max_units", "Units that may be started", "empty: no cap"],
  ["max_wall_s", "Seconds of running", "empty: no cap"],
  ["breaker", "Breaker", "pauses when so many of the last 20 end badly alike; 0: never"],
] as const;

export function askSet(job: JobStatus, done: () => void): void {
  const known = (name: Name): string => String(job.limits[name] ?? "");
  const values = Object.fromEntries(FIELDS.map(([name]) => [name, signal(known(name))])) as Values;
  const why = signal("");
  confirm({
    title: "Change limits",
    verb: "Change",
    body: <Form job={job} values={values} why={why} />,
    act: async () => {
      const changed = FIELDS.filter(([name]) => values[name].value.trim() !== known(name));
      if (changed.length === 0) throw new Problem(0, "nothing to change", "Nothing is different from what it was.");
      const body: Record<string, unknown> = { why: why.value || null };
      for (const [name, label] of changed) body[name] = number(values[name].value, label);
      const told = await send<ControlledJob>("POST", at(job.job_id, "set"), body);
      done();
      return told.message;
    },
  });
}

function Form({ job, values, why }: { job: JobStatus; values: Values; why: Signal<string> }) {
  const budget = Number(values.budget_usd.value);
  return (
    <>
      <p>
        It holds from the next unit on, also while the job runs. {money(job.cost_usd)} is spent,{" "}
        {money(job.spending.reserved_usd)} reserved by {count(job.counts.running ?? 0)} running units.
        {values.budget_usd.value && budget <= job.cost_usd ? " With this budget the job pauses: it has spent more." : ""}
      </p>
      <div class="fields">
        {FIELDS.map(([name, label, hint]) => (
          <Field key={name} label={label} hint={hint}>
            <input
              inputMode="decimal"
              value={values[name].value}
              onInput={(event) => (values[name].value = event.currentTarget.value)}
            />
          </Field>
        ))}
      </div>
      <Why text={why} />
    </>
  );
}

/** The server checks the bounds; only what is no number at all is said here. */
function number(text: string, label: string): number {
  const read = Number(text.trim());
  if (text.trim() === "") throw new Problem(0, "no value", `${label}: a cap cannot be taken away again; give a higher number.`);
  if (Number.isNaN(read)) throw new Problem(0, "no number", `${label}: “${text}” is not a number.`);
  return read;
}
