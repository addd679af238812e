// All that was drawn is judged: what is proven, and what can follow.
import { job as at, send } from "../api";
import { units } from "../format";
import { plain } from "../job/words";
import { to } from "../router";
import { Card } from "../ui/basics";
import { confirm } from "../ui/confirm";
import { Draw } from "./draw";
import type { Session } from "./session";

export function Done({ session, population }: { session: Session; population: number }) {
  const proof = session.proof.value;
  if (!proof) return null;
  const skipped = session.keys("skipped");
  const rejected = session.keys("reject");
  const first = session.units.value.findIndex((one) => skipped.includes(one.key));
  const isThrough = proof.judged === proof.drawn && proof.risky.judged === proof.risky.drawn;
  return (
    <Card title={isThrough ? "All that was drawn is judged" : "Nothing else to judge here"} class="done">
      <p class="said-words">{plain(proof.words)}</p>
      <div class="actions">
        {skipped.length ? (
          <button type="button" class="primary" onClick={() => session.show(first)}>
            Go through the {skipped.length} skipped
          </button>
        ) : null}
        {rejected.length ? (
          <button type="button" onClick={() => askAgain(session.id, rejected)}>
            Ask again for the {units(rejected.length)} that {rejected.length === 1 ? "was" : "were"} rejected…
          </button>
        ) : null}
        <a class="button" href={to("jobs", session.id)}>
          To the job
        </a>
      </div>
      <Draw population={population} drawn={proof.drawn} busy={session.busy.value} draw={(n) => void session.draw(n)} />
    </Card>
  );
}

function askAgain(id: string, keys: string[]): void {
  confirm({
    title: `Run ${units(keys.length)} again?`,
    body: <p>Each gets a new answer, which costs as much as the first one about. Your verdicts on the old ones no longer hold then.</p>,
    verb: "Run again",
    act: async () => (await send<{ message: string }>("POST", at(id, "retry"), { keys, why: "rejected in review" })).message,
  });
}
