"""The only place that knows the old binary workbook (.xls): which of its cells hold an error.

By [MS-CFB], the file system in the file, and [MS-XLS], the records in its stream "Workbook". calamine has read the
workbook before, so what is malformed here ends the search and not the reading.
"""

import struct
from array import array
from collections.abc import Iterator
from pathlib import Path

ERRORS = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A",
}  # fmt: skip
BOUNDSHEET, FORMULA, BOOLERR, BOF, EOF = 0x85, 0x06, 0x205, 0x809, 0x0A
LAST = 0xFFFFFFFA
"""Sector numbers from here on are no sectors."""

ENTRY = 128


def errors(path: str, sheet: str) -> Iterator[tuple[int, int, str]]:
    """Row and column, from 0, and the text of every error in the sheet."""
    stream = _workbook(Path(path).read_bytes())
    begins = next((at for at, name in _sheets(stream) if name == sheet), None)
    if begins is not None:
        yield from _errors(stream, begins)


def _errors(stream: bytes, begins: int) -> Iterator[tuple[int, int, str]]:
    depth = 0
    for kind, at, length in _records(stream, begins):
        if kind == BOF:
            depth += 1
        elif kind == EOF:
            depth -= 1
            if depth == 0:
                return
        elif kind == BOOLERR and length >= 8 and stream[at + 7]:
            yield *struct.unpack_from("<HH", stream, at), ERRORS.get(stream[at + 6], "#ERROR")
        elif kind == FORMULA and length >= 14 and stream[at + 6] == 2 and stream[at + 12 : at + 14] == b"\xff\xff":
            yield *struct.unpack_from("<HH", stream, at), ERRORS.get(stream[at + 8], "#ERROR")


def _sheets(stream: bytes) -> Iterator[tuple[int, str]]:
    for kind, at, length in _records(stream, 0):
        if kind == EOF:
            return
        if kind == BOUNDSHEET and length >= 8:
            wide = stream[at + 7] & 1
            text = stream[at + 8 : at + 8 + stream[at + 6] * (1 + wide)]
            yield int.from_bytes(stream[at : at + 4], "little"), text.decode("utf-16-le" if wide else "latin-1")


def _records(stream: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Kind, position and length of the records from `at` on."""
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        yield kind, at + 4, length
        at += 4 + length


def _workbook(data: bytes) -> bytes:
    """The stream "Workbook"; nothing if it is not there."""
    shift, mini_shift = struct.unpack_from("<HH", data, 30)
    (directory,), (cutoff, mini) = struct.unpack_from("<I", data, 48), struct.unpack_from("<II", data, 56)
    size = 1 << shift
    table = _table(data, size)

    def chain(sector: int) -> bytes:
        return b"".join(data[(n + 1) * size : (n + 2) * size] for n in _chain(table, sector))

    entries = chain(directory)
    root = b""
    for at in range(0, len(entries), ENTRY):
        name, kind = entries[at : at + ENTRY][:64].decode("utf-16-le", "replace").rstrip("\0"), entries[at + 66]
        begins, length = struct.unpack_from("<II", entries, at + 116)
        if kind == 5:
            root = chain(begins)
        elif name in ("Workbook", "Book"):
            if length >= cutoff:
                return chain(begins)[:length]
            small, step = array("I", chain(mini)), 1 << mini_shift
            return b"".join(root[n * step : (n + 1) * step] for n in _chain(small, begins))[:length]
    return b""


def _table(data: bytes, size: int) -> "array[int]":
    """Which sector follows which."""
    sectors = list(struct.unpack_from("<109I", data, 76))
    following = struct.unpack_from("<I", data, 68)[0]
    for _ in range(len(data) // size):
        if following >= LAST:
            break
        *more, following = struct.unpack_from(f"<{size // 4}I", data, (following + 1) * size)
        sectors += more
    table = array("I")
    for sector in sectors:
        if sector < LAST:
            table.frombytes(data[(sector + 1) * size : (sector + 2) * size])
    return table


def _chain(table: "array[int]", sector: int) -> Iterator[int]:
    for _ in range(len(table)):  # a circle ends too
        if sector >= len(table):
            return
        yield sector
        sector = table[sector]
