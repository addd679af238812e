// Two texts as one, with what went and what came marked, word by word.

export interface Piece {
  text: string;
  is: "same" | "gone" | "new";
}

const MOST_STEPS = 1_500_000;
const WORDS = /\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu;

/** Texts that share too little are shown one after the other: confetti says nothing. */
export function diff(before: string, now: string): Piece[] {
  if (before === now) return [{ text: now, is: "same" }];
  const [a, b] = [before.match(WORDS) ?? [], now.match(WORDS) ?? []];
  let first = 0;
  while (first < a.length && first < b.length && a[first] === b[first]) first += 1;
  let last = 0;
  while (last < a.length - first && last < b.length - first && a[a.length - 1 - last] === b[b.length - 1 - last]) last += 1;
  const [x, y] = [a.slice(first, a.length - last), b.slice(first, b.length - last)];
  const whole: Piece[] = [
    { text: x.join(""), is: "gone" },
    { text: y.join(""), is: "new" },
  ];
  const middle = x.length * y.length > MOST_STEPS ? whole : common(x, y);
  const kept = middle.reduce((sum, one) => sum + (one.is === "same" ? one.text.trim().length : 0), 0);
  const longest = Math.max(x.join("").length, y.join("").length);
  return joined([
    { text: a.slice(0, first).join(""), is: "same" },
    ...(kept < longest / 4 ? whole : middle),
    { text: a.slice(a.length - last).join(""), is: "same" },
  ]);
}

/** The longest common subsequence of words, by the table that textbooks have. */
function common(a: string[], b: string[]): Piece[] {
  const wide = b.length + 1;
  const length = new Uint32Array((a.length + 1) * wide);
  const at = (i: number, j: number) => length[i * wide + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      length[i * wide + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const pieces: Piece[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      pieces.push({ text: a[i] ?? "", is: "same" });
      i += 1;
      j += 1;
    } else if (i < a.length && (j >= b.length || at(i + 1, j) >= at(i, j + 1))) {
      pieces.push({ text: a[i] ?? "", is: "gone" });
      i += 1;
    } else {
      pieces.push({ text: b[j] ?? "", is: "new" });
      j += 1;
    }
  }
  return pieces;
}

function joined(pieces: Piece[]): Piece[] {
  const found: Piece[] = [];
  for (const one of pieces) {
    const before = found.at(-1);
    if (before?.is === one.is) before.text += one.text;
    else if (one.text) found.push({ ...one });
  }
  return found;
}

/** One side of it: what was, with what went marked; or what is, with what came. */
export function Diff({ before, now, side }: { before: string; now: string; side: "before" | "now" }) {
  const hidden = side === "before" ? "new" : "gone";
  const pieces = diff(before, now).filter((one) => one.is !== hidden);
  return (
    <span class="diff">
      {pieces.map((one, n) => {
        if (one.is === "gone") return <del key={n}>{one.text}</del>;
        return one.is === "new" ? <ins key={n}>{one.text}</ins> : <span key={n}>{one.text}</span>;
      })}
    </span>
  );
}
