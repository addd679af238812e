// A JSON object as a table that can be read: names, and values of any kind, long and nested ones folded.
import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { count } from "../format";
import { pattern } from "./evidence";

const LONG = 1_200;
const FLAT = 8;

interface Props {
  of: Record<string, unknown>;
  /** Texts that stand in a source, and in which: they are marked as quotes of it. */
  stands?: Map<string, string>;
  /** Texts that are quoted elsewhere: they are marked within longer ones. */
  quoted?: string[];
}

export function Fields({ of, ...marks }: Props) {
  const names = Object.entries(of);
  if (!names.length) return <p class="nothing">No fields.</p>;
  return (
    <dl class="fields">
      {names.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <Value of={value} {...marks} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Value({ of, ...marks }: { of: unknown } & Omit<Props, "of">): ComponentChildren {
  if (of === null || of === undefined) return <span class="nothing">null</span>;
  if (typeof of === "string") return <Text of={of} {...marks} />;
  if (typeof of !== "object") return <span class="scalar">{String(of)}</span>;
  if (Array.isArray(of) && of.length <= FLAT && of.every((one) => typeof one !== "object" || one === null)) {
    return (
      <ul class="values">
        {of.map((one, n) => (
          <li key={n}>
            <Value of={one} {...marks} />
          </li>
        ))}
      </ul>
    );
  }
  const size = Array.isArray(of) ? `${count(of.length)} items` : `${count(Object.keys(of).length)} fields`;
  return (
    <details>
      <summary>{size}</summary>
      <pre class="block">{JSON.stringify(of, null, 2)}</pre>
    </details>
  );
}

function Text({ of, stands, quoted }: { of: string } & Omit<Props, "of">) {
  const where = stands?.get(of);
  if (of === "") return <span class="nothing">empty</span>;
  if (where !== undefined) {
    return (
      <q class="stands" title={`Stands word for word in ${where}`}>
        {of}
      </q>
    );
  }
  return <Long text={of}>{(text) => marked(text, quoted ?? [])}</Long>;
}

/** A text that is shown whole only when somebody asks for it. */
export function Long({ text, children }: { text: string; children?: (text: string) => ComponentChildren }) {
  const whole = useSignal(false);
  const shown = whole.value || text.length <= LONG * 1.2 ? text : text.slice(0, LONG);
  return (
    <>
      <span class="text">{children ? children(shown) : shown}</span>
      {shown.length < text.length ? (
        <button type="button" class="quiet more" onClick={() => (whole.value = true)}>
          … all {count(text.length)} characters
        </button>
      ) : null}
    </>
  );
}

function marked(text: string, quoted: string[]): ComponentChildren {
  for (const quote of quoted) {
    const found = quote.length < text.length ? pattern(quote).exec(text) : null;
    if (!found) continue;
    const end = found.index + found[0].length;
    return [marked(text.slice(0, found.index), quoted), <mark key={found.index}>{found[0]}</mark>, marked(text.slice(end), quoted)];
  }
  return text;
}
