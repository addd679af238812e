// The table itself: a grid of which only the rows that are seen are in the page, with its keys.
import { useEffect, useMemo, useRef } from "preact/hooks";
import { type Signal, useComputed, useSignal } from "@preact/signals";
import { count } from "../format";
import { type Keys, useKeys } from "../keys";
import { narrow } from "../ui/narrow";
import { useJob } from "../ui/usejob";
import { type Column, widths } from "./columns";
import type { Pages } from "./pages";
import { Row } from "./row";
import { realHeight } from "./scroll";
import { has, NONE, type Selection, set } from "./selection";
import { useScroll } from "./usescroll";

const WIDE = 33;
const NARROW = 62;
/** Browsers take an address only so many times in a minute. */
const NOTED_MS = 300;

interface Props {
  pages: Pages;
  columns: Column[];
  selection: Signal<Selection>;
  /** The row at the top, and the one that is active, when it is opened. */
  start: { row: number; on: number };
  hrefOf: (key: string, index: number) => string;
  onOpen: (key: string, index: number) => void;
  /** What is to be found again when one comes back. */
  onRest: (row: number, on: number) => void;
  onError: (error: unknown) => void;
}

export function Grid(props: Props) {
  const { pages, columns, selection, start } = props;
  const rows = pages.total.value ?? 0;
  const height = narrow.value ? NARROW : WIDE;
  const head = narrow.value ? 0 : WIDE;
  const active = useSignal(start.on);
  const anchor = useSignal(start.on);
  const scroll = useScroll(rows, height, head, start.row, {
    onDrawn: (first, last, ahead) => pages.want(first, last, ahead),
    onRest: (first) => {
      props.onRest(first, active.peek());
      look.current();
    },
  });
  const noted = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(noted.current), []);
  const look = useNews(props, scroll);
  const activeId = useComputed(() => (isDrawn(scroll.drawn.value, active.value) ? `row-${active.value}` : undefined));
  const layout = useMemo(() => widths(columns), [columns]);

  const focus = () => scroll.box.current?.focus({ preventScroll: true });
  const select = async (from: number, to: number, on: boolean) => {
    const [first, last] = [Math.min(from, to), Math.max(from, to)];
    try {
      const keys = from === to ? [pages.row(from)?.key ?? ""].filter(Boolean) : await pages.keysOf(first, last);
      selection.value = set(selection.value, keys, on);
    } catch (error) {
      props.onError(error);
    }
  };
  const go = (to: number, event?: KeyboardEvent) => {
    const [first, last] = scroll.seen();
    const from = active.value < first || active.value > last ? first : active.value;
    const next = Math.max(0, Math.min(rows - 1, Number.isNaN(to) ? from : to));
    if (event?.shiftKey) void select(anchor.value, next, true);
    else anchor.value = next;
    active.value = next;
    scroll.show(next);
    focus();
    clearTimeout(noted.current);
    noted.current = setTimeout(() => props.onRest(scroll.seen()[0], active.peek()), NOTED_MS);
  };
  /** The active row; the first that is seen, if that one is not. */
  const here = () => {
    const [first, last] = scroll.seen();
    return active.value < first - 1 || active.value > last + 1 ? first : active.value;
  };
  const toggle = (index: number, to = index) => {
    const key = pages.row(to)?.key;
    if (key === undefined) return;
    void select(index, to, !has(selection.value, key));
    anchor.value = to;
  };
  const page = () => Math.max(1, scroll.seen()[1] - scroll.seen()[0] - 1);
  const keys: Keys = {
    j: () => go(here() + 1),
    k: () => go(here() - 1),
    ArrowDown: (event) => go(here() + 1, event),
    ArrowUp: (event) => go(here() - 1, event),
    PageDown: (event) => go(here() + page(), event),
    PageUp: (event) => go(here() - page(), event),
    Home: (event) => go(0, event),
    End: (event) => go(rows - 1, event),
    x: () => toggle(here()),
    Escape: () => {
      selection.value = NONE;
    },
  };
  useKeys(keys);
  useEffect(() => {
    if (start.on >= 0) focus();
  }, []);

  const pressed = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    const key = pages.row(active.value)?.key;
    if (event.key === " ") toggle(here());
    else if (event.key === "Enter" && key !== undefined) props.onOpen(key, active.value);
    else return;
    event.preventDefault();
  };
  const clicked = (event: MouseEvent) => {
    const at = (event.target as Element).closest<HTMLElement>("[data-index]");
    if (!at) return;
    const index = Number(at.dataset.index);
    const picks = (event.target as Element).closest(".pick") !== null;
    const from = anchor.value;
    active.value = index;
    if (picks || event.shiftKey) {
      toggle(event.shiftKey && from >= 0 ? from : index, index);
      focus();
    } else if (!(event.target as Element).closest("a") && getSelection()?.isCollapsed !== false) {
      const key = pages.row(index)?.key;
      if (key !== undefined) props.onOpen(key, index);
    } else props.onRest(scroll.seen()[0], index);
  };

  return (
    <div
      ref={scroll.box}
      class={narrow.value ? "units-grid narrow" : "units-grid"}
      role="grid"
      tabIndex={0}
      aria-label="Units"
      aria-rowcount={rows + 1}
      aria-colcount={narrow.value ? 2 : columns.length + 1}
      aria-multiselectable="true"
      aria-activedescendant={activeId}
      style={{ "--columns": layout.template, "--least": `${layout.least}rem` }}
      onKeyDown={pressed}
      onClick={clicked}
    >
      <Head {...{ columns, selection, rows }} />
      <div role="rowgroup" class="rows" style={{ height: `${realHeight({ rows, height, view: 0 })}px` }}>
        <Rows {...{ ...props, scroll, height, active }} />
      </div>
    </div>
  );
}

function isDrawn({ first, last }: { first: number; last: number }, index: number): boolean {
  return index >= first && index <= last;
}

interface RowsProps extends Props {
  scroll: ReturnType<typeof useScroll>;
  height: number;
  active: Signal<number>;
}

function Rows({ pages, columns, selection, scroll, height, active, hrefOf }: RowsProps) {
  const { first, last, offset, pool } = scroll.drawn.value;
  const chosen = selection.value;
  pages.changes.value;
  const rows = [];
  for (let index = first; index <= last; index++) {
    const unit = pages.row(index);
    rows.push(
      <Row
        key={index % pool}
        index={index}
        unit={unit}
        top={index * height - offset}
        href={unit ? hrefOf(unit.key, index) : ""}
        columns={columns}
        selected={unit !== undefined && has(chosen, unit.key)}
        active={index === active.value}
        narrow={narrow.value}
      />,
    );
  }
  return <>{rows}</>;
}

function Head({ columns, selection, rows }: { columns: Column[]; selection: Signal<Selection>; rows: number }) {
  const all = useComputed(() => selection.value.all && selection.value.keys.size === 0);
  const flip = () => {
    selection.value = all.value ? NONE : { all: true, keys: new Set() };
  };
  return (
    <div role="rowgroup" class={narrow.value ? "visually-hidden" : "head-rows"}>
      <div role="row" aria-rowindex={1} class="row heads">
        <div role="columnheader" aria-colindex={1} class="pick">
          <input type="checkbox" checked={all.value} onChange={flip} aria-label={`Select all ${count(rows)} that match`} />
        </div>
        {narrow.value ? (
          <div role="columnheader" aria-colindex={2}>
            {`Select all ${count(rows)}`}
          </div>
        ) : (
          columns.map((one, n) => (
            <div key={one.id} role="columnheader" aria-colindex={n + 2} class={one.number ? "number" : ""} title={one.id}>
              {one.title}
            </div>
          ))
        )}
      </div>
    </div>
  );
}

/**
 * What changed in the job is looked at again where one looks, and what one looks at stays where it is. Returns what
 * makes up for news that came while the list moved or nobody could see it.
 */
function useNews({ pages }: Props, scroll: ReturnType<typeof useScroll>): { current: () => void } {
  const job = useJob(pages.id);
  const newest = useRef(scroll);
  newest.current = scroll;
  const look = useRef(() => {});
  useEffect(() => {
    let missed = false;
    const news = async () => {
      missed = !newest.current.isResting() || document.hidden;
      if (missed) return;
      const by = await pages.refresh(...newest.current.seen());
      if (by !== 0) newest.current.shift(by);
    };
    look.current = () => {
      if (missed) void news();
    };
    const seen = () => look.current();
    const stop = job.onTick(news);
    document.addEventListener("visibilitychange", seen);
    return () => {
      stop();
      document.removeEventListener("visibilitychange", seen);
    };
  }, [pages, job]);
  return look;
}
