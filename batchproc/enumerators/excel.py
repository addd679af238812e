"""The only place that knows what a worksheet means: one item a row below the header, its cells as fields."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, ClassVar

from pydantic import Field

from batchproc.enumerators import _columns, _common, _program
from batchproc.enumerators.base import Config
from batchproc.errors import SourceError
from batchproc.models import Item
from batchproc.tables import cells


class ExcelConfig(Config):
    """Which sheet of which workbook."""

    file_path: _common.AbsolutePath = Field(
        description="Absolute path of the workbook (.xlsx, .xls, .ods), or a pattern: /abs/2026-*.xlsx"
    )
    sheet: str | None = Field(None, min_length=1, description="The sheet's name (default: the first that is visible)")
    id_column: str | None = Field(
        None, description="Column whose values are unique (default: the row number is the key)"
    )
    has_header: bool = Field(True, description="Whether the first row names the columns; else column_1, column_2, ...")
    columns: list[str] | None = Field(None, min_length=1, description="Columns to keep (default: all)")
    limit: _common.Limit = None


class ExcelEnumerator:
    """Reads a worksheet row by row.

    Rows are counted as in CSV: from 1, below the header, without empty ones. An empty cell is "", as in CSV. Dates and
    times are ISO 8601 text. A cell with an error is the text that the sheet shows ("#N/A"), and a warning counts them.
    """

    kind: ClassVar[str] = "excel"
    place: ClassVar[str] = "row"
    about: ClassVar[str] = "Rows of a worksheet (.xlsx, .xls, .ods); one item per data row, its columns as fields"
    config_model: ClassVar[type[Config]] = ExcelConfig
    example: ClassVar[Mapping[str, Any]] = {
        "file_path": "/home/me/customers.xlsx",
        "sheet": "2026",
        "id_column": "customer_id",
    }

    def __init__(self, config: ExcelConfig) -> None:
        self._config = config
        self._path = config.file_path
        self._notes: list[str] = []

    @property
    def source(self) -> str:
        return self._path

    def warnings(self) -> list[str]:
        return self._notes

    def items(self) -> Generator[Item, None, None]:
        return _common.limited(self._items(), self._config.limit)

    def _items(self) -> Generator[Item, None, None]:
        self._notes = []
        parts = _program.parts(self._path, format="excel", sheet=self._config.sheet)
        try:
            about = next(parts)
            self._note(about["notes"])
            rows = self._numbered(parts, about["first_row"])
            line, first = next(rows, (0, []))
            if first:
                sheet = _Sheet(self._config, about, line, first)
                yield from self._rows(sheet, rows if self._config.has_header else chain([(line, first)], rows))
        finally:
            parts.close()

    def _note(self, notes: Iterable[tuple[int, str, str]]) -> None:
        self._notes += [f"{count} {reason}, first {first}" for count, reason, first in notes]

    def _numbered(self, parts: Iterator[Any], line: int) -> Iterator[tuple[int, list[Any]]]:
        """The rows that hold something, with their line in the sheet, from 1."""
        for batch in parts:
            if type(batch) is dict:
                self._note(batch["notes"])
                continue
            for row in batch:
                line += 1
                if row:
                    yield line, row

    def _rows(self, sheet: "_Sheet", rows: Iterable[tuple[int, list[Any]]]) -> Iterator[Item]:
        """The hot loop: everything that does not change is looked up before it."""
        header, keep, key_at = sheet.columns
        width = len(header)
        for number, (line, row) in enumerate(rows, 1):
            if len(row) > width and row[width:].count("") < len(row) - width:
                raise sheet.beyond(row, number, line)
            key = str(number) if key_at is None else sheet.key(row[key_at], number, line)
            payload = {name: row[at] for name, at in keep} if keep else dict(zip(header, row))  # noqa: B905 - or longer
            yield Item(key, payload, number)


class _Sheet:
    """A worksheet's columns, and how its faults are told: with the cell, as the spreadsheet program names it."""

    def __init__(self, config: ExcelConfig, about: Mapping[str, Any], line: int, first: list[Any]) -> None:
        self._path, self._about, self._config = config.file_path, about, config
        place = f"sheet {about['sheet']!r}, line {line}"
        if config.has_header and about["merged"]:
            merged = ", ".join(about["merged"][:5])
            problem = f"the header has merged cells ({merged}): unmerge them and name each column, or delete the lines "
            problem += "above the header if this line is a title"
            raise SourceError(self._path, problem, place)
        names = _names(first) if config.has_header else [f"column_{n}" for n in range(1, len(first) + 1)]
        self.columns = _columns.choose(self._path, names, keep=config.columns, id_column=config.id_column, place=place)

    def key(self, value: Any, number: int, line: int) -> str:
        at = self.columns.key_at or 0
        try:
            return _common.key_text(value, self._path, "row", number, "id_column", self.columns.names[at])
        except SourceError:
            place = f"{self._cell(line, at)}, row"
            return _common.key_text(value, self._path, place, number, "id_column", self.columns.names[at])

    def beyond(self, row: list[Any], number: int, line: int) -> SourceError:
        at = next(n for n, value in enumerate(row) if n >= len(self.columns.names) and value != "")
        problem = "holds a value, but its column has no name in the header; name the column, or clear the cell"
        return SourceError(self._path, problem, f"row {number}, {self._cell(line, at)}")

    def _cell(self, line: int, at: int) -> str:
        return f"cell {self._about['sheet']}!{cells.name(line - 1, self._about['first_column'] + at)}"


def _names(first: list[Any]) -> list[str]:
    """The header's names, without the empty cells at its end."""
    names = [f"column_{n}" if str(value).isspace() or value == "" else _text(value) for n, value in enumerate(first, 1)]
    while first and first[-1] == "":
        first.pop()
    return names[: len(first)]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
