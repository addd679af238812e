// A payload or a structured answer, field by field; beside an older one with what differs marked.
import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { count } from "../format";
import "../style/fields.css";
import { Diff } from "./diff";

export type Json = Record<string, unknown>;

interface Props {
  of: Json;
  /** The same fields as they were: what differs is marked. */
  before?: Json | null;
  /** How a text is shown; its place in the answer as `parties[2].name`. */
  text?: (text: string, place: string) => ComponentChildren;
}

export function Fields({ of, before, text }: Props) {
  const names = [...new Set([...Object.keys(of), ...Object.keys(before ?? {})])];
  if (names.length === 0) return <p class="nothing">no fields</p>;
  return (
    <dl class="fields">
      {names.map((name) => {
        const differs = before ? !alike(of[name], before[name]) : false;
        return (
          <div key={name} class={differs ? "differs" : undefined}>
            <dt>{name}</dt>
            <dd>
              {differs ? (
                <Changed before={before?.[name]} now={of[name]} />
              ) : (
                <Value of={of[name]} place={name} text={text} />
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

function Changed({ before, now }: { before: unknown; now: unknown }) {
  if (typeof before === "string" && typeof now === "string") return <Diff before={before} now={now} />;
  return (
    <span class="diff">
      {before === undefined ? null : <del>{written(before)}</del>}{" "}
      {now === undefined ? null : <ins>{written(now)}</ins>}
    </span>
  );
}

function Value({ of, place, text }: { of: unknown; place: string; text?: Props["text"] }) {
  if (of === null || of === undefined) return <span class="nothing">null</span>;
  if (typeof of === "string") {
    if (text) return <span class="text">{text(of, place)}</span>;
    return of === "" ? <span class="nothing">empty text</span> : <Long text={of} />;
  }
  if (typeof of !== "object") return <span class="mono">{String(of)}</span>;
  if (!Array.isArray(of)) return <Fields of={of as Json} text={text && ((one, inner) => text(one, `${place}.${inner}`))} />;
  if (of.length === 0) return <span class="nothing">none</span>;
  return (
    <ul>
      {of.map((one, n) => (
        <li key={n}>
          <Value of={one} place={`${place}[${n}]`} text={text} />
        </li>
      ))}
    </ul>
  );
}

const SHORT = 700;

/** A text that is cut where it is long, until somebody wants all of it. */
export function Long({ text, short = SHORT }: { text: string; short?: number }) {
  const open = useSignal(false);
  const isLong = text.length > short * 1.2;
  return (
    <span class="text">
      {isLong && !open.value ? `${text.slice(0, short)}… ` : text}
      {isLong && !open.value ? (
        <button type="button" class="more" onClick={() => (open.value = true)}>
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

function written(of: unknown): string {
  return typeof of === "string" ? of : JSON.stringify(of);
}
