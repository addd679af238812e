// What the verdicts prove, in the server's words and as a picture: how much may still be wrong.
import { percent } from "../format";
import { plain } from "../job/words";
import type { ReviewAnswer } from "../types";

export function Proof({ of }: { of: ReviewAnswer }) {
  return (
    <div class="proof">
      <p class="said-words">{plain(of.words)}</p>
      {of.upper_bound === null ? null : <Picture of={of} most={of.upper_bound} />}
      {of.risky.drawn ? (
        <p class="beside-risk">
          Beside these, {of.risky.drawn} were drawn for their risk: {of.risky.judged} judged, {of.risky.wrong} wrong. They prove nothing of the
          rest.
        </p>
      ) : null}
    </div>
  );
}

const TICKS = [0.01, 0.05, 0.2, 0.5, 1];

/** Small parts are what matters: the scale is that of their root. */
const x = (part: number) => `${Math.sqrt(Math.min(1, Math.max(0, part))) * 100}%`;

function Picture({ of, most }: { of: ReviewAnswer; most: number }) {
  const best = of.if_rest_is_right ?? most;
  const wrong = of.judged ? (of.rejected + of.corrected) / of.judged : undefined;
  const words = best === most ? `At most ${told(most)} are wrong.` : `At most ${told(most)} are wrong as it stands; at most ${told(best)} if all that is left is right.`;
  return (
    <div class="interval" role="img" aria-label={words}>
      <div class="track">
        <span class="so-far" style={{ width: x(most) }} />
        <span class="best" style={{ width: x(best) }} />
        {wrong === undefined ? null : <span class="wrong-part" style={{ left: x(wrong) }} title={`${percent(wrong, 1)} of those judged`} />}
      </div>
      <div class="ticks" aria-hidden="true">
        {TICKS.map((part) => (
          <span key={part} style={{ left: x(part) }}>
            {part * 100} %
          </span>
        ))}
      </div>
      <ul class="interval-key" aria-hidden="true">
        {best < most ? <li class="so-far">may be wrong as it stands: {told(most)}</li> : null}
        <li class="best">
          {best < most ? "if the rest is right" : "may be wrong, at most"}: {told(best)}
        </li>
        {wrong === undefined ? null : <li class="wrong-part">wrong so far: {percent(wrong, 1)}</li>}
      </ul>
    </div>
  );
}

/** A bound is never told too low. */
function told(part: number): string {
  return `${Math.ceil(part * 1000 - 1e-9) / 10} %`;
}

/** What `n` right ones out of many prove: Clopper and Pearson's bound where none is wrong. */
export function proves(n: number): string {
  return told(1 - 0.05 ** (1 / n));
}
