// The lines that are shown: a first page, older ones on demand, newer ones as they come.
import { signal } from "@preact/signals";
import { get, type Problem } from "../api";
import { asProblem } from "../resource";
import type { LogLine, LogPage } from "../types";

const PAGE = 100;
const SPANS: Record<string, number> = { "15m": 15 * 60, "1h": 3600, "24h": 24 * 3600 };

type Filters = Record<string, string>;

export class Tail {
  readonly lines = signal<LogLine[] | undefined>(undefined);
  readonly cursor = signal<string | null>(null);
  readonly problem = signal<Problem | undefined>(undefined);
  readonly busy = signal(false);
  /** Other filters were asked for, and their lines are not here yet. */
  readonly isOld = signal(false);
  private filters: Filters = {};
  private stop = new AbortController();
  private isLooking = false;

  /** Show what fits these filters; what is shown stays until that is here. */
  look(filters: Filters): void {
    this.filters = filters;
    this.stop.abort();
    this.stop = new AbortController();
    this.isOld.value = this.lines.value !== undefined;
    void this.load((page) => {
      this.lines.value = page.lines;
      this.cursor.value = page.next_cursor;
      this.isOld.value = false;
    });
  }

  leave(): void {
    this.stop.abort();
  }

  async older(): Promise<void> {
    const cursor = this.cursor.value;
    if (!cursor) return;
    this.busy.value = true;
    await this.load((page) => {
      this.lines.value = [...(this.lines.value ?? []), ...page.lines];
      this.cursor.value = page.next_cursor;
    }, cursor);
    this.busy.value = false;
  }

  /** What came since. If that is more than a page, the tail begins anew: nothing is left out unseen. */
  async newer(): Promise<void> {
    if (this.isLooking || this.isOld.value || !this.lines.value) return;
    this.isLooking = true;
    await this.load((page) => {
      const shown = this.lines.value ?? [];
      const newest = shown[0]?.number ?? -1;
      const fresh = page.lines.filter((one) => one.number > newest);
      if (fresh.length === 0) return;
      if (fresh.length < page.lines.length || page.next_cursor === null) this.lines.value = [...fresh, ...shown];
      else {
        this.lines.value = page.lines;
        this.cursor.value = page.next_cursor;
      }
    });
    this.isLooking = false;
  }

  private async load(take: (page: LogPage) => void, cursor?: string): Promise<void> {
    const stop = this.stop.signal;
    try {
      const page = await get<LogPage>("/logs", { ...this.filters, since: since(this.filters.since), cursor, limit: PAGE }, stop);
      if (stop.aborted) return;
      take(page);
      this.problem.value = undefined;
    } catch (error) {
      if (stop.aborted) return;
      this.problem.value = asProblem(error);
      this.isOld.value = false;
    }
  }
}

function since(span: string | undefined): string | undefined {
  const seconds = SPANS[span ?? ""];
  return seconds ? new Date(Date.now() - seconds * 1000).toISOString() : undefined;
}
