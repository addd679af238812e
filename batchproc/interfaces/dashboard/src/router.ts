// Where the user is: the address is the only state of it, so that every view with its filters can be linked to.
import { computed, signal } from "@preact/signals";
import { read, written } from "./segment";

export const address = signal(new URL(location.href));

window.addEventListener("popstate", () => {
  address.value = new URL(location.href);
});

/** The path in parts, decoded one by one: a key may hold a slash. */
export const path = computed(() =>
  address.value.pathname
    .split("/")
    .filter((part) => part !== "")
    .map(read),
);

export function go(href: string, { replace = false } = {}): void {
  const next = new URL(href, location.href);
  if (next.href === location.href) return;
  history[replace ? "replaceState" : "pushState"](null, "", next);
  address.value = next;
}

/** One value of the query; "" where it is not there. */
export function query(name: string): string {
  return address.value.searchParams.get(name) ?? "";
}

/** Change some of the query and keep the rest. An empty value is left out. */
export function setQuery(values: Record<string, string | number | null | undefined>, { replace = true } = {}): void {
  const next = new URL(address.value);
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined || value === "") next.searchParams.delete(name);
    else next.searchParams.set(name, String(value));
  }
  go(next.href, { replace });
}

/** An address inside the page: `to("jobs", id, "units", key)`, with a query. */
export function to(...parts: (string | Record<string, string | undefined>)[]): string {
  const words = parts.filter((part): part is string => typeof part === "string");
  const search = new URLSearchParams();
  for (const part of parts) {
    if (typeof part === "string") continue;
    for (const [name, value] of Object.entries(part)) if (value) search.set(name, value);
  }
  const tail = search.size ? `?${search}` : "";
  return `/${words.map(written).join("/")}${tail}`;
}

/** Clicks on links inside the page are ours; all others, and those with a key held down, are the browser's. */
export function follow(event: MouseEvent): void {
  const link = (event.target as Element | null)?.closest?.("a");
  if (!link || event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
  if (link.hash && link.pathname === location.pathname && link.search === location.search) return; // a place on this page
  event.preventDefault();
  go(link.href);
  window.scrollTo(0, 0);
}
