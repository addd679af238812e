"""The shell asks the results of a job, in SQL: a table to read, CSV or JSON."""

import argparse
import csv
import io
import json
import sys
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from batchproc import answers
from batchproc.export.csv import neutral
from batchproc.interfaces.cli_words import console, plain, safe

if TYPE_CHECKING:
    from batchproc.service import BatchService

ABOUT = "ask all results of a job at once, in SQL"

WIDEST = 60
"""Characters of a cell in the table that people read."""
MOST_BYTES = 64_000_000

Cell = str | int | float | None


def add(commands: Any) -> argparse.ArgumentParser:
    query: argparse.ArgumentParser = commands.add_parser("query", help=ABOUT)
    query.add_argument("job_id")
    query.add_argument("sql", nargs="?", help="one SELECT FROM results; left out: the columns, with their types")
    query.add_argument("--limit", type=int, default=200, metavar="N", help="at most this many rows (200)")
    query.add_argument("--timeout", type=float, default=20, metavar="S", help="seconds it may take (20)")
    query.add_argument("--csv", action="store_true", help="print CSV")
    return query


async def query(service: "BatchService", args: argparse.Namespace) -> int:
    found = await service.query_results(args.job_id, args.sql, args.limit, args.timeout, MOST_BYTES)
    if args.json:
        print(harmless_json(found.model_dump(mode="json")))
    elif args.csv:
        sys.stdout.write(as_csv(found))
        _say(found)
    else:
        as_table(found)
    return 0


def as_table(found: answers.QueryResults) -> None:
    """In columns, each cell in one line and cut; then how many rows there are, and what else is to be known."""
    out = console()
    lines = [list(map(_shown, found.columns)), *(list(map(_shown, row)) for row in found.rows)]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    for n, line in enumerate(lines):
        values: Sequence[Cell] = found.rows[n - 1] if n else found.columns
        text = "  ".join(_padded(*each) for each in zip(line, values, widths, strict=True)).rstrip()
        out.print(f"[bold]{plain(text)}[/]" if n == 0 else plain(text))
    rows = "1 row" if len(found.rows) == 1 else f"{len(found.rows):,} rows"
    out.print(f"[dim]{rows} · model: {plain(found.model)}[/]")
    _say(found)


def _say(found: answers.QueryResults) -> None:
    if found.message:
        print(f"batchproc: {safe(found.message)}", file=sys.stderr)


def _shown(value: Cell) -> str:
    text = "" if value is None else " ".join(safe(str(value)).split())
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def _padded(text: str, value: Cell, width: int) -> str:
    space = " " * (width - cell_len(text))
    return space + text if isinstance(value, int | float) else text + space


def as_csv(found: answers.QueryResults) -> str:
    """For spreadsheets: no control characters, and no text that one would take for a formula."""
    file = io.StringIO()
    rows: list[Sequence[Cell]] = [found.columns, *found.rows]
    csv.writer(file, lineterminator="\n").writerows([map(_cell, row) for row in rows])
    return file.getvalue()


def _cell(value: Cell) -> Cell:
    return neutral(safe(value)) if isinstance(value, str) else value


def harmless_json(content: Any) -> str:
    """JSON in one line in which every control character, of whatever kind, is spelled out."""
    text = json.dumps(content, ensure_ascii=False)
    return "".join(json.dumps(c)[1:-1] if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co"} else c for c in text)
