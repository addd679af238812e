// Two texts as lines that went and lines that came. Long stretches that are the same are folded.
import { useMemo } from "preact/hooks";
import { useSignal } from "@preact/signals";
import "../style/diff.css";
import { type Line, lines } from "./diff";

const AROUND = 3;
const MOST = 400;

const SIGNS = { same: " ", old: "−", new: "+" } as const;
const WORDS = { same: "", old: "removed: ", new: "added: " } as const;

export function Diff({ before, after, label }: { before: string; after: string; label: string }) {
  const all = useSignal(false);
  const pieces = useMemo(() => lines(before, after), [before, after]);
  if (!pieces.some((one) => one.kind !== "same")) return <p class="same-text">No difference.</p>;
  const shown = all.value ? pieces : pieces.slice(0, MOST);
  return (
    <div class="diff" role="group" aria-label={label}>
      {folded(shown).map((one, n) => (typeof one === "number" ? <p key={n} class="fold">{`${one} lines that are the same`}</p> : <One key={n} line={one} />))}
      {shown.length < pieces.length ? (
        <button type="button" class="quiet" onClick={() => (all.value = true)}>
          {`Show all ${pieces.length} lines`}
        </button>
      ) : null}
    </div>
  );
}

function One({ line }: { line: Line }) {
  return (
    <div class={`line ${line.kind}`}>
      <span class="sign" aria-hidden="true">
        {SIGNS[line.kind]}
      </span>
      <span class="said">
        <span class="visually-hidden">{WORDS[line.kind]}</span>
        {line.words ? line.words.map((word, n) => (word.kind === "same" ? word.text : <b key={n}>{word.text}</b>)) : line.text}
      </span>
    </div>
  );
}

/** Lines that are the same and far from any that is not, as their number. */
function folded(pieces: Line[]): (Line | number)[] {
  const near = new Set<number>();
  pieces.forEach((one, n) => {
    if (one.kind !== "same") for (let at = n - AROUND; at <= n + AROUND; at++) near.add(at);
  });
  const out: (Line | number)[] = [];
  pieces.forEach((one, n) => {
    if (near.has(n)) return out.push(one);
    const last = out.length - 1;
    return typeof out[last] === "number" ? (out[last] = (out[last] as number) + 1) : out.push(1);
  });
  return out;
}
