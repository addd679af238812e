// What can be said of an answer, by hand and by key.
import type { Signal } from "@preact/signals";
import type { ReviewUnit } from "../types";
import { Key } from "../ui/basics";
import type { Session, Verdict } from "./session";

interface Props {
  session: Session;
  unit: ReviewUnit;
  note: Signal<string>;
  judge: (verdict: Verdict) => void;
  correct: () => void;
  /** It does not follow the window: a form below it would be covered. */
  isStill: boolean;
}

const MARKS = { accept: "judged right", reject: "judged wrong", correct: "corrected", saving: "is being kept", skipped: "skipped", refused: "not kept" };

export function Verdicts({ session, unit, note, judge, correct, isStill }: Props) {
  const mark = session.marks.value.get(unit.key);
  const nothing = !unit.output && !unit.text;
  return (
    <div class={isStill ? "verdicts still" : "verdicts"} role="group" aria-label="Your verdict">
      <button type="button" class="accept" disabled={nothing} onClick={() => judge("accept")}>
        Accept <Key>a</Key>
      </button>
      <button type="button" class="reject" onClick={() => judge("reject")}>
        Reject <Key>r</Key>
      </button>
      <button type="button" onClick={correct}>
        Correct <Key>c</Key>
      </button>
      <input
        id="note"
        aria-label="Note"
        placeholder="note (n)"
        maxLength={2000}
        value={note.value}
        onInput={(event) => (note.value = event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape" || event.key === "Enter") event.currentTarget.blur();
        }}
      />
      {mark ? <small class="mark">{MARKS[mark]}; a new verdict replaces it</small> : null}
      <span class="way">
        <button type="button" class="quiet" disabled={session.place.value === 0} onClick={() => session.back()}>
          Back <Key>u</Key>
        </button>
        <button type="button" class="quiet" onClick={() => session.skip()}>
          Skip <Key>s</Key>
        </button>
      </span>
    </div>
  );
}

const HELP: [string, string][] = [
  ["a", "accept: the answer is right"],
  ["r", "reject: it is wrong"],
  ["c", "correct: say what it should be"],
  ["n", "a note that goes with the verdict"],
  ["s", "skip: judge it another time"],
  ["u", "back to the one before; a later verdict replaces an earlier one"],
  ["?", "this list"],
];

export function Help({ close }: { close: () => void }) {
  return (
    <section class="card keys" aria-label="Keys">
      <dl>
        {HELP.map(([key, what]) => (
          <div key={key}>
            <dt>
              <Key>{key}</Key>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <button type="button" class="quiet" onClick={close}>
        Close
      </button>
    </section>
  );
}
