// Where a question is written: one SELECT, run by Ctrl+Enter; and what was wrong with the last one, with its place.
import type { RefObject } from "preact";
import type { Signal } from "@preact/signals";
import type { Problem } from "../api";
import { Key } from "../ui/basics";
import { placeOf, pointed } from "./state";

interface Props {
  text: Signal<string>;
  box: RefObject<HTMLTextAreaElement | null>;
  busy: boolean;
  limit: number;
  setLimit: (limit: number) => void;
  run: () => void;
}

const LIMITS = [200, 1000, 5000];

export function Editor({ text, box, busy, limit, setLimit, run }: Props) {
  const keys = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    run();
  };
  return (
    <form
      class="editor"
      onSubmit={(event) => {
        event.preventDefault();
        run();
      }}
    >
      <label class="visually-hidden" for="sql">
        One SELECT of the table results
      </label>
      <textarea
        id="sql"
        ref={box}
        class="mono"
        rows={Math.min(16, Math.max(5, text.value.split("\n").length + 1))}
        spellcheck={false}
        autocapitalize="off"
        placeholder="SELECT … FROM results"
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
        onKeyDown={keys}
      />
      <div class="actions">
        <button type="submit" class="primary" disabled={busy || !text.value.trim()}>
          {busy ? "Running…" : "Run"}
        </button>
        <small>
          <Key>Ctrl</Key> <Key>Enter</Key>
        </small>
        <label class="limit">
          <small>at most</small>{" "}
          <select value={limit} onChange={(event) => setLimit(Number(event.currentTarget.value))}>
            {LIMITS.map((one) => (
              <option key={one} value={one}>
                {one.toLocaleString("en-US")} rows
              </option>
            ))}
          </select>
        </label>
      </div>
    </form>
  );
}

export function Wrong({ problem, sql }: { problem: Problem; sql: string }) {
  const at = placeOf(problem.message, sql);
  const place = at && pointed(sql, at);
  return (
    <div class="failed wrong" role="alert">
      <p>{problem.message.replace(/^sql = (['"]).*?\1(?:\.\.\.)?: /s, "")}</p>
      {place ? (
        <>
          <p>
            Line {place.line}, character {place.column}:
          </p>
          <pre>{place.shown}</pre>
        </>
      ) : null}
    </div>
  );
}
