// What an agent's events say, put in order for reading: tool calls with their results, attempts one after the other. Pure.
import { big, duration, money, percent, units } from "../format";
import type { EventLine } from "../types";

export type Item = { event: EventLine; nested: boolean; /** Where a turn begins: which, and what it read. */ turn?: string } & (
  | { kind: "text" | "thinking" | "told" }
  | { kind: "call"; result?: EventLine }
  | { kind: "note"; words: string; tone: "" | "bad" }
);

export interface Talk {
  attempt: number | null;
  items: Item[];
  turns: number;
  begun: string;
  /** The CLI's own bill at the end. */
  bill?: EventLine;
}

type Data = Record<string, unknown>;

export function talks(events: EventLine[]): Talk[] {
  const out: Talk[] = [];
  const calls = new Map<unknown, Item & { kind: "call" }>();
  for (const event of events) {
    let talk = out[out.length - 1];
    if (!talk || (event.attempt !== null && event.attempt !== talk.attempt)) {
      talk = { attempt: event.attempt, items: [], turns: 0, begun: event.at };
      out.push(talk);
    }
    const call = event.kind === "agent.tool_result" ? calls.get(event.data.id) : undefined;
    if (call && !call.result) {
      call.result = event;
      continue;
    }
    if (event.kind === "agent.result") talk.bill = event;
    const item = itemOf(event);
    if (!item) continue;
    if (event.data.read) item.turn = read(event.data.read as Record<string, number>, (talk.turns += 1));
    if (item.kind === "call") calls.set(event.data.id, item);
    talk.items.push(item);
  }
  return out;
}

function itemOf(event: EventLine): Item | undefined {
  const nested = event.data.parent !== undefined;
  switch (event.kind) {
    case "agent.text":
      return { kind: "text", event, nested };
    case "agent.thinking":
      return { kind: "thinking", event, nested };
    case "agent.tool_use":
      return { kind: "call", event, nested };
    case "agent.system":
      if (typeof event.data.text === "string") return { kind: "told", event, nested };
  }
  const words = said(event.kind, event.data);
  return words === "" ? undefined : { kind: "note", event, words, tone: BAD.test(event.kind) ? "bad" : "", nested };
}

const BAD = /api_retry|permission_denied|unit\.(failed|flagged|retried)/;

/** A small thing that happened, in a line; "" where there is nothing to be said. */
function said(kind: string, data: Data): string {
  switch (kind) {
    case "agent.init":
      return [text(data.model), text(data.cwd), list(data.tools, "tools"), data.claude_code_version && `CLI ${text(data.claude_code_version)}`].filter(Boolean).join(" · ");
    case "agent.started":
      return `agent started, process ${text(data.pid)}, guard: ${text(data.guard)}`;
    case "agent.stderr":
      return `stderr: ${text(data.line)}`;
    case "agent.api_retry":
      return `the API said ${text(data.error_status)} ${text(data.error)}; again in ${duration(Number(data.retry_delay_ms ?? 0) / 1000)} (${text(data.attempt)} of ${text(data.max_retries)})`;
    case "agent.rate_limit":
      return `rate limit ${text(data.rateLimitType)}: ${text(data.status)}`;
    case "agent.permission_denied":
      return `denied: ${text(data.tool_name)} ${text(data.message)}`;
    case "agent.result":
      return billed(data);
    case "unit.claimed":
      return data.resumed_from ? `claimed; goes on in the conversation of attempt ${text(data.resumed_from)}` : "claimed";
    default:
      return [kind.replace(/^agent\./, "").replace(/^unit\./, ""), ...Object.entries(data).filter(isTelling).map(worded)].join(" · ");
  }
}

function billed(data: Data): string {
  const usage = (data.usage ?? {}) as Data;
  const [read, cached] = [Number(usage.input_tokens ?? 0) + Number(usage.cache_creation_input_tokens ?? 0), Number(usage.cache_read_input_tokens ?? 0)];
  const tokens = read + cached + Number(usage.output_tokens ?? 0);
  return [
    `${data.is_error ? "ended with an error" : "ended"} (${text(data.terminal_reason ?? data.subtype)})`,
    units(Number(data.num_turns ?? 0), "turn"),
    duration(Number(data.duration_ms ?? 0) / 1000),
    money(Number(data.total_cost_usd ?? 0)),
    tokens ? `${big(read)} read, ${big(cached)} from the cache, ${big(Number(usage.output_tokens ?? 0))} written` : "",
    Array.isArray(data.errors) ? data.errors.map(text).join("; ") : "",
  ].filter(Boolean).join(" · ");
}

function read({ tokens = 0, cache_read = 0, cache_write = 0, usd = 0 }: Record<string, number>, turn: number): string {
  const all = tokens + cache_read + cache_write;
  const cached = cache_read ? `, ${percent(cache_read / all)} from the cache` : "";
  return `turn ${turn} · ${big(all)} tokens read${cached}${usd ? `, for ${money(usd)}` : ""}`;
}

function isTelling([name, one]: [string, unknown]): boolean {
  return one !== null && one !== false && one !== "" && name !== "charged" && name !== "outcome";
}

function worded([name, one]: [string, unknown]): string {
  return name === "cost_usd" ? money(Number(one)) : `${name.replaceAll("_", " ")}: ${text(one)}`;
}

function list(of: unknown, what: string): string {
  return Array.isArray(of) && of.length ? `${what}: ${of.map(text).join(", ")}` : "";
}

export function text(of: unknown): string {
  if (of === null || of === undefined) return "";
  return typeof of === "string" ? of : JSON.stringify(of);
}

const TELLING = ["file_path", "path", "command", "pattern", "query", "url", "description", "prompt", "skill", "name"];

/** The input that says most about a call. */
export function telling(input: unknown): string {
  if (typeof input !== "object" || input === null) return text(input);
  const data = input as Data;
  const name = TELLING.find((one) => typeof data[one] === "string");
  const rest = name === "pattern" && typeof data.path === "string" ? ` in ${data.path}` : "";
  if (name) return text(data[name]).split("\n")[0] + rest;
  return Object.entries(data).map(([one, of]) => `${one}: ${text(of)}`).join(", ").slice(0, 300);
}

/** The last thing that an attempt gave as its answer; undefined: these events hold none. */
export function answerOf(events: EventLine[], attempt: number): string | undefined {
  let [words, structure] = [undefined as string | undefined, undefined as string | undefined];
  for (const { attempt: of, kind, data } of events) {
    if (of !== attempt || data.parent !== undefined) continue;
    if (kind === "agent.tool_use" && data.name === "StructuredOutput") structure = JSON.stringify(data.input, null, 2);
    else if (kind === "agent.text") words = text(data.text);
  }
  return structure ?? words;
}
