// Change what a job may use, also while it runs: agents at a time, budget and caps, priority.
import { useEffect, useRef } from "preact/hooks";
import { type Signal, signal } from "@preact/signals";
import { job as at, Problem, send } from "../api";
import { count, money } from "../format";
import type { ControlledJob, JobStatus } from "../types";
import { Field } from "../ui/basics";
import { confirm } from "../ui/confirm";
import { Why } from "./orders";

type Name = (typeof FIELDS)[number][0];
type Values = Record<Name, Signal<string>>;

const NO_CAP = "empty: no cap";

const FIELDS = [
  ["max_concurrency", "Agents at a time", "1 to 256"],
  ["priority", "Priority", "-100 to 100: higher ones get free slots first"],
  ["budget_usd", "Budget, $", "the job pauses before it passes this"],
  ["unit_budget_usd", "Cap of one attempt, $", "empty: a tenth of the budget"],
  ["max_total_tokens", "Tokens of the whole job", NO_CAP],
  ["max_units", "Units that may be started", NO_CAP],
  ["max_wall_s", "Seconds of running", NO_CAP],
  ["breaker", "Breaker", "pauses when so many of the last 20 end badly alike; 0: never"],
] as const;

const LABELS: Record<string, string> = Object.fromEntries(FIELDS.map(([name, label]) => [name, label]));

/** Caps that can be taken away: what is said before that is done. All else is only set. */
const REMOVED: Partial<Record<Name, string>> = {
  unit_budget_usd: "a tenth of the budget from now on",
  max_total_tokens: "no cap any more",
  max_units: "no cap any more",
  max_wall_s: "no cap any more",
};

/** What cannot be so, by the field's name. */
type Wrong = Partial<Record<Name, string>>;

interface FieldProblem {
  field: string;
  way_out: string;
}

export function askSet(job: JobStatus, done: () => void): void {
  const known = (name: Name): string => before(job, name);
  const values = Object.fromEntries(FIELDS.map(([name]) => [name, signal(known(name))])) as Values;
  const [why, wrong] = [signal(""), signal<Wrong>({})];
  confirm({
    title: "Change limits",
    verb: "Change",
    body: <Form job={job} values={values} why={why} wrong={wrong} />,
    act: async () => {
      wrong.value = {};
      const changed = FIELDS.filter(([name]) => values[name].value.trim() !== known(name));
      if (changed.length === 0) throw new Problem(0, "nothing to change", "Nothing is different from what it was.");
      const body: Record<string, unknown> = { why: why.value || null };
      const unread = changed.map(([name]) => [name, wrongly(name, values[name].value)]).filter(([, words]) => words);
      wrong.value = Object.fromEntries(unread) as Wrong;
      if (unread.length) throw refused(wrong.value);
      body.remove = changed.map(([name]) => name).filter((name) => isEmpty(values[name].value));
      for (const [name] of changed) if (!isEmpty(values[name].value)) body[name] = Number(values[name].value);
      const told = await send<ControlledJob>("POST", at(job.job_id, "set"), body).catch((error: unknown) => {
        wrong.value = ofFields(error);
        throw Object.keys(wrong.value).length ? refused(wrong.value) : error;
      });
      done();
      return told.message;
    },
  });
}

/** What holds now; "": no cap. */
function before(job: JobStatus, name: Name): string {
  return String(job.limits[name] ?? "");
}

const isEmpty = (text: string): boolean => text.trim() === "";

interface FormProps {
  job: JobStatus;
  values: Values;
  why: Signal<string>;
  wrong: Signal<Wrong>;
}

function Form({ job, values, why, wrong }: FormProps) {
  const budget = Number(values.budget_usd.value);
  const fields = useRef<HTMLDivElement>(null);
  useEffect(() => {
    fields.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus();
  }, [wrong.value]);
  return (
    <>
      <p>
        It holds from the next unit on, also while the job runs. {money(job.cost_usd)} is spent,{" "}
        {money(job.spending.reserved_usd)} reserved by {count(job.counts.running ?? 0)} running units.
        {values.budget_usd.value && budget <= job.cost_usd ? " With this budget the job pauses: it has spent more." : ""}
      </p>
      <div class="fields" ref={fields}>
        {FIELDS.map(([name, label, hint]) => (
          <div key={name}>
            <Field label={label} hint={before(job, name) && isEmpty(values[name].value) ? (REMOVED[name] ?? hint) : hint}>
              <input
                inputMode="decimal"
                value={values[name].value}
                aria-invalid={wrong.value[name] ? true : undefined}
                aria-describedby={wrong.value[name] ? `wrong-${name}` : undefined}
                onInput={(event) => (values[name].value = event.currentTarget.value)}
              />
            </Field>
            {wrong.value[name] ? (
              <small class="wrong" id={`wrong-${name}`}>
                {wrong.value[name]}
              </small>
            ) : null}
          </div>
        ))}
      </div>
      <Why text={why} />
    </>
  );
}

/** The server checks the bounds; only what is no number at all is said here. */
function wrongly(name: Name, text: string): string | undefined {
  if (isEmpty(text)) {
    if (name in REMOVED) return undefined;
    return name === "budget_usd" ? "A job has a budget: it can be set, not taken away." : "It cannot be empty; give a number.";
  }
  return Number.isNaN(Number(text)) ? `“${text}” is not a number.` : undefined;
}

/** What the server says is wrong, field by field, in the names that stand in the dialog. */
function ofFields(error: unknown): Wrong {
  const told = error instanceof Problem && Array.isArray(error.body.errors) ? (error.body.errors as FieldProblem[]) : [];
  if (!told.every((one) => one.field in LABELS)) return {};
  return Object.fromEntries(told.map((one) => [one.field, sentence(named(one.way_out))])) as Wrong;
}

function refused(wrong: Wrong): Problem {
  const labels = Object.keys(wrong).map((name) => `“${LABELS[name]}”`);
  return new Problem(422, "not changed", `Nothing was changed: look at ${labels.join(" and ")}.`);
}

function named(words: string): string {
  return words.replace(/\b[a-z]+(_[a-z]+)+\b/g, (word) => (LABELS[word] ? `“${LABELS[word]}”` : word));
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1).replace(/\.$/, "")}.`;
}
