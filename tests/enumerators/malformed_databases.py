"""Malformed SQLite databases, and queries that find what is no data: what is said about them."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from malformed_help import Bad, Make, Odd

HELD: list[sqlite3.Connection] = []
"""Locks, until the test that made them has ended."""

ROWS = [{"id": n, "name": f"name {n}"} for n in range(1, 2001)]


def database(harm: Any = None, query: str = "SELECT * FROM t ORDER BY id", **config: Any) -> Make:
    """A database with 2,000 rows, and what was done to it."""

    def make(folder: Path) -> dict[str, Any]:
        path = folder / "sql.db"
        with closing(sqlite3.connect(path)) as made:
            made.execute("PRAGMA page_size = 4096")
            made.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)")
            made.executemany("INSERT INTO t VALUES (:id, :name)", ROWS)
            made.commit()
        if harm:
            harm(path)
        return {"type": "sql", "connection_string": str(path), "query": query, **config}

    return make


def overwrite(at: int, data: bytes) -> Any:
    def harm(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(at)
            file.write(data)

    return harm


def lock(path: Path) -> None:
    HELD.append(sqlite3.connect(path, isolation_level=None))
    HELD[-1].execute("BEGIN EXCLUSIVE")


BAD = [
    Bad(
        name="a database that is text",
        make=database(lambda path: path.write_text("id,name\n1,2\n" * 500)),
        says=("not an SQLite database", "encrypted", "check the path"),
    ),
    Bad(
        name="an encrypted database",
        make=database(lambda path: path.write_bytes(os.urandom(1 << 16))),
        says=("not an SQLite database", "encrypted", "check the path"),
    ),
    Bad(
        name="an empty database",
        make=database(lambda path: os.truncate(path, 0)),
        says=("an empty file", "check the path"),
    ),
    Bad(name="a database that is locked", make=database(lock), says=("locked by another program for 3 s", "try again")),
    Bad(
        name="a database that is cut off",
        make=database(lambda path: os.truncate(path, 20_000)),
        says=("damaged", "copy"),
    ),
    Bad(
        name="a database with a damaged page",
        make=database(overwrite(5 * 4096, b"\xa5" * 4096)),
        place="row ",
        says=("damaged", "copy"),
    ),
    Bad(
        name="a database with a damaged schema", make=database(overwrite(100, b"\xa5" * 3000)), says=("damaged", "copy")
    ),
    Bad(
        name="a database with text that is no text",
        make=database(query="SELECT name FROM t WHERE id < 3 UNION ALL SELECT CAST(x'ff' AS TEXT)"),
        place="row ",
        says=("not UTF-8", "'name'", "hex(name)"),
    ),
    Bad(
        name="a database with binary data",
        make=database(query="SELECT zeroblob(8) AS b FROM t"),
        place="row 1",
        says=("binary data", "hex(b)"),
    ),
    Bad(
        name="a query of no table",
        make=database(query="SELECT * FROM absent"),
        says=("no such table: absent", "mend the query"),
    ),
]

ODD = [
    Odd(name="a database", make=database(limit=2), payloads=ROWS[:2]),
]
