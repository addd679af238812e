"""What calamine leaves out without a word: cells that hold an error, and formulas whose result was never stored."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from posixpath import join, normpath
from typing import IO
from xml.etree import ElementTree

from batchproc.tables import biff, cells
from batchproc.tables.talk import Note, Refused

Errors = dict[int, dict[int, str]]
"""Row and column, from 0, to the text of the error."""

LARGEST = 400 << 20
"""Bytes of XML: what a sheet may unpack to. Two million cells, as many as fit in memory, take a quarter of it."""

CHUNK = 1 << 20
LONGEST_CELL = 1 << 18
"""Bytes: a cell holds 32,767 characters at most, and each takes six bytes of XML at most."""

_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*)>(.*?)</(?:\w+:)?c>", re.DOTALL)
_IS_ERROR = re.compile(rb"""\bt=["']e["']""")
_UNCALCULATED = re.compile(rb"</(?:\w+:)?f>(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\Z|<(?:\w+:)?f\b[^>]*/>\Z")
_AT = re.compile(rb"""\br=["']([A-Z]{1,3})([0-9]{1,7})["']""")
_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]*)<")
_ODS_TAG = re.compile(
    rb"<table:(?:(table)(?![-\w])([^>]*)|(table-row)\b([^>]*)|(?:covered-)?(table-cell)\b([^>]*))>(?:<text:p>([^<]*))?"
)


@dataclass(kw_only=True, slots=True)
class Faults:
    """Cells with errors, by place, and what is to be said."""

    errors: Errors = field(default_factory=dict)
    uncalculated: list[str] = field(default_factory=list)

    def add(self, row: int, column: int, text: str) -> None:
        self.errors.setdefault(row, {})[column] = text

    @property
    def notes(self) -> list[Note]:
        notes = []
        if self.errors:
            row, columns = next(iter(self.errors.items()))
            column, text = next(iter(columns.items()))
            reason = "cells hold an error, and were read as its text"
            notes.append(Note(sum(map(len, self.errors.values())), reason, f"{cells.name(row, column)} {text}"))
        if self.uncalculated:
            reason = "formulas have no stored result, and were read as empty; open and save it in a spreadsheet program"
            notes.append(Note(len(self.uncalculated), reason, self.uncalculated[0]))
        return notes


def kind(path: str) -> str:
    """What the zip file is: "ods" or "xlsx". Raises `Refused` for what would be too large, once unpacked, before
    anything is unpacked; and for .xlsb."""
    with _archive(path) as archive:
        names = set(archive.namelist())
        parts = [each for each in archive.infolist() if not each.filename.startswith("xl/media/")]
    if any(name.endswith("workbook.bin") for name in names):
        raise Refused("is a binary workbook (.xlsb), whose errors cannot be told from empty cells; save it as .xlsx")
    largest = max(parts, key=lambda each: each.file_size, default=None)
    if largest is not None and largest.file_size > LARGEST:
        size = f"{largest.filename} in it unpacks to {largest.file_size >> 20} MiB, and {LARGEST >> 20} is the most"
        raise Refused(f"{size}; save the sheet as CSV and use the type 'csv'")
    return "ods" if "content.xml" in names else "xlsx"


def find(path: str, sheet: str) -> Faults:
    """The faults of one sheet."""
    faults = Faults()
    if not zipfile.is_zipfile(path):
        for row, column, text in biff.errors(path, sheet):
            faults.add(row, column, text)
        return faults
    with _archive(path) as archive:
        if "content.xml" in archive.namelist():
            _find_ods(archive, sheet, faults)
        elif member := _member(archive, sheet):
            with archive.open(member) as xml:
                _find_xlsx(xml, faults)
    return faults


def _archive(path: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile:
        raise Refused("is cut off or damaged, and no workbook that can be read; copy or download it again") from None


def _member(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The part of the workbook that holds the sheet, by way of its relationships."""
    book = next((to for _, kind, to in _relations(archive, "", "_rels/.rels") if kind == "officeDocument"), None)
    if book is None:
        return None
    folder, _, name = book.rpartition("/")
    targets = {key: to for key, _, to in _relations(archive, folder, join(folder, "_rels", f"{name}.rels"))}
    for element in ElementTree.fromstring(archive.read(book)).iter():  # noqa: S314 - in a program with bounds
        if element.tag.endswith("}sheet") and element.get("name") == sheet:
            key = next((value for name, value in element.items() if name.endswith("}id")), "")
            return targets.get(key)
    return None


def _relations(archive: zipfile.ZipFile, folder: str, name: str) -> Iterator[tuple[str, str, str]]:
    for element in ElementTree.fromstring(archive.read(name)):  # noqa: S314 - in a program with bounds
        target = element.get("Target", "")
        to = target[1:] if target.startswith("/") else normpath(join(folder, target))
        yield element.get("Id", ""), element.get("Type", "").rpartition("/")[2], to


def _find_xlsx(xml: IO[bytes], faults: Faults) -> None:
    for text in _pieces(xml, rb"</c>"):
        if b't="e"' in text or b"t='e'" in text or b"</f></c>" in text or b"</f><v" in text:
            for found in _CELL.finditer(text):
                _look(found, faults)


def _look(found: "re.Match[bytes]", faults: Faults) -> None:
    attributes, inside = found.groups()
    at = _AT.search(attributes)
    if at is None:
        return
    row, column = int(at[2]) - 1, cells.column(at[1].decode())
    if _IS_ERROR.search(attributes):
        value = _VALUE.search(inside)
        faults.add(row, column, value[1].decode("utf-8", "replace") if value else "#ERROR")
    elif b"t=" not in attributes and _UNCALCULATED.search(inside):
        faults.uncalculated.append(cells.name(row, column))


def _find_ods(archive: zipfile.ZipFile, sheet: str, faults: Faults) -> None:
    with archive.open("content.xml") as xml:
        if not any(b'calcext:value-type="error"' in text for text in _pieces(xml, rb"<table:table-cell")):
            return
    with archive.open("content.xml") as xml:
        _walk_ods(xml, f'table:name="{sheet}"'.encode(), faults)


def _walk_ods(xml: IO[bytes], name: bytes, faults: Faults) -> None:
    here, row, repeated, column = False, 0, 0, 0
    for text in _pieces(xml, rb"<table:table-cell"):
        for table, of_table, is_row, of_row, _, of_cell, shown in (each.groups() for each in _ODS_TAG.finditer(text)):
            if table:
                here, row, repeated, column = name in of_table, 0, 0, 0
            elif is_row:
                row, repeated, column = row + repeated, _times(of_row, b"rows"), 0
            elif here:
                if b'calcext:value-type="error"' in of_cell:
                    faults.add(row, column, (shown or b"#ERROR").decode("utf-8", "replace"))
                column += _times(of_cell, b"columns")


def _times(attributes: bytes, what: bytes) -> int:
    found = re.search(rb"number-" + what + rb'-repeated="([0-9]+)"', attributes)
    return int(found[1]) if found else 1


def _pieces(xml: IO[bytes], end: bytes) -> Iterator[bytes]:
    """The text in pieces that end at `end`, so that no cell is cut in two. Raises `Refused`."""
    rest, begun = b"", False
    try:
        while chunk := xml.read(CHUNK):
            if not begun and b"<!DOCTYPE" in chunk:
                raise Refused("holds a DOCTYPE, as no spreadsheet program writes it; save it again as .xlsx")
            begun = True
            rest += chunk
            cut = rest.rfind(end)
            cut = max(cut, len(rest) - LONGEST_CELL) if cut < 0 else cut + len(end) * end.startswith(b"</")
            yield rest[:cut]
            rest = rest[cut:]
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise Refused(f"is damaged ({error}); copy or download it again") from None
    yield rest
