// Several descriptions in one pilot, on the same units: each row says only what differs.
import { type Signal, signal, useSignal } from "@preact/signals";
import { get, job as at, type Problem, send } from "../api";
import { money, units } from "../format";
import { asProblem, useResource } from "../resource";
import type { JobSpec } from "../types";
import { Card, Field } from "../ui/basics";
import { pretty, type Tried } from "./change";
import { Refused } from "./decision";
import { Models, parsed, SchemaField } from "./schema";

const MOST = 6;

interface Row {
  name: Signal<string>;
  model: Signal<string>;
  instructions: Signal<string>;
  schema: Signal<string>;
}

const row = (name: string): Row => ({ name: signal(name), model: signal(""), instructions: signal(""), schema: signal("") });

export function TryForm(tried: Tried) {
  const rows = useSignal<Row[]>([row("as it is"), row("")]);
  const busy = useSignal(false);
  const problem = useSignal<Problem | undefined>(undefined);
  const spec = useResource<JobSpec>(tried.id, (stop) => get(at(tried.id, "spec"), {}, stop));
  const wrong = whatIsWrong(rows.value);

  const submit = async (event: Event) => {
    event.preventDefault();
    busy.value = true;
    problem.value = undefined;
    try {
      await send("POST", at(tried.id, "start"), { variants: rows.value.map(variant) });
      tried.done("");
    } catch (error) {
      problem.value = asProblem(error);
    } finally {
      busy.value = false;
    }
  };

  const remove = (one: Row) => (rows.value = rows.value.filter((other) => other !== one));
  return (
    <Card title="Try variants">
      <form class="change" onSubmit={submit}>
        {rows.value.map((one, n) => (
          <VariantRow
            key={n}
            n={n + 1}
            row={one}
            spec={spec.data.value}
            remove={rows.value.length > 2 ? () => remove(one) : undefined}
          />
        ))}
        {problem.value ? <Refused problem={problem.value} /> : null}
        <footer>
          <small>{wrong ?? consequence(tried, rows.value.length)}</small>
          <button type="button" disabled={rows.value.length >= MOST} onClick={() => (rows.value = [...rows.value, row("")])}>
            Add one
          </button>
          <button type="button" onClick={tried.close}>
            Keep it as it is
          </button>
          <button type="submit" class="primary" disabled={busy.value || wrong !== undefined}>
            Try {rows.value.length} variants
          </button>
        </footer>
      </form>
    </Card>
  );
}

interface RowProps {
  n: number;
  row: Row;
  spec: JobSpec | undefined;
  remove?: () => void;
}

function VariantRow({ n, row: one, spec, remove }: RowProps) {
  return (
    <fieldset class="variant">
      <legend>Variant {n}</legend>
      <div class="form-row">
        <Field label="Name">
          <input maxLength={60} value={one.name.value} onInput={(event) => (one.name.value = event.currentTarget.value)} />
        </Field>
        <Models value={one.model} label="Model" placeholder={spec?.options?.model ?? "as it is"} />
        {remove ? (
          <button type="button" class="quiet" onClick={remove}>
            Remove
          </button>
        ) : null}
      </div>
      <Field label="Instructions">
        <textarea
          rows={3}
          placeholder="as they are"
          value={one.instructions.value}
          onInput={(event) => (one.instructions.value = event.currentTarget.value)}
        />
      </Field>
      <div class="form-row">
        <button type="button" class="quiet" disabled={!spec} onClick={() => (one.instructions.value = spec?.instructions ?? "")}>
          Begin with those of the job
        </button>
        {one.schema.value ? null : (
          <button type="button" class="quiet" disabled={!spec} onClick={() => (one.schema.value = pretty(spec?.output_schema ?? {}))}>
            Another output schema
          </button>
        )}
      </div>
      {one.schema.value ? <SchemaField value={one.schema} rows={5} /> : null}
    </fieldset>
  );
}

function variant(one: Row): Record<string, unknown> {
  return {
    name: one.name.value.trim(),
    instructions: one.instructions.value.trim() ? one.instructions.value : undefined,
    options: one.model.value.trim() ? { model: one.model.value.trim() } : undefined,
    output_schema: parsed(one.schema.value).value,
  };
}

function whatIsWrong(rows: Row[]): string | undefined {
  const names = rows.map((one) => one.name.value.trim());
  if (names.some((name) => !name) || new Set(names).size < names.length) return "Each variant needs a name of its own.";
  if (names.includes("before")) return "“before” is the name of what ran before a change; take another.";
  const said = rows.map((one) => JSON.stringify({ ...variant(one), name: "" }));
  if (new Set(said).size < said.length) return "Two variants are the same: say what differs.";
  return rows.map((one) => parsed(one.schema.value).problem).find((one) => one);
}

function consequence(tried: Tried, rows: number): string {
  const cost = tried.cost ? `about ${money(tried.cost * rows)} at the last round's price` : "nothing at the last round's price";
  return `Each runs on the same ${units(tried.units)}: ${cost}.`;
}
