// What was taken away from one text and added to make another: Myers' O(ND) difference, with a bound. Pure.

export interface Piece {
  kind: "same" | "old" | "new";
  text: string;
}

export interface Line extends Piece {
  /** Of a line that took the place of another: which of its words are other ones. */
  words?: Piece[];
}

/** Steps after which the rest is simply called another one: the work grows with their square. */
const BOUND = 800;
const LONGEST_LINE = 2_000;

/** Two texts, line by line; lines that changed, word by word. */
export function lines(before: string, after: string): Line[] {
  const pieces: Line[] = difference(split(before), split(after));
  for (let begin = 0; begin < pieces.length; begin++) {
    if (pieces[begin]?.kind !== "old") continue;
    let middle = begin;
    while (pieces[middle]?.kind === "old") middle += 1;
    let end = middle;
    while (pieces[end]?.kind === "new") end += 1;
    for (let n = 0; n < Math.min(middle - begin, end - middle); n++) inWords(pieces[begin + n] as Line, pieces[middle + n] as Line);
    begin = end - 1;
  }
  return pieces;
}

function split(text: string): string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

function inWords(before: Line, after: Line): void {
  if (before.text.length + after.text.length > LONGEST_LINE) return;
  const pieces = difference(before.text.match(/\w+|\s+|[^\w\s]/gu) ?? [], after.text.match(/\w+|\s+|[^\w\s]/gu) ?? []);
  const same = pieces.filter((one) => one.kind === "same").reduce((sum, one) => sum + one.text.trim().length, 0);
  if (same * 3 < Math.max(before.text.length, after.text.length)) return; // hardly the same line
  before.words = pieces.filter((one) => one.kind !== "new");
  after.words = pieces.filter((one) => one.kind !== "old");
}

export function difference(before: string[], after: string[]): Piece[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  const [a, b] = [before.slice(head, before.length - tail), after.slice(head, after.length - tail)];
  const as = (kind: Piece["kind"], texts: string[]): Piece[] => texts.map((text) => ({ kind, text }));
  return [
    ...as("same", before.slice(0, head)),
    ...(middle(a, b) ?? [...as("old", a), ...as("new", b)]),
    ...as("same", before.slice(before.length - tail)),
  ];
}

/** The shortest way from `a` to `b`; undefined if it takes more steps than BOUND. */
function middle(a: string[], b: string[]): Piece[] | undefined {
  const steps: Int32Array[] = [];
  let furthest = new Int32Array(3); // by diagonal, from -d to d, with one beside each end
  for (let d = 0; d <= Math.min(BOUND, a.length + b.length); d++) {
    steps.push(furthest);
    const next = new Int32Array(2 * d + 5);
    for (let k = -d; k <= d; k += 2) {
      let x = at(furthest, d, k);
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      next[k + d + 2] = x;
      if (x >= a.length && x - k >= b.length) return walked(a, b, steps);
    }
    furthest = next;
  }
  return undefined;
}

/** Where step `d` begins on diagonal `k`: down from the one above, or right from the one below. */
function at(furthest: Int32Array, d: number, k: number): number {
  if (d === 0) return 0;
  const [below, above] = [furthest[k + d] as number, furthest[k + d + 2] as number];
  return isDown(d, k, below, above) ? above : below + 1;
}

function isDown(d: number, k: number, below: number, above: number): boolean {
  return k === -d || (k !== d && below < above);
}

function walked(a: string[], b: string[], steps: Int32Array[]): Piece[] {
  const pieces: Piece[] = [];
  let [x, y] = [a.length, b.length];
  for (let d = steps.length - 1; d >= 0; d--) {
    const k = x - y;
    const start = at(steps[d] as Int32Array, d, k);
    while (x > start) {
      x -= 1;
      y -= 1;
      pieces.push({ kind: "same", text: a[x] as string });
    }
    if (d === 0) break;
    const furthest = steps[d] as Int32Array;
    if (isDown(d, k, furthest[k + d] as number, furthest[k + d + 2] as number)) pieces.push({ kind: "new", text: b[(y -= 1)] as string });
    else pieces.push({ kind: "old", text: a[(x -= 1)] as string });
  }
  return pieces.reverse();
}
