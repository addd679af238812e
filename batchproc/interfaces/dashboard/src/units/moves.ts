// How one moves in the table, selects and opens: by keys and by clicks.
import { useEffect, useRef } from "preact/hooks";
import { type Signal, useSignal } from "@preact/signals";
import { type Keys, useKeys } from "../keys";
import type { GridProps } from "./grid";
import { has, NONE, set } from "./selection";
import type { Scroll } from "./usescroll";

/** Browsers take an address only so many times in a minute. */
const NOTED_MS = 300;

interface Moves {
  pressed: (event: KeyboardEvent) => void;
  clicked: (event: MouseEvent) => void;
}

export function useMoves(props: GridProps, rows: number, scroll: Scroll, active: Signal<number>): Moves {
  const anchor = useSignal(props.start.on);
  const noted = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const focus = () => scroll.box.current?.focus({ preventScroll: true });
  const pick = usePick(props, anchor);
  /** The active row; the first that is seen, if that one is not. */
  const here = () => {
    const [first, last] = scroll.seen();
    return active.value < first - 1 || active.value > last + 1 ? first : active.value;
  };
  const go = (to: number, event?: KeyboardEvent) => {
    const next = Math.max(0, Math.min(rows - 1, to));
    if (event?.shiftKey) void pick.range(anchor.value, next, true);
    else anchor.value = next;
    active.value = next;
    scroll.show(next);
    focus();
    clearTimeout(noted.current);
    noted.current = setTimeout(() => props.onRest(scroll.seen()[0], active.peek()), NOTED_MS);
  };
  const open = (index: number) => {
    const key = props.pages.row(index)?.key;
    if (key !== undefined) props.onOpen(key, index);
  };
  useKeys(keysOf(go, here, scroll, rows, { x: () => pick.toggle(here()), Escape: () => (props.selection.value = NONE) }));
  useEffect(() => {
    if (props.start.on >= 0) focus();
    return () => clearTimeout(noted.current);
  }, []);

  const pressed = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || (event.key !== " " && event.key !== "Enter")) return;
    event.preventDefault();
    if (event.key === " ") pick.toggle(here());
    else open(active.value);
  };
  const clicked = (event: MouseEvent) => {
    const target = event.target as Element;
    const index = Number(target.closest<HTMLElement>("[data-index]")?.dataset.index ?? -1);
    if (index < 0) return;
    const from = anchor.value;
    active.value = index;
    if (target.closest(".pick") || event.shiftKey) {
      pick.toggle(event.shiftKey && from >= 0 ? from : index, index);
      focus();
    } else if (target.closest("a") || getSelection()?.isCollapsed === false) props.onRest(scroll.seen()[0], index);
    else open(index);
  };
  return { pressed, clicked };
}

function keysOf(go: (to: number, event?: KeyboardEvent) => void, here: () => number, scroll: Scroll, rows: number, more: Keys): Keys {
  const page = () => Math.max(1, scroll.seen()[1] - scroll.seen()[0] - 1);
  return {
    j: () => go(here() + 1),
    k: () => go(here() - 1),
    ArrowDown: (event) => go(here() + 1, event),
    ArrowUp: (event) => go(here() - 1, event),
    PageDown: (event) => go(here() + page(), event),
    PageUp: (event) => go(here() - page(), event),
    Home: (event) => go(0, event),
    End: (event) => go(rows - 1, event),
    ...more,
  };
}

/** Selecting: one row, or all from the one before to this one, whether they are in memory or not. */
function usePick({ pages, selection, onError }: GridProps, anchor: Signal<number>) {
  const range = async (from: number, to: number, on: boolean) => {
    try {
      const one = from === to ? pages.row(from)?.key : undefined;
      const keys = one === undefined ? await pages.keysOf(Math.max(0, Math.min(from, to)), Math.max(from, to)) : [one];
      selection.value = set(selection.value, keys, on);
    } catch (error) {
      onError(error);
    }
  };
  const toggle = (from: number, to = from) => {
    const key = pages.row(to)?.key;
    if (key === undefined) return;
    void range(from, to, !has(selection.value, key));
    anchor.value = to;
  };
  return { range, toggle };
}
