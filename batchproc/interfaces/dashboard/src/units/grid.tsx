// The table itself: a grid of which only the rows that are seen are in the page, with its keys.
import { useEffect, useMemo, useRef } from "preact/hooks";
import { type Signal, useComputed, useSignal } from "@preact/signals";
import { count } from "../format";
import { narrow } from "../ui/narrow";
import { useJob } from "../ui/usejob";
import { type Column, widths } from "./columns";
import type { Pages } from "./pages";
import { useMoves } from "./moves";
import { Row } from "./row";
import { realHeight } from "./scroll";
import { has, NONE, type Selection } from "./selection";
import "../style/grid.css";
import { type Scroll, useScroll } from "./usescroll";

const WIDE = 33;
const NARROW = 62;

export interface GridProps {
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

export function Grid(props: GridProps) {
  const { pages, columns, selection, start } = props;
  const rows = pages.total.value ?? 0;
  const height = narrow.value ? NARROW : WIDE;
  const head = narrow.value ? 0 : WIDE;
  const active = useSignal(start.on);
  const scroll = useScroll(rows, height, head, start.row, {
    onDrawn: (first, last, ahead) => pages.want(first, last, ahead),
    onRest: (first) => {
      props.onRest(first, active.peek());
      look.current();
    },
  });
  const look = useNews(props, scroll, active);
  const activeId = useComputed(() => (isDrawn(scroll.drawn.value, active.value) ? `row-${active.value}` : undefined));
  const layout = useMemo(() => widths(columns), [columns]);

  const moves = useMoves(props, rows, scroll, active);

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
      onKeyDown={moves.pressed}
      onClick={moves.clicked}
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

interface RowsProps extends GridProps {
  scroll: Scroll;
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
function useNews({ pages }: GridProps, scroll: Scroll, active: Signal<number>): { current: () => void } {
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
      if (by === 0) return;
      newest.current.shift(by);
      if (active.peek() >= 0) active.value = Math.max(0, active.peek() + by);
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
