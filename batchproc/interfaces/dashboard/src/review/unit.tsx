// One unit to be judged: what its agent was given beside what it answered, with what it quotes marked.
import type { ComponentChildren } from "preact";
import { ago } from "../format";
import { to } from "../router";
import type { ReviewUnit } from "../types";
import { Status } from "../ui/basics";
import { Fields, Long } from "../ui/fields";
import { type Quote, ranges } from "./marks";

export function Judged({ id, unit }: { id: string; unit: ReviewUnit }) {
  const missing = unit.evidence.filter((one) => !stands(unit.payload, one));
  const hasFile = "file_path" in unit.payload;
  return (
    <>
      <header class="judged-head">
        <h2>
          <a href={to("jobs", id, "units", unit.key)}>{unit.key}</a>
        </h2>
        <Status of={unit.status} />
        <span class={`drawn-by ${unit.kind}`}>{unit.kind === "risk" ? `drawn for its risk: ${unit.why ?? ""}` : "drawn by chance"}</span>
      </header>
      {unit.error ? <p class="what-failed">{unit.error}</p> : null}
      <div class="given-answered">
        <section class="card" aria-label="Payload">
          <h3>What it was given</h3>
          <Fields of={unit.payload} text={(text) => <Marked text={text} quotes={unit.evidence} />} />
        </section>
        <section class="card" aria-label="Answer">
          <h3>What it answered</h3>
          {unit.output ? (
            <Fields of={unit.output} text={(text, place) => <Quoted text={text} place={place} unit={unit} missing={missing} />} />
          ) : unit.text ? (
            <Long text={unit.text} short={4000} />
          ) : (
            <p class="nothing">no answer</p>
          )}
          {missing.length ? (
            <p class="missing">
              {missing.length} of {unit.evidence.length} quotes do not stand in what is shown here
              {hasFile ? ": they are to be found in its file." : "."}
            </p>
          ) : null}
        </section>
      </div>
      {unit.earlier ? <Earlier of={unit.earlier} /> : null}
    </>
  );
}

function Earlier({ of }: { of: NonNullable<ReviewUnit["earlier"]> }) {
  return (
    <p class="earlier">
      An older answer of it was judged {of.verdict === "accept" ? "right" : of.verdict === "reject" ? "wrong" : "wrong, and corrected"} by{" "}
      <bdi>{of.by}</bdi>, <time title={of.at}>{ago(of.at)}</time>
      {of.note ? <>: <bdi>{of.note}</bdi></> : null}.
    </p>
  );
}

function Marked({ text, quotes }: { text: string; quotes: readonly Quote[] }) {
  const pieces: ComponentChildren[] = [];
  let last = 0;
  for (const one of ranges(text, quotes)) {
    pieces.push(text.slice(last, one.start));
    pieces.push(
      <mark key={one.start} id={`quote-${one.of[0]}`} data-of={one.of.join(" ")} tabIndex={-1} title={`quoted in ${one.of.join(", ")}`}>
        {text.slice(one.start, one.end)}
      </mark>,
    );
    last = one.end;
  }
  pieces.push(text.slice(last));
  return <>{pieces}</>;
}

/** A text of the answer; a quote leads to where it stands. */
function Quoted({ text, place, unit, missing }: { text: string; place: string; unit: ReviewUnit; missing: Quote[] }) {
  const quote = unit.evidence.find((one) => one.field === place);
  if (!quote) return <Long text={text} short={2000} />;
  if (missing.includes(quote)) return <q title="it does not stand in what is shown here">{text}</q>;
  return (
    <button type="button" class="cites" onClick={() => lead(place)} title="show where it stands">
      <q>{text}</q>
    </button>
  );
}

function lead(place: string): void {
  const mark = [...document.querySelectorAll<HTMLElement>("mark[data-of]")].find((one) => one.dataset.of?.split(" ").includes(place));
  mark?.scrollIntoView({ block: "center" });
  mark?.focus();
}

function stands(of: unknown, quote: Quote): boolean {
  if (typeof of === "string") return ranges(of, [quote]).length > 0;
  return of !== null && typeof of === "object" && Object.values(of).some((one) => stands(one, quote));
}
