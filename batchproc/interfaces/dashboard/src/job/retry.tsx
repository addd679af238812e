// Ask for final units again: says how many, what that costs at what units have cost so far, and takes further instructions.
import { type Signal, signal } from "@preact/signals";
import { job as at, send } from "../api";
import { FINAL, money, units } from "../format";
import type { ControlledJob, JobStatus } from "../types";
import { Field } from "../ui/basics";
import { confirm } from "../ui/confirm";
import { isFree } from "./orders";
import { plain } from "./words";

export interface Again {
  signature?: string;
  status?: string;
  keys?: string[];
  count: number;
  /** What they have in common. */
  message?: string;
}

export function askRetry(job: JobStatus, again: Again, done: () => void): void {
  const instructions = signal("");
  const goOn = signal(false);
  const { count, message, ...which } = again;
  confirm({
    title: `Retry ${units(count)}`,
    verb: `Retry ${units(count)}`,
    body: <Form job={job} again={again} instructions={instructions} goOn={goOn} />,
    act: async () => {
      const body = { ...which, instructions: instructions.value.trim() || null, continue_session: goOn.value };
      const told = await send<ControlledJob>("POST", at(job.job_id, "retry"), body);
      done();
      return plain(told.message);
    },
  });
}

interface FormProps {
  job: JobStatus;
  again: Again;
  instructions: Signal<string>;
  goOn: Signal<boolean>;
}

function Form({ job, again, instructions, goOn }: FormProps) {
  const left = job.spending.budget_usd - job.cost_usd;
  return (
    <>
      {again.message ? <p class="message whole">{again.message}</p> : null}
      <p>
        {again.count === 1 ? "It runs" : "They run"} again with all attempts before {again.count === 1 ? "it" : "them"}, and {" "}
        {isFree(job)
          ? "that is free: the rehearsal model is not Claude."
          : `that spends money: ${expected(job, again.count)}. ${money(Math.max(0, left))} of the budget is left.`}
        {job.status === "paused" ? " The job is paused: they wait until it is resumed." : ""}
      </p>
      <Field label="Further instructions" hint="Added to the job's own for these units only. Leave it empty to try the same again.">
        <textarea value={instructions.value} onInput={(event) => (instructions.value = event.currentTarget.value)} />
      </Field>
      <label class="check">
        <input type="checkbox" checked={goOn.value} onChange={(event) => (goOn.value = event.currentTarget.checked)} />
        Go on in each unit's last conversation, where it is still there
      </label>
    </>
  );
}

function expected(job: JobStatus, n: number): string {
  const ran = FINAL.filter((status) => status !== "skipped" && status !== "cancelled");
  const ended = ran.reduce((sum, status) => sum + (job.counts[status] ?? 0), 0);
  if (!ended) return "how much is not known yet";
  const each = job.cost_usd / ended;
  return `about ${money(each * n)}, at the ${money(each)} that a unit has cost so far`;
}
