// How many are drawn, decided on beforehand, with what they would prove.
import { useSignal } from "@preact/signals";
import { count } from "../format";
import { proves } from "./proof";

const USUAL = [20, 59, 299];
const MOST = 1_000;

interface Props {
  /** Succeeded answers that there are. */
  population: number;
  /** Drawn before. */
  drawn?: number;
  busy: boolean;
  draw: (n: number) => void;
}

export function Draw({ population, drawn = 0, busy, draw }: Props) {
  const usual = USUAL.filter((n) => n > drawn && n < population);
  const all = population > drawn && population <= MOST ? [population] : [];
  const offered = [...usual, ...all];
  const n = useSignal(String(offered[0] ?? ""));
  const wanted = Number(n.value);
  const isSound = Number.isInteger(wanted) && wanted > drawn && wanted <= MOST;
  const submit = (event: Event) => {
    event.preventDefault();
    if (isSound) draw(wanted);
  };
  if (offered.length === 0 && (drawn >= population || drawn >= MOST)) return null;
  return (
    <form class="draw" onSubmit={submit}>
      <fieldset>
        <legend>{drawn ? "Draw more" : "How many do you want to judge?"}</legend>
        {offered.map((one) => (
          <label key={one}>
            <input type="radio" name="n" checked={wanted === one} onChange={() => (n.value = String(one))} />
            <strong>{count(one)}</strong>
            <small>
              {one === population ? "all of them: no estimate is left" : `if all are right, at most ${proves(one)} of the answers are wrong`}
            </small>
          </label>
        ))}
        <label>
          <span>or</span>
          <input class="n-input" inputMode="numeric" aria-label="Another number" value={n.value} onInput={(event) => (n.value = event.currentTarget.value)} />
        </label>
      </fieldset>
      <p class="aside">
        Decide on it beforehand: a bound that is looked at until it pleases proves less. Some that look risky are drawn beside them.
      </p>
      <button type="submit" class="primary" disabled={busy || !isSound}>
        Draw {isSound ? count(wanted) : ""}
      </button>
    </form>
  );
}
