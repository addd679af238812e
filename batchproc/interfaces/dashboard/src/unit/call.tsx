// A tool call in one line, which opens to what went in and what came out. All of it is text.
import { useSignal } from "@preact/signals";
import { clock } from "../format";
import type { EventLine } from "../types";
import { Diff } from "../ui/diffview";
import { Fields, Long } from "../ui/fields";
import { telling, text } from "./turns";

const EDITS = new Set(["Edit", "MultiEdit", "Write", "NotebookEdit"]);

export function Call({ event, result }: { event: EventLine; result?: EventLine | undefined }) {
  const open = useSignal(false);
  const { name, input } = event.data;
  const bad = result?.data.is_error === true;
  const line = name === "StructuredOutput" ? "gives its answer" : telling(input);
  return (
    <details class={bad ? "call bad" : "call"} onToggle={(toggled) => (open.value = toggled.currentTarget.open)}>
      <summary title={clock(event.at)}>
        <b>{text(name)}</b>
        <code>{line}</code>
        <small>{result ? (bad ? "error" : "") : "…"}</small>
      </summary>
      {open.value ? (
        <div class="inside">
          <h4>Input</h4>
          <Input name={text(name)} input={input} />
          <h4>{bad ? "Error" : "Result"}</h4>
          {result ? <Result of={result} /> : <p class="nothing">Nothing yet.</p>}
        </div>
      ) : null}
    </details>
  );
}

function Input({ name, input }: { name: string; input: unknown }) {
  if (typeof input !== "object" || input === null) return <pre class="block">{text(input)}</pre>;
  const data = input as Record<string, unknown>;
  if (EDITS.has(name)) return <Edits data={data} />;
  if (typeof data.command === "string") {
    const { command, ...rest } = data;
    return (
      <>
        <pre class="block">{command}</pre>
        {Object.keys(rest).length ? <Fields of={rest} /> : null}
      </>
    );
  }
  return <Fields of={data} />;
}

interface Edit {
  old_string?: unknown;
  new_string?: unknown;
}

/** Changes of a file as lines that went and lines that came. */
function Edits({ data }: { data: Record<string, unknown> }) {
  const path = text(data.file_path ?? data.notebook_path);
  const edits = (Array.isArray(data.edits) ? data.edits : [{ old_string: data.old_string, new_string: data.new_string ?? data.content ?? data.new_source }]) as Edit[];
  return (
    <>
      <p class="mono">{path}</p>
      {edits.map((one, n) => (
        <Diff key={n} before={text(one.old_string)} after={text(one.new_string)} label={`Change of ${path}`} />
      ))}
    </>
  );
}

export function Result({ of }: { of: EventLine }) {
  const { content } = of.data;
  const blocks: unknown[] = Array.isArray(content) ? content : [content];
  if (!blocks.some((one) => text(one) !== "")) return <p class="nothing">Nothing.</p>;
  return (
    <>
      {blocks.map((one, n) => (
        <Block key={n} of={one} />
      ))}
    </>
  );
}

/** Text as it is; a file as a note of what it was: its content is not kept. */
function Block({ of }: { of: unknown }) {
  const block = (typeof of === "object" && of !== null ? of : { type: "text", text: of }) as Record<string, unknown>;
  if (block.type === "text" || typeof block.text === "string") {
    return (
      <pre class="block">
        <Long text={text(block.text)} />
      </pre>
    );
  }
  const note = typeof block.source === "string" ? block.source.replace(/^\[|\]$/g, "") : "";
  if (note) {
    return (
      <p class="attachment">
        <b>{text(block.type)}</b> {note}
      </p>
    );
  }
  return <pre class="block">{JSON.stringify(of, null, 2)}</pre>;
}
