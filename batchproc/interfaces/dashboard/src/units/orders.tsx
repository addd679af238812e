// Asking for units again, and stopping them: what is to be said first, and what is done.
import { signal } from "@preact/signals";
import { job, send } from "../api";
import { units as unitsOf } from "../format";
import type { ControlledJob } from "../types";
import { confirm } from "../ui/confirm";
import { Field } from "../ui/basics";
import "../style/orders.css";

/** Keys that one request may name. */
const AT_ONCE = 10_000;

export type Which = { keys: string[] } | { status: string } | { signature: string };

interface Order {
  id: string;
  /** How many, as far as is known. */
  count: number;
  /** Named when the user has said yes: to find them may take a while. */
  which: (told: (found: number) => void) => Promise<Which>;
  done: () => void;
}

/** Asks for final units again, with more instructions if there are any to give. */
export function askToRetry({ id, count, which, done }: Order): void {
  const said = signal("");
  const goesOn = signal(false);
  const found = signal("");
  confirm({
    title: `Retry ${unitsOf(count)}`,
    verb: `Retry ${unitsOf(count)}`,
    body: (
      <>
        <p>
          {count === 1 ? "It runs" : "They run"} again with all attempts before {count === 1 ? "it" : "them"}, and that costs anew. Answers of now are
          kept as earlier ones.
        </p>
        <Field label="Further instructions" hint="Added to the job's own for these units. May be empty.">
          <textarea onInput={(event) => (said.value = event.currentTarget.value)} maxLength={50_000} />
        </Field>
        <label class="goes-on">
          <input type="checkbox" onChange={(event) => (goesOn.value = event.currentTarget.checked)} />
          Continue {count === 1 ? "its" : "each one's"} last conversation, where there is one
        </label>
        <Progress of={found} />
      </>
    ),
    act: async () => {
      const how = { instructions: said.value.trim() || null, continue_session: goesOn.value };
      const chosen = await which((n) => (found.value = `${unitsOf(n)} found`));
      const message = await inParts(chosen, (part) => send<ControlledJob>("POST", job(id, "retry"), { ...part, ...how }));
      done();
      return message;
    },
  });
}

/** Stops units that run, and takes those that wait out of the queue. */
export function askToCancel({ id, count, which, done }: Order): void {
  const found = signal("");
  confirm({
    title: `Cancel ${unitsOf(count)}`,
    verb: `Cancel ${unitsOf(count)}`,
    danger: true,
    body: (
      <>
        <p>What runs of {count === 1 ? "it" : "them"} is stopped, what waits is not started. What is final stays as it is.</p>
        <Progress of={found} />
      </>
    ),
    act: async () => {
      const chosen = await which((n) => (found.value = `${unitsOf(n)} found`));
      const message = await inParts(chosen, (part) => send<ControlledJob>("POST", job(id, "units", "cancel"), part));
      done();
      return message;
    },
  });
}

function Progress({ of }: { of: { value: string } }) {
  return <small role="status">{of.value}</small>;
}

async function inParts(which: Which, order: (part: Which) => Promise<ControlledJob>): Promise<string> {
  if (!("keys" in which)) return (await order(which)).message;
  const said: string[] = [];
  for (let begin = 0; begin < which.keys.length; begin += AT_ONCE) {
    said.push((await order({ keys: which.keys.slice(begin, begin + AT_ONCE) })).message);
  }
  return said.join("; ") || "No unit matches any more; nothing was changed";
}
