// Whether the page is as narrow as a phone.
import { signal } from "@preact/signals";

const asked = matchMedia("(max-width: 48rem)");

export const narrow = signal(asked.matches);

asked.addEventListener("change", () => {
  narrow.value = asked.matches;
});
