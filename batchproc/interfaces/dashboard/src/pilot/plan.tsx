// The plan that a person agrees to, as the server words it.
import { get, job as at } from "../api";
import type { PlanAnswer } from "../types";

export function Plan({ text }: { text: string | null }) {
  if (!text) return <p>There is nothing to agree to: it may start.</p>;
  return (
    <pre class="block plan" tabIndex={0}>
      {text}
    </pre>
  );
}

/** Whether the plan is another one than the one that was read. */
export async function changed(id: string, read: PlanAnswer, variant: string | undefined): Promise<boolean> {
  return (await get<PlanAnswer>(at(id, "plan"), { variant })).text !== read.text;
}
