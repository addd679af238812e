// What a unit is, how it stands and why, and what can be done with it.
import { count, duration, money } from "../format";
import { useKeys } from "../keys";
import { go, to } from "../router";
import type { JobStatus, UnitDetail } from "../types";
import { Copy, Status } from "../ui/basics";
import { askToCancel, askToRetry } from "../units/orders";
import type { Beside } from "./beside";

interface Props {
  id: string;
  unitKey: string;
  job: JobStatus | undefined;
  unit: UnitDetail | undefined;
  beside: Beside;
  again: () => void;
}

export function Head({ id, unitKey, job, unit, beside, again }: Props) {
  const { previous, next, place } = beside;
  const move = (href: string | undefined) => () => href && go(href);
  useKeys({ J: move(next), K: move(previous), "]": move(next), "[": move(previous), Escape: move(beside.units) });
  return (
    <header class="unit-head">
      <nav class="crumb" aria-label="Where this is">
        <a href="/">Jobs</a> / <a href={to("jobs", id)}>{job?.name ?? id}</a> / <a href={beside.units}>Units</a>
      </nav>
      <nav class="beside" aria-label="Other units">
        <small>{place ? `${count(place.index + 1)} of ${count(place.total)}` : ""}</small>
        <Step href={previous} label="Previous unit ([ or K)" sign="‹" />
        <Step href={next} label="Next unit (] or J)" sign="›" />
      </nav>
      <h1>{unitKey}</h1>
      <div class="actions">
        {unit ? <Orders id={id} unit={unit} again={again} /> : null}
        <Copy text={unitKey} label="Copy key" />
        <Copy text={location.origin + to("jobs", id, "units", unitKey)} label="Copy link" />
      </div>
      {unit ? <Standing unit={unit} /> : null}
    </header>
  );
}

function Step({ href, label, sign }: { href: string | undefined; label: string; sign: string }) {
  return href ? (
    <a class="button" href={href} aria-label={label} title={label}>
      {sign}
    </a>
  ) : (
    <button type="button" disabled aria-label={label}>
      {sign}
    </button>
  );
}

const FINAL = new Set(["succeeded", "flagged", "failed", "skipped", "cancelled"]);

function Orders({ id, unit, again }: { id: string; unit: UnitDetail; again: () => void }) {
  const order = { id, count: 1, which: async () => ({ keys: [unit.key] }), done: again };
  return FINAL.has(unit.status) ? (
    <button type="button" class={unit.status === "succeeded" ? "" : "primary"} onClick={() => askToRetry(order)}>
      Retry…
    </button>
  ) : (
    <button type="button" onClick={() => askToCancel(order)}>
      Cancel…
    </button>
  );
}

function Standing({ unit }: { unit: UnitDetail }) {
  const tokens = unit.attempts.reduce((sum, one) => sum + one.tokens, 0);
  const last = unit.attempts.at(-1);
  const seconds = last?.finished_at ? (Date.parse(last.finished_at) - Date.parse(last.started_at)) / 1000 : undefined;
  return (
    <p class="standing">
      <Status of={unit.status} reason={unit.reason} />
      <span>{unit.attempts.length === 1 ? "1 attempt" : `${count(unit.attempts.length)} attempts`}</span>
      <span>{money(unit.cost_usd)}</span>
      <span>{count(tokens)} tokens</span>
      {seconds === undefined ? null : <span>{duration(seconds)}</span>}
      {unit.requests > 1 ? <span>asked for {unit.requests} times</span> : null}
    </p>
  );
}
