// Which texts of an answer stand, word for word, in what the unit was given or read. A help for the eye: what the server
// checked, and by finer rules, is in the unit's status.

export interface Source {
  where: string;
  text: string;
}

const SHORTEST = 10;
const LONGEST = 2_000;
const MOST = 200;
const ALIKE: Record<string, string> = { "'": "['‘’′]", '"': '["“”„«»]', "-": "[-‐‑–—−]" };

/** The texts in the answer that stand in a source, and in which. */
export function standing(output: unknown, sources: Source[]): Map<string, string> {
  const found = new Map<string, string>();
  let tried = 0;
  for (const { text } of texts(output)) {
    if (text.length < SHORTEST || text.length > LONGEST || (tried += 1) > MOST) continue;
    const wanted = pattern(text);
    const source = sources.find((one) => wanted.test(one.text));
    if (source) found.set(text, source.where);
  }
  return found;
}

/** The text, whatever space is between its words, and with any kind of quotation mark and dash. */
export function pattern(text: string): RegExp {
  const words = text.trim().split(/\s+/).map(literal);
  return new RegExp(`(?<![\\p{L}\\p{N}])${words.join("\\s+")}(?![\\p{L}\\p{N}])`, "u");
}

function literal(word: string): string {
  return [...word].map((sign) => ALIKE[sign] ?? sign.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("");
}

/** All texts in a value, with where they are in it. */
export function* texts(value: unknown, where = ""): Generator<Source> {
  if (typeof value === "string") yield { where, text: value };
  else if (typeof value === "object" && value !== null) {
    for (const [name, one] of Object.entries(value)) yield* texts(one, where ? `${where}.${name}` : name);
  }
}
