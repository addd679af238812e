// One unit of a pilot: its prompt, its answer beside the one of the round before, and what it cost.
import { useSignal } from "@preact/signals";
import { get, job as at } from "../api";
import { duration, money } from "../format";
import { useResource } from "../resource";
import { to } from "../router";
import type { PilotAnswer, UnitDetail } from "../types";
import { Failed, Loading, Status } from "../ui/basics";
import { Fields, Long } from "../ui/fields";
import { OldAndNew } from "./oldnew";

type Unit = PilotAnswer["results"][number];
type Said = Pick<Unit, "text" | "output">;

export function PilotUnit({ id, unit, round }: { id: string; unit: Unit; round: number }) {
  return (
    <article class="trial" aria-label={`Unit ${unit.key}`}>
      <header>
        <h3>
          <a href={to("jobs", id, "units", unit.key)}>{unit.key}</a>
        </h3>
        <Status of={unit.status} />
        <small class="spent">
          {money(unit.cost_usd)} · {duration(unit.seconds)}
        </small>
      </header>
      {unit.error ? <p class="what-failed">{unit.error}</p> : null}
      {unit.before ? <OldAndNew now={unit} before={unit.before} round={round} /> : <Answer of={unit} />}
      <Given key={round} id={id} unit={unit.key} />
    </article>
  );
}

function Answer({ of }: { of: Said }) {
  if (of.output) return <Fields of={of.output} />;
  return of.text ? <Long text={of.text} /> : <p class="nothing">no answer</p>;
}

/** What its agent was given: asked for only when somebody wants to see it. */
function Given({ id, unit }: { id: string; unit: string }) {
  const open = useSignal(false);
  return (
    <details onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary>Payload and prompt</summary>
      {open.value ? <Prompt id={id} unit={unit} /> : null}
    </details>
  );
}

function Prompt({ id, unit }: { id: string; unit: string }) {
  const detail = useResource<UnitDetail>(`${id}/${unit}`, (signal) => get(at(id, "units", unit), {}, signal));
  if (detail.problem.value) return <Failed problem={detail.problem.value} again={detail.again} />;
  const found = detail.data.value;
  if (!found) return <Loading />;
  return (
    <div class="given">
      <h4>Payload</h4>
      <Fields of={found.payload} />
      <h4>Its own part of the prompt</h4>
      <pre class="block">{found.prompt}</pre>
      {found.system_prompt ? (
        <>
          <h4>The part that all units share</h4>
          <pre class="block">{found.system_prompt}</pre>
        </>
      ) : null}
    </div>
  );
}
