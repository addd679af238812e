// Say it otherwise: the pilot then runs again on the same units, and shows old beside new.
import { useSignal } from "@preact/signals";
import { get, job as at, type Problem, send } from "../api";
import { money, units } from "../format";
import { asProblem, useResource } from "../resource";
import type { ControlledJob, JobSpec } from "../types";
import { Card, Failed, Field, Loading } from "../ui/basics";
import { Refused } from "./decision";
import { Models, parsed, SchemaField } from "./schema";

export interface Tried {
  id: string;
  /** Units of the pilot, and what they cost last time. */
  units: number;
  cost: number;
  done: (words: string) => void;
  close: () => void;
}

export function ChangeForm(tried: Tried) {
  const spec = useResource<JobSpec>(tried.id, (signal) => get(at(tried.id, "spec"), {}, signal));
  if (spec.problem.value) return <Failed problem={spec.problem.value} again={spec.again} />;
  if (!spec.data.value) return <Loading />;
  return <Editor tried={tried} spec={spec.data.value} />;
}

function Editor({ tried, spec }: { tried: Tried; spec: JobSpec }) {
  const known = { model: spec.options?.model ?? "", schema: spec.output_schema ? pretty(spec.output_schema) : "" };
  const instructions = useSignal(spec.instructions);
  const schema = useSignal(known.schema);
  const model = useSignal(known.model);
  const why = useSignal("");
  const busy = useSignal(false);
  const problem = useSignal<Problem | undefined>(undefined);

  const change: Record<string, unknown> = {};
  if (instructions.value !== spec.instructions) change.instructions = instructions.value;
  if (schema.value.trim() !== known.schema && schema.value.trim()) change.output_schema = parsed(schema.value).value;
  if (model.value.trim() !== known.model && model.value.trim()) change.options = { model: model.value.trim() };
  const isChanged = Object.keys(change).length > 0;
  const isWrong = Boolean(parsed(schema.value).problem) || !instructions.value.trim();

  const submit = async (event: Event) => {
    event.preventDefault();
    busy.value = true;
    problem.value = undefined;
    try {
      const body = { ...change, why: why.value.trim() || undefined };
      tried.done(doubts((await send<ControlledJob>("PATCH", at(tried.id), body)).message));
    } catch (error) {
      problem.value = asProblem(error);
    } finally {
      busy.value = false;
    }
  };

  return (
    <Card title="Change what the job says">
      <form class="change" onSubmit={submit}>
        <Field label="Instructions">
          <textarea rows={9} value={instructions.value} onInput={(event) => (instructions.value = event.currentTarget.value)} />
        </Field>
        <SchemaField value={schema} hint={spec.output_schema ? undefined : "Answers of this job are text. A schema makes them fields."} />
        <div class="form-row">
          <Models value={model} label="Model" placeholder="the CLI's default" />
          <Field label="Why">
            <input value={why.value} placeholder="kept in the job's history" onInput={(event) => (why.value = event.currentTarget.value)} />
          </Field>
        </div>
        {problem.value ? <Refused problem={problem.value} /> : null}
        <footer>
          <small>{consequence(tried, "options" in change)}</small>
          <button type="button" onClick={tried.close}>
            Keep it as it is
          </button>
          <button type="submit" class="primary" disabled={busy.value || !isChanged || isWrong}>
            Change and try again
          </button>
        </footer>
      </form>
    </Card>
  );
}

/** What of the server's words a person has to know beyond what he sees. */
function doubts(message: string): string {
  return /(?:warning: |A person has to approve)[\s\S]*/.exec(message)?.[0] ?? "";
}

function consequence(tried: Tried, otherModel: boolean): string {
  const last = tried.cost ? `about ${money(tried.cost)}, as the last round did` : "nothing, as the last round did";
  const cost = otherModel ? `another model has other prices; the last round cost ${money(tried.cost)}` : `that costs ${last}`;
  return `The pilot runs again on the same ${units(tried.units)}: ${cost}.`;
}

export function pretty(schema: unknown): string {
  return JSON.stringify(schema, null, 2);
}
