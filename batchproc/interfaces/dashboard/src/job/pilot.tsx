// The pilot of a job: what it tried, what it says of the rest, and what a person decides.
import { useEffect, useRef } from "preact/hooks";
import { type Signal, signal, useSignal } from "@preact/signals";
import { duration, happened, money, units } from "../format";
import { lazy } from "../lazy";
import { to } from "../router";
import "../style/pilot.css";
import type { JobStatus, PilotAnswer } from "../types";
import { Card } from "../ui/basics";
import { useJob } from "../ui/usejob";
import { Changed, sentence } from "../pilot/changed";
import { Decision } from "../pilot/decision";
import { Gold } from "../pilot/gold";
import { PilotUnit } from "../pilot/unit";

const ChangeForm = lazy(() => import("../pilot/change").then((part) => part.ChangeForm));
const Variants = lazy(() => import("../pilot/variants").then((part) => part.Variants));
const TryForm = lazy(() => import("../pilot/trying").then((part) => part.TryForm));

/** Which form is open beside the decision. */
export type Open = "change" | "try" | undefined;

/** Kept beside the page, which places the pilot elsewhere while it runs. */
const kept = new Map<string, Signal<string>>();

function saidOf(id: string): Signal<string> {
  const said = kept.get(id) ?? signal("");
  kept.set(id, said);
  return said;
}

/** Units that are shown at once: those of a gold set may be hundreds. */
const FIRST = 10;

export function PilotReview({ job }: { job: JobStatus }) {
  const said = saidOf(job.job_id);
  if (!job.pilot) return null;
  if (job.status === "pilot") return <Trying job={job} pilot={job.pilot} said={said} />;
  return job.status === "review" ? <Deciding key={job.pilot.round} job={job} pilot={job.pilot} said={said} /> : null;
}

interface Props {
  job: JobStatus;
  pilot: PilotAnswer;
  /** What the server said of the last change: warnings stand in it. */
  said: Signal<string>;
}

function Trying({ job, pilot, said }: Props) {
  const running = new Map(job.running.map((one) => [one.key, one]));
  return (
    <section id="pilot" class="pilot">
      <Card title={`Pilot, round ${pilot.round}`} aside={<small>{units(pilot.keys.length)} before the rest</small>}>
      <ul class="trying">
        {pilot.keys.map((key) => (
          <li key={key} class={running.has(key) ? "now" : undefined}>
            <a href={to("jobs", job.job_id, "units", key)}>{key}</a>
            <small>{running.has(key) ? happened(running.get(key)?.last_event ?? "running") : ""}</small>
          </li>
        ))}
      </ul>
      {said.value ? <p class="note">{said.value}</p> : null}
      {pilot.changed ? <p>{sentence(pilot.changed.words)}</p> : null}
      <p class="aside">When they have ended, their answers stand here for you to decide on. Nothing else runs before that.</p>
      </Card>
    </section>
  );
}

function Deciding({ job, pilot, said }: Props) {
  const open = useSignal<Open>(undefined);
  const chosen = useSignal("");
  const { again } = useJob(job.job_id);
  return (
    <section id="pilot" class="pilot deciding" aria-label="Pilot review">
      <div class="stack">
        {said.value ? <p class="note">{said.value}</p> : null}
        <Form job={job} pilot={pilot} open={open} said={said} again={again} />
        {pilot.changed ? <Changed changed={pilot.changed} /> : null}
        {pilot.gold ? <Gold id={job.job_id} gold={pilot.gold} /> : null}
        {pilot.variants ? <Variants id={job.job_id} table={pilot.variants} chosen={chosen} /> : null}
        <Units id={job.job_id} pilot={pilot} />
      </div>
      <Decision job={job} pilot={pilot} chosen={chosen} open={open} said={said} again={again} />
    </section>
  );
}

function Units({ id, pilot }: { id: string; pilot: PilotAnswer }) {
  const all = useSignal(false);
  const results = all.value ? pilot.results : pilot.results.slice(0, FIRST);
  return (
    <Card title={title(pilot)} aside={<small>{summary(pilot)}</small>} class="flush">
      {results.map((one) => (
        <PilotUnit key={one.key} id={id} unit={one} round={pilot.round} />
      ))}
      {results.length < pilot.results.length ? (
        <div class="trial">
          <button type="button" onClick={() => (all.value = true)}>
            Show all {units(pilot.results.length)}
          </button>
        </div>
      ) : null}
    </Card>
  );
}

interface FormProps extends Props {
  open: Signal<Open>;
  again: () => void;
}

function Form({ job, pilot, open, said, again }: FormProps) {
  const form = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (open.value) form.current?.scrollIntoView();
  }, [open.value]);
  const done = (words: string) => {
    said.value = words;
    open.value = undefined;
    again();
  };
  const cost = pilot.results.reduce((sum, one) => sum + one.cost_usd, 0);
  const tried = { id: job.job_id, units: pilot.keys.length, cost, done, close: () => (open.value = undefined) };
  if (!open.value) return null;
  return (
    <div ref={form} class="form-place">
      {open.value === "change" ? <ChangeForm {...tried} /> : <TryForm {...tried} />}
    </div>
  );
}

function title(pilot: PilotAnswer): string {
  const last = pilot.variants?.variants.at(-1)?.name;
  return `Pilot, round ${pilot.round}${last ? `: what “${last}” answered` : ""}`;
}

function summary(pilot: PilotAnswer): string {
  const results = pilot.results;
  const cost = results.reduce((sum, one) => sum + one.cost_usd, 0);
  const seconds = results.map((one) => one.seconds).sort((a, b) => a - b)[Math.floor(results.length / 2)] ?? 0;
  const told = [units(results.length), money(cost), `median ${duration(seconds)}`];
  if (results.some((one) => one.before)) told.push("old beside new");
  return told.join(" · ");
}
