// What there is to ask: the columns of this job's results, examples that are made of them, and what was asked before.
import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { download, job as at } from "../api";
import { asProblem } from "../resource";
import { toast } from "../ui/toast";
import { type Column, examples } from "./state";

interface Props {
  id: string;
  columns: Column[];
  insert: (text: string) => void;
  ask: (sql: string) => void;
  earlier: string[];
}

export function Side({ id, columns, insert, ask, earlier }: Props) {
  return (
    <aside class="side" aria-label="What there is to ask">
      <Part title="Columns" note="of results; click to insert">
        <ul class="column-list">
          {columns.map((one) => (
            <li key={one.name}>
              <button type="button" onClick={() => insert(one.name)} title={one.example ? `like ${one.example}` : "no value yet"}>
                <code>{one.name}</code>
                <small>{short(one.type)}</small>
              </button>
            </li>
          ))}
        </ul>
      </Part>
      <Part title="Examples">
        <ul class="examples">
          {examples(columns).map(([words, sql]) => (
            <li key={words}>
              <button type="button" title={sql} onClick={() => ask(sql)}>
                {words}
              </button>
            </li>
          ))}
        </ul>
      </Part>
      {earlier.length ? (
        <Part title="Asked before" note="in this browser">
          <ul class="examples">
            {earlier.map((sql) => (
              <li key={sql}>
                <button type="button" title={sql} onClick={() => ask(sql)}>
                  <code>{sql.replace(/\s+/g, " ")}</code>
                </button>
              </li>
            ))}
          </ul>
        </Part>
      ) : null}
      <Part title="All results">
        <Downloads id={id} />
      </Part>
    </aside>
  );
}

function Part({ title, note, children }: { title: string; note?: string; children: ComponentChildren }) {
  return (
    <section>
      <h2>
        {title} {note ? <small>{note}</small> : null}
      </h2>
      {children}
    </section>
  );
}

const FORMATS = ["csv", "jsonl", "sqlite", "html"];

function Downloads({ id }: { id: string }) {
  const busy = useSignal("");
  const fetch = async (format: string) => {
    busy.value = format;
    try {
      toast(await download(`${at(id, "download")}?format=${format}`, `${id}.${format}`));
    } catch (error) {
      toast(asProblem(error).message);
    } finally {
      busy.value = "";
    }
  };
  return (
    <div class="actions">
      {FORMATS.map((format) => (
        <button key={format} type="button" disabled={busy.value !== ""} onClick={() => void fetch(format)}>
          {busy.value === format ? "…" : format}
        </button>
      ))}
    </div>
  );
}

function short(type: string): string {
  return type.startsWith("text, all numbers") ? "text of numbers" : type.startsWith("JSON") ? "JSON" : type;
}
