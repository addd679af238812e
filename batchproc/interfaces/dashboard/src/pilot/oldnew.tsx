// An answer beside the one of the round before: the same fields in the same row, with what went and what came marked.
import { money } from "../format";
import type { PilotAnswer } from "../types";
import { Status } from "../ui/basics";
import { alike, type Json, Value } from "../ui/fields";
import { WordDiff } from "./worddiff";

type Now = PilotAnswer["results"][number];
type Before = NonNullable<Now["before"]>;

export function OldAndNew({ now, before, round }: { now: Now; before: Before; round: number }) {
  const [is, was] = [fields(now), fields(before)];
  const names = [...new Set([...Object.keys(is), ...Object.keys(was)])];
  const differing = names.filter((name) => !alike(is[name], was[name]));
  return (
    <table class="old-new">
      <thead>
        <tr>
          <th scope="col">{differing.length ? `${differing.length} of ${names.length} differ` : "no difference"}</th>
          <th scope="col">
            Before <Status of={before.status} /> {money(before.cost_usd)}
          </th>
          <th scope="col">Round {round}</th>
        </tr>
      </thead>
      <tbody>
        {before.error && before.error !== now.error ? (
          <tr>
            <th scope="row">error</th>
            <td class="before">{before.error}</td>
            <td>{now.error}</td>
          </tr>
        ) : null}
        {names.map((name) => (
          <Row key={name} name={name} was={was[name]} is={is[name]} differs={differing.includes(name)} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ name, was, is, differs }: { name: string; was: unknown; is: unknown; differs: boolean }) {
  return (
    <tr class={differs ? "differs" : undefined}>
      <th scope="row">{name}</th>
      <td class="before">{differs ? <Side was={was} is={is} side="before" /> : <Value of={was} />}</td>
      <td>{differs ? <Side was={was} is={is} side="now" /> : <Value of={is} />}</td>
    </tr>
  );
}

function Side({ was, is, side }: { was: unknown; is: unknown; side: "before" | "now" }) {
  const [own, other] = side === "before" ? [was, is] : [is, was];
  if (own === undefined) return <span class="nothing">not there</span>;
  if (other === undefined && typeof own === "object") return <Value of={own} />;
  return <WordDiff before={written(was)} now={written(is)} side={side} />;
}

/** An answer that is a text is one field. */
function fields(of: Now | Before): Json {
  return of.output ?? (of.text ? { answer: of.text } : {});
}

function written(of: unknown): string {
  if (of === undefined) return "";
  return typeof of === "string" ? of : JSON.stringify(of, null, 1);
}
