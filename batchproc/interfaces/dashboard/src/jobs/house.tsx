// The house in one line: agents at work, what today cost, and whether somebody is there to work.
import { useMemo } from "preact/hooks";
import { get } from "../api";
import { count, duration, money } from "../format";
import { throttled, useResource } from "../resource";
import { to } from "../router";
import type { Approvable, Approvals, JobCard, JobCards, Stats, Workers } from "../types";

export interface House {
  workers: Workers;
  today: Stats;
  /** Jobs that may wait for a person, newest first. */
  waiting: JobCard[];
  approvals: Approvable[];
}

const AT_MOST_EVERY_MS = 3000;
const MOST_WAITING = 50;

export function useHouse(): { house: House | undefined; again: () => void } {
  const loaded = useResource<House>("house", load);
  const again = useMemo(() => throttled(loaded.again, AT_MOST_EVERY_MS), []);
  return { house: loaded.data.value, again };
}

async function load(signal: AbortSignal): Promise<House> {
  const [workers, today, { approvals }] = await Promise.all([
    get<Workers>("/workers", {}, signal),
    get<Stats>("/stats", { since: new Date(new Date().setHours(0, 0, 0, 0)).toISOString() }, signal),
    get<Approvals>("/approvals", {}, signal),
  ]);
  const asked = ["review", "paused"].filter((status) => today.jobs[status]);
  const pages = await Promise.all(asked.map((status) => get<JobCards>("/jobs", { status, limit: MOST_WAITING }, signal)));
  return { workers, today, approvals, waiting: pages.flatMap((page) => page.jobs) };
}

export function HouseLine({ house }: { house: House | undefined }) {
  return <p class="house">{house ? <Words house={house} /> : "…"}</p>;
}

function Words({ house: { workers, today } }: { house: House }) {
  const spent = today.series.reduce((sum, point) => sum + point.cost_usd, 0);
  return (
    <>
      <span>
        <b>{count(workers.agents)}</b> {workers.slots ? `of ${count(workers.slots)} agents` : "agents"} at work
      </span>
      <span>
        <b>{money(spent)}</b> today
      </span>
      <span>
        {workers.alive ? (
          <>supervisor up {workers.uptime_s ? duration(workers.uptime_s) : ""}</>
        ) : (
          <>supervisor asleep: it starts when a job does</>
        )}
      </span>
      {workers.trouble ? (
        <a class="trouble" href={to("doctor")}>
          {workers.trouble}
        </a>
      ) : null}
    </>
  );
}
