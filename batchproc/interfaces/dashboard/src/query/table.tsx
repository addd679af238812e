// The rows that a question gave.
import { useMemo } from "preact/hooks";
import { count, duration } from "../format";
import { save } from "../api";
import { to } from "../router";
import type { QueryResults } from "../types";
import { Long } from "../ui/fields";
import { type Cell, csv } from "./csv";

export interface Answer {
  sql: string;
  found: QueryResults;
  /** As the browser saw it. */
  seconds: number;
}

/** Rows that a browser scrolls with ease. */
const DRAWN = 1000;

export function Rows({ id, answer }: { id: string; answer: Answer }) {
  const { columns, rows, truncated, message } = answer.found;
  return (
    <section class="card flush answer" aria-label="Answer">
      <header>
        <p role="status">
          <strong>
            {count(rows.length)} {rows.length === 1 ? "row" : "rows"}
          </strong>{" "}
          in {duration(answer.seconds)}
        </p>
        <button type="button" disabled={rows.length === 0} onClick={() => save(file(columns, rows), `${id}-query.csv`)}>
          {truncated ? "These rows as CSV" : "As CSV"}
        </button>
      </header>
      {message ? <p class={truncated ? "note cut" : "aside"}>{message}.</p> : null}
      {rows.length ? (
        <div class="scroll" tabIndex={0} role="region" aria-label="Rows">
          <Table id={id} columns={columns} rows={rows} />
          {rows.length > DRAWN ? <p class="aside">The first {count(DRAWN)} are drawn here; the CSV has all {count(rows.length)}.</p> : null}
        </div>
      ) : (
        <p class="aside">No row of the results is like that.</p>
      )}
    </section>
  );
}

function Table(props: { id: string; columns: string[]; rows: Cell[][] }) {
  return useMemo(() => drawn(props.id, props.columns, props.rows), [props.rows]);
}

function drawn(id: string, columns: string[], rows: Cell[][]) {
  const numeric = columns.map((_, n) => rows.every((row) => row[n] === null || typeof row[n] === "number"));
  const wide = columns.map((_, n) => rows.some((row) => String(row[n] ?? "").length > 50));
  return (
    <table>
      <thead>
        <tr>
          {columns.map((name, n) => (
            <th key={n} class={numeric[n] ? "number" : undefined}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.slice(0, DRAWN).map((row, n) => (
          <tr key={n}>
            {row.map((cell, m) => (
              <td key={m} class={numeric[m] ? "number" : columns[m] === "key" ? "key-cell" : wide[m] ? "wide" : undefined}>
                {cell === null ? (
                  <span class="nothing">null</span>
                ) : columns[m] === "key" ? (
                  <a href={to("jobs", id, "units", String(cell))}>{cell}</a>
                ) : typeof cell === "number" ? (
                  cell
                ) : (
                  <Long text={cell} short={160} />
                )}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function file(columns: string[], rows: Cell[][]): Blob {
  return new Blob([csv(columns, rows)], { type: "text/csv;charset=utf-8" });
}
