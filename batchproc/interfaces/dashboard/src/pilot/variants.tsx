// Several descriptions on the same units, side by side: figures, agreement by field, and where they part.
import type { Signal } from "@preact/signals";
import { count, duration, money, percent, span } from "../format";
import { to } from "../router";
import type { VariantTable } from "../types";
import { Bar, Card } from "../ui/basics";

export function Variants({ id, table, chosen }: { id: string; table: VariantTable; chosen: Signal<string> }) {
  return (
    <>
      <Card title="Variants" aside={<small>choose the one that is to run</small>} class="flush">
        <div class="scroll" tabIndex={0} role="region" aria-label="Variants">
          <Figures table={table} chosen={chosen} />
        </div>
      </Card>
      <Agreement table={table} />
      <Disagreements id={id} table={table} />
    </>
  );
}

function Figures({ table, chosen }: { table: VariantTable; chosen: Signal<string> }) {
  const withGold = table.variants.some((one) => one.gold);
  return (
    <table class="variants">
      <thead>
        <tr>
          <th>Variant</th>
          <th>Model</th>
          <th class="number">Flagged</th>
          <th class="number">Failed</th>
          <th class="number">Cost</th>
          <th class="number">Median</th>
          <th class="number">The rest would cost</th>
          {withGold ? <th>Judged answers</th> : null}
        </tr>
      </thead>
      <tbody>
        {table.variants.map((one) => (
          <tr key={one.name} class={chosen.value === one.name ? "chosen" : undefined}>
            <td>
              <label>
                <input
                  type="radio"
                  name="variant"
                  checked={chosen.value === one.name}
                  onChange={() => (chosen.value = one.name)}
                />{" "}
                <strong>{one.name}</strong>
              </label>
              <small class="instructions" title={one.instructions}>
                {one.instructions}
              </small>
            </td>
            <td title={one.model}>{one.model.split(" (")[0]}</td>
            <td class="number">{percent(one.flagged)}</td>
            <td class="number">{percent(one.failed)}</td>
            <td class="number">{money(one.cost_usd)}</td>
            <td class="number">{duration(one.seconds)}</td>
            <td class="number">{one.quote ? span(one.quote.cost_usd.low, one.quote.cost_usd.high, money) : "unknown"}</td>
            {withGold ? <td>{one.gold ?? ""}</td> : null}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Agreement({ table }: { table: VariantTable }) {
  const fields = Object.entries(table.agreement);
  return (
    <Card title="Agreement by field">
      {fields.length === 0 ? <p class="nothing">no unit has two answers to compare</p> : null}
      <dl class="agreement">
        {fields.map(([field, part]) => (
          <div key={field}>
            <dt>{field}</dt>
            <dd>
              <Bar part={part} label={`${percent(part)} of the units agree on ${field}`} />
              <span>{percent(part)}</span>
            </dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}

function Disagreements({ id, table }: { id: string; table: VariantTable }) {
  const names = table.variants.map((one) => one.name);
  if (table.disagreements.length === 0) return null;
  const cut = table.disagreements_in_all > table.disagreements.length;
  const all = count(table.disagreements_in_all);
  return (
    <Card
      title="Where they part"
      aside={<small>{cut ? `the first ${table.disagreements.length} of ${all}` : all}</small>}
      class="flush"
    >
      <div class="scroll" tabIndex={0} role="region" aria-label="Where they part">
        <table>
          <thead>
            <tr>
              <th>Unit</th>
              <th>Field</th>
              {names.map((name) => (
                <th key={name}>{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.disagreements.map((one, n) => (
              <tr key={`${one.key}\n${one.field}`}>
                <td class="unit">
                  {table.disagreements[n - 1]?.key === one.key ? (
                    <span class="visually-hidden">{one.key}</span>
                  ) : (
                    <a href={to("jobs", id, "units", one.key)}>{one.key}</a>
                  )}
                </td>
                <td>{one.field}</td>
                {names.map((name) => (
                  <td key={name} class="plain-text">
                    {name in one.values ? said(one.values[name]) : <span class="nothing">no answer</span>}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function said(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
