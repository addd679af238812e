// A box that scrolls through any number of rows and has only those in the page that are seen, and a few beside them.
import { useLayoutEffect, useRef } from "preact/hooks";
import { type ReadonlySignal, useSignal } from "@preact/signals";
import { isAtFalseEnd, moved, type Place, placed, showing, type Space } from "./scroll";

const BESIDE = 8;
const REST_MS = 160;

export interface Drawn {
  first: number;
  last: number;
  /** What the virtual list is further down than the real one, in pixels. */
  offset: number;
  /** Rows that are drawn at once: a row takes the element of the one that many before it. */
  pool: number;
}

export interface Scroll {
  box: { current: HTMLDivElement | null };
  drawn: ReadonlySignal<Drawn>;
  /** The first and the last row that are seen. */
  seen: () => [number, number];
  show: (row: number) => void;
  /** Keep what is seen where it is, after so many rows came in above it. */
  shift: (rows: number) => void;
  isResting: () => boolean;
}

interface Hooks {
  /** Rows are drawn; which way it goes (1, -1, 0). */
  onDrawn: (first: number, last: number, ahead: number) => void;
  onRest: (first: number) => void;
}

export function useScroll(rows: number, height: number, head: number, start: number, hooks: Hooks): Scroll {
  const box = useRef<HTMLDivElement>(null);
  const drawn = useSignal<Drawn>({ first: 0, last: -1, offset: 0, pool: 1 });
  const space = useRef<Space>({ rows, height, view: 1 });
  const at = useRef<Place>({ virtual: 0, real: 0 });
  const top = useRef(start); // the row at the top, for when rows get another height or number
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const newest = useRef(hooks);
  newest.current = hooks;
  space.current = { rows, height, view: space.current.view };

  const seen = (): [number, number] => {
    const { virtual } = at.current;
    const last = Math.ceil((virtual + space.current.view) / height) - 1;
    return [Math.floor(virtual / height), Math.min(rows - 1, Math.max(0, last))];
  };

  const draw = (ahead: number) => {
    const [begin] = seen();
    const pool = Math.ceil(space.current.view / height) + 1 + 2 * BESIDE;
    const first = Math.max(0, Math.min(begin - BESIDE, rows - pool));
    const next = { first, last: Math.min(rows, first + pool) - 1, offset: at.current.virtual - at.current.real, pool };
    const now = drawn.peek();
    if ((Object.keys(next) as (keyof Drawn)[]).some((name) => next[name] !== now[name])) drawn.value = next;
    newest.current.onDrawn(next.first, next.last, ahead);
  };

  const put = (virtual: number) => {
    const el = box.current;
    if (!el) return;
    at.current = placed(space.current, virtual);
    el.scrollTop = at.current.real;
    at.current.real = el.scrollTop;
  };

  const rest = () => {
    timer.current = undefined;
    if (Math.abs(placed(space.current, at.current.virtual).real - at.current.real) > 1) {
      put(at.current.virtual);
      draw(0);
    }
    newest.current.onRest(seen()[0]);
  };

  const scrolled = () => {
    const el = box.current;
    if (!el || el.scrollTop === at.current.real) return;
    const before = at.current.virtual;
    at.current = moved(space.current, at.current, el.scrollTop);
    if (isAtFalseEnd(space.current, at.current)) put(at.current.virtual);
    draw(Math.sign(at.current.virtual - before));
    clearTimeout(timer.current);
    timer.current = setTimeout(rest, REST_MS);
  };

  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    const measure = () => {
      space.current.view = Math.max(1, el.clientHeight - head);
      put(at.current.virtual);
      draw(0);
    };
    at.current = { virtual: top.current * height, real: 0 };
    measure();
    el.addEventListener("scroll", scrolled, { passive: true });
    const watch = new ResizeObserver(measure);
    watch.observe(el);
    return () => {
      top.current = at.current.virtual / height;
      watch.disconnect();
      clearTimeout(timer.current);
      el.removeEventListener("scroll", scrolled);
    };
  }, [height, head, rows]);

  return {
    box,
    drawn,
    seen,
    show: (row) => {
      const virtual = showing(space.current, at.current, row);
      if (virtual === at.current.virtual) return;
      const ahead = Math.sign(virtual - at.current.virtual);
      put(virtual);
      draw(ahead);
      clearTimeout(timer.current);
      timer.current = setTimeout(rest, REST_MS);
    },
    shift: (by) => {
      put(at.current.virtual + by * height);
      draw(0);
    },
    isResting: () => timer.current === undefined,
  };
}
