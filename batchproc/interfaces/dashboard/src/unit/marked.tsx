// Texts of an answer and of a payload: what stands in both is marked.
import type { ComponentChildren } from "preact";
import { Long } from "../ui/fields";
import { pattern } from "./evidence";

/** A text of an answer, and in which source it stands word for word, if in one. */
export function Stands({ text, where }: { text: string; where: string | undefined }) {
  if (where === undefined) return <Long text={text} />;
  return (
    <q class="stands" title={`Stands word for word in ${where}`}>
      {text}
    </q>
  );
}

/** A text that was given: what the answer quotes of it is marked. */
export function Quoted({ text, quotes }: { text: string; quotes: string[] }) {
  return <Long text={text}>{(seen) => marked(seen, quotes)}</Long>;
}

function marked(text: string, quotes: string[]): ComponentChildren {
  for (const quote of quotes) {
    const found = quote.length < text.length ? pattern(quote).exec(text) : null;
    if (!found) continue;
    const end = found.index + found[0].length;
    return [marked(text.slice(0, found.index), quotes), <mark key={found.index}>{found[0]}</mark>, marked(text.slice(end), quotes)];
  }
  return text;
}
