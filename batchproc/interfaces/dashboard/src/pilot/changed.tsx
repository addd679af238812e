// What the job says otherwise than in the round before: lines that went and lines that came, texts only.
import { useMemo } from "preact/hooks";
import { count } from "../format";
import type { PilotAnswer } from "../types";
import { Card } from "../ui/basics";
import { lines } from "../ui/diff";
import { Diff } from "../ui/diffview";

type Answer = NonNullable<PilotAnswer["changed"]>;
type One = Answer["differences"][number];

/** Lines that differ from which on they are folded away. */
const LONG = 60;

export function Changed({ changed }: { changed: Answer }) {
  if (changed.differences.length === 0) return <p class="quietly">{sentence(changed.words)}</p>;
  return (
    <Card title="What was changed" aside={<small>since round {changed.since}</small>} class="changed">
      {changed.differences.map((one) => (
        <Field key={one.field} one={one} />
      ))}
    </Card>
  );
}

function Field({ one }: { one: One }) {
  const name = one.field.replace(/^options\./, "");
  const [before, after] = [one.before ?? "", one.after ?? ""];
  const differing = useMemo(() => lines(before, after).filter((line) => line.kind !== "same").length, [before, after]);
  return (
    <details open={differing < LONG}>
      <summary>
        {name} {differing < LONG ? null : <small>{count(differing)} lines</small>}
      </summary>
      <Diff label={`What was changed: ${name}`} before={before} after={after} />
    </details>
  );
}

export function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}
