// What a person can do with a job: each says what it will do in numbers, is asked once, and shows the server's words.
import { type Signal, signal } from "@preact/signals";
import { get, job as at, Problem, send } from "../api";
import { count, money, units } from "../format";
import { go } from "../router";
import type { ControlledJob, JobSpec, JobStatus, PlanAnswer, StartedJob } from "../types";
import { Field } from "../ui/basics";
import { confirm } from "../ui/confirm";
import { plain } from "./words";

export type Order = (job: JobStatus, done: () => void) => void;

export const askPause: Order = (job, done) => {
  const [how, why] = [signal("drain"), signal("")];
  const running = job.counts.running ?? 0;
  confirm({
    title: "Pause the job",
    verb: "Pause",
    body: (
      <>
        <p>Nothing more is started; {units(job.counts.pending ?? 0)} wait until it is resumed.</p>
        {running > 0 ? (
          <Choice
            name="Of what runs"
            chosen={how}
            choices={[
              ["drain", `Let ${units(running)} run to the end`, isFree(job) ? "It is free." : `${running === 1 ? "It" : "They"} may still cost ${money(job.spending.reserved_usd)}.`],
              ["stop", `Stop ${units(running)} now`, running === 1 ? "It goes back to the queue, and runs again later." : "They go back to the queue, and run again later."],
            ]}
          />
        ) : null}
        <Why text={why} />
      </>
    ),
    act: () => control(job, "pause", { drain: how.value === "drain", why: why.value || null }, done),
  });
};

export const askResume: Order = (job, done) => {
  const why = signal("");
  confirm({
    title: "Resume the job",
    verb: "Resume",
    body: (
      <>
        <p>
          {units(job.counts.pending ?? 0)} {job.counts.pending === 1 ? "goes" : "go"} on. {left(job)}
        </p>
        <Why text={why} />
      </>
    ),
    act: () => control(job, "resume", { why: why.value || null }, done),
  });
};

export const askCancel: Order = (job, done) => {
  const why = signal("");
  const [running, pending] = [job.counts.running ?? 0, job.counts.pending ?? 0];
  confirm({
    title: "Cancel the job",
    verb: "Cancel the job",
    danger: true,
    body: (
      <>
        <p>
          It ends. {running ? `${units(running)} that run are stopped within seconds, ` : ""}
          {units(pending)} will not be run; {count(job.total_units - running - pending)} that are final stay as they are.
        </p>
        <p>What was cancelled can be taken up again.</p>
        <Why text={why} />
      </>
    ),
    act: () => control(job, "cancel", { why: why.value || null }, done),
  });
};

export const askDelete: Order = (job) => {
  const why = signal("");
  confirm({
    title: "Delete",
    about: job.name,
    verb: `Delete ${units(job.total_units)}`,
    danger: true,
    body: (
      <>
        <p>
          The job, its {units(job.total_units)}, their answers, conversations and files are removed, and cannot be brought back.
          Files that it published or exported stay.
        </p>
        <Why text={why} />
      </>
    ),
    act: async () => {
      const told = await send<{ message: string }>("DELETE", at(job.job_id), { why: why.value || null });
      go("/");
      return plain(told.message);
    },
  });
};

/** A job that has not run: its pilot, or all of it at once. */
export const askStart: Order = async (job, done) => {
  const [how, why, plan] = [signal("pilot"), signal(""), signal("Reading what that means…")];
  let seen: PlanAnswer | undefined;
  void get<PlanAnswer>(at(job.job_id, "plan"), { skip_pilot: true }).then(
    (answer) => {
      seen = answer;
      plan.value = answer.text ?? "Nobody has to agree to anything: it may start.";
    },
    (error: Error) => (plan.value = error.message),
  );
  const spec = await get<JobSpec>(at(job.job_id, "spec")).catch(() => undefined);
  const tries = Math.min(spec?.options.pilot_units ?? 3, job.total_units);
  confirm({
    title: "Start the job",
    verb: "Start",
    body: (
      <>
        <Choice
          name="How"
          chosen={how}
          choices={[
            [
              "pilot",
              `Try ${units(tries)} first`,
              "The pilot: its answers and a quote for the rest are shown, and nothing more runs until you approve.",
            ],
            ["all", `Run all ${units(job.total_units)} at once`, plan],
          ]}
        />
        <p>{left(job)}</p>
        <Why text={why} />
      </>
    ),
    act: async () => {
      const all = how.value === "all";
      if (all && !seen) {
        throw new Problem(0, "nothing to agree to", "What that means was not read yet, and nothing was started. Wait for it, or look again.");
      }
      const body = { skip_pilot: all, confirmed: all, plan: all ? seen?.plan : null, why: why.value || null };
      const told = await send<StartedJob>("POST", at(job.job_id, "start"), body);
      done();
      return plain(told.message);
    },
  });
};

async function control(job: JobStatus, verb: string, body: object, done: () => void): Promise<string> {
  const told = await send<ControlledJob>("POST", at(job.job_id, verb), body);
  done();
  return plain(told.message);
}

export function isFree(job: JobStatus): boolean {
  return job.model.startsWith("rehearsal");
}

/** What it may still spend. */
export function left(job: JobStatus): string {
  const { budget_usd: budget } = job.spending;
  if (isFree(job)) return "It is free: the rehearsal model is not Claude.";
  return `${money(job.cost_usd)} of the budget of ${money(budget)} is spent; it pauses before it passes that.`;
}

interface ChoiceProps {
  name: string;
  chosen: Signal<string>;
  choices: [string, string, string | Signal<string>][];
}

export function Choice({ name, chosen, choices }: ChoiceProps) {
  return (
    <fieldset class="choice">
      <legend>{name}</legend>
      {choices.map(([value, label, about]) => (
        <label key={value} class="check">
          <input
            type="radio"
            name={name}
            checked={chosen.value === value}
            onChange={() => (chosen.value = value)}
          />
          <span>
            {label}
            <small>{typeof about === "string" ? about : about.value}</small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

export function Why({ text }: { text: Signal<string> }) {
  return (
    <Field label="Why" hint="Kept with the change; may be left empty.">
      <input value={text.value} onInput={(event) => (text.value = event.currentTarget.value)} />
    </Field>
  );
}
