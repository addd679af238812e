// How this page gets in: a code that is good once becomes a cookie (which scripts cannot read) and a key (which only
// this origin, port included, can). Each opens nothing without the other.
import { signal } from "@preact/signals";

const KEY = "batchproc.key";

export type Standing = "opening" | "open" | "closed";

export const standing = signal<Standing>("opening");
/** Why the door is closed, in the server's words; empty after signing out. */
export const refusal = signal("");
/** Whether somebody signed out here, or in another tab. */
export const left = signal(false);

export function key(): string {
  return localStorage.getItem(KEY) ?? "";
}

export async function open(): Promise<void> {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (code) {
    history.replaceState(null, "", location.pathname + location.search);
    const answer = await fetch("/api/v1/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ code }),
    });
    if (answer.ok) localStorage.setItem(KEY, ((await answer.json()) as { key: string }).key);
    else if (!key()) return close(await reason(answer));
  }
  standing.value = key() ? "open" : "closed";
}

export function close(why = "This browser is not signed in any more."): void {
  if (standing.value === "closed") return; // what was under way when it closed
  refusal.value = why;
  standing.value = "closed";
}

/** After the server has forgotten the session: the other tabs hear that its key is gone. */
export function leave(): void {
  localStorage.removeItem(KEY);
  left.value = true;
  refusal.value = "";
  standing.value = "closed";
}

// What another tab did: signed out, or in with a new link.
window.addEventListener("storage", (event) => {
  if (event.key !== KEY && event.key !== null) return;
  if (!key()) leave();
  else if (standing.value === "closed") {
    left.value = false;
    standing.value = "open";
  }
});

async function reason(answer: Response): Promise<string> {
  try {
    return ((await answer.json()) as { detail?: string }).detail ?? answer.statusText;
  } catch {
    return answer.statusText;
  }
}
