// The events of a unit: the newest at first, older ones when asked for, and new ones as they come.
import { useEffect, useRef } from "preact/hooks";
import { type Signal, useSignal } from "@preact/signals";
import { get, job, type Problem } from "../api";
import { events as listen } from "../live";
import { asProblem } from "../resource";
import type { EventLine, EventPage } from "../types";

const AT_ONCE = 200;
/** That come in are kept, beside those that were asked for; older ones can be asked for again. */
const MOST = 2_000;

export interface Conversation {
  events: Signal<EventLine[]>;
  /** Pass it for older ones; null: these are all. */
  before: Signal<number | null>;
  isThere: Signal<boolean>;
  problem: Signal<Problem | undefined>;
  older: () => Promise<void>;
}

/** `onNews` is called when something happened to the unit itself. */
export function useConversation(id: string, key: string, onNews: () => void): Conversation {
  const events = useSignal<EventLine[]>([]);
  const before = useSignal<number | null>(null);
  const isThere = useSignal(false);
  const problem = useSignal<Problem | undefined>(undefined);
  const most = useRef(MOST);
  const where = job(id, "units", key, "events");

  const add = (lines: EventLine[]) => {
    const last = events.peek().at(-1)?.seq ?? 0;
    const fresh = lines.filter((one) => one.seq > last);
    if (!fresh.length) return;
    const all = [...events.peek(), ...fresh];
    events.value = all.slice(-most.current);
    if (all.length > most.current) before.value = events.peek()[0]?.seq ?? null;
    if (fresh.some((one) => one.kind.startsWith("unit."))) onNews();
  };

  useEffect(() => {
    const stop = new AbortController();
    let silence = () => {};
    get<EventPage>(where, { limit: AT_ONCE }, stop.signal)
      .then((page) => {
        events.value = page.events;
        before.value = page.before;
        isThere.value = true;
        if (!stop.signal.aborted) silence = listen({ job_id: id, key, after: page.after }, add);
      })
      .catch((error: unknown) => {
        if (!stop.signal.aborted) problem.value = asProblem(error);
      });
    return () => {
      stop.abort();
      silence();
    };
  }, [where]);

  const older = async () => {
    if (before.peek() === null) return;
    const page = await get<EventPage>(where, { before: before.peek(), limit: AT_ONCE });
    const first = events.peek()[0]?.seq ?? Number.POSITIVE_INFINITY;
    events.value = [...page.events.filter((one) => one.seq < first), ...events.peek()];
    before.value = page.before;
    most.current = events.peek().length + MOST;
  };
  return { events, before, isThere, problem, older };
}
