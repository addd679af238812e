// One dialog, asked once: it says what will happen, and keeps an error where it was made.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { signal, useSignal } from "@preact/signals";
import type { Problem } from "../api";
import { asProblem } from "../resource";
import { toast } from "./toast";

interface Question {
  title: string;
  /** The name of what it is about, behind the title. */
  about?: string;
  /** What it will do, in words; or a form. */
  body: ComponentChildren;
  /** The word on the button: the verb itself. */
  verb: string;
  danger?: boolean;
  /** Does it; what it returns is told when it is done. */
  act: () => Promise<string | undefined>;
}

const asked = signal<Question | undefined>(undefined);

export function confirm(question: Question): void {
  asked.value = question;
}

export function Confirm() {
  return asked.value ? <Asking key={asked.value.title} question={asked.value} /> : null;
}

function Asking({ question }: { question: Question }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const busy = useSignal(false);
  const problem = useSignal<Problem | undefined>(undefined);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);

  const act = async (event: Event) => {
    event.preventDefault();
    if (busy.value) return;
    busy.value = true;
    problem.value = undefined;
    try {
      const said = await question.act();
      if (asked.value === question) asked.value = undefined;
      if (said) toast(said);
    } catch (error) {
      problem.value = asProblem(error);
      if (asked.value !== question) toast(`${question.verb}: ${problem.value.message}`);
    } finally {
      busy.value = false;
    }
  };

  return (
    <dialog ref={dialog} aria-labelledby="asking" onClose={() => (asked.value = undefined)}>
      <form onSubmit={act}>
        <h2 id="asking">
          {question.title}
          {question.about === undefined ? null : (
            <>
              {" "}
              “<bdi>{question.about}</bdi>”
            </>
          )}
        </h2>
        <div class="body">{question.body}</div>
        {problem.value ? (
          <p class="failed" role="alert">
            {problem.value.message}
          </p>
        ) : null}
        <footer>
          <button type="button" onClick={() => dialog.current?.close()}>
            Keep as it is
          </button>
          <button type="submit" class={question.danger ? "danger" : "primary"} disabled={busy.value}>
            {busy.value ? "…" : question.verb}
          </button>
        </footer>
      </form>
    </dialog>
  );
}
