// Draws one chart with uPlot, in the colours that the page has now. Loaded only where charts are seen.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Row } from "./history";

export type Kind = "rate" | "spent" | "cached";

export interface Drawn {
  show: (rows: Row[]) => void;
  resize: (width: number) => void;
  end: () => void;
}

const HEIGHT = 132;
const FONT_PX = 11;

/** Seconds between the times that are written below a chart. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080, 43_200].map((minutes) => minutes * 60);

export function draw(kind: Kind, into: HTMLElement, rows: Row[], labels: (n: number) => string, onRow: (at: number | null) => void): Drawn {
  const colour = colours(into);
  let newest = rows;
  const options: uPlot.Options = {
    width: into.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { setScale: false }, sync: { key: "job" } },
    hooks: { setCursor: [(chart) => onRow(chart.cursor.idx ?? null)] },
    scales: {
      x: { time: true, range: () => ends(newest) },
      y: { range: (_, _low, high) => (kind === "cached" ? [0, 1] : [0, high > 0 ? high * 1.08 : 1]) },
    },
    padding: [8, 18, 0, 0],
    axes: [
      axis(colour, { size: 22, space: 72, incrs: STEPS, values: (_, at) => at.map((one) => timeOf(one, at)) }),
      axis(colour, { size: 52, space: 34, values: (_, at) => at.map((one) => labels(one)) }),
    ],
    series: [{}, ...seriesOf(kind, colour)],
  };
  const chart = new uPlot(options, columns(kind, rows), into);
  return {
    show: (newer) => {
      newest = newer;
      chart.setData(columns(kind, newer));
    },
    resize: (width) => chart.setSize({ width, height: HEIGHT }),
    end: () => chart.destroy(),
  };
}

type Colour = (name: string) => string;

/** What the style sheet says here and now, in words that a canvas knows too. */
function colours(of: HTMLElement): Colour {
  return (name) => {
    const probe = of.appendChild(document.createElement("i"));
    probe.style.color = `var(--${name})`;
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
}

function axis(colour: Colour, more: uPlot.Axis): uPlot.Axis {
  const line = { stroke: colour("line"), width: 1 };
  const font = `${FONT_PX}px ${getComputedStyle(document.body).fontFamily}`;
  return { stroke: colour("ink-3"), font, grid: line, ticks: { show: false }, gap: 6, ...more };
}

function seriesOf(kind: Kind, colour: Colour): uPlot.Series[] {
  const bars = uPlot.paths.bars?.({ size: [0.9, 48] });
  switch (kind) {
    case "rate": // the highest first: the others are drawn over it
      return ["failed", "flagged", "succeeded"].map((name) => ({ fill: colour(name), width: 0, paths: bars, points: { show: false } }));
    case "spent":
      return [{ stroke: colour("accent"), fill: colour("accent-soft"), width: 1.5, points: { show: false } }];
    case "cached":
      return [{ stroke: colour("running"), width: 1.5, spanGaps: true, points: { size: 3, fill: colour("running") } }];
  }
}

function columns(kind: Kind, rows: Row[]): uPlot.AlignedData {
  const at = rows.map((row) => row.at + row.span / 2);
  if (kind === "spent") return [at, rows.map((row) => row.spent)];
  if (kind === "cached") return [at, rows.map((row) => row.cached)];
  const share = (row: Row, n: number) => (n ? (row.rate * n) / (row.succeeded + row.flagged + row.failed) : 0);
  return [
    at,
    rows.map((row) => row.rate),
    rows.map((row) => share(row, row.succeeded + row.flagged)),
    rows.map((row) => share(row, row.succeeded)),
  ];
}

function ends(rows: Row[]): [number, number] {
  const [first, last] = [rows[0], rows.at(-1)];
  return [first?.at ?? 0, last ? last.at + last.span : 1];
}

/** As much of the time as tells the labels apart. */
function timeOf(at: number, all: number[]): string {
  const then = new Date(at * 1000);
  const [step, whole] = [(all[1] ?? at) - (all[0] ?? at), (all.at(-1) ?? at) - (all[0] ?? at)];
  if (step >= 86_400) return then.toLocaleDateString([], { month: "short", day: "numeric" });
  const time = { hour: "2-digit", minute: "2-digit", hour12: false, second: step < 60 ? "2-digit" : undefined } as const;
  if (whole < 86_400) return then.toLocaleTimeString([], time);
  return then.toLocaleString([], { month: "short", day: "numeric", ...time });
}
