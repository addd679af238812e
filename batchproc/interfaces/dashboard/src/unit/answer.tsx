// What came of a unit: its answer, what is wrong with it, and what a person said.
import { useMemo } from "preact/hooks";
import { ago, clock, value } from "../format";
import { to } from "../router";
import type { EarlierAnswer, EventLine, UnitDetail, VerdictAnswer } from "../types";
import { Card, Copy, Status } from "../ui/basics";
import { Fields, Long } from "../ui/fields";
import { Prose } from "../ui/prose";
import { standing, texts, type Source } from "./evidence";
import { Stands } from "./marked";
import { text } from "./turns";

/** Why nobody should believe it as it is, and all units that have the same. */
export function Why({ unit }: { unit: UnitDetail }) {
  if (!unit.error) return null;
  return (
    <div class={`why ${unit.status}`} role="note">
      <strong>{unit.status === "flagged" ? "Flagged" : unit.status === "failed" ? "Failed" : "Its last attempt"}</strong>
      <p>
        <Long text={unit.error} />
      </p>
      {unit.signature ? <a href={to("jobs", unit.job_id, "units", { signature: unit.signature })}>All units that ended like this</a> : null}
    </div>
  );
}

const NOWHERE = new Map<string, string>();

export function Answer({ unit, events }: { unit: UnitDetail; events: EventLine[] }) {
  const stands = useMemo(() => (unit.output ? standing(unit.output, given(unit, events)) : NOWHERE), [unit, unit.output ? events.length : 0]);
  const copied = unit.output ? JSON.stringify(unit.output, null, 2) : unit.text;
  return (
    <Card title="Answer" aside={copied ? <Copy text={copied} label="Copy answer" /> : undefined}>
      {unit.output ? <Fields of={unit.output} text={(text) => <Stands text={text} where={stands.get(text)} />} /> : null}
      {unit.text && !isSame(unit) ? <Prose html={unit.text_html} text={unit.text} /> : null}
      {copied ? null : <p class="nothing">{WAITS[unit.status] ?? "It gave none."}</p>}
      {stands.size ? <small class="legend-stands">Underlined: stands word for word in what it was given or read.</small> : null}
      {unit.files?.length ? <Files of={unit.files} /> : null}
      {unit.verdict ? <Verdict of={unit.verdict} /> : null}
    </Card>
  );
}

const WAITS: Record<string, string> = { pending: "It waits for its turn.", running: "Its agent is at work." };

/** A structured answer is its own text, too. */
function isSame({ output, text: words }: UnitDetail): boolean {
  if (!output || !words) return false;
  try {
    return JSON.stringify(JSON.parse(words)) === JSON.stringify(output);
  } catch {
    return false;
  }
}

/** The unit's own texts, and what its tools gave, without the numbers that Read puts before lines. */
function given(unit: UnitDetail, events: EventLine[]): Source[] {
  const own = [...texts(unit.payload)].map((one) => ({ ...one, where: `the payload's ${one.where}` }));
  const read = events
    .filter((one) => one.kind === "agent.tool_result" && !one.data.is_error)
    .map((one) => ({ where: "what it read", text: text(one.data.content).replace(/^ *\d+[\t→]/gm, "") }));
  return [...own, ...read];
}

function Files({ of }: { of: string[] }) {
  return (
    <>
      <h3>Files</h3>
      <ul class="values">
        {of.map((one) => (
          <li key={one} class="mono">
            {one}
          </li>
        ))}
      </ul>
    </>
  );
}

const VERDICTS: Record<string, string> = { accept: "Accepted", reject: "Rejected", correct: "Corrected" };

function Verdict({ of }: { of: VerdictAnswer }) {
  return (
    <div class={`verdict ${of.verdict}`}>
      <strong>{VERDICTS[of.verdict] ?? of.verdict}</strong>{" "}
      <small title={clock(of.at)}>
        by <bdi>{of.by}</bdi>, {ago(of.at)}
        {of.holds ? "" : "; of another answer than this one"}
      </small>
      {of.note ? <p>{of.note}</p> : null}
      {of.correction === null ? null : typeof of.correction === "string" ? <p class="said">{of.correction}</p> : <Fields of={of.correction} />}
    </div>
  );
}

/** Answers that gave way to this one. */
export function Earlier({ of }: { of: EarlierAnswer[] }) {
  if (!of.length) return null;
  return (
    <Card title="Earlier answers">
      {of.map((one, n) => (
        <details key={n} class="folded">
          <summary>
            <Status of={one.status} /> <small title={clock(one.at)}>{`until its ${one.why} changed, ${ago(one.at)}`}</small>
          </summary>
          {one.output ? <Fields of={one.output} /> : <p class="said">{one.text ?? value(one.error)}</p>}
          {one.payload ? (
            <>
              <h3>It was given</h3>
              <Fields of={one.payload} />
            </>
          ) : null}
        </details>
      ))}
    </Card>
  );
}
