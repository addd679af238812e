// How many approvals wait for a person, beside the room's name.
import { useEffect } from "preact/hooks";
import { signal } from "@preact/signals";
import { get } from "../api";
import { ticks } from "../live";
import { throttled } from "../resource";
import "../style/waiting.css";
import type { Approvals } from "../types";

const AT_MOST_EVERY_MS = 5000;

export const waiting = signal(0);

export function Waiting() {
  useEffect(() => {
    const look = throttled(() => {
      get<Approvals>("/approvals").then(
        (found) => (waiting.value = found.approvals.length),
        () => undefined, // the page itself says what is wrong
      );
    }, AT_MOST_EVERY_MS);
    look();
    return ticks({}, look);
  }, []);
  if (waiting.value === 0) return null;
  return (
    <span class="waiting">
      {waiting.value}
      <span class="visually-hidden"> waiting</span>
    </span>
  );
}
