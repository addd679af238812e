// Fields that describe a job: the schema of its answers, as JSON that is checked while it is written; its model.
import type { Signal } from "@preact/signals";
import { Field } from "../ui/basics";

/** What stands there as JSON, or what is wrong with it. */
export function parsed(text: string): { value?: Record<string, unknown>; problem?: string } {
  if (!text.trim()) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (value && typeof value === "object" && !Array.isArray(value)) return { value: value as Record<string, unknown> };
    return { problem: 'a schema is an object, like {"party": "string", "risk": ["low", "high"]}' };
  } catch (error) {
    return { problem: `no JSON: ${(error as Error).message}` };
  }
}

export function SchemaField({ value, hint, rows = 8 }: { value: Signal<string>; hint?: string; rows?: number }) {
  const { problem, value: found } = parsed(value.value);
  const names = found ? fields(found) : [];
  return (
    <label class="field">
      <span>Output schema</span>
      <textarea
        class="mono"
        rows={rows}
        spellcheck={false}
        aria-invalid={problem ? "true" : undefined}
        value={value.value}
        onInput={(event) => (value.value = event.currentTarget.value)}
      />
      <small class={problem ? "wrong" : undefined}>
        {problem ?? (names.length ? `Fields: ${names.join(", ")}` : (hint ?? "JSON Schema, or the short form"))}
      </small>
    </label>
  );
}

function fields(schema: Record<string, unknown>): string[] {
  const named = schema.type === "object" && schema.properties ? schema.properties : schema;
  return Object.keys(named as Record<string, unknown>);
}

const MODELS = ["haiku", "sonnet", "opus", "rehearsal"];

export function Models({ value, label, placeholder }: { value: Signal<string>; label: string; placeholder: string }) {
  return (
    <Field label={label}>
      <input
        list="models"
        value={value.value}
        placeholder={placeholder}
        spellcheck={false}
        onInput={(event) => (value.value = event.currentTarget.value)}
      />
      <datalist id="models">
        {MODELS.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
    </Field>
  );
}
