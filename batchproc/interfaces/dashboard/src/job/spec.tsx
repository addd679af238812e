// What was asked for: instructions, source, answer and options, folded away until somebody wants to read them.
import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { get, job as at } from "../api";
import { value } from "../format";
import { useResource } from "../resource";
import type { JobSpec } from "../types";
import { Card, Copy, Failed, Loading } from "../ui/basics";

const PARTS: [string, (spec: JobSpec) => ComponentChildren][] = [
  ["Instructions", (spec) => <Block text={spec.instructions} />],
  ["Source", (spec) => <Block text={pretty(spec.enumerator)} />],
  ["Schema of answers", (spec) => <Block text={spec.output_schema ? pretty(spec.output_schema) : "none: answers are text"} />],
  ["Options", (spec) => <Options of={spec.options} />],
];

export function Description({ id }: { id: string }) {
  return (
    <Card title="Description" class="description">
      {PARTS.map(([title, show]) => (
        <Fold key={title} id={id} title={title} show={show} />
      ))}
    </Card>
  );
}

interface Part {
  id: string;
  show: (spec: JobSpec) => ComponentChildren;
}

function Fold({ title, ...part }: Part & { title: string }) {
  const open = useSignal(false);
  return (
    <details onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary>{title}</summary>
      {open.value ? <Read {...part} /> : null}
    </details>
  );
}

function Read({ id, show }: Part) {
  const spec = useResource<JobSpec>(id, (signal) => get(at(id, "spec"), {}, signal));
  if (spec.problem.value) return <Failed problem={spec.problem.value} again={spec.again} />;
  return spec.data.value ? <>{show(spec.data.value)}</> : <Loading />;
}

function Block({ text }: { text: string }) {
  return (
    <div class="copyable">
      <pre class="block" tabIndex={0}>
        {text}
      </pre>
      <Copy text={text} />
    </div>
  );
}

function Options({ of }: { of: JobSpec["options"] }) {
  const said = Object.entries(of).filter(([, one]) => !isEmpty(one));
  return (
    <dl class="options">
      {said.map(([name, one]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class="mono">{value(one)}</dd>
        </div>
      ))}
    </dl>
  );
}

function isEmpty(one: unknown): boolean {
  if (one === null || one === undefined || one === "") return true;
  return typeof one === "object" && Object.keys(one).length === 0;
}

function pretty(one: unknown): string {
  return JSON.stringify(one, null, 2);
}
