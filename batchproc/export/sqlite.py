"""A SQLite database: a table `results` with typed columns, and a table `ledger` of names and values."""

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, ClassVar

from batchproc.columns import Kind, quoted
from batchproc.errors import StoreError
from batchproc.export.base import Export, json_texts
from batchproc.ledger import ORDER

APPLICATION = 0x42504558
"""`PRAGMA application_id` of our exports, at byte 68 (https://sqlite.org/fileformat2.html)."""
CHANGES = 1
"""What SQLite counts at byte 24 of the file: transactions that changed it. An export is the first."""
TYPES = {
    Kind.TEXT: "TEXT",
    Kind.INTEGER: "INTEGER",
    Kind.REAL: "REAL",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.JSON: "TEXT",
}
PAGE = 1 << 20


class Sqlite:
    name: ClassVar[str] = "sqlite"
    suffixes: ClassVar[tuple[str, ...]] = (".sqlite", ".sqlite3", ".db")
    most_rows: ClassVar[int | None] = None
    beside: ClassVar[bool] = False
    logs: ClassVar[tuple[str, ...]] = ("-wal", "-journal")

    def pages(self, export: Export) -> Iterator[bytes]:
        """SQLite opens its file by a path: it is in a folder of ours, nobody else's, and gone as soon as it is open."""
        handle, path = tempfile.mkstemp(prefix="export-", suffix=".db", dir=export.scratch)
        with os.fdopen(handle, "rb") as file:
            try:
                connection = sqlite3.connect(path, isolation_level=None)
            finally:
                Path(path).unlink()
            with contextlib.closing(connection):
                _fill(connection, export)
            while page := file.read(PAGE):
                yield page

    def is_ours(self, file: IO[bytes]) -> bool:
        header = file.read(72)
        made, changes = (int.from_bytes(header[at : at + 4], "big") for at in (68, 24))
        return header[:16] == b"SQLite format 3\0" and (made, changes) == (APPLICATION, CHANGES)


def _fill(connection: sqlite3.Connection, export: Export) -> None:
    """Without a journal: a file that is not finished is nobody's."""
    try:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        columns = ", ".join(f"{quoted(column.name)} {TYPES[column.kind]}" for column in export.columns)
        connection.execute("BEGIN")
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"CREATE TABLE results ({columns})")
        _fill_ledger(connection, export)
        insert = f"INSERT INTO results VALUES ({', '.join('?' * len(export.columns))})"  # noqa: S608 - only marks
        for made in json_texts(export):
            connection.executemany(insert, zip(*made, strict=True))
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        raise StoreError(f"the database could not be made: {error}; is there room on the store's disk?") from error


def _fill_ledger(connection: sqlite3.Connection, export: Export) -> None:
    connection.execute("CREATE TABLE ledger (name TEXT PRIMARY KEY, value)")
    counts: dict[str, Any] = export.ledger["counts"]
    plain = {name: value for name, value in export.ledger.items() if not isinstance(value, dict | list)}
    values = plain | {status: counts.get(status, 0) for status in ORDER}
    connection.executemany("INSERT INTO ledger VALUES (?, ?)", values.items())
