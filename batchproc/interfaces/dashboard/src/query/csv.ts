// Rows as CSV that a spreadsheet opens without taking a text for a formula: the same rule as the server's exports.

const FORMULA =
  /^(?:[\t\r\n]|[\s\0-\x20\x85\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b])/;
const NUMBER = /^ *[+-]?(?:(?:\d{1,3}(?:,\d{3})+|\d{1,3}(?:\.\d{3})+|\d+)(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?%? *$/;
const UNSEEN = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g;

export type Cell = string | number | null;

export function csv(columns: string[], rows: Cell[][]): string {
  return `${[columns, ...rows].map((row) => row.map(written).join(",")).join("\r\n")}\r\n`;
}

function written(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  const safe = FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell;
  return `"${safe.replace(UNSEEN, "\ufffd").replaceAll('"', '""')}"`;
}
