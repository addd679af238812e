// What else can be done: a button that opens a list of verbs. Escape, a choice or a click elsewhere closes it.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import "../style/menu.css";

export function Menu({ label, children }: { label: string; children: ComponentChildren }) {
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = (event: Event) => {
      const it = menu.current;
      if (!it?.open) return;
      if (event instanceof KeyboardEvent) {
        if (event.key !== "Escape") return;
        it.querySelector("summary")?.focus();
      } else if (it.querySelector("summary")?.contains(event.target as Node)) return;
      it.open = false;
    };
    document.addEventListener("click", close);
    document.addEventListener("keydown", close);
    return () => {
      document.removeEventListener("click", close);
      document.removeEventListener("keydown", close);
    };
  }, []);
  return (
    <details class="menu" ref={menu}>
      <summary class="button">{label}</summary>
      <div class="verbs">{children}</div>
    </details>
  );
}
