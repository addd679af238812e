// The job that the user is in, loaded once for its tabs and its page, and again when a tick says that it changed.
import { useEffect } from "preact/hooks";
import { type Signal, signal } from "@preact/signals";
import { get, job as at, type Problem } from "../api";
import { ticks } from "../live";
import { asProblem, throttled } from "../resource";
import type { JobStatus } from "../types";

const AT_MOST_EVERY_MS = 1000;
/** Also without a tick: what happened while the stream was away, and times that only pass. */
const AT_LEAST_EVERY_MS = 15_000;
/** While the same job is shown on another page in a moment, its stream stays open. */
const LINGER_MS = 300;

export interface SharedJob {
  data: Signal<JobStatus | undefined>;
  problem: Signal<Problem | undefined>;
  /** Load again, now. */
  again: () => void;
  /** Called at each tick of this job, at most once a second. Returns how to stop. */
  onTick: (action: () => void) => () => void;
}

interface Kept extends SharedJob {
  id: string;
  users: number;
  stop: () => void;
}

let kept: Kept | undefined;

export function useJob(id: string): SharedJob {
  const shared = shareOf(id);
  useEffect(() => {
    shared.users += 1;
    return () => {
      shared.users -= 1;
      setTimeout(() => leave(shared), LINGER_MS);
    };
  }, [shared]);
  return shared;
}

function shareOf(id: string): Kept {
  if (kept?.id === id) return kept;
  kept = opened(id);
  return kept;
}

function leave(shared: Kept): void {
  if (shared.users > 0) return;
  shared.stop();
  if (kept === shared) kept = undefined;
}

function opened(id: string): Kept {
  const data = signal<JobStatus | undefined>(undefined);
  const problem = signal<Problem | undefined>(undefined);
  const watchers = new Set<() => void>();
  let [busy, asked, stopped] = [false, false, false];

  const again = async (): Promise<void> => {
    asked = true;
    if (busy) return;
    busy = true;
    while (asked && !stopped) {
      asked = false;
      try {
        data.value = await get<JobStatus>(at(id));
        problem.value = undefined;
      } catch (error) {
        problem.value = asProblem(error);
      }
    }
    busy = false;
  };
  const ticked = throttled(() => {
    void again();
    for (const watcher of watchers) watcher();
  }, AT_MOST_EVERY_MS);
  const silence = ticks({ job_id: id }, ticked);
  const timer = setInterval(() => document.hidden || ticked(), AT_LEAST_EVERY_MS);
  void again();
  return {
    id,
    data,
    problem,
    users: 0,
    again: () => void again(),
    onTick: (action) => {
      watchers.add(action);
      return () => watchers.delete(action);
    },
    stop: () => {
      stopped = true;
      clearInterval(timer);
      silence();
    },
  };
}
