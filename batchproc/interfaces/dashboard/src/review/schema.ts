// What a field of an answer may be, and how it stands in a form. Pure.

export type Schema = Record<string, unknown>;

export interface Kind {
  is: "text" | "number" | "json";
  isNullable: boolean;
  /** What it is to be chosen from, as JSON; texts as they are. */
  choices?: string[];
  about: string;
}

const NULL = "null";

export function kindOf(part: Schema, root: Schema): Kind {
  const schema = resolved(part, root);
  const options = ((schema.anyOf ?? schema.oneOf) as Schema[] | undefined)?.map((one) => resolved(one, root)) ?? [schema];
  const types = new Set(options.flatMap((one) => one.type ?? []) as string[]);
  const isNullable = types.delete("null") || options.some((one) => (one.enum as unknown[] | undefined)?.includes(null));
  const about = [schema.description, isNullable ? "may be null" : ""].filter(Boolean).join("; ");
  const values = schema.enum as unknown[] | undefined;
  if (values) return { is: values.every(isText) ? "text" : "json", isNullable, choices: values.map(written), about };
  if (types.size === 1 && types.has("boolean")) {
    return { is: "json", isNullable, choices: ["true", "false", ...(isNullable ? [NULL] : [])], about };
  }
  if (types.size && [...types].every((one) => one === "integer" || one === "number")) return { is: "number", isNullable, about };
  if (types.size === 1 && types.has("string")) return { is: "text", isNullable, about: isNullable ? `${about}: leave it empty` : about };
  return { is: "json", isNullable, about: [about, "JSON"].filter(Boolean).join("; ") };
}

/** A value as it stands in the form. */
export function shown(value: unknown, kind: Kind): string {
  if (kind.choices) return written(value ?? null);
  if (value === null || value === undefined) return kind.is === "json" ? NULL : "";
  return kind.is === "json" ? JSON.stringify(value, null, 1) : String(value);
}

/** What stands in the form as a value; an error that names the field. */
export function taken(name: string, text: string, kind: Kind): unknown {
  if (kind.choices) return kind.is === "text" || !isJson(text) ? (text === NULL && kind.isNullable ? null : text) : JSON.parse(text);
  if (kind.is === "text") return text === "" && kind.isNullable ? null : text;
  if (kind.is === "number") {
    if (text.trim() === "" && kind.isNullable) return null;
    const number = Number(text);
    if (text.trim() === "" || !Number.isFinite(number)) throw new Error(`${name}: ${JSON.stringify(text)} is no number`);
    return number;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${name}: no JSON: ${(error as Error).message}`);
  }
}

function resolved(part: Schema, root: Schema): Schema {
  let found = part;
  for (let hops = 0; hops < 50 && typeof found.$ref === "string"; hops++) {
    const { $ref, ...beside } = found;
    const target = String($ref)
      .split("/")
      .slice(1)
      .reduce<unknown>((at, step) => (at as Schema | undefined)?.[step.replaceAll("~1", "/").replaceAll("~0", "~")], root);
    found = { ...(target as Schema | undefined), ...beside };
  }
  return found;
}

function isText(value: unknown): boolean {
  return typeof value === "string" || value === null;
}

function written(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
