// The rows of the table that are in memory: pages of 100, those that are looked at and some beside them.
import { signal } from "@preact/signals";
import { get, job, type Problem } from "../api";
import { asProblem } from "../resource";
import type { UnitLine, UnitPage } from "../types";

export const SIZE = 100;
const KEPT = 24;
/** A scrollbar that is dragged names a hundred places in a second: only where it rests is asked for. */
const REST_MS = 40;

export interface Filter {
  status: string;
  signature: string;
  text: string;
}

interface Held {
  units: UnitLine[];
  next: string | null;
}

export class Pages {
  readonly total = signal<number | undefined>(undefined);
  readonly problem = signal<Problem | undefined>(undefined);
  /** Counts up whenever some row is another one than before. */
  readonly changes = signal(0);
  private held = new Map<number, Held>();
  private under = new Map<number, AbortController>();
  private wanted: number[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly id: string,
    readonly filter: Filter,
  ) {}

  row(index: number): UnitLine | undefined {
    return this.held.get(Math.floor(index / SIZE))?.units[index % SIZE];
  }

  /** All rows that are in memory. */
  *rows(): Generator<UnitLine> {
    for (const page of this.held.values()) yield* page.units;
  }

  /** The page of a row, for the first look. */
  async begin(index: number): Promise<void> {
    await this.load(Math.floor(Math.max(0, index) / SIZE));
    const total = this.total.value ?? 0;
    if (index > 0 && index >= total && total > 0) await this.load(Math.floor((total - 1) / SIZE));
  }

  /** These rows are looked at; `ahead` says which way (1, -1, or 0). What is under way for others is given up. */
  want(first: number, last: number, ahead: number): void {
    const end = Math.floor(Math.max(0, (this.total.value ?? 1) - 1) / SIZE);
    const [from, to] = [Math.floor(first / SIZE), Math.min(end, Math.floor(last / SIZE))];
    const wanted: number[] = [];
    for (let page = from; page <= to; page++) wanted.push(page);
    const beside = ahead < 0 ? from - 1 : to + 1;
    if (ahead !== 0 && beside >= 0 && beside <= end) wanted.push(beside);
    if (wanted.join() === this.wanted.join()) return;
    this.wanted = wanted;
    for (const [page, stop] of this.under) if (!wanted.includes(page)) stop.abort();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fetchWanted(), REST_MS);
  }

  /** Once more, after a failure. */
  again(): void {
    this.problem.value = undefined;
    this.fetchWanted();
  }

  /**
   * Look again at what is shown. Other pages are forgotten if units came or went among those that match. Returns by how
   * many rows those that are looked at have moved.
   */
  async refresh(first: number, last: number): Promise<number> {
    const before = this.keys(first, last);
    const total = this.total.value;
    const numbers = [...new Set(before.map(([index]) => Math.floor(index / SIZE)))];
    if (!numbers.length) return 0;
    let answers: UnitPage[];
    try {
      answers = await Promise.all(numbers.map((page) => this.fetch({ offset: page * SIZE })));
    } catch {
      return 0; // the old stay; the light in the corner says that the server is away
    }
    const fresh = new Map(numbers.map((page, n) => [page, held(answers[n] as UnitPage)]));
    const found = new Map<string, number>();
    for (const [page, { units }] of fresh) units.forEach((unit, n) => found.set(unit.key, page * SIZE + n));
    const kept = before.find(([, key]) => found.has(key));
    const same = answers[0]?.total === total && before.every(([index, key]) => found.get(key) === index);
    if (!same) this.held.clear();
    for (const [page, one] of fresh) this.held.set(page, one);
    this.total.value = answers[0]?.total;
    if (!same) this.wanted = [];
    this.changes.value += 1;
    return kept ? (found.get(kept[1]) ?? kept[0]) - kept[0] : 0;
  }

  /** The keys of rows from `first` on, `most` at the most; those in memory are not asked for again. */
  async keysOf(first: number, last: number): Promise<string[]> {
    const keys: string[] = [];
    for (let page = Math.floor(first / SIZE); page <= Math.floor(last / SIZE); page++) {
      const units = this.held.get(page)?.units ?? (await this.fetch({ offset: page * SIZE })).units;
      for (const [n, unit] of units.entries()) if (page * SIZE + n >= first && page * SIZE + n <= last) keys.push(unit.key);
    }
    return keys;
  }

  stop(): void {
    clearTimeout(this.timer);
    for (const stop of this.under.values()) stop.abort();
  }

  private keys(first: number, last: number): [number, string][] {
    const keys: [number, string][] = [];
    for (let index = first; index <= last; index++) {
      const key = this.row(index)?.key;
      if (key !== undefined) keys.push([index, key]);
    }
    return keys;
  }

  private fetchWanted(): void {
    for (const page of this.wanted) {
      const known = this.held.get(page);
      if (known) {
        this.held.delete(page); // to the end: it was used last
        this.held.set(page, known);
      } else if (!this.under.has(page)) void this.load(page);
    }
  }

  /** One page: by the cursor of the one before it, if that is there; else by its number. */
  private async load(page: number): Promise<void> {
    const stop = new AbortController();
    this.under.set(page, stop);
    const next = this.held.get(page - 1)?.next;
    try {
      const answer = await this.fetch(next ? { cursor: next } : { offset: page * SIZE }, stop.signal);
      this.held.set(page, held(answer));
      this.forget();
      this.problem.value = undefined;
      this.total.value = answer.total;
      this.changes.value += 1;
    } catch (error) {
      if (!stop.signal.aborted) this.problem.value = asProblem(error);
    } finally {
      if (this.under.get(page) === stop) this.under.delete(page);
    }
  }

  private fetch(where: { cursor: string } | { offset: number }, signal?: AbortSignal): Promise<UnitPage> {
    return get(job(this.id, "units"), { ...this.filter, ...where, limit: SIZE }, signal);
  }

  private forget(): void {
    for (const page of this.held.keys()) {
      if (this.held.size <= KEPT) return;
      if (!this.wanted.includes(page)) this.held.delete(page);
    }
  }
}

function held(answer: UnitPage): Held {
  return { units: answer.units, next: answer.next_cursor };
}
