// News from the server as they happen: one stream for each thing watched, which goes on where it was when the
// connection comes back. `fetch` instead of EventSource, since that cannot send our key.
import { signal } from "@preact/signals";
import { headers, search } from "./api";
import { close } from "./session";
import type { EventLine } from "./types";

export type Connection = "connecting" | "live" | "away";

/** How the newest stream stands, for the light in the corner. */
export const connection = signal<Connection>("connecting");

export interface Tick {
  seq: number;
  jobs: string[];
}

interface Wanted {
  job_id?: string;
  key?: string;
  kind?: string[];
  /** Resume after this event; without it the stream begins now. */
  after?: number;
}

const LONGEST_WAIT_MS = 10_000;
/** A browser has six connections to us, over all its tabs: one that nobody sees gives its own back after this. */
const UNSEEN_MS = 5_000;

type OnTick = (tick: Tick) => void;

const tickers = new Map<OnTick, string | undefined>();
let endTicks: (() => void) | undefined;
/** While one page goes and the next comes, their stream stays. */
const LINGER_MS = 500;

/** Watch ticks: that something changed, and in which jobs; with `job_id`, only in that one. Returns how to stop. All of a
 * tab share one stream. */
export function ticks({ job_id }: { job_id?: string }, onTick: OnTick): () => void {
  const mine: OnTick = (tick) => onTick(tick);
  tickers.set(mine, job_id);
  const heard: Heard = (name, data) => {
    if (name === "tick") told(data as Tick);
  };
  endTicks ??= listen({ ticks: true }, heard, lookAgain);
  return () => {
    tickers.delete(mine);
    setTimeout(endIfAlone, LINGER_MS);
  };
}

function told(tick: Tick): void {
  for (const [onTick, job_id] of [...tickers]) if (!job_id || tick.jobs.includes(job_id)) onTick(tick);
}

/** The server was away: whatever was asked of it meanwhile has failed, and is to be asked again. */
function lookAgain(): void {
  for (const [onTick, job_id] of [...tickers]) onTick({ seq: 0, jobs: job_id ? [job_id] : [] });
}

function endIfAlone(): void {
  if (tickers.size > 0) return;
  endTicks?.();
  endTicks = undefined;
}

/** Watch events in batches. Returns how to stop. */
export function events(wanted: Wanted, onEvents: (events: EventLine[]) => void): () => void {
  return listen(wanted, (name, data) => {
    if (name === "events") onEvents(data as EventLine[]);
  });
}

type Heard = (name: string, data: unknown) => void;

function listen(wanted: Wanted & { ticks?: boolean }, heard: Heard, back?: () => void): () => void {
  const stop = new AbortController();
  void stay(wanted, heard, stop, back);
  return () => stop.abort();
}

type Stay = (wanted: Wanted & { ticks?: boolean }, heard: Heard, stop: AbortController, back?: () => void) => Promise<void>;

const stay: Stay = async (wanted, heard, stop, back) => {
  let last = wanted.after === undefined ? "" : String(wanted.after);
  let wait = 500;
  let wasAway = false;
  while (!stop.signal.aborted) {
    await seen(stop.signal);
    const until = new AbortController();
    const forget = whenUnseen(() => until.abort());
    try {
      const answer = await fetch(`/api/v1/events${search({ ...wanted, after: last || undefined })}`, {
        headers: { ...headers(), Accept: "text/event-stream" },
        signal: AbortSignal.any([stop.signal, until.signal]),
      });
      if (answer.status === 401) return close();
      if (answer.status === 404) return; // the job is gone, and its events with it
      if (!answer.ok || !answer.body) throw new Error(answer.statusText);
      connection.value = "live";
      if (wasAway) back?.();
      wasAway = false;
      for await (const message of messages(answer.body)) {
        wait = 500;
        if (message.id) last = message.id;
        if (message.data) heard(message.name, JSON.parse(message.data));
      }
    } catch {
      // the server went away, or the network: once more below
    } finally {
      forget();
    }
    if (stop.signal.aborted) return;
    if (until.signal.aborted) continue;
    connection.value = "away";
    wasAway = true;
    await new Promise((again) => setTimeout(again, wait * (0.75 + Math.random() / 2)));
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
};

/** Resolves once the page is seen, or nobody wants the stream any more. */
function seen(stop: AbortSignal): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", () => resolve(), { once: true, signal: stop });
    stop.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Calls once the page has not been seen for a while. Returns how to forget it. */
function whenUnseen(action: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const changed = () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(action, UNSEEN_MS);
  };
  document.addEventListener("visibilitychange", changed);
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", changed);
  };
}

interface Message {
  id: string;
  name: string;
  data: string;
}

/** The messages of a stream of server-sent events. */
export async function* messages(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Message> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    held += value;
    for (let end = held.indexOf("\n\n"); end >= 0; end = held.indexOf("\n\n")) {
      yield parse(held.slice(0, end));
      held = held.slice(end + 2);
    }
  }
}

function parse(text: string): Message {
  const message: Message = { id: "", name: "message", data: "" };
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, "");
    if (name === "id") message.id = value;
    else if (name === "event") message.name = value;
    else if (name === "data") message.data += message.data ? `\n${value}` : value;
  }
  return message;
}
