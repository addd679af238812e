// What was said of the job before it ran, beside what is still to come and what it came to.
import { big, count, duration, money, span, units } from "../format";
import type { JobStatus, QuoteAnswer, Range } from "../types";
import { Card } from "../ui/basics";

type What = "cost_usd" | "time_s" | "tokens";

const ROWS: [What, string, (n: number) => string][] = [
  ["cost_usd", "Cost", money],
  ["time_s", "Time", duration],
  ["tokens", "Tokens", big],
];

export function QuoteCard({ job }: { job: JobStatus }) {
  const { quote, forecast } = job;
  if (!quote && !forecast) return null;
  return (
    <Card title={quote ? "Quote against reality" : "Forecast"} class="quote">
      <table>
        <thead>
          <tr>
            <th scope="col">
              <span class="visually-hidden">What</span>
            </th>
            {quote ? <th scope="col">Said of {units(quote.units)}</th> : null}
            {forecast ? <th scope="col">Still to come ({count(forecast.units)})</th> : null}
            {quote?.reality ? <th scope="col">Came to</th> : null}
          </tr>
        </thead>
        <tbody>
          {ROWS.map(([what, name, as]) => (
            <tr key={what}>
              <th scope="row">{name}</th>
              {quote ? (
                <td>
                  {said(quote[what], as)}
                  {quote.reality ? <Where of={quote[what]} at={quote.reality[what]} /> : null}
                </td>
              ) : null}
              {forecast ? <td>{said(forecast[what], as)}</td> : null}
              {quote?.reality ? <Came quote={quote} what={what} as={as} /> : null}
            </tr>
          ))}
        </tbody>
      </table>
      {quote?.reality ? null : <small>{basis(quote ?? forecast)}</small>}
    </Card>
  );
}

function said(range: Range, as: (n: number) => string): string {
  return range.high === 0 ? "none" : span(range.low, range.high, as);
}

function Came({ quote, what, as }: { quote: QuoteAnswer; what: What; as: (n: number) => string }) {
  const reality = quote.reality;
  if (!reality) return null;
  const held = reality.held[what];
  return (
    <td>
      {as(reality[what])} {held === undefined ? null : <small class={held ? "held" : "missed"}>{held ? "as said" : "outside"}</small>}
    </td>
  );
}

/** The interval as a band, and where in or beside it the truth fell. */
function Where({ of, at }: { of: Range; at: number }) {
  const end = Math.max(of.high, at) * 1.1 || 1;
  const place = (n: number) => `${(100 * n) / end}%`;
  return (
    <div class="where" aria-hidden="true">
      <span class="band" style={{ left: place(of.low), width: place(Math.max(of.high - of.low, end / 200)) }} />
      <span class={at < of.low || at > of.high ? "mark missed" : "mark"} style={{ left: place(at) }} />
    </div>
  );
}

function basis(said: QuoteAnswer | null): string {
  if (!said) return "";
  return `${said.basis.charAt(0).toUpperCase()}${said.basis.slice(1)}.`;
}
