// Numbers, times and counts as people read them.

export const FINAL = ["succeeded", "flagged", "failed", "skipped", "cancelled"] as const;
export const STATUSES = [...FINAL, "running", "pending"] as const;

export function count(n: number): string {
  return n.toLocaleString("en-US");
}

export function units(n: number, one = "unit"): string {
  return `${count(n)} ${n === 1 ? one : `${one}s`}`;
}

export function money(usd: number): string {
  if (usd === 0) return "$0";
  const digits = Math.abs(usd) >= 100 ? 0 : Math.abs(usd) >= 1 ? 2 : Math.abs(usd) >= 0.01 ? 3 : 5;
  return `$${usd.toLocaleString("en-US", { minimumFractionDigits: Math.min(digits, 2), maximumFractionDigits: digits })}`;
}

export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.round(hours / 24)} days`;
}

/** 12 min to 20 min, or one of them where they read alike. */
export function span(low: number, high: number, as: (n: number) => string = duration): string {
  const [a, b] = [as(low), as(high)];
  return a === b ? `about ${a}` : `${a} to ${b}`;
}

export function big(n: number): string {
  if (n < 10_000) return count(Math.round(n));
  return n.toLocaleString("en-US", { notation: "compact", maximumFractionDigits: 1 });
}

export function clock(at: string): string {
  const then = new Date(at);
  const time = then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
  return then.toDateString() === new Date().toDateString() ? time : `${day(then)} ${time}`;
}

export function ago(at: string, now = Date.now()): string {
  const seconds = (now - Date.parse(at)) / 1000;
  if (seconds < 5) return "just now";
  return `${duration(seconds)} ago`;
}

export function percent(part: number, digits = 0): string {
  return `${(part * 100).toFixed(digits)} %`;
}

/** A value of a payload or an answer on one line. */
export function value(of: unknown): string {
  if (of === null || of === undefined) return "";
  return typeof of === "string" ? of : JSON.stringify(of);
}

/** What happened last, without the family of its kind: `unit.claimed` is "claimed". */
export function happened(last: string): string {
  return last.replace(/^[a-z]+\.([a-z_]+)/, (_, kind: string) => kind.replaceAll("_", " "));
}

function day(then: Date): string {
  return then.toLocaleDateString([], { year: "numeric", month: "short", day: "numeric" });
}
