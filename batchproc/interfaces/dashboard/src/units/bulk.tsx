// What can be done with the units that are selected.
import type { Signal } from "@preact/signals";
import { get, job, Problem } from "../api";
import { count, units as unitsOf } from "../format";
import type { UnitPage } from "../types";
import { askToCancel, askToRetry, type Which } from "./orders";
import type { Filter } from "./pages";
import { ALL, has, NONE, type Selection, size } from "./selection";

const MOST = 50_000;
const BY_STATUS = new Set(["failed", "flagged", "cancelled", "skipped"]);

interface Props {
  id: string;
  filter: Filter;
  total: number;
  selection: Signal<Selection>;
}

export function Bulk({ id, filter, total, selection }: Props) {
  const chosen = selection.value;
  const number = size(chosen, total);
  const done = () => {
    selection.value = NONE;
  };
  return (
    <div class={number ? "bulk on" : "bulk"} role="region" aria-label="What is selected">
      <span role="status">{number ? `${unitsOf(number)} selected` : ""}</span>
      {number ? (
        <>
          {number < total ? (
            <button type="button" class="quiet" onClick={() => (selection.value = ALL)}>
              All {count(total)} that match
            </button>
          ) : null}
          <button type="button" onClick={() => askToRetry({ id, count: number, done, which: (told) => retried(id, filter, chosen, told) })}>
            Retry…
          </button>
          <button type="button" onClick={() => askToCancel({ id, count: number, done, which: (told) => named(id, filter, chosen, told) })}>
            Cancel…
          </button>
          <button type="button" class="quiet" onClick={done}>
            Clear
          </button>
        </>
      ) : null}
    </div>
  );
}

/** A whole group goes by its name; everything else by keys. */
async function retried(id: string, filter: Filter, chosen: Selection, told: (found: number) => void): Promise<Which> {
  if (chosen.all && chosen.keys.size === 0 && !filter.text) {
    if (filter.signature && !filter.status) return { signature: filter.signature };
    if (!filter.signature && BY_STATUS.has(filter.status)) return { status: filter.status };
  }
  return named(id, filter, chosen, told);
}

async function named(id: string, filter: Filter, chosen: Selection, told: (found: number) => void): Promise<{ keys: string[] }> {
  if (!chosen.all) return { keys: [...chosen.keys] };
  const keys: string[] = [];
  let cursor: string | null = null;
  do {
    const page: UnitPage = await get(job(id, "units"), { ...filter, cursor, limit: 200 });
    for (const unit of page.units) if (has(chosen, unit.key)) keys.push(unit.key);
    cursor = page.next_cursor;
    told(keys.length);
    if (keys.length > MOST) {
      throw new Problem(0, "too many", `These are more than ${count(MOST)} units. Narrow the filter to one status or one group, or order it for the whole job.`);
    }
  } while (cursor);
  return { keys };
}
