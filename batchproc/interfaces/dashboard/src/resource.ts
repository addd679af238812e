// What a page shows of the server: loaded, loaded again when something changed, and kept meanwhile.
import { useEffect, useRef } from "preact/hooks";
import { type Signal, useSignal } from "@preact/signals";
import { Problem } from "./api";

export interface Resource<T> {
  data: Signal<T | undefined>;
  problem: Signal<Problem | undefined>;
  /** Load again, now. */
  again: () => void;
}

/**
 * Load something and keep it. `key` says what it is of: when that changes, the old one is dropped, and answers to it that
 * come late are not shown. Loads that are asked for while one is under way become one more, after it.
 */
export function useResource<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Resource<T> {
  const data = useSignal<T | undefined>(undefined);
  const problem = useSignal<Problem | undefined>(undefined);
  const run = useRef<() => void>(() => {});
  const newest = useRef(load);
  newest.current = load;

  useEffect(() => {
    const stop = new AbortController();
    let busy = false;
    let asked = false;
    data.value = undefined;
    problem.value = undefined;
    run.current = () => {
      if (busy) {
        asked = true;
        return;
      }
      busy = true;
      started(newest.current, stop.signal)
        .then(
          (value) => {
            if (stop.signal.aborted) return;
            data.value = value;
            problem.value = undefined;
          },
          (error: unknown) => {
            if (!stop.signal.aborted) problem.value = asProblem(error);
          },
        )
        .finally(() => {
          busy = false;
          if (asked && !stop.signal.aborted) {
            asked = false;
            run.current();
          }
        });
    };
    run.current();
    return () => stop.abort();
  }, [key]);

  return { data, problem, again: () => run.current() };
}

/** What fails before it has begun fails as what fails later. */
async function started<T>(load: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
  return load(signal);
}

export function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(0, "an error of this page", String(error));
}

/** At most once in `ms`, the first at once and the last not lost. */
export function throttled(action: () => void, ms: number): () => void {
  let last = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    clearTimeout(timer);
    const left = last + ms - Date.now();
    if (left <= 0) {
      last = Date.now();
      action();
    } else {
      timer = setTimeout(() => {
        last = Date.now();
        action();
      }, left);
    }
  };
}
