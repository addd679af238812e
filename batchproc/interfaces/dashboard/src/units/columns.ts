// What a table of units can show of each, and what it shows: fields are those of the pages that were seen.
import { duration, happened, money, count, value } from "../format";
import { decoded } from "../segment";
import type { JobSpec, UnitLine } from "../types";

export interface Column {
  /** As the address has it: `cost`, `payload.name`, `output.party`. */
  id: string;
  title: string;
  /** In rem. */
  width: number;
  /** Takes what is left of the width. */
  wide?: boolean;
  number?: boolean;
  of: (unit: UnitLine) => string;
}

const number = (id: string, title: string, width: number, of: Column["of"]): Column => ({ id, title, width, of, number: true });

export const FIXED: Column[] = [
  { id: "status", title: "Status", width: 7.25, of: (unit) => unit.status },
  { id: "key", title: "Key", width: 17, wide: true, of: (unit) => unit.key },
  { id: "text", title: "Answer", width: 18, wide: true, of: (unit) => unit.text ?? happened(unit.last_event ?? "") },
  { id: "error", title: "Error", width: 16, wide: true, of: (unit) => unit.error ?? unit.reason ?? "" },
  number("attempts", "Attempts", 5.5, (unit) => (unit.attempts ? count(unit.attempts) : "")),
  number("cost", "Cost", 5.5, (unit) => (unit.attempts ? money(unit.cost_usd) : "")),
  number("tokens", "Tokens", 5.5, (unit) => (unit.tokens ? count(unit.tokens) : "")),
  number("seconds", "Time", 5, (unit) => (unit.seconds === null ? "" : duration(unit.seconds))),
  { id: "verdict", title: "Verdict", width: 6, of: (unit) => unit.verdict ?? "" },
  number("row", "Row", 5.5, (unit) => count(unit.row)),
];
const FIRST = ["status", "key"];
const LAST = ["error", "attempts", "cost", "seconds", "verdict"];
const SHOWN_PAYLOAD = 2;
const SHOWN_OUTPUT = 4;
const UNANSWERED = new Set(["failed", "skipped", "cancelled"]);
const PAYLOAD = "payload.";
const OUTPUT = "output.";

/** Names of fields, with how wide their values were at the first sight, which does not change any more. */
export class Fields {
  private known = new Map<string, Column>();
  /** Fields that only say again what the key says, as a file's name and path do. */
  private said = new Set<string>();
  private fixed = FIXED;

  /** Whether there was something new. */
  learn(units: Iterable<UnitLine>, spec?: JobSpec): boolean {
    const found = new Map<string, unknown[]>();
    const see = (id: string, of: unknown[]) => {
      if (!this.known.has(id)) found.set(id, [...(found.get(id) ?? []), ...of]);
    };
    for (const name of asked(spec)) see(OUTPUT + name, []);
    const keys: string[] = [];
    for (const unit of units) {
      keys.push(unit.key);
      for (const [name, of] of Object.entries(unit.payload)) {
        see(PAYLOAD + name, [of]);
        if (isSaid(of, unit.key) && found.has(PAYLOAD + name)) this.said.add(PAYLOAD + name);
      }
      for (const [name, of] of Object.entries(unit.output ?? {})) see(OUTPUT + name, [of]);
    }
    if (this.fixed === FIXED && keys.length) this.fixed = FIXED.map((one) => (one.id === "key" ? sized(one, keys) : one));
    for (const [id, values] of found) this.known.set(id, field(id, values));
    for (const one of this.of(OUTPUT)) {
      // Where what was given has a field of that name, too, the two columns would look the same.
      if (this.known.has(PAYLOAD + one.id.slice(OUTPUT.length))) one.title = `${one.id.slice(OUTPUT.length)} (answer)`;
    }
    return found.size > 0;
  }

  /** All columns there are, in the order in which they are offered. */
  all(): Column[] {
    const [first, rest] = [this.fixed.slice(0, 2), this.fixed.slice(2)];
    return [...first, ...this.of(PAYLOAD), ...this.of(OUTPUT), ...rest];
  }

  /** Those that are shown unless somebody chose others: without answers where there are none. */
  usual(status: string): string[] {
    const outputs = this.of(OUTPUT).map((one) => one.id);
    const answers = outputs.length ? outputs.slice(0, SHOWN_OUTPUT) : ["text"];
    const payload = this.of(PAYLOAD).filter((one) => !one.wide && !this.said.has(one.id));
    return [
      ...FIRST,
      ...payload.slice(0, SHOWN_PAYLOAD).map((one) => one.id),
      ...(UNANSWERED.has(status) ? [] : answers),
      ...LAST.filter((id) => id !== "error" || status !== "succeeded"),
    ];
  }

  private of(prefix: string): Column[] {
    return [...this.known.values()].filter((one) => one.id.startsWith(prefix));
  }
}

/** The columns that an address names; those that nobody has seen are left out. */
export function chosen(text: string, fields: Fields, status: string): Column[] {
  const ids = text ? text.split(",").map(decoded) : fields.usual(status);
  const known = new Map(fields.all().map((one) => [one.id, one]));
  return ids.map((id) => known.get(id)).filter((one) => one !== undefined);
}

export function named(ids: string[]): string {
  return ids.map(encodeURIComponent).join(",");
}

/** Add or take away one column; it stands where it is offered. */
export function toggled(id: string, shown: Column[], fields: Fields): string {
  const ids = new Set(shown.map((one) => one.id));
  if (!ids.delete(id)) ids.add(id);
  return named(fields.all().map((one) => one.id).filter((one) => ids.has(one)));
}

/** Widths as CSS has them, after one for the box that selects; and the least width of a row, in rem. */
export function widths(shown: Column[]): { template: string; least: number } {
  const wide = shown.some((one) => one.wide);
  const part = (one: Column, last: boolean) =>
    one.wide || one.width === WIDEST || (!wide && last) ? `minmax(${one.width}rem, ${one.id === "key" ? 1 : 2}fr)` : `${one.width}rem`;
  const template = shown.map((one, n) => part(one, n === shown.length - 1)).join(" ");
  return { template: `2.25rem ${template}`, least: 2.25 + shown.reduce((sum, one) => sum + one.width, 0) };
}

function isSaid(of: unknown, key: string): boolean {
  return typeof of === "string" && of.length > 2 && (key.includes(of) || of.includes(key));
}

function asked(spec: JobSpec | undefined): string[] {
  const schema = spec?.output_schema as Record<string, unknown> | null | undefined;
  if (!schema) return [];
  const properties = schema.type === "object" ? schema.properties : schema;
  return Object.keys((properties as object | undefined) ?? {});
}

const WIDEST = 16;

function widthOf(words: string[], least: number): number {
  return Math.min(WIDEST, Math.max(least, ...words.map((one) => one.length * 0.5 + 1.75)));
}

function sized(column: Column, words: string[]): Column {
  const width = widthOf(words, 6);
  return { ...column, width, wide: width === WIDEST };
}

function field(id: string, values: unknown[]): Column {
  const [where, name] = [id.slice(0, id.indexOf(".")) as "payload" | "output", id.slice(id.indexOf(".") + 1)];
  const given = values.filter((one) => one !== null && one !== undefined);
  const words = [name, ...given.slice(0, 200).map(value)];
  return {
    id,
    title: name,
    width: widthOf(words, where === "output" && !given.length ? 9 : 5),
    wide: words.some((one) => one.length > 60),
    number: given.length > 0 && given.every((one) => typeof one === "number"),
    of: (unit) => (Object.hasOwn(unit[where] ?? {}, name) ? value(unit[where]?.[name]) : ""),
  };
}
