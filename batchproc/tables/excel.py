"""The only place that knows python-calamine: one worksheet as rows of text, numbers, true and false."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import python_calamine as calamine

from batchproc.tables import cells, faults, talk
from batchproc.tables.talk import Note, Refused, duration

ROWS = 200
"""Rows in one line of JSON."""

EXACT = 2.0**53
"""Spreadsheets know one kind of number; up to here a whole one is a whole one."""

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
PROTECTED = "is protected by a password; save a copy without one and name that"
NOT_A_NUMBER = "#NUM!"


def parts(order: dict[str, Any]) -> Iterator[dict[str, Any] | list[list[Any]]]:
    """First {"sheet", "first_row", "first_column", "merged", "notes"}, then rows, [] for an empty one, then {"notes"}.

    Rows and columns are counted from 0, as in the sheet.
    """
    path = order["path"]
    with _opened(path) as book:
        name, notes = _chosen(book, order["sheet"])
        found = faults.find(path, name)
        try:
            sheet = book.get_sheet_by_name(name)
        except calamine.CalamineError as error:
            raise _broken(error) from None
        corner = sheet.start or (0, 0)
        rows = _with_errors(sheet.iter_rows(), corner[1], found.errors)
        above, first = _first_row(rows)
        yield {
            "sheet": name,
            "first_row": above,
            "first_column": corner[1],
            "merged": _merged(sheet, above),
            "notes": [list(note) for note in (*notes, *found.notes, *_merged_below(sheet, above))],
        }
        reader = _Rows(chain([first], rows), above, corner[1])
        yield from reader.batches()
        yield {"notes": [list(note) for note in reader.notes()]}


def plain(value: Any) -> str:
    """What JSON does not have, as text: a duration in the form of ISO 8601."""
    if not isinstance(value, timedelta):
        raise TypeError
    return duration(value)


def _opened(path: str) -> calamine.CalamineWorkbook:
    """By what is in the file: its name may be wrong. Raises `Refused`."""
    with Path(path).open("rb") as file:
        head = file.read(512)
        if not head.startswith((ZIP, OLE)):
            raise Refused(_no_workbook(head))
        kind = faults.kind(path) if head.startswith(ZIP) else "xls"
        try:
            if path.lower().endswith(f".{kind}"):
                return calamine.CalamineWorkbook.from_path(path)
            file.seek(0)
            return calamine.CalamineWorkbook.from_filelike(file)
        except calamine.PasswordError:
            raise Refused(PROTECTED) from None
        except calamine.CalamineError as error:
            file.seek(0)
            if kind == "xls" and ENCRYPTED in file.read():
                raise Refused(PROTECTED) from None
            raise _broken(error) from None


def _broken(error: calamine.CalamineError) -> Refused:
    if "Cell limit" in str(error):
        return Refused(talk.TOO_LARGE)
    return Refused(f"is no workbook that can be read ({error}); open it and save it again as .xlsx")


def _no_workbook(head: bytes) -> str:
    if not head:
        return "is empty; it is no workbook"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if text in (b"<", b"{", b"[") or (b"\0" not in head and head.isascii()):
        what = "is a text file under the name of a workbook; "
        return what + "if it holds a table as CSV use the type 'csv', else open it and save it as .xlsx"
    return "is no workbook (.xlsx, .xls or .ods); open it in a spreadsheet program and save it as .xlsx"


def _chosen(book: calamine.CalamineWorkbook, wanted: str | None) -> tuple[str, list[Note]]:
    """The sheet's name: the wanted one, else the first that can be seen."""
    sheets = [each for each in book.sheets_metadata if each.typ == calamine.SheetTypeEnum.WorkSheet]
    names = [each.name for each in sheets]
    if not names:
        raise Refused("has no worksheet")
    if wanted is not None:
        if wanted not in names:
            raise Refused(f"has no sheet {wanted!r}, only {', '.join(map(repr, names[:20]))}; set sheet to one of them")
        return wanted, []
    visible = [each.name for each in sheets if each.visible == calamine.SheetVisibleEnum.Visible] or names
    if len(visible) == 1:
        return visible[0], []
    reason = f"other sheets are in the workbook; this is {visible[0]!r}, set sheet for another"
    return visible[0], [Note(len(visible) - 1, reason, repr(visible[1]))]


def _with_errors(rows: Iterator[list[Any]], column: int, errors: faults.Errors) -> Iterator[list[Any]]:
    """calamine leaves cells with errors empty: here they hold the text that the sheet shows."""
    for at, row in enumerate(rows):
        for n, text in errors.get(at, {}).items():
            if 0 <= n - column < len(row):
                row[n - column] = text
        yield row


def _first_row(rows: Iterator[list[Any]]) -> tuple[int, list[Any]]:
    """The first row that is not empty, and how many are above it."""
    for above, row in enumerate(rows):
        if row.count("") < len(row):
            return above, row
    return 0, []


def _merged(sheet: calamine.CalamineSheet, row: int) -> list[str]:
    """The merged cells that the row takes part in."""
    return [_range(each) for each in sheet.merged_cell_ranges or () if each[0][0] <= row <= each[1][0]]


def _merged_below(sheet: calamine.CalamineSheet, row: int) -> list[Note]:
    below = [each for each in sheet.merged_cell_ranges or () if each[0][0] > row]
    reason = "merged areas: only the first row and column of each has its value"
    return [Note(len(below), reason, _range(below[0]))] if below else []


def _range(area: tuple[tuple[int, int], tuple[int, int]]) -> str:
    return f"{cells.name(*area[0])}:{cells.name(*area[1])}"


class _Rows:
    """Rows on their way out, with whole numbers whole."""

    def __init__(self, rows: Iterator[list[Any]], at: int, column: int) -> None:
        self._rows, self._at, self._column = rows, at, column
        self._strange: list[str] = []

    def batches(self) -> Iterator[list[list[Any]]]:
        batch: list[list[Any]] = []
        for at, row in enumerate(self._rows, self._at):
            batch.append([] if row.count("") == len(row) else self._values(row, at))
            if len(batch) == ROWS:
                yield batch
                batch = []
        yield batch

    def _values(self, row: list[Any], at: int) -> list[Any]:
        return [
            value if type(value) is not float else self._number(value, at, n)
            for n, value in enumerate(row, self._column)
        ]

    def _number(self, value: float, at: int, column: int) -> int | float | str:
        if value.is_integer() and -EXACT < value < EXACT:
            return int(value)
        if value - value == 0:
            return value
        self._strange.append(cells.name(at, column))
        return NOT_A_NUMBER

    def notes(self) -> list[Note]:
        reason = f"numbers beyond any that JSON has were read as {NOT_A_NUMBER}"
        return [Note(len(self._strange), reason, self._strange[0])] if self._strange else []
