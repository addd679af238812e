// How a job went over time: units a minute, money and cache, drawn, in words, and as a table.
import { useEffect, useMemo, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { get } from "../api";
import { duration, money, percent } from "../format";
import { throttled, useResource } from "../resource";
import { theme } from "../theme";
import type { Stats } from "../types";
import { Card, Failed } from "../ui/basics";
import { useJob } from "../ui/usejob";
import type { Drawn, Kind } from "./draw";
import { cachedWords, moment, perMinute, rateWords, type Row, rows, spentWords } from "./history";

const AT_MOST_EVERY_MS = 5000;

export function Charts({ id }: { id: string }) {
  const stats = useResource<Stats>(id, (signal) => get("/stats", { job_id: id }, signal));
  const { onTick } = useJob(id);
  useEffect(() => onTick(throttled(stats.again, AT_MOST_EVERY_MS)), [id]);
  const data = stats.data.value;
  const over = useSignal(0);
  const shown = useMemo(() => (data ? rows(data) : []), [data, over.value]);
  const end = (shown.at(-1)?.at ?? 0) + (data?.span_s ?? 0);
  useEffect(() => {
    // Until it is over, the newest span has a rate for the part that has passed; nothing else may happen to tell us.
    const left = end * 1000 - Date.now();
    if (left <= 0) return;
    const timer = setTimeout(() => (over.value += 1), left + 100);
    return () => clearTimeout(timer);
  }, [end]);
  const at = useSignal<number | null>(null);
  const each = data ? <small>each bar is {duration(data.span_s)}</small> : undefined;
  return (
    <Card title="Over time" class="charts" aside={shown.length ? each : undefined}>
      {stats.problem.value ? <Failed problem={stats.problem.value} again={stats.again} kept={data} /> : null}
      {shown.length === 0 ? (
        <p class="quietly">{data ? "Begins with the first unit that ends." : "…"}</p>
      ) : (
        <>
          <Chart kind="rate" title="Units that ended, a minute" rows={shown} at={at} words={rateWords} labels={perMinute} />
          {shown.some((row) => row.spent > 0) ? (
            <Chart kind="spent" title="Money spent" rows={shown} at={at} words={spentWords} labels={money} />
          ) : null}
          {shown.some((row) => row.cached !== null) ? (
            <Chart kind="cached" title="Tokens from the cache" rows={shown} at={at} words={cachedWords} labels={percent} />
          ) : null}
          <Table rows={shown} />
        </>
      )}
    </Card>
  );
}

interface ChartProps {
  kind: Kind;
  title: string;
  rows: Row[];
  /** The row under the pointer, in whichever of the charts it is. */
  at: { value: number | null };
  words: (row: Row) => string;
  labels: (n: number) => string;
}

function Chart({ kind, title, rows: shown, at, words, labels }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawn | undefined>(undefined);
  const newest = useRef(shown);
  newest.current = shown;
  const dark = useScheme();

  useEffect(() => {
    const into = place.current;
    if (!into) return;
    let gone = false;
    const sizes = new ResizeObserver(() => drawn.current?.resize(into.clientWidth));
    void import("./draw").then(({ draw }) => {
      if (gone) return;
      drawn.current = draw(kind, into, newest.current, labels, (row) => (at.value = row));
      sizes.observe(into);
    });
    return () => {
      gone = true;
      sizes.disconnect();
      drawn.current?.end();
      drawn.current = undefined;
    };
  }, [kind, dark]);
  useEffect(() => drawn.current?.show(shown), [shown]);

  const row = shown[at.value ?? -1];
  const last = shown.at(-1);
  return (
    <figure>
      <figcaption>
        <h3>{title}</h3>
        <span aria-hidden="true">{row ? `${moment(row.at)} · ${words(row)}` : ""}</span>
      </figcaption>
      <div class="canvas" ref={place} role="img" aria-label={`${title}; last ${last ? words(last) : "nothing"}. The table below has all.`} />
    </figure>
  );
}

/** Changes when the colours of the page do. */
function useScheme(): string {
  const system = useSignal(0);
  useEffect(() => {
    const media = matchMedia("(prefers-color-scheme: dark)");
    const changed = () => (system.value += 1);
    media.addEventListener("change", changed);
    return () => media.removeEventListener("change", changed);
  }, []);
  return `${theme.value} ${system.value}`;
}

function Table({ rows: shown }: { rows: Row[] }) {
  const open = useSignal(false);
  return (
    <details onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary>As a table</summary>
      {open.value ? (
        <div class="scrolled" tabIndex={0} role="region" aria-label="Over time, as a table">
          <table>
            <thead>
              <tr>
                {["From", "Succeeded", "Flagged", "Failed", "A minute", "Spent so far", "From the cache"].map((head) => (
                  <th key={head} scope="col" class={head === "From" ? "" : "number"}>
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.toReversed().map((row) => (
                <tr key={row.at}>
                  <th scope="row">{moment(row.at)}</th>
                  {[row.succeeded, row.flagged, row.failed, perMinute(row.rate), money(row.spent), cachedWords(row)].map((cell, n) => (
                    <td key={n} class="number">
                      {cell}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
    </details>
  );
}
