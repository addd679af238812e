// A payload or a structured answer, field by field.
import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { count } from "../format";
import "../style/fields.css";

export type Json = Record<string, unknown>;

interface Props {
  of: Json;
  /** How a text is shown; its place in the answer as `parties[2].name`. */
  text?: (text: string, place: string) => ComponentChildren;
}

export function Fields({ of, text }: Props) {
  const fields = Object.entries(of);
  if (fields.length === 0) return <p class="nothing">no fields</p>;
  return (
    <dl class="record">
      {fields.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <Value of={value} place={name} text={text} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function Value({ of, place = "", text }: { of: unknown; place?: string; text?: Props["text"] }) {
  if (of === null || of === undefined) return <span class="nothing">null</span>;
  if (typeof of === "string") {
    if (of === "") return <span class="nothing">empty text</span>;
    return text ? <span class="plain-text">{text(of, place)}</span> : <Long text={of} />;
  }
  if (typeof of !== "object") return <span class="mono">{String(of)}</span>;
  if (place && parts(of) > MOST_PARTS) return <Folded of={of} />;
  if (!Array.isArray(of)) return <Fields of={of as Json} text={text && ((one, inner) => text(one, `${place}.${inner}`))} />;
  if (of.length === 0) return <span class="nothing">none</span>;
  return (
    <ul class={of.every(isShort) ? "record-list short" : "record-list"}>
      {of.map((one, n) => (
        <li key={n}>
          <Value of={one} place={`${place}[${n}]`} text={text} />
        </li>
      ))}
    </ul>
  );
}

/** What is within a field and has more parts than this is folded. */
const MOST_PARTS = 500;

function parts(of: unknown): number {
  if (typeof of !== "object" || of === null) return 1;
  let found = 0;
  for (const one of Object.values(of)) {
    found += parts(one);
    if (found > MOST_PARTS) break;
  }
  return found;
}

function Folded({ of }: { of: object }) {
  const open = useSignal(false);
  return (
    <details onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary>{Array.isArray(of) ? `${count(of.length)} items` : `${count(Object.keys(of).length)} fields`}</summary>
      {open.value ? <pre class="block">{JSON.stringify(of, null, 2)}</pre> : null}
    </details>
  );
}

/** Words and numbers stand in one line, whatever else below each other. */
function isShort(of: unknown): boolean {
  return of !== null && typeof of !== "object" && String(of).length <= 40;
}

const SHORT = 1000;

interface LongProps {
  text: string;
  short?: number;
  /** How the part that is seen is shown. */
  children?: (seen: string) => ComponentChildren;
}

/** A text that is cut where it is long, until somebody wants all of it. */
export function Long({ text, short = SHORT, children }: LongProps) {
  const open = useSignal(false);
  const isCut = text.length > short * 1.2 && !open.value;
  const seen = isCut ? `${text.slice(0, short)}… ` : text;
  return (
    <span class="plain-text">
      {children ? children(seen) : seen}
      {isCut ? (
        <button type="button" class="all-of-it" onClick={() => (open.value = true)}>
          all {count(text.length)} characters
        </button>
      ) : null}
    </span>
  );
}

/** Whether two values of JSON are the same, whatever the order of their fields. */
export function alike(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(of: unknown): string {
  return JSON.stringify(of ?? null, (_, value: unknown) =>
    value && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
