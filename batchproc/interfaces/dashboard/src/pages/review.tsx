// A person judges answers, one at a time, and sees what that proves of all of them.
import { useEffect, useMemo } from "preact/hooks";
import { get, job as at } from "../api";
import { useResource } from "../resource";
import { to } from "../router";
import "../style/review.css";
import type { JobSpec, JobStatus } from "../types";
import { Card, Empty, Failed, Loading } from "../ui/basics";
import { JobTabs } from "../ui/jobtabs";
import { useJob } from "../ui/usejob";
import { Draw } from "../review/draw";
import { Judging } from "../review/judging";
import { Session } from "../review/session";

export function Review({ id }: { id: string }) {
  const session = useMemo(() => new Session(id), [id]);
  const job = useJob(id);
  const spec = useResource<JobSpec>(id, (signal) => get(at(id, "spec"), {}, signal));
  const wasDrawn = Boolean(job.data.value?.review);
  useEffect(() => {
    if (wasDrawn && !session.proof.value) void session.draw();
  }, [wasDrawn]);
  const problem = job.data.value ? spec.problem.value : job.problem.value;
  const again = () => {
    job.again();
    spec.again();
  };
  return (
    <>
      <JobTabs id={id} here="review" />
      {problem ? <Failed problem={problem} again={again} kept={job.data.value && spec.data.value} /> : null}
      {job.data.value && spec.data.value ? (
        <Content session={session} job={job.data.value} spec={spec.data.value} />
      ) : problem ? null : (
        <Loading />
      )}
    </>
  );
}

interface Loaded {
  session: Session;
  job: JobStatus;
  spec: JobSpec;
}

function Content({ session, job, spec }: Loaded) {
  const problem = session.problem.value;
  if (session.proof.value) return <Judging session={session} schema={spec.output_schema ?? null} population={job.counts.succeeded ?? 0} />;
  if (problem) return <Failed problem={problem.problem} again={() => void session.draw()} />;
  if (job.review) return <Loading />;
  const answers = (job.counts.succeeded ?? 0) + (job.counts.flagged ?? 0);
  if (answers === 0) {
    return (
      <Empty title="Nothing to review yet">
        <p>
          No unit has an answer. They stand here when some have ended: <a href={to("jobs", job.job_id)}>look at the job</a>.
        </p>
      </Empty>
    );
  }
  return (
    <Card title="Judge a sample" class="begin">
      <p>Answers are drawn by chance and shown one at a time. What you say of them proves how many of all may be wrong.</p>
      <Draw population={job.counts.succeeded ?? 0} busy={session.busy.value} draw={(n) => void session.draw(n)} />
    </Card>
  );
}
