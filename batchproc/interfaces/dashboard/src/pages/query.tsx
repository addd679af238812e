// Questions to all results of a job, in SQL. The question stands in the address, so that it can be shared.
import { useEffect, useMemo, useRef } from "preact/hooks";
import { signal, useSignal } from "@preact/signals";
import { job as at, type Problem, send } from "../api";
import { asProblem, useResource } from "../resource";
import { query, setQuery } from "../router";
import "../style/query.css";
import type { QueryResults } from "../types";
import { Empty, Failed } from "../ui/basics";
import { JobTabs } from "../ui/jobtabs";
import { Editor, Wrong } from "../query/editor";
import { Side } from "../query/side";
import { asked, type Column, examples, remember } from "../query/state";
import { type Answer, Rows } from "../query/table";

const USUAL = 200;

export function Query({ id }: { id: string }) {
  const [sql, limit] = [query("sql"), Number(query("limit")) || USUAL];
  const asking = useMemo(() => new Asking(id), [id]);
  const text = useSignal(sql);
  const earlier = useSignal(asked(id));
  const box = useRef<HTMLTextAreaElement>(null);
  const columns = useResource<Column[]>(id, async () => columnsOf(await send<QueryResults>("POST", at(id, "query"))));
  const known = columns.data.value ?? [];

  useEffect(() => {
    if (!sql) return;
    text.value = sql;
    void asking.ask(sql, limit).then((isGood) => {
      if (isGood) earlier.value = remember(id, sql);
    });
  }, [sql, limit]);

  const ask = (words: string) => {
    if (words === sql) void asking.ask(sql, limit);
    else setQuery({ sql: words }, { replace: false });
  };
  const run = () => text.value.trim() && ask(text.value.trim());
  const setLimit = (rows: number) => setQuery({ limit: rows === USUAL ? "" : rows });
  const insert = (name: string) => {
    const at = box.current;
    if (!at) return;
    at.setRangeText(name, at.selectionStart, at.selectionEnd, "end");
    text.value = at.value;
    at.focus();
  };

  return (
    <>
      <JobTabs id={id} here="query" />
      <div class="asking">
        <div class="stack">
          <Editor text={text} box={box} busy={asking.busy.value} limit={limit} setLimit={setLimit} run={run} />
          {asking.problem.value ? <Wrong problem={asking.problem.value} sql={asking.sql.value} /> : null}
          <div class={asking.busy.value ? "stale" : undefined} aria-busy={asking.busy.value}>
            {asking.answer.value ? (
              <Rows id={id} answer={asking.answer.value} />
            ) : asking.problem.value || asking.busy.value ? null : (
              <First ask={ask} columns={known} />
            )}
          </div>
        </div>
        {columns.problem.value ? <Failed problem={columns.problem.value} again={columns.again} kept={columns.data.value} /> : null}
        {columns.data.value ? <Side id={id} columns={known} insert={insert} ask={ask} earlier={earlier.value} /> : null}
      </div>
    </>
  );
}

function First({ ask, columns }: { ask: (sql: string) => void; columns: Column[] }) {
  const first = examples(columns)[0];
  return (
    <Empty title="Ask all results at once">
      <p>One SELECT of the table results, which has a row for each final unit. It only reads.</p>
      {first ? (
        <button type="button" onClick={() => ask(first[1])}>
          {first[0]}
        </button>
      ) : null}
    </Empty>
  );
}

/** One question at a time; the answer to the one before stays until the next is there. */
class Asking {
  readonly answer = signal<Answer | undefined>(undefined);
  readonly problem = signal<Problem | undefined>(undefined);
  readonly busy = signal(false);
  readonly sql = signal("");
  private newest = 0;

  constructor(readonly id: string) {}

  async ask(sql: string, limit: number): Promise<boolean> {
    this.newest += 1;
    const mine = this.newest;
    const began = performance.now();
    this.busy.value = true;
    try {
      const found = await send<QueryResults>("POST", at(this.id, "query"), { sql, limit });
      if (mine !== this.newest) return false;
      this.answer.value = { sql, found, seconds: (performance.now() - began) / 1000 };
      this.problem.value = undefined;
      return true;
    } catch (error) {
      if (mine !== this.newest) return false;
      this.sql.value = sql;
      this.problem.value = asProblem(error);
      this.answer.value = undefined;
      return false;
    } finally {
      if (mine === this.newest) this.busy.value = false;
    }
  }
}

function columnsOf(found: QueryResults): Column[] {
  return found.rows.map(([name, type, ...values]) => {
    const example = values.find((one) => one !== null);
    return { name: String(name), type: String(type), example: example === undefined ? "" : String(example) };
  });
}
