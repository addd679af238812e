// A short word about what was just done, read out by screen readers too.
import { signal } from "@preact/signals";

const said = signal<{ text: string; n: number } | undefined>(undefined);
let n = 0;

export function toast(text: string): void {
  n += 1;
  const mine = n;
  said.value = { text, n };
  setTimeout(() => {
    if (said.value?.n === mine) said.value = undefined;
  }, 6000);
}

export function Toast() {
  return (
    <div role="status">
      {said.value ? <div class="toast">{said.value.text}</div> : null}
    </div>
  );
}
