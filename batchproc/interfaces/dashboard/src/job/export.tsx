// Results as a file: into this browser, or to a place on the machine where batchproc runs.
import { type Signal, signal } from "@preact/signals";
import { download, job as at, search, send } from "../api";
import { count, FINAL, units } from "../format";
import type { ExportAnswer, JobStatus } from "../types";
import { Field } from "../ui/basics";
import { confirm } from "../ui/confirm";
import { Choice } from "./orders";

const FORMATS = [
  ["csv", "CSV, for spreadsheets"],
  ["jsonl", "JSON lines"],
  ["parquet", "Parquet"],
  ["sqlite", "SQLite database"],
  ["html", "HTML page, to read and send on"],
] as const;

interface Wanted {
  format: Signal<string>;
  status: Signal<string>;
  where: Signal<string>;
  path: Signal<string>;
  overwrite: Signal<boolean>;
}

export function askExport(job: JobStatus): void {
  const wanted: Wanted = {
    format: signal("csv"),
    status: signal(""),
    where: signal("here"),
    path: signal(""),
    overwrite: signal(false),
  };
  confirm({
    title: "Export results",
    verb: "Export",
    body: <Form job={job} wanted={wanted} />,
    act: () => (wanted.where.value === "here" ? fetched(job, wanted) : written(job, wanted)),
  });
}

async function fetched(job: JobStatus, { format, status }: Wanted): Promise<string> {
  const name = `${job.job_id}.${format.value}`;
  return download(at(job.job_id, "download") + search({ format: format.value, status: status.value }), name);
}

async function written(job: JobStatus, { format, status, path, overwrite }: Wanted): Promise<string> {
  const told = await send<ExportAnswer>("POST", at(job.job_id, "export"), {
    format: format.value,
    path: path.value.trim(),
    status: status.value || null,
    overwrite: overwrite.value,
  });
  return [`${count(told.rows)} results are in ${told.path}`, ...told.warnings].join(". ");
}

function Form({ job, wanted: { format, status, where, path, overwrite } }: { job: JobStatus; wanted: Wanted }) {
  const finals = FINAL.filter((one) => job.counts[one]);
  const all = finals.reduce((sum, one) => sum + (job.counts[one] ?? 0), 0);
  return (
    <>
      <div class="fields">
        <Field label="Format">
          <select value={format.value} onChange={(event) => (format.value = event.currentTarget.value)}>
            {FORMATS.map(([name, label]) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        </Field>
        <Field label="Units">
          <select value={status.value} onChange={(event) => (status.value = event.currentTarget.value)}>
            <option value="">all that are final ({count(all)})</option>
            {finals.map((one) => (
              <option key={one} value={one}>
                {one} ({count(job.counts[one] ?? 0)})
              </option>
            ))}
          </select>
        </Field>
      </div>
      {job.total_units > all ? <p>{units(job.total_units - all)} are not final yet, and not in it.</p> : null}
      <Choice
        name="Where to"
        chosen={where}
        choices={[
          ["here", "Download it", "With this browser, to where you say or among its downloads."],
          ["path", "Write it on the machine where batchproc runs", "Below your home, or the job's working directory."],
        ]}
      />
      {where.value === "path" ? (
        <>
          <Field label="Path" hint={`For example ~/${job.job_id}.${format.value}`}>
            <input required value={path.value} onInput={(event) => (path.value = event.currentTarget.value)} />
          </Field>
          <label class="check">
            <input
              type="checkbox"
              checked={overwrite.value}
              onChange={(event) => (overwrite.value = event.currentTarget.checked)}
            />
            Replace a file that is there already
          </label>
        </>
      ) : null}
    </>
  );
}
