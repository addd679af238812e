// The head of every page of a job: its name, how it stands, whether what is seen is of now, and its rooms.
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { connection } from "../live";
import { to } from "../router";
import { apart } from "../shown";
import { percent } from "../format";
import { shortReason } from "../job/words";
import "../style/jobtabs.css";
import type { JobStatus } from "../types";
import { Status } from "./basics";
import { useJob } from "./usejob";

export type JobTab = "overview" | "units" | "review" | "query" | "logs";

const MOVING = new Set(["enumerating", "pilot", "running", "synthesizing"]);

interface Props {
  id: string;
  here: JobTab;
  /** What can be done here, at the right of the name. */
  children?: ComponentChildren;
}

export function JobTabs({ id, here, children }: Props) {
  const job = useJob(id);
  const data = job.data.value;
  useTitle(id, here, data);
  return (
    <div class="job-head">
      <div class="name">
        <div>
          <nav class="crumb" aria-label="Where this is">
            <a href="/">Jobs</a>
            <span aria-hidden="true">/</span>
            <span class="mono">{id}</span>
          </nav>
          <h1>{data?.name ?? id}</h1>
          <p class="standing">{data ? <Standing job={data} /> : job.problem.value ? job.problem.value.title : "…"}</p>
        </div>
        {children ? <div class="actions">{children}</div> : null}
      </div>
      <Tabs id={id} here={here} />
    </div>
  );
}

function Standing({ job }: { job: JobStatus }) {
  return (
    <>
      <Status of={job.status} reason={shortReason(job)} />
      {MOVING.has(job.status) ? <Light /> : null}
    </>
  );
}

/** Whether what is seen is of now. */
function Light() {
  const words = { connecting: "connecting", live: "live", away: "not live: reconnecting…" }[connection.value];
  return (
    <span class={`light ${connection.value}`}>
      <span class="dot" aria-hidden="true" />
      {words}
    </span>
  );
}

function Tabs({ id, here }: { id: string; here: JobTab }) {
  const tabs: [JobTab, string, string][] = [
    ["overview", "Overview", to("jobs", id)],
    ["units", "Units", to("jobs", id, "units")],
    ["review", "Review", to("jobs", id, "review")],
    ["query", "Query", to("jobs", id, "query")],
    ["logs", "Logs", to("logs", { job_id: id })],
  ];
  return (
    <nav class="tabs" aria-label="Pages of this job">
      {tabs.map(([tab, name, href]) => (
        <a key={tab} href={href} aria-current={tab === here ? "page" : undefined}>
          {name}
        </a>
      ))}
    </nav>
  );
}

/** Many jobs are open in many tabs of a browser: each says what it is, and how far. */
function useTitle(id: string, here: JobTab, job: JobStatus | undefined): void {
  const name = apart(job?.name ?? id);
  const far = job && MOVING.has(job.status) ? `${percent(job.percent / 100)} · ` : "";
  const title = `${far}${name}${here === "overview" ? "" : ` · ${here}`} · batchproc`;
  useEffect(() => {
    document.title = title;
    return () => {
      document.title = "batchproc";
    };
  }, [title]);
}
