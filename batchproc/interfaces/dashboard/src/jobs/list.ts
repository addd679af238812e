// The jobs that match, a page at a time: shown until newer ones are in, and loaded again where something changed.
import { useEffect, useRef } from "preact/hooks";
import { type Signal, useSignal } from "@preact/signals";
import { get, type Problem } from "../api";
import { asProblem } from "../resource";
import type { JobCard, JobCards } from "../types";

const PAGE = 50;

interface Page extends JobCards {
  cursor: string | null;
}

export interface JobList {
  jobs: Signal<JobCard[] | undefined>;
  total: Signal<number>;
  hasMore: Signal<boolean>;
  problem: Signal<Problem | undefined>;
  more: () => void;
  /** Load the first page again, and those with these jobs. */
  again: (changed?: readonly string[]) => void;
}

export function useJobList(text: string, status: string): JobList {
  const jobs = useSignal<JobCard[] | undefined>(undefined);
  const total = useSignal(0);
  const hasMore = useSignal(false);
  const problem = useSignal<Problem | undefined>(undefined);
  const run = useRef<Pick<JobList, "more" | "again">>({ more: () => {}, again: () => {} });

  useEffect(() => {
    const stop = new AbortController();
    let pages: Page[] = [];
    let queue: Promise<void> = Promise.resolve();
    const load = async (cursor: string | null): Promise<Page> => {
      const page = await get<JobCards>("/jobs", { text, status, cursor, limit: PAGE }, stop.signal);
      return { ...page, jobs: page.jobs.map((job) => sameOr(jobs.peek(), job)), cursor };
    };
    const show = () => {
      jobs.value = [...new Map(pages.flatMap((page) => page.jobs.map((job) => [job.job_id, job]))).values()];
      total.value = pages[0]?.total ?? 0;
      hasMore.value = (pages.at(-1)?.next_cursor ?? null) !== null;
      problem.value = undefined;
    };
    const then = (work: () => Promise<void>) => {
      queue = queue.then(work).catch((error: unknown) => {
        if (!stop.signal.aborted) problem.value = asProblem(error);
      });
    };
    run.current = {
      more: () =>
        then(async () => {
          const cursor = pages.at(-1)?.next_cursor;
          if (!cursor) return;
          pages = [...pages, await load(cursor)];
          show();
        }),
      again: (changed) =>
        then(async () => {
          pages = await renewed(pages, load, changed);
          show();
        }),
    };
    run.current.again();
    return () => stop.abort();
  }, [text, status]);

  return { jobs, total, hasMore, problem, more: () => run.current.more(), again: (changed) => run.current.again(changed) };
}

/** What has not changed stays the very object that it was: its row is not drawn again. */
function sameOr(known: JobCard[] | undefined, job: JobCard): JobCard {
  const old = known?.find((one) => one.job_id === job.job_id);
  return old && JSON.stringify(old) === JSON.stringify(job) ? old : job;
}

/** Pages begin where the one before them ends: where that has moved, all that follow are loaded again. */
async function renewed(
  pages: Page[],
  load: (cursor: string | null) => Promise<Page>,
  changed: readonly string[] = [],
): Promise<Page[]> {
  const made: Page[] = [];
  let cursor: string | null = null;
  for (const old of pages.length ? pages : [undefined]) {
    const stale = !old || !made.length || old.cursor !== cursor || old.jobs.some((job) => changed.includes(job.job_id));
    const page: Page = stale ? await load(cursor) : old;
    made.push(page);
    cursor = page.next_cursor;
    if (cursor === null) break;
  }
  return made;
}
