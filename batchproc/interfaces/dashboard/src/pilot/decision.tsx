// What is to be decided: the quote for the rest, and approve, change, try others, or give up.
import { type Signal, useSignal } from "@preact/signals";
import { get, job as at, Problem, send } from "../api";
import { big, duration, money, span, units } from "../format";
import { asProblem } from "../resource";
import { to } from "../router";
import type { JobStatus, PilotAnswer, PlanAnswer, QuoteAnswer, StartedJob } from "../types";
import { Card, Figure } from "../ui/basics";
import { confirm } from "../ui/confirm";
import type { Open } from "../job/pilot";
import { changed, Plan } from "./plan";

interface Props {
  job: JobStatus;
  pilot: PilotAnswer;
  chosen: Signal<string>;
  open: Signal<Open>;
  said: Signal<string>;
  /** Look at the job again: something was done. */
  again: () => void;
}

export function Decision(props: Props) {
  const { job, pilot, chosen, open } = props;
  const table = pilot.variants;
  const variant = table?.variants.find((one) => one.name === chosen.value);
  const quote = table ? variant?.quote : job.quote;
  const toggle = (form: Open) => (open.value = open.value === form ? undefined : form);
  return (
    <Card title={quote ? `The other ${units(quote.units)}` : "The rest"} class="decision">
      {table && !variant ? <p>Choose a variant to see what the rest would cost under it.</p> : null}
      {quote ? <Quote of={quote} spent={job.cost_usd} /> : null}
      {!quote && !(table && !variant) ? <p>There is no quote: too little has run to say what the rest comes to.</p> : null}
      <Buttons {...props} variant={variant?.name} />
      <div class="others">
        <button type="button" aria-expanded={open.value === "change"} onClick={() => toggle("change")}>
          Change
        </button>
        <button type="button" aria-expanded={open.value === "try"} onClick={() => toggle("try")}>
          Try variants
        </button>
        <Ending job={job} again={props.again} />
      </div>
    </Card>
  );
}

export function Quote({ of, spent }: { of: QuoteAnswer; spent: number }) {
  const isFree = of.cost_usd.high === 0;
  return (
    <>
      <dl class="rest">
        <Figure label="Cost" note={isFree ? null : `most likely ${money(of.cost_usd.mid)}`}>
          {isFree ? "free" : span(of.cost_usd.low, of.cost_usd.high, money)}
        </Figure>
        <Figure label="Time" note={`most likely ${duration(of.time_s.mid)}`}>
          {span(of.time_s.low, of.time_s.high)}
        </Figure>
        <Figure label="Tokens">{of.tokens.high ? span(of.tokens.low, of.tokens.high, big) : "none"}</Figure>
        {of.budget_usd === null || of.budget_usd === undefined ? null : (
          <Figure label="Budget" note={`for the whole job, ${money(spent)} of it spent; never passed`}>
            {money(of.budget_usd)}
          </Figure>
        )}
      </dl>
      <p class="basis">
        {of.basis.charAt(0).toUpperCase()}
        {of.basis.slice(1)}.
      </p>
    </>
  );
}

/** Approve: the plan is fetched first, so that what is agreed to is the exact text that was read. */
function Buttons({ job, pilot, said, variant, again }: Props & { variant: string | undefined }) {
  const problem = useSignal<Problem | undefined>(undefined);
  const busy = useSignal(false);
  const ask = async () => {
    busy.value = true;
    problem.value = undefined;
    try {
      const plan = await get<PlanAnswer>(at(job.job_id, "plan"), { variant });
      approve(job, plan, variant, () => {
        said.value = "";
        again();
      });
    } catch (error) {
      problem.value = asProblem(error);
    } finally {
      busy.value = false;
    }
  };
  const needsChoice = Boolean(pilot.variants) && variant === undefined;
  return (
    <>
      <button type="button" class="primary wide" disabled={needsChoice || busy.value} onClick={ask}>
        {variant ? `Approve “${variant}”…` : "Approve…"}
      </button>
      {problem.value ? <Refused problem={problem.value} /> : null}
    </>
  );
}

function approve(job: JobStatus, plan: PlanAnswer, variant: string | undefined, done: () => void): void {
  confirm({
    title: variant ? `Let all of it run as “${variant}”?` : "Let all of it run?",
    body: <Plan text={plan.text} />,
    verb: "Approve and start",
    act: async () => {
      if (await changed(job.job_id, plan, variant)) {
        throw new Problem(409, "changed", "The plan is another one since you read it, and nothing was started. Close this and look again.");
      }
      await send<StartedJob>("POST", at(job.job_id, "start"), { confirmed: true, plan: plan.plan, variant });
      done();
      return "Approved: the rest runs now.";
    },
  });
}

function Ending({ job, again }: { job: JobStatus; again: () => void }) {
  const problem = useSignal<Problem | undefined>(undefined);
  const end = async () => {
    problem.value = undefined;
    try {
      const { variants } = await get<PlanAnswer>(at(job.job_id, "plan"));
      if (variants.includes("before")) takeBack(job, await get(at(job.job_id, "plan"), { variant: "before" }), again);
      else reject(job, again);
    } catch (error) {
      problem.value = asProblem(error);
    }
  };
  const isChange = job.is_trying;
  return (
    <>
      <button type="button" class="quiet" onClick={end}>
        {isChange ? "Take the change back…" : "Reject…"}
      </button>
      {problem.value ? <Refused problem={problem.value} /> : null}
    </>
  );
}

function reject(job: JobStatus, again: () => void): void {
  confirm({
    title: "Reject the pilot and cancel the job?",
    body: <p>The rest never runs. What the pilot answered stays and can be read and exported. This is not undone.</p>,
    verb: "Reject",
    danger: true,
    act: async () => {
      await send("POST", at(job.job_id, "cancel"));
      again();
      return "Rejected: the job is cancelled.";
    },
  });
}

function takeBack(job: JobStatus, plan: PlanAnswer, again: () => void): void {
  confirm({
    title: "Take the change back?",
    body: <Plan text={plan.text} />,
    verb: "Take it back",
    danger: true,
    act: async () => {
      await send<StartedJob>("POST", at(job.job_id, "start"), { confirmed: true, plan: plan.plan, variant: "before" });
      again();
      return "Taken back: every unit has the answer that it had before.";
    },
  });
}

export function Refused({ problem }: { problem: Problem }) {
  return (
    <p class="failed" role="alert">
      {problem.message} {problem.type.endsWith("approval-needed") ? <a href={to("approvals")}>Go to approvals</a> : null}
    </p>
  );
}
