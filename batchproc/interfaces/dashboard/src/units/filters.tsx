// What narrows the table, all of it in the address: status, group of failures, words; and which columns it has.
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { count, STATUSES } from "../format";
import { useKeys } from "../keys";
import { query, setQuery, to } from "../router";
import type { JobStatus } from "../types";
import { type Column, type Fields, named, toggled } from "./columns";
import type { Filter } from "./pages";

const WAIT_MS = 250;
/** What is of another place in the list when the filter is another. */
const PLACE = { row: null, on: null };

export function Chips({ id, filter, job }: { id: string; filter: Filter; job: JobStatus | undefined }) {
  const href = (status: string) =>
    to("jobs", id, "units", { status, text: filter.text, signature: filter.signature, cols: query("cols") });
  const bar = useRef<HTMLElement>(null);
  useEffect(() => {
    bar.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [filter.status, job === undefined]);
  const shown = ["", ...STATUSES.filter((status) => status === filter.status || (job?.counts[status] ?? 0) > 0)];
  return (
    <nav ref={bar} class="by-status" aria-label="By status">
      {shown.map((status) => (
        <a key={status} class={`status ${status}`} href={href(status)} aria-current={status === filter.status ? "true" : undefined}>
          {status ? <span class="dot" aria-hidden="true" /> : null}
          {status || "all"}
          <span class="count">{job ? count(status ? (job.counts[status] ?? 0) : job.total_units) : ""}</span>
        </a>
      ))}
    </nav>
  );
}

export function Search({ filter }: { filter: Filter }) {
  const box = useRef<HTMLInputElement>(null);
  const text = useSignal(filter.text);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    if (document.activeElement !== box.current) text.value = filter.text;
  }, [filter.text]);
  useEffect(() => () => clearTimeout(timer.current), []);
  useKeys({
    "/": () => {
      box.current?.focus();
      box.current?.select();
    },
  });
  const say = (said: string, wait: number) => {
    text.value = said;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setQuery({ text: said.trim(), ...PLACE }), wait);
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key === "Enter") {
      say(text.value, 0);
      box.current?.blur(); // to the rows that were found: j, k and Enter are theirs
    }
    if (event.key !== "Escape") return;
    event.preventDefault();
    say("", 0);
    box.current?.blur();
  };
  return (
    <input
      ref={box}
      type="search"
      class="search"
      aria-label="Search keys, payloads, answers and errors"
      aria-keyshortcuts="/"
      placeholder="Search answers and errors   /"
      value={text.value}
      onInput={(event) => say(event.currentTarget.value, WAIT_MS)}
      onKeyDown={pressed}
    />
  );
}

/** The group of failures that the table is narrowed to. */
export function Group({ filter, job, total }: { filter: Filter; job: JobStatus | undefined; total: number | undefined }) {
  if (!filter.signature) return null;
  const failure = job?.failures.find((one) => one.signature === filter.signature);
  const words = failure?.message ?? filter.signature;
  return (
    <span class="group">
      <span class="words" title={`${words}\n${filter.signature}`}>
        {words}
      </span>
      <span class="count">{total === undefined ? "" : count(total)}</span>
      <button type="button" class="quiet" aria-label="Show other units, too" onClick={() => setQuery({ signature: null, ...PLACE })}>
        ×
      </button>
    </span>
  );
}

export function Columns({ shown, fields }: { shown: Column[]; fields: Fields }) {
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const away = (event: Event) => {
      if (menu.current && !menu.current.contains(event.target as Node)) menu.current.open = false;
    };
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, []);
  const close = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !menu.current?.open) return;
    event.preventDefault();
    menu.current.open = false;
    menu.current.querySelector("summary")?.focus();
  };
  const usual = named(fields.usual(query("status")));
  const choose = (id: string) => {
    const cols = toggled(id, shown, fields);
    setQuery({ cols: cols === usual ? null : cols });
  };
  return (
    <details class="columns" ref={menu} onKeyDown={close}>
      <summary class="button">Columns</summary>
      <fieldset>
        <legend class="visually-hidden">Columns of the table</legend>
        {fields.all().map((one) => (
          <label key={one.id} class="check">
            <input type="checkbox" checked={shown.includes(one)} disabled={one.id === "key"} onChange={() => choose(one.id)} />
            {one.title}
            <small>{one.id.includes(".") ? one.id.split(".")[0] : ""}</small>
          </label>
        ))}
        <button type="button" class="quiet" onClick={() => setQuery({ cols: null })}>
          As usual
        </button>
      </fieldset>
    </details>
  );
}
