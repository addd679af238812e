"""Exports of given rows, and each format read back with a library that did not write it."""

import csv
import json
import sqlite3
from html.parser import HTMLParser
from pathlib import Path

import polars
import pyarrow.parquet

from batchproc import export
from batchproc.columns import Column, Kind

COUNTS = {"pending": 0, "running": 0, "succeeded": 2, "flagged": 0, "failed": 1, "skipped": 0, "cancelled": 0}
LEDGER = {
    "made_by": export.MARK,
    "version": "1",
    "exported_at": "2026-01-01T00:00:00.000Z",
    "job_id": "job-1",
    "name": "a job",
    "status": "completed",
    "model": "haiku",
    "ledger": "2 succeeded · 1 failed",
    "counts": COUNTS,
    "total_units": 3,
    "rows": 3,
    "only": None,
    "cost_usd": 0.5,
    "tokens": 12,
}


def made(scratch: Path, columns: dict[str, Kind], rows, *, transcripts=(), ledger=LEDGER, block=2):
    """An export of these rows, in blocks."""

    def blocks():
        for first in range(0, len(rows), block):
            yield [list(values) for values in zip(*rows[first : first + block], strict=True)]

    return export.Export(
        columns=[Column(name=name, kind=kind) for name, kind in columns.items()],
        blocks=blocks(),
        ledger=ledger,
        transcripts=lambda: transcripts,
        scratch=scratch,
    )


def place(path: Path, root: Path | None = None):
    root = root or path.parent
    return export.opened(str(path), home=root, roots=(root,), forbidden=Path("/nowhere"))


def write(name: str, path: Path, what: export.Export, *, overwrite=False):
    with place(path) as found:
        return export.write(export.FORMATS[name], what, found, overwrite=overwrite)


def ending(name: str) -> str:
    return export.FORMATS[name].suffixes[0]


def from_csv(path: Path, columns):
    before = csv.field_size_limit(1 << 30)  # of the whole process: other tests count on it
    try:
        return _from_csv(path, columns)
    finally:
        csv.field_size_limit(before)


def _from_csv(path: Path, columns):
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        assert header == list(columns)
        return [[_of_text(cell, kind) for cell, kind in zip(row, columns.values(), strict=True)] for row in reader]


def _of_text(cell: str, kind: Kind):
    """CSV knows text only: what a reader makes of it who knows the column's kind. An empty one is none."""
    if cell == "":
        return None
    match kind:
        case Kind.TEXT:
            return cell
        case Kind.BOOLEAN:
            return {"true": True, "false": False}[cell]
        case Kind.INTEGER | Kind.REAL:
            return json.loads(cell)
        case Kind.JSON:
            try:
                return json.loads(cell)
            except ValueError:
                return cell


def from_jsonl(path: Path, columns):
    with path.open(encoding="utf-8") as file:
        found = [json.loads(line) for line in file]
    assert all(list(one) == list(columns) for one in found)
    return [list(one.values()) for one in found]


def from_parquet(path: Path, columns):
    table = polars.read_parquet(path)
    types = {
        Kind.TEXT: polars.String,
        Kind.INTEGER: polars.Int64,
        Kind.REAL: polars.Float64,
        Kind.BOOLEAN: polars.Boolean,
        Kind.JSON: polars.String,
    }
    assert dict(table.schema) == {name: types[kind] for name, kind in columns.items()}
    return [_of_json(row, columns) for row in table.rows()]


def _of_json(row, columns):
    return [
        json.loads(value) if kind is Kind.JSON and value is not None else value
        for value, kind in zip(row, columns.values(), strict=True)
    ]


def from_sqlite(path: Path, columns):
    connection = sqlite3.connect(path)
    named = {row[1]: row[2] for row in connection.execute("PRAGMA table_info(results)")}
    types = {Kind.TEXT: "TEXT", Kind.INTEGER: "INTEGER", Kind.REAL: "REAL", Kind.BOOLEAN: "BOOLEAN", Kind.JSON: "TEXT"}
    assert named == {name: types[kind] for name, kind in columns.items()}
    rows = connection.execute("SELECT * FROM results ORDER BY rowid").fetchall()
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    truths = {0: False, 1: True, None: None}
    return [
        [truths[value] if kind is Kind.BOOLEAN else value for value, kind in zip(row, columns.values(), strict=True)]
        for row in (_of_json(row, columns) for row in rows)
    ]


class Page(HTMLParser):
    """What a browser makes of the page: its elements with their texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if self._open:
            self.texts.setdefault(self._open[-1], []).append(data)

    @property
    def data(self):
        return json.loads(next(text for text in self.texts["script"] if text.startswith('{"columns"')))


def from_html(path: Path, columns):
    data = Page(path.read_text("utf-8")).data
    assert [(one["name"], one["kind"]) for one in data["columns"]] == list(columns.items())
    return [
        [
            int(value) if kind is Kind.INTEGER and value is not None else value
            for value, kind in zip(row, kinds, strict=True)
        ]
        for kinds in [list(columns.values())]
        for row in (_of_json(row, columns) for row in data["rows"])
    ]


READ = {"csv": from_csv, "jsonl": from_jsonl, "parquet": from_parquet, "sqlite": from_sqlite, "html": from_html}


def ledger_of(name: str, path: Path):
    """The counts and whose they are, as each format has them."""
    match name:
        case "parquet":
            return json.loads(pyarrow.parquet.read_schema(path).metadata[b"batchproc.ledger"])
        case "sqlite":
            found = dict(sqlite3.connect(path).execute("SELECT name, value FROM ledger").fetchall())
            return found | {"counts": {status: found[status] for status in COUNTS}}
        case "html":
            page = Page(path.read_text("utf-8"))
            job_id = page.texts["p"][1].split(" · ")[0]
            return {
                "ledger": page.texts["p"][0],
                "counts": page.data["counts"],
                "job_id": job_id,
                "rows": len(page.data["rows"]),
            }
        case _:
            return json.loads(Path(f"{path}.ledger.json").read_text("utf-8"))
