// A person's way through the answers that were drawn. A verdict counts when the server has said so; until then the next
// unit is shown, and if it is refused, the way leads back.
import { computed, signal } from "@preact/signals";
import { job as at, Problem, send } from "../api";
import { asProblem } from "../resource";
import type { JudgedUnit, ReviewAnswer, ReviewUnit, ReviewUnits } from "../types";

export type Verdict = "accept" | "reject" | "correct";
export type Mark = Verdict | "saving" | "skipped" | "refused";

export interface Said {
  verdict: Verdict;
  correction?: unknown;
  note?: string;
}

/** What was drawn stays drawn: asking for one draws no more, but for answers that came or went. */
const GO_ON = 1;

export class Session {
  readonly units = signal<ReviewUnit[]>([]);
  readonly marks = signal<ReadonlyMap<string, Mark>>(new Map());
  readonly place = signal(0);
  readonly left = signal(0);
  readonly proof = signal<ReviewAnswer | undefined>(undefined);
  readonly next = signal("");
  readonly problem = signal<{ key?: string; problem: Problem } | undefined>(undefined);
  readonly busy = signal(false);
  readonly unit = computed(() => this.units.value[this.place.value]);
  private saving: Promise<unknown> = Promise.resolve();

  constructor(readonly id: string) {}

  /** Draw so many; a number that is not larger than before goes on with those that were drawn. */
  async draw(n = GO_ON): Promise<void> {
    if (this.busy.value) return;
    this.busy.value = true;
    this.problem.value = undefined;
    try {
      await this.saving;
      this.take(await send<ReviewUnits>("POST", at(this.id, "review"), { n }));
    } catch (error) {
      this.problem.value = { problem: asProblem(error) };
    } finally {
      this.busy.value = false;
    }
  }

  /** Judge the unit that is shown and go on; told whether it was kept. */
  async judge(said: Said, { wait = false } = {}): Promise<boolean> {
    const unit = this.unit.value;
    if (!unit || this.marks.value.get(unit.key) === "saving") return false;
    const before = this.marks.value.get(unit.key);
    this.problem.value = undefined;
    this.mark(unit.key, "saving");
    const kept = this.saving.then(() => this.keep(unit, said, before));
    this.saving = kept;
    if (!wait) this.advance();
    const isKept = await kept;
    if (wait && isKept) this.advance();
    return isKept;
  }

  skip(): void {
    const unit = this.unit.value;
    if (!unit) return;
    if (!isJudged(this.marks.value.get(unit.key))) this.mark(unit.key, "skipped");
    this.advance();
  }

  back(): void {
    this.place.value = Math.max(0, this.place.value - 1);
  }

  show(n: number): void {
    this.place.value = n;
  }

  count(mark: Mark): number {
    return [...this.marks.value.values()].filter((one) => one === mark).length;
  }

  keys(mark: Mark): string[] {
    return [...this.marks.value].filter(([, one]) => one === mark).map(([key]) => key);
  }

  /** The next one that nobody has judged, else one that was skipped; behind the last, more of those that were drawn. */
  private advance(): void {
    const after = (mark: Mark | undefined) =>
      this.units.value.findIndex((one, n) => n > this.place.value && this.marks.value.get(one.key) === mark);
    const next = Math.max(after(undefined), -1);
    const found = next < 0 ? after("skipped") : next;
    this.place.value = found < 0 ? this.units.value.length : found;
    if (found < 0 && this.left.value > 0) void this.draw();
  }

  private async keep(unit: ReviewUnit, said: Said, before: Mark | undefined): Promise<boolean> {
    try {
      const body = { ...said, attempt: unit.attempt };
      const kept = await send<JudgedUnit>("POST", at(this.id, "units", unit.key, "verdict"), body);
      this.mark(unit.key, said.verdict);
      if (kept.review) this.proof.value = kept.review;
      return true;
    } catch (error) {
      this.mark(unit.key, isJudged(before) ? before : "refused");
      await this.reload(unit, asProblem(error));
      return false;
    }
  }

  /** Back to a unit whose verdict was refused, with its answer, and those of the others, as they are now. */
  private async reload(unit: ReviewUnit, problem: Problem): Promise<void> {
    this.problem.value = { key: unit.key, problem };
    try {
      const drawn = await send<ReviewUnits>("POST", at(this.id, "review"), { n: GO_ON });
      const now = new Map(drawn.units.map((one) => [one.key, one]));
      const isGone = isAboutAttempt(problem) && !now.has(unit.key); // another answer by now, which was not drawn
      this.units.value = this.units.value.filter((one) => !isGone || one !== unit).map((one) => now.get(one.key) ?? one);
      this.left.value = drawn.left;
      this.proof.value = drawn.review;
    } catch {
      // what was refused is said; that this could not be asked adds nothing
    }
    const found = this.units.value.findIndex((one) => one.key === unit.key);
    if (found >= 0) this.place.value = found;
  }

  private take(drawn: ReviewUnits): void {
    const known = new Set(this.units.value.map((one) => one.key));
    const fresh = drawn.units.filter((one) => !known.has(one.key));
    this.place.value = this.units.value.length;
    this.units.value = [...this.units.value, ...fresh];
    this.left.value = drawn.left;
    this.proof.value = drawn.review;
    this.next.value = drawn.next;
  }

  private mark(key: string, mark: Mark): void {
    this.marks.value = new Map(this.marks.value).set(key, mark);
  }
}

function isAboutAttempt(problem: Problem): boolean {
  const errors = problem.body.errors as { field: string }[] | undefined;
  return errors?.some((one) => one.field === "attempt") ?? false;
}

export function isJudged(mark: Mark | undefined): mark is Verdict {
  return mark === "accept" || mark === "reject" || mark === "correct";
}
