// One job: how far it is, what it costs, what runs and what failed, and all that can be done with it.
import { clock } from "../format";
import { Changes } from "../job/changes";
import { Charts } from "../job/charts";
import { Controls } from "../job/controls";
import { Failures } from "../job/failures";
import { Progress } from "../job/ledger";
import { QuoteCard } from "../job/quote";
import { RunningNow } from "../job/running";
import { Description } from "../job/spec";
import { waitsFor, WORKING } from "../job/words";
import { lazy } from "../lazy";
import { to } from "../router";
import "../style/job.css";
import type { JobStatus } from "../types";
import { Empty, Failed, Loading } from "../ui/basics";
import { JobTabs } from "../ui/jobtabs";
import { useJob } from "../ui/usejob";

const PilotReview = lazy(() => import("../job/pilot").then((part) => part.PilotReview));

export function Job({ id }: { id: string }) {
  const job = useJob(id);
  const [data, problem] = [job.data.value, job.problem.value];
  if (problem?.status === 404) return <Gone id={id} was={data} />;
  return (
    <>
      <JobTabs id={id} here="overview">
        {data ? <Controls job={data} again={job.again} /> : null}
      </JobTabs>
      {problem ? <Failed problem={problem} again={job.again} kept={data} /> : null}
      {data ? <Overview job={data} again={job.again} /> : problem ? null : <Loading />}
    </>
  );
}

interface Props {
  job: JobStatus;
  again: () => void;
}

function Overview({ job, again }: Props) {
  const hasUnits = job.status !== "enumerating" && job.total_units > 0;
  const hasRun = hasUnits && job.status !== "ready";
  const review = job.status === "review";
  const tries = review || job.status === "pilot";
  const pilot = job.pilot && tries ? <PilotReview job={job} /> : null;
  return (
    <div class="stack job">
      <Attention job={job} />
      {review ? pilot : null}
      {hasUnits ? <Progress job={job} /> : null}
      {hasRun ? (
        <div class="columns">
          <div class="stack">
            {review ? null : pilot}
            {tries ? null : <Charts id={job.job_id} />}
            {review ? null : <QuoteCard job={job} />}
            <Description id={job.job_id} />
          </div>
          <div class="stack">
            {WORKING.has(job.status) || job.counts.running ? <RunningNow job={job} /> : null}
            <Failures job={job} again={again} />
            <Changes job={job} />
          </div>
        </div>
      ) : (
        <div class="columns">
          <Description id={job.job_id} />
          <Changes job={job} />
        </div>
      )}
    </div>
  );
}

/** What the job waits for, and what to do; or that nobody works on it. */
function Attention({ job }: { job: JobStatus }) {
  const waits = waitsFor(job);
  const stuck = job.trouble;
  if (stuck) {
    return (
      <div class="attention needs" role="status">
        <p>
          <strong>Nobody works on it.</strong> {stuck}
        </p>
        <a class="button" href={to("doctor")}>
          Doctor
        </a>
      </div>
    );
  }
  if (!waits) return null;
  const why = job.detail ?? (job.status === "failed" ? job.reason : null);
  const by = job.status === "paused" && job.reason === "user" ? job.changes.find((one) => one.kind === "job.paused") : undefined;
  return (
    <div class={waits.person ? "attention needs" : "attention"} role="status">
      <p>
        <strong>
          {by ? (
            <>
              Paused by <bdi>{by.by}</bdi>, {clock(by.at)}
            </>
          ) : (
            waits.title
          )}
          .
        </strong>{" "}
        {by?.why ? <bdi>“{by.why}”</bdi> : why ? `${why.charAt(0).toUpperCase()}${why.slice(1).replace(/\.?$/, ".")}` : ""}{" "}
        {waits.todo}
      </p>
      {waits.room ? (
        <a class="button" href={to(waits.room)}>
          {waits.room === "doctor" ? "Doctor" : "Approvals"}
        </a>
      ) : null}
    </div>
  );
}

function Gone({ id, was }: { id: string; was: JobStatus | undefined }) {
  return (
    <>
      <h1 class="visually-hidden">{was?.name ?? id}</h1>
      <Empty title={was ? <>“<bdi>{was.name}</bdi>” was deleted</> : "There is no such job"}>
        <p>
          {was ? "Somebody deleted it while you looked at it." : `${id} is not in this store; it may have been deleted.`}{" "}
          <a href="/">All jobs</a>
        </p>
      </Empty>
    </>
  );
}
