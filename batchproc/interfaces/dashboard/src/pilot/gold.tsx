// Answers that persons had judged, held against what a change makes of them: regressions first.
import { to } from "../router";
import type { PilotAnswer } from "../types";
import { Card } from "../ui/basics";

type Answer = NonNullable<PilotAnswer["gold"]>;

export function Gold({ id, gold }: { id: string; gold: Answer }) {
  return (
    <Card title="Judged answers, held against the change" class="flush gold">
      <p class="said-words">{gold.words}</p>
      {gold.differences.length ? (
        <div class="scroll" tabIndex={0} role="region" aria-label="Differences">
          <table>
            <thead>
              <tr>
                <th>Unit</th>
                <th>Standing</th>
                <th>Field</th>
                <th>Should be</th>
                <th>Is now</th>
              </tr>
            </thead>
            <tbody>
              {gold.differences.map((one, n) => (
                <tr key={n}>
                  <td>
                    <a href={to("jobs", id, "units", one.key)}>{one.key}</a>
                  </td>
                  <td class={one.standing}>{one.standing.replace("_", " ")}</td>
                  <td>{one.field ?? "the answer"}</td>
                  <td class="mono">{one.expected ?? "another one: it was rejected"}</td>
                  <td class="mono">{one.got ?? "the same again"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
    </Card>
  );
}
