// All units of a job in one table, however many there are: found, opened, selected, and asked for again.
import { useEffect, useMemo, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { get, job as at } from "../api";
import { units as unitsOf } from "../format";
import { asProblem } from "../resource";
import { address, go, query, setQuery, to } from "../router";
import type { JobSpec, JobStatus } from "../types";
import { Empty, Failed, Loading } from "../ui/basics";
import { JobTabs } from "../ui/jobtabs";
import { narrow } from "../ui/narrow";
import { toast } from "../ui/toast";
import { useJob } from "../ui/usejob";
import { Bulk } from "../units/bulk";
import { chosen, type Column, Fields } from "../units/columns";
import { Chips, Columns, Group, Search } from "../units/filters";
import { Grid } from "../units/grid";
import { type Filter, Pages } from "../units/pages";
import { NONE, type Selection } from "../units/selection";
import "../style/units.css";

export function Units({ id }: { id: string }) {
  address.value; // whatever of it changes, the table follows
  const filter: Filter = { status: query("status"), signature: query("signature"), text: query("text") };
  const name = [filter.status, filter.signature, filter.text].join("\n");
  const job = useJob(id).data.value;
  const selection = useSignal<Selection>(NONE);
  const { shown, next, again } = usePages(id, filter, name, () => (selection.value = NONE));
  const { columns, fields } = useColumns(id, shown?.pages);
  const total = shown?.pages.total.value;
  const problem = next?.problem.value;
  const hrefOf = (key: string, index: number) => to("jobs", id, "units", key, { ...filter, cols: query("cols"), at: String(index) });
  return (
    <div class="units-page">
      <JobTabs id={id} here="units" />
      <div class="filters">
        <Chips id={id} filter={filter} job={job} />
        <Group filter={filter} job={job} total={total} />
        <div class="tools">
          <Search filter={filter} />
          {narrow.value || !columns.length ? null : <Columns shown={columns} fields={fields} />}
        </div>
      </div>
      {problem ? <Failed problem={problem} again={again} kept={shown && total} /> : null}
      {shown && total ? (
        <>
          <Grid
            key={shown.name}
            pages={shown.pages}
            columns={columns}
            selection={selection}
            start={shown.start}
            hrefOf={hrefOf}
            onOpen={(key, index) => {
              setQuery({ on: index });
              go(hrefOf(key, index));
            }}
            onRest={(row, on) => setQuery({ row: row || null, on: on < 0 ? null : on })}
            onError={(error) => toast(asProblem(error).message)}
          />
          <footer class="under">
            <Bulk id={id} filter={shown.pages.filter} total={total} selection={selection} />
            <span role="status">{name.trim() ? `${unitsOf(total)} ${total === 1 ? "matches" : "match"}` : unitsOf(total)}</span>
          </footer>
        </>
      ) : problem ? null : total === 0 ? (
        <Nothing id={id} job={job} narrowed={name.trim() !== ""} />
      ) : (
        <Loading />
      )}
    </div>
  );
}

interface Shown {
  pages: Pages;
  name: string;
  start: { row: number; on: number };
}

/** The pages of what is filtered for. Those of the filter before stay until the new ones are there. */
function usePages(id: string, filter: Filter, name: string, onOther: () => void) {
  const shown = useSignal<Shown | undefined>(undefined);
  const next = useSignal<Pages | undefined>(undefined);
  const again = useRef(() => {});
  const job = useJob(id);
  useEffect(() => {
    const pages = new Pages(id, filter);
    const start = { row: Number(query("row")) || 0, on: query("on") === "" ? -1 : Number(query("on")) };
    let gone = false;
    next.value = pages;
    const open = async () => {
      pages.problem.value = undefined;
      await pages.begin(start.row);
      if (gone || pages.total.value === undefined || shown.peek()?.pages === pages) return;
      onOther();
      shown.value = { pages, name, start };
    };
    again.current = () => (shown.peek()?.pages === pages ? pages.again() : void open());
    void open();
    const stop = job.onTick(() => {
      if (!pages.total.peek()) void open(); // there was nothing; the table looks for itself as soon as it is there
    });
    return () => {
      gone = true;
      stop();
      pages.stop();
    };
  }, [id, name, job]);
  return { shown: shown.value, next: next.value, again: () => again.current() };
}

/** The columns that are shown: they become more as fields are seen, and never other ones by themselves. */
function useColumns(id: string, pages: Pages | undefined): { columns: Column[]; fields: Fields } {
  const fields = useMemo(() => new Fields(), []);
  const spec = useSignal<JobSpec | undefined>(undefined);
  const kept = useRef<Column[]>([]);
  useEffect(() => {
    const stop = new AbortController();
    get<JobSpec>(at(id, "spec"), {}, stop.signal).then(
      (got) => (spec.value = got),
      () => (spec.value = undefined), // then the fields of answers are those that are seen
    );
    return () => stop.abort();
  }, [id]);
  const changes = pages?.changes.value;
  const cols = query("cols");
  return useMemo(() => {
    if (!pages) return { columns: [], fields };
    fields.learn(pages.rows(), spec.value);
    const columns = chosen(cols, fields, pages.filter.status);
    if (columns.length !== kept.current.length || columns.some((one, n) => one !== kept.current[n])) kept.current = columns;
    return { columns: kept.current, fields };
  }, [pages, cols, changes, spec.value]);
}

function Nothing({ id, job, narrowed }: { id: string; job: JobStatus | undefined; narrowed: boolean }) {
  if (job?.status === "enumerating") {
    return (
      <Empty title="Its source is being read">
        <p>The units are here when the whole of it is in, all at once.</p>
      </Empty>
    );
  }
  if (narrowed) {
    return (
      <Empty title="No unit matches">
        <p>
          <a href={to("jobs", id, "units", { cols: query("cols") })}>Clear the filters</a>
        </p>
      </Empty>
    );
  }
  return (
    <Empty title="This job has no units">
      <p>
        Nothing was found in its source. <a href={to("jobs", id)}>Look at the job</a>
      </p>
    </Empty>
  );
}
