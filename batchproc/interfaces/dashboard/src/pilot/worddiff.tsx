// Two texts word by word: one side of what differs between them.
import { difference, type Piece } from "../ui/diff";

const WORDS = /\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu;

/** What was, with what went marked; or what is, with what came. Texts that share too little are marked as a whole:
 * confetti says nothing. */
export function WordDiff({ before, now, side }: { before: string; now: string; side: "before" | "now" }) {
  const pieces = difference(before.match(WORDS) ?? [], now.match(WORDS) ?? []);
  const kept = pieces.reduce((sum, one) => sum + (one.kind === "same" ? one.text.trim().length : 0), 0);
  const own: Piece["kind"] = side === "before" ? "old" : "new";
  const shown = kept < Math.max(before.length, now.length) / 4 ? [{ kind: own, text: side === "before" ? before : now }] : pieces;
  return (
    <span class="word-diff">
      {joined(shown.filter((one) => one.kind === "same" || one.kind === own)).map((one, n) => {
        if (one.kind === "same") return <span key={n}>{one.text}</span>;
        return side === "before" ? <del key={n}>{one.text}</del> : <ins key={n}>{one.text}</ins>;
      })}
    </span>
  );
}

function joined(pieces: { kind: Piece["kind"]; text: string }[]): Piece[] {
  const found: Piece[] = [];
  for (const one of pieces) {
    const before = found.at(-1);
    if (before?.kind === one.kind) before.text += one.text;
    else found.push({ ...one });
  }
  return found;
}
