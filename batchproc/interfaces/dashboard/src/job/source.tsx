// Take in what changed in the source: it is read first and the plan shown; only then is anything changed.
import { useEffect } from "preact/hooks";
import { type Signal, signal } from "@preact/signals";
import { job as at, Problem, send } from "../api";
import { count, money, span } from "../format";
import { asProblem } from "../resource";
import type { JobStatus, SourceUpdate } from "../types";
import { confirm } from "../ui/confirm";
import { Why } from "./orders";
import { plain } from "./words";

const LOOK_AGAIN_MS = 1000;

interface Found {
  plan?: SourceUpdate;
  problem?: Problem;
}

export function askSource(job: JobStatus, done: () => void): void {
  const found = signal<Found>({});
  const [open, why] = [signal(true), signal("")];
  void read(job.job_id, found, open);
  confirm({
    title: "Update from the source",
    verb: "Apply the plan",
    body: <Plan found={found} why={why} open={open} />,
    act: async () => {
      const { plan } = found.value;
      if (plan?.state !== "plan") throw new Problem(0, "no plan", plan?.state === "same" ? "The source is as it was: there is nothing to apply." : "It is not read through yet.");
      const told = await send<SourceUpdate>("POST", at(job.job_id, "source"), {
        confirmed: true,
        agreed: plan.reading,
        why: why.value || null,
      });
      found.value = { plan: told };
      if (told.state !== "applied") throw new Problem(0, "changed", told.message);
      done();
      return plain(told.message);
    },
  });
}

/** Until it is read through. A big source takes longer than one answer. */
async function read(id: string, found: Signal<Found>, open: Signal<boolean>): Promise<void> {
  try {
    for (;;) {
      const plan = await send<SourceUpdate>("POST", at(id, "source"), { confirmed: false });
      found.value = { plan };
      if (plan.state !== "reading" || !open.value) return;
      await new Promise((again) => setTimeout(again, LOOK_AGAIN_MS));
    }
  } catch (error) {
    found.value = { problem: asProblem(error) };
  }
}

function Plan({ found, why, open }: { found: Signal<Found>; why: Signal<string>; open: Signal<boolean> }) {
  useEffect(
    () => () => {
      open.value = false;
    },
    [],
  );
  const { plan, problem } = found.value;
  if (problem) return <p class="failed">{problem.message}</p>;
  if (!plan || plan.state === "reading") {
    return <p role="status">The source is read{plan ? `: ${count(plan.read)} items so far` : ""}. Nothing is changed by that.</p>;
  }
  return (
    <>
      <p>{plain(plan.message)}</p>
      {plan.counts ? <Counts plan={plan} /> : null}
      {plan.estimate ? (
        <p>
          What is new and changed will cost {span(plan.estimate.cost_usd.low, plan.estimate.cost_usd.high, money)};{" "}
          {money(plan.budget_left_usd)} of the budget is left.
        </p>
      ) : null}
      {plan.warnings.map((warning) => (
        <p key={warning} class="note">
          {warning}
        </p>
      ))}
      {plan.state === "plan" ? <Why text={why} /> : null}
    </>
  );
}

function Counts({ plan }: { plan: SourceUpdate }) {
  const rows: [string, number, string][] = plan.counts
    ? [
        ["new", plan.counts.new, "will run"],
        ["changed", plan.counts.changed, "run again"],
        ["waiting", plan.counts.waiting, "are to run anyhow"],
        ["reusable", plan.counts.reusable, "keep their answers"],
        ["unanswered", plan.counts.unanswered, "stay as they are"],
        ["gone", plan.gone, "are marked; their answers stay"],
      ]
    : [];
  return (
    <ul class="counts">
      {rows
        .filter(([, n]) => n > 0)
        .map(([name, n, then]) => (
          <li key={name}>
            <b>{count(n)}</b>
            <span>
              {name}: {then}
            </span>
            <small class="mono">{(plan.keys[name] ?? []).join(", ")}</small>
          </li>
        ))}
    </ul>
  );
}
