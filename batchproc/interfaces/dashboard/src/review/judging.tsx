// The unit that is to be judged now, the way so far, and what it proves.
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { useKeys } from "../keys";
import { to } from "../router";
import { Card, Empty } from "../ui/basics";
import { Correct } from "./correct";
import { Done } from "./done";
import { Draw } from "./draw";
import { Help, Verdicts } from "./verdicts";
import { Proof } from "./proof";
import type { Schema } from "./schema";
import { isJudged, type Session, type Verdict } from "./session";
import { Judged } from "./unit";

export function Judging({ session, schema, population }: { session: Session; schema: Schema | null; population: number }) {
  const unit = session.unit.value;
  const form = useSignal(false);
  const note = useSignal("");
  const help = useSignal(false);
  useEffect(() => {
    form.value = false;
    note.value = "";
    window.scrollTo(0, 0);
  }, [unit?.key, unit?.attempt]);

  const judge = (verdict: Verdict) => unit && void session.judge({ verdict, note: note.value.trim() || undefined });
  const correct = (correction: unknown) =>
    void session.judge({ verdict: "correct", correction, note: note.value.trim() || undefined }, { wait: true });
  useKeys({
    a: () => judge("accept"),
    r: () => judge("reject"),
    c: () => unit && (form.value = true),
    n: () => document.getElementById("note")?.focus(),
    s: () => session.skip(),
    u: () => session.back(),
    "?": () => (help.value = !help.value),
  });

  const refused = session.problem.value;
  return (
    <div class="judging">
      <div class="stack">
        {refused ? (
          <p class="failed" role="alert">
            {refused.key ? (
              <>
                The verdict on <bdi>{refused.key}</bdi> was not kept:{" "}
              </>
            ) : null}
            {refused.problem.message}
          </p>
        ) : null}
        {unit ? (
          <section class="to-judge" aria-label={`Unit ${unit.key}`} aria-live="polite">
            <Judged id={session.id} unit={unit} />
            <Verdicts session={session} unit={unit} note={note} judge={judge} correct={() => (form.value = true)} isStill={form.value} />
            {form.value ? (
              <Correct
                key={`${unit.key}/${unit.attempt}`}
                unit={unit}
                schema={schema}
                problem={refused?.problem}
                correct={correct}
                close={() => (form.value = false)}
              />
            ) : null}
            {help.value ? <Help close={() => (help.value = false)} /> : null}
          </section>
        ) : (
          <End session={session} population={population} />
        )}
      </div>
      <Side session={session} population={population} />
    </div>
  );
}

function End({ session, population }: { session: Session; population: number }) {
  if (session.busy.value) return <Empty title="Looking for the next ones" />;
  return <Done session={session} population={population} />;
}

/** Where one is: each unit that was shown is a step that leads back to it. */
function Side({ session, population }: { session: Session; population: number }) {
  const proof = session.proof.value;
  if (!proof) return null;
  const judged = proof.judged + proof.risky.judged;
  const drawn = proof.drawn + proof.risky.drawn;
  return (
    <aside class="stack">
      <Card title="What it proves" aside={<small>{`${judged} of ${drawn} judged`}</small>}>
        <Proof of={proof} />
        {proof.is_current ? null : (
          <p class="note stale">
            Answers came or went since these were drawn.{" "}
            <button type="button" onClick={() => void session.draw(Math.max(1, proof.drawn))}>
              Draw anew
            </button>
          </p>
        )}
      </Card>
      <Card title="This time" aside={<small>{session.left.value ? `${session.left.value} more after these` : ""}</small>}>
        <ol class="steps">
          {session.units.value.map((one, n) => {
            const mark = session.marks.value.get(one.key);
            return (
              <li key={one.key}>
                <button
                  type="button"
                  class={mark ? `step is-${mark}` : "step"}
                  aria-current={n === session.place.value ? "step" : undefined}
                  aria-label={`${one.key}: ${mark ?? "not judged"}`}
                  title={`${one.key}: ${mark ?? "not judged"}`}
                  onClick={() => session.show(n)}
                >
                  {isJudged(mark) ? SIGNS[mark] : mark === "skipped" ? "–" : mark === "refused" ? "!" : ""}
                </button>
              </li>
            );
          })}
        </ol>
        <small>
          <a href={to("jobs", session.id, "query", { sql: JUDGED })}>All verdicts as a table</a>
        </small>
      </Card>
      {session.unit.value ? (
        <details class="draw-more">
          <summary>Draw more</summary>
          <Draw population={population} drawn={proof.drawn} busy={session.busy.value} draw={(n) => void session.draw(n)} />
        </details>
      ) : null}
    </aside>
  );
}

const SIGNS: Record<Verdict, string> = { accept: "✓", reject: "✗", correct: "✎" };
const JUDGED = "SELECT key, verdict, status, text, corrected_from FROM results WHERE verdict IS NOT NULL";
