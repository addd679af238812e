// One row of the table; on a phone, an item of two lines. Drawn again only when what it shows is another.
import { Component } from "preact";
import { happened, money } from "../format";
import type { UnitLine } from "../types";
import type { Column } from "./columns";

export interface RowProps {
  index: number;
  /** Not there yet: it is being fetched. */
  unit: UnitLine | undefined;
  /** In pixels, in the real list. */
  top: number;
  href: string;
  columns: Column[];
  selected: boolean;
  active: boolean;
  narrow: boolean;
}

export class Row extends Component<RowProps> {
  shouldComponentUpdate(next: RowProps): boolean {
    return (Object.keys(next) as (keyof RowProps)[]).some((name) => next[name] !== this.props[name]);
  }

  render({ index, unit, top, selected, active, narrow, href, columns }: RowProps) {
    return (
      <div
        role="row"
        id={`row-${index}`}
        class={active ? "row active" : "row"}
        data-index={index}
        aria-rowindex={index + 2}
        aria-selected={selected}
        style={{ transform: `translateY(${top}px)` }}
      >
        <div role="gridcell" aria-colindex={1} class="pick">
          <input
            type="checkbox"
            tabIndex={-1}
            checked={selected}
            disabled={!unit}
            aria-label={unit ? `Select ${unit.key}` : "Not loaded yet"}
          />
        </div>
        {narrow ? <Item unit={unit} href={href} /> : columns.map((one, n) => <Cell key={one.id} {...{ one, n, unit, href }} />)}
      </div>
    );
  }
}

function Cell({ one, n, unit, href }: { one: Column; n: number; unit: UnitLine | undefined; href: string }) {
  return (
    <div role="gridcell" aria-colindex={n + 2} class={one.number ? "number" : one.id.includes(".") ? "field-value" : one.id}>
      {unit ? <Content one={one} unit={unit} href={href} /> : n === 1 ? <span class="ghost">…</span> : null}
    </div>
  );
}

function Content({ one, unit, href }: { one: Column; unit: UnitLine; href: string }) {
  if (one.id === "status") return <Dot of={unit} />;
  const text = one.of(unit);
  if (one.id === "key") return <KeyLink unit={unit} href={href} />;
  return <span title={text.length > 16 ? text : undefined}>{text}</span>;
}

function Dot({ of: unit }: { of: UnitLine }) {
  return (
    <span class={`status ${unit.status}`} title={unit.reason ?? undefined}>
      <span class="dot" aria-hidden="true" />
      {unit.status}
    </span>
  );
}

function KeyLink({ unit, href }: { unit: UnitLine; href: string }) {
  return (
    <>
      <a href={href} tabIndex={-1} title={unit.key.length > 16 ? unit.key : undefined}>
        {unit.key}
      </a>
      {unit.gone ? <small> gone</small> : null}
    </>
  );
}

/** Two lines, one cell: what it is and how it stands, and the most telling thing of it. */
function Item({ unit, href }: { unit: UnitLine | undefined; href: string }) {
  return (
    <div role="gridcell" aria-colindex={2} class="item">
      {unit ? (
        <>
          <span class="line">
            <KeyLink unit={unit} href={href} />
            <Dot of={unit} />
          </span>
          <span class="line">
            <small>{telling(unit)}</small>
            <small class="cost">{unit.attempts ? money(unit.cost_usd) : ""}</small>
          </span>
        </>
      ) : (
        <span class="ghost">…</span>
      )}
    </div>
  );
}

function telling(unit: UnitLine): string {
  const output = Object.values(unit.output ?? {}).filter((one) => one !== null && one !== "");
  const answer = output.length ? output.map((one) => (typeof one === "string" ? one : JSON.stringify(one))).join(" · ") : unit.text;
  const payload = Object.values(unit.payload).find((one) => typeof one === "string" && one !== unit.key);
  return unit.error ?? unit.reason ?? answer ?? (unit.last_event ? happened(unit.last_event) : String(payload ?? ""));
}
