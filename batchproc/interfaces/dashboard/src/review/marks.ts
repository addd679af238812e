// Where quotes stand in a text: compared as the server compares them (space, kinds of quotation marks and dashes, wide
// forms and what nobody sees do not count), and only whole words.

export interface Range {
  start: number;
  end: number;
  /** The places in the answer that quote it. */
  of: string[];
}

export interface Quote {
  field: string;
  quote: string;
}

const QUOTES: [RegExp, string][] = [
  [/[\u2018\u2019\u201a\u201b\u2032\u02bc]/, "'"],
  [/[\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb]/, '"'],
  [/[\u2010-\u2015\u2212]/, "-"],
  [/[\u00ad\u200b-\u200d\u2060\ufeff]/, ""],
];
const SAYS = /[\p{L}\p{N}]/u;
const NUMBER = /\d+(?:[.,']\d+)*/g;
const BESIDE = 3;

interface Plain {
  text: string;
  /** For each character of `text`, where the one that it stands for begins. */
  from: number[];
}

function plain(text: string): Plain {
  const found: string[] = [];
  const from: number[] = [];
  let at = 0;
  for (const char of text) {
    let as = /\s/.test(char) ? " " : char.codePointAt(0)! < 128 ? char : unlike(char);
    if (as === " " && found.at(-1) === " ") as = "";
    for (const one of as) {
      found.push(one);
      from.push(at);
    }
    at += char.length;
  }
  from.push(text.length);
  return { text: found.join(""), from };
}

function unlike(char: string): string {
  for (const [these, as] of QUOTES) if (these.test(char)) return as;
  const made = char.normalize("NFKC");
  return [...made].every((one) => one.length === 1) ? made : char.length === 1 ? char : "\ufffd";
}

/** The quote as it is looked for: as it stands, and without dots and marks that only quote it. */
function readings(quote: string): string[] {
  const said = plain(quote).text.trim();
  const bare = said.replace(/^(\[?\.\.\.\]?\s*)+|(\s*\[?\.\.\.\]?)+$/g, "").replace(/^(["'])(.*)\1$/, "$2").trim();
  return [...new Set([said, bare])].filter((one) => SAYS.test(one));
}

/** Where the quotes stand in the text, in its order and without overlaps. */
export function ranges(text: string, quotes: readonly Quote[]): Range[] {
  const where = plain(text);
  const found: Range[] = [];
  for (const { field, quote } of quotes) {
    const hit = readings(quote)
      .map((one) => first(where.text, one))
      .find((one) => one !== undefined);
    if (hit) found.push({ start: where.from[hit[0]] ?? 0, end: where.from[hit[1]] ?? text.length, of: [field] });
  }
  return merged(found.sort((a, b) => a.start - b.start || b.end - a.end));
}

function first(text: string, quote: string): [number, number] | undefined {
  for (let at = text.indexOf(quote); at >= 0; at = text.indexOf(quote, at + 1)) {
    if (!isWithin(text, at) && !isWithin(text, at + quote.length)) return [at, at + quote.length];
  }
  return undefined;
}

/** Whether a place lies within a word or a number. */
function isWithin(text: string, at: number): boolean {
  if (at <= 0 || at >= text.length) return false;
  if (spells(text[at - 1]) && spells(text[at])) return true;
  const start = Math.max(0, at - BESIDE);
  return [...text.slice(start, at + BESIDE).matchAll(NUMBER)].some((one) => one.index < at - start && at - start < one.index + one[0].length);
}

/** Whether words made of such characters stand apart: not so in Chinese, Japanese, Thai. */
function spells(char = ""): boolean {
  return /\p{N}/u.test(char) || char.toLowerCase() !== char.toUpperCase();
}

function merged(found: Range[]): Range[] {
  const apart: Range[] = [];
  for (const one of found) {
    const before = apart.at(-1);
    if (before && one.start < before.end) {
      before.end = Math.max(before.end, one.end);
      before.of.push(...one.of);
    } else apart.push({ ...one, of: [...one.of] });
  }
  return apart;
}
