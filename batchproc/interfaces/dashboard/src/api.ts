// The one way to the server's API.
import { written } from "./segment";
import { close, key } from "./session";

/** What the server says is wrong, in words for the user. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly type = "",
    readonly body: Record<string, unknown> = {},
  ) {
    super(detail || title);
  }

  get words(): string {
    return this.title.charAt(0).toUpperCase() + this.title.slice(1);
  }
}

type Query = Record<string, string | number | boolean | null | undefined | string[]>;

export function get<T>(where: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return call<T>("GET", where + search(query), undefined, signal);
}

export function send<T>(method: "POST" | "PATCH" | "DELETE", where: string, body: unknown = {}): Promise<T> {
  return call<T>(method, where, body);
}

/** A job's part of the API: `job(id, "units", key)`. */
export function job(id: string, ...parts: string[]): string {
  return `/jobs/${[id, ...parts].map(written).join("/")}`;
}

export function headers(): Record<string, string> {
  return { "X-Batchproc-Key": key(), Accept: "application/json" };
}

export function search(query: Query): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "" || value === false) continue;
    for (const one of Array.isArray(value) ? value : [value]) pairs.append(name, String(one));
  }
  return pairs.size ? `?${pairs}` : "";
}

async function call<T>(method: string, where: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const options: RequestInit = { method, headers: headers(), signal: signal ?? null };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { ...headers(), "Content-Type": "application/json" };
  }
  try {
    const answer = await fetch(`/api/v1${where}`, options);
    if (answer.ok) return (await answer.json()) as T; // which fails, too, if the server goes meanwhile
    throw await problem(answer);
  } catch (error) {
    if (error instanceof Problem || (error as Error).name === "AbortError") throw error;
    throw new Problem(0, "no connection", "The server does not answer. It may have ended: run `batchproc dashboard`.");
  }
}

export async function problem(answer: Response): Promise<Problem> {
  const told = (await answer.json().catch(() => ({}))) as Record<string, string>;
  if (answer.status === 401) close(told.type?.endsWith("/signed-out") ? undefined : told.detail);
  return new Problem(answer.status, told.title ?? answer.statusText, told.detail ?? "", told.type, told);
}

interface Place {
  name: string;
  createWritable(): Promise<WritableStream>;
  remove?(): Promise<void>;
}

/** A file that the browser keeps: fetched with our key, since a plain link would not carry it. Where the browser can, it
 * goes to its place as it comes; else all of it is in memory first. Returns, in words, where it is. */
export async function download(where: string, name: string): Promise<string> {
  const pick = (window as { showSaveFilePicker?: (how: { suggestedName: string }) => Promise<Place> }).showSaveFilePicker;
  const place = await pick?.({ suggestedName: name }).catch((error: Error) => {
    if (error.name === "AbortError") throw new Problem(0, "not downloaded", "No place was chosen: nothing was downloaded.");
  });
  try {
    const answer = await fetch(`/api/v1${where}`, { headers: headers() });
    if (!answer.ok) throw await problem(answer);
    if (place && answer.body) await answer.body.pipeTo(await place.createWritable());
    else save(await answer.blob(), name);
    return place ? `${place.name} is written` : `${name} is among your downloads`;
  } catch (error) {
    await place?.remove?.().catch(() => {}); // an empty file would look like an answer
    throw error;
  }
}

export function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
