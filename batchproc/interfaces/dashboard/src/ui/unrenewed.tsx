// What is shown and could not be renewed: said once for the whole page, over it, so that nothing moves for it.
import { useEffect, useRef } from "preact/hooks";
import { signal } from "@preact/signals";
import type { Problem } from "../api";

interface Trouble {
  problem: Problem;
  again: (() => void) | undefined;
}

const troubles = signal<Trouble[]>([]);

export function Unrenewed({ problem, again }: { problem: Problem; again?: () => void }) {
  const newest = useRef(again);
  newest.current = again;
  useEffect(() => {
    const mine: Trouble = { problem, again: newest.current && (() => newest.current?.()) };
    troubles.value = [...troubles.peek(), mine];
    return () => {
      troubles.value = troubles.peek().filter((one) => one !== mine);
    };
  }, [problem.message]);
  return null;
}

/** Where they are said: many parts of a page have the same trouble. */
export function Troubles() {
  const all = troubles.value;
  const each = [...new Map(all.map((one) => [one.problem.message, one.problem])).values()];
  return (
    <div role="status">
      {each.map((problem) => (
        <Said key={problem.message} problem={problem} all={all.filter((one) => one.problem.message === problem.message)} />
      ))}
    </div>
  );
}

function Said({ problem, all }: { problem: Problem; all: Trouble[] }) {
  return (
    <div class="failed over">
      <p>
        <strong>{problem.words}.</strong> {problem.message} <small>What is shown may be of before.</small>
      </p>
      {all.some((one) => one.again) ? (
        <button type="button" onClick={() => all.forEach((one) => one.again?.())}>
          Try again
        </button>
      ) : null}
    </div>
  );
}
