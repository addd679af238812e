// The units before and after this one: among those that match the filter one came from, or else in the source.
import { get, job } from "../api";
import { useResource } from "../resource";
import { query, to } from "../router";
import type { UnitDetail, UnitPage } from "../types";

export interface Beside {
  previous?: string;
  next?: string;
  /** Back to the table, at this unit. */
  units: string;
  /** Of how many, and which one, if one came from the table. */
  place?: { index: number; total: number };
}

/** Links that carry the filter along. */
export function useBeside(id: string, key: string, unit: UnitDetail | undefined): Beside {
  const filter = { status: query("status"), signature: query("signature"), text: query("text") };
  const [cols, at] = [query("cols"), query("at")];
  const index = Number(at);
  const first = Math.max(0, index - 1);
  const around = useResource<UnitPage | undefined>(`${key}\n${at}\n${Object.values(filter).join("\n")}`, async (signal) =>
    at === "" ? undefined : get<UnitPage>(job(id, "units"), { ...filter, offset: first, limit: 3 }, signal),
  ).data.value;
  const href = (other: string, where: number | undefined) =>
    to("jobs", id, "units", other, { ...filter, cols, at: where === undefined ? "" : String(where) });
  const units = to("jobs", id, "units", { ...filter, cols, row: at === "" ? "" : String(Math.max(0, index - 4)), on: at });
  const here = around?.units.findIndex((one) => one.key === key) ?? -1;
  if (around && here >= 0) {
    const link = (n: number) => (around.units[n] ? href(around.units[n].key, first + n) : undefined);
    return { previous: link(here - 1), next: link(here + 1), units, place: { index: first + here, total: around.total } };
  }
  const link = (other: string | null | undefined) => (other ? to("jobs", id, "units", other) : undefined);
  return { previous: link(unit?.previous_key), next: link(unit?.next_key), units };
}
