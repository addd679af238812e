// The small parts that every page is made of.
import type { ComponentChildren, JSX } from "preact";
import { useSignal } from "@preact/signals";
import type { Problem } from "../api";
import { count, STATUSES } from "../format";
import { Unrenewed } from "./unrenewed";

export function Status({ of, reason }: { of: string; reason?: string | null }) {
  return (
    <span class={`status ${of}`} title={reason ?? undefined}>
      <span class="dot" aria-hidden="true" />
      {of}
      {reason ? <span class="why">: {reason}</span> : null}
    </span>
  );
}

/** The ledger as one bar: every unit has its place in it. The words beside it say the same to who cannot see it. */
export function LedgerBar({ counts, total, thin }: { counts: Record<string, number>; total: number; thin?: boolean }) {
  const parts = STATUSES.filter((status) => (counts[status] ?? 0) > 0);
  const words = parts.map((status) => `${count(counts[status] ?? 0)} ${status}`).join(", ") || "no units yet";
  return (
    <div class={thin ? "ledger thin" : "ledger"} role="img" aria-label={words} title={words}>
      {parts.map((status) => (
        <span key={status} class={`part ${status}`} style={{ flexGrow: (counts[status] ?? 0) / Math.max(total, 1) }} />
      ))}
    </div>
  );
}

export function Bar({ part, label, tone }: { part: number; label: string; tone?: "over" | "near" }) {
  return (
    <div class={`bar ${tone ?? ""}`} role="img" aria-label={label} title={label}>
      <span style={{ width: `${Math.min(100, Math.max(0, part * 100))}%` }} />
    </div>
  );
}

/** Nothing to show: says why, and what to do. */
export function Empty({ title, children }: { title: ComponentChildren; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

interface FailedProps {
  problem: Problem;
  again?: () => void;
  /** What could not be renewed is still on the page: then this takes no place in it. */
  kept?: unknown;
}

export function Failed({ problem, again, kept }: FailedProps) {
  if (kept) return <Unrenewed problem={problem} again={again} />;
  return (
    <div class="failed" role="alert">
      <strong>{problem.words}</strong>
      <p>{problem.message}</p>
      {again ? (
        <button type="button" onClick={again}>
          Try again
        </button>
      ) : null}
    </div>
  );
}

export function Loading() {
  return (
    <div class="loading" role="status">
      Loading…
    </div>
  );
}

export function Card(props: { title?: string; aside?: ComponentChildren; class?: string; children: ComponentChildren }) {
  return (
    <section class={`card ${props.class ?? ""}`} aria-label={props.title}>
      {props.title ? (
        <header>
          <h2>{props.title}</h2>
          {props.aside}
        </header>
      ) : null}
      {props.children}
    </section>
  );
}

/** A number that matters, with what it is. */
export function Figure({ label, children, note }: { label: string; children: ComponentChildren; note?: ComponentChildren }) {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd>
        {children}
        {note ? <small>{note}</small> : null}
      </dd>
    </div>
  );
}

export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const done = useSignal(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    done.value = true;
    setTimeout(() => {
      done.value = false;
    }, 1500);
  };
  return (
    <button type="button" class="quiet" onClick={copy}>
      {done.value ? "Copied" : label}
    </button>
  );
}

/** A field with its label above it. */
export function Field({ label, children, hint }: { label: string; children: ComponentChildren; hint?: string }) {
  return (
    <label class="field">
      <span>{label}</span>
      {children}
      {hint ? <small>{hint}</small> : null}
    </label>
  );
}

export function Key({ children }: { children: string }): JSX.Element {
  return <kbd>{children}</kbd>;
}
