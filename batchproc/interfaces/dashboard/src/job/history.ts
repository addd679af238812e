// Pure: what ended over time, as rows without gaps, and in words.
import { clock, count, money, percent } from "../format";
import type { Point, Stats } from "../types";

export interface Row {
  /** Seconds since 1970: when the span begins. */
  at: number;
  /** Seconds. */
  span: number;
  succeeded: number;
  flagged: number;
  failed: number;
  /** Units a minute. */
  rate: number;
  /** Up to the end of the span. */
  spent: number;
  /** Of the span's tokens, the part read from the cache; null: none were used. */
  cached: number | null;
}

const MOST_ROWS = 2000;
/** Of a span that has just begun less is not told. */
const LEAST_S = 10;

/** The server leaves out spans in which nothing ended: they are put in, so that a lull looks like one. */
export function rows({ series, span_s: span }: Pick<Stats, "series" | "span_s">, now = Date.now() / 1000): Row[] {
  const made: Row[] = [];
  let spent = 0;
  for (const point of series) {
    const at = Date.parse(point.at) / 1000;
    for (let last = made.at(-1); last && last.at + 1.5 * span < at && made.length < MOST_ROWS; last = made.at(-1)) {
      made.push({ at: last.at + span, span, succeeded: 0, flagged: 0, failed: 0, rate: 0, spent, cached: null });
    }
    spent += point.cost_usd;
    made.push(row(point, at, span, spent, now));
  }
  return made;
}

function row(point: Point, at: number, span: number, spent: number, now: number): Row {
  const { succeeded, flagged, failed } = point;
  const passed = Math.max(Math.min(LEAST_S, span), Math.min(span, now - at)); // the newest span is not over yet
  return {
    at,
    span,
    succeeded,
    flagged,
    failed,
    rate: ((succeeded + flagged + failed) * 60) / passed,
    spent,
    cached: point.tokens > 0 ? point.cache_read_tokens / point.tokens : null,
  };
}

export function moment(at: number): string {
  return clock(new Date(at * 1000).toISOString());
}

export function rateWords({ rate, flagged, failed }: Row): string {
  const bad = [flagged ? `${count(flagged)} flagged` : "", failed ? `${count(failed)} failed` : ""].filter(Boolean);
  return [`${perMinute(rate)} a minute`, ...bad].join(", ");
}

export function spentWords({ spent }: Row): string {
  return money(spent);
}

export function cachedWords({ cached }: Row): string {
  return cached === null ? "no tokens" : percent(cached);
}

export function perMinute(rate: number): string {
  return rate >= 10 || rate === 0 ? count(Math.round(rate)) : String(Number(rate.toFixed(1)));
}
