// What the answer should have been: a field for each of its schema, or text.
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { Problem } from "../api";
import type { ReviewUnit } from "../types";
import { Key } from "../ui/basics";
import { type Kind, kindOf, type Schema, shown, taken } from "./schema";

interface Props {
  unit: ReviewUnit;
  schema: Schema | null;
  problem: Problem | undefined;
  correct: (correction: unknown) => void;
  close: () => void;
}

export function Correct({ unit, schema, problem, correct, close }: Props) {
  const properties = Object.entries((schema?.properties ?? {}) as Record<string, Schema>);
  const kinds = new Map(properties.map(([name, part]) => [name, kindOf(part, schema ?? {})]));
  const output = unit.output ?? {};
  const texts = useSignal<Record<string, string>>(
    schema ? Object.fromEntries([...kinds].map(([name, kind]) => [name, shown(output[name], kind)])) : { text: unit.text ?? "" },
  );
  const wrong = useSignal("");
  const set = (name: string, value: string) => (texts.value = { ...texts.value, [name]: value });

  const submit = (event: Event) => {
    event.preventDefault();
    wrong.value = "";
    if (!schema) return correct(texts.value.text ?? "");
    try {
      correct(Object.fromEntries([...kinds].map(([name, kind]) => [name, taken(name, texts.value[name] ?? "", kind)])));
    } catch (error) {
      wrong.value = (error as Error).message;
    }
  };
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => form.current?.scrollIntoView({ block: "nearest" }), []);
  const keys = (event: KeyboardEvent) => {
    if (event.key === "Escape") close();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
  };

  return (
    <form ref={form} class="card correction" aria-label="What it should be" onSubmit={submit} onKeyDown={keys}>
      <h3>What it should be</h3>
      {schema ? (
        [...kinds].map(([name, kind], n) => (
          <label key={name} class="field">
            <span>
              {name} <small>{kind.about}</small>
            </span>
            <Input kind={kind} value={texts.value[name] ?? ""} set={(value) => set(name, value)} first={n === 0} />
          </label>
        ))
      ) : (
        <textarea
          aria-label="The right answer"
          rows={8}
          autofocus
          value={texts.value.text}
          onInput={(event) => set("text", event.currentTarget.value)}
        />
      )}
      {wrong.value || problem ? (
        <p class="failed" role="alert">
          {wrong.value || problem?.message}
        </p>
      ) : null}
      <footer>
        <small>
          It takes the answer's place in all results. <Key>Ctrl</Key> <Key>Enter</Key> keeps it, <Key>Esc</Key> leaves.
        </small>
        <button type="button" onClick={close}>
          Leave it
        </button>
        <button type="submit" class="primary">
          Correct
        </button>
      </footer>
    </form>
  );
}

function Input({ kind, value, set, first }: { kind: Kind; value: string; set: (value: string) => void; first: boolean }) {
  if (kind.choices) {
    return (
      <select value={value} autofocus={first} onChange={(event) => set(event.currentTarget.value)}>
        {kind.choices.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
    );
  }
  if (kind.is === "number") {
    return <input inputMode="decimal" autofocus={first} value={value} onInput={(event) => set(event.currentTarget.value)} />;
  }
  return (
    <textarea
      class={kind.is === "json" ? "mono" : undefined}
      rows={Math.min(8, Math.max(1, Math.ceil(value.length / 60), value.split("\n").length))}
      spellcheck={kind.is === "text"}
      autofocus={first}
      value={value}
      onInput={(event) => set(event.currentTarget.value)}
    />
  );
}
