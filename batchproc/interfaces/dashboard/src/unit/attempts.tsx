// All attempts of a unit side by side, and any two of its answers compared.
import { useEffect, useMemo } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { clock, count, duration, money, percent } from "../format";
import { query, setQuery } from "../router";
import type { AttemptAnswer, EventLine, UnitDetail } from "../types";
import { Card, Status } from "../ui/basics";
import { Diff } from "../ui/diffview";
import { answerOf } from "./turns";
import type { Conversation } from "./useconversation";

/** Pages of older events that are fetched to find what an attempt said. */
const MOST_PAGES = 25;

export function Attempts({ unit, talk }: { unit: UnitDetail; talk: Conversation }) {
  return (
    <Card title={unit.attempts.length === 1 ? "1 attempt" : `${count(unit.attempts.length)} attempts`} class="attempts">
      {unit.attempts.length ? <Table of={unit.attempts} /> : <p class="nothing">None was made yet.</p>}
      <p class="lineage">{unit.lineage}</p>
      <Compare unit={unit} talk={talk} />
    </Card>
  );
}

function Table({ of }: { of: AttemptAnswer[] }) {
  return (
    <div class="scrolls" tabIndex={0} role="region" aria-label="Attempts">
      <table>
        <thead>
          <tr>
            <th>#</th>
            <th>Outcome</th>
            <th>Cause</th>
            <th class="number">Cost</th>
            <th class="number">Tokens</th>
            <th class="number">From cache</th>
            <th class="number">Turns</th>
            <th class="number">Time</th>
            <th>Began</th>
          </tr>
        </thead>
        <tbody>
          {of.map((one) => (
            <Row key={one.n} of={one} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ of }: { of: AttemptAnswer }) {
  const seconds = of.finished_at ? (Date.parse(of.finished_at) - Date.parse(of.started_at)) / 1000 : undefined;
  return (
    <tr>
      <td>{of.n}</td>
      <td>
        <Status of={of.outcome ?? "running"} />
        {of.charged ? null : <small> not charged</small>}
      </td>
      <td class="cause">
        {of.cause}
        {of.error ? <small>{of.error}</small> : null}
        {of.resumed_from ? <small>{`went on in the conversation of attempt ${of.resumed_from}`}</small> : null}
      </td>
      <td class="number">
        {money(of.cost_usd)}
        {of.billed ? null : <small title="No bill came: the most that it can have cost">at most</small>}
      </td>
      <td class="number">{count(of.tokens)}</td>
      <td class="number">{of.tokens ? percent(of.cache_read_tokens / of.tokens) : ""}</td>
      <td class="number">{of.turns || ""}</td>
      <td class="number">{seconds === undefined ? "" : duration(seconds)}</td>
      <td class="when">{clock(of.started_at)}</td>
    </tr>
  );
}

interface Source {
  id: string;
  name: string;
  attempt?: number;
  text?: string;
}

function sources({ attempts, earlier, output, text }: UnitDetail): Source[] {
  const worded = (structure: unknown, words: string | null) => (structure ? JSON.stringify(structure, null, 2) : (words ?? ""));
  const now = worded(output, text);
  return [
    ...earlier.map((one, n) => ({ id: `e${n}`, name: `Earlier: ${clock(one.at)}, before another ${one.why}`, text: worded(one.output, one.text) })),
    ...attempts.map((one) => ({ id: String(one.n), name: `Attempt ${one.n}${one.outcome ? `: ${one.outcome}` : ""}`, attempt: one.n })),
    ...(now ? [{ id: "now", name: "The answer of now", text: now }] : []),
  ];
}

/** Two answers, the older at the left by default; which ones is in the address. */
function Compare({ unit, talk }: { unit: UnitDetail; talk: Conversation }) {
  const all = useMemo(() => sources(unit), [unit]);
  if (all.length < 2 || (unit.attempts.length < 2 && !unit.earlier.length)) return null;
  const pick = (name: string, other: Source | undefined) => all.find((one) => one.id === query(name)) ?? other;
  const [left, right] = [pick("a", all[all.length - 2 - (all.at(-1)?.id === "now" && all.length > 2 && !unit.earlier.length ? 1 : 0)]), pick("b", all.at(-1))];
  const isOpen = query("a") !== "" || query("b") !== "";
  return (
    <details class="compare" open={isOpen}>
      <summary>Compare answers</summary>
      <div class="picks">
        <Pick name="a" label="Before" all={all} value={left} />
        <Pick name="b" label="After" all={all} value={right} />
      </div>
      {left && right ? <Compared key={`${left.id} ${right.id}`} {...{ left, right, talk }} /> : null}
    </details>
  );
}

function Pick({ name, label, all, value }: { name: string; label: string; all: Source[]; value: Source | undefined }) {
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value?.id} onChange={(event) => setQuery({ [name]: event.currentTarget.value })}>
        {all.map((one) => (
          <option key={one.id} value={one.id}>
            {one.name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Compared({ left, right, talk }: { left: Source; right: Source; talk: Conversation }) {
  const found = useSignal(false);
  useEffect(() => {
    let gone = false;
    void reach(talk, [left, right], () => gone).finally(() => {
      found.value = true;
    });
    return () => {
      gone = true;
    };
  }, []);
  const events = talk.events.value;
  const [before, after] = [said(left, events), said(right, events)];
  if (before === undefined || after === undefined) {
    const silent = before === undefined ? left : right;
    return <p class="nothing">{found.value ? `${silent.name} gave no answer that is kept.` : "Looking for what it said…"}</p>;
  }
  return <Diff before={before} after={after} label={`From ${left.name} to ${right.name}`} />;
}

function said(source: Source, events: EventLine[]): string | undefined {
  return source.attempt === undefined ? source.text : answerOf(events, source.attempt);
}

/** Fetch older events until those of both attempts are there. */
async function reach(talk: Conversation, wanted: Source[], isGone: () => boolean): Promise<void> {
  const first = Math.min(...wanted.map((one) => one.attempt ?? Number.POSITIVE_INFINITY));
  for (let n = 0; n < MOST_PAGES && !isGone(); n++) {
    const events = talk.events.peek();
    if (talk.before.peek() === null || events.some((one) => one.attempt !== null && one.attempt < first)) return;
    await talk.older();
  }
}
