// Questions that were asked of a job in this browser, and what stands in the editor.

const MOST = 20;

const place = (id: string) => `batchproc.queries.${id}`;

export function asked(id: string): string[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(place(id)) ?? "[]");
    return Array.isArray(found) ? found.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}

export function remember(id: string, sql: string): string[] {
  const all = [sql, ...asked(id).filter((one) => one !== sql)].slice(0, MOST);
  localStorage.setItem(place(id), JSON.stringify(all));
  return all;
}

/** A column as the query without a question tells it: how it is written in SQL, its type, the first values. */
export interface Column {
  name: string;
  type: string;
  example: string;
}

/** Questions that the columns of this very job can answer. */
export function examples(columns: Column[]): [string, string][] {
  const found: [string, string][] = [
    ["How many of each status", "SELECT status, count(*) AS n, round(sum(cost_usd), 4) AS cost_usd\nFROM results GROUP BY status ORDER BY n DESC"],
  ];
  const answers = columns.filter((one) => isOf(one, "out_"));
  const plain = answers.find((one) => one.type === "text" || one.type === "0 or 1");
  const number = answers.find((one) => one.type === "integer" || one.type === "real");
  const json = answers.find((one) => one.example.startsWith("["));
  if (plain) found.push([`Answers by ${plain.name}`, `SELECT ${plain.name}, count(*) AS n\nFROM results GROUP BY 1 ORDER BY n DESC`]);
  if (number) {
    const of = `round(avg(${number.name}), 2) AS mean, min(${number.name}) AS least, max(${number.name}) AS most`;
    found.push([`What ${number.name} is like`, `SELECT ${of}\nFROM results WHERE ${number.name} IS NOT NULL`]);
  }
  if (json) found.push([`What stands in ${json.name}`, `SELECT e.value, count(*) AS n\nFROM results, json_each(${json.name}) AS e GROUP BY 1 ORDER BY n DESC`]);
  found.push(["Failed and flagged", "SELECT key, status, error\nFROM results WHERE status IN ('failed', 'flagged')"]);
  found.push(["The most expensive", "SELECT key, cost_usd, attempts, status\nFROM results ORDER BY cost_usd DESC LIMIT 20"]);
  return found;
}

function isOf(column: Column, prefix: string): boolean {
  return column.name.replace(/^"/, "").startsWith(prefix);
}

/** Where in the question an error is, if SQLite names it: the place of what it stumbled over. */
export function placeOf(message: string, sql: string): { start: number; end: number } | undefined {
  const named = /near "([^"]+)": syntax error/.exec(message)?.[1] ?? /no column ([^\s;]+);/.exec(message)?.[1];
  if (!named) return undefined;
  const start = sql.toLowerCase().indexOf(named.toLowerCase());
  const isOnce = start >= 0 && sql.toLowerCase().indexOf(named.toLowerCase(), start + 1) < 0;
  return isOnce ? { start, end: start + named.length } : undefined;
}

/** The line of a place, and a caret below it. */
export function pointed(sql: string, at: { start: number; end: number }): { line: number; column: number; shown: string } {
  const before = sql.slice(0, at.start);
  const line = before.split("\n").length;
  const column = at.start - (before.lastIndexOf("\n") + 1);
  const text = sql.split("\n")[line - 1] ?? "";
  return { line, column: column + 1, shown: `${text}\n${" ".repeat(column)}${"^".repeat(Math.max(1, at.end - at.start))}` };
}
