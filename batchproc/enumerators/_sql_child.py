"""The only place that runs a user's SQL: a program of its own, with nothing of ours in it but this file.

Reads one line of JSON from stdin (path, query, params, sys_path, silence_s), and writes JSON lines to stdout: the
column names, a list for each row, and at last {"rows": n} or {"error": text, "row": n}. Its stdin stays open: when it
closes, whoever asked is gone, and so is this. Not imported by anything.
"""

import json
import select
import sys
import time
from collections.abc import Callable, Iterator
from math import isinf
from typing import Any
from urllib.parse import quote

EVERY = 10_000
"""Steps of SQLite's virtual machine between two looks at the clock; less than a millisecond."""

HEAP = 512 * 1024 * 1024
"""Bytes that SQLite may use: sorting and very large values end in "out of memory", not in a machine that swaps."""

VALUE = 64 * 1024 * 1024
BUSY_MS = 10_000

ALLOWED = {20, 21, 31, 33}
"""READ, SELECT, FUNCTION, RECURSIVE."""

WRITES = {18: "INSERT into", 9: "DELETE from", 23: "UPDATE"}
REFUSED = {24: "ATTACH a database", 25: "DETACH a database", 19: "run PRAGMA {0}", 31: "call {1}"}
"""SQLite's action codes (sqlite3.h, "Authorizer Action Codes") in words."""


class Refused(Exception):
    """An error in the user's words."""


class Guard:
    """Says no to everything that is not reading, and to a query that has been silent for too long."""

    def __init__(self, silence_s: float) -> None:
        self.refused = ""
        self.stopped = ""
        self._silence_s = silence_s
        self.heard()

    def heard(self) -> None:
        self._since = time.monotonic()

    def authorize(self, action: int, first: str | None, second: str | None, *_: object) -> int:
        if action in ALLOWED and not (action == 31 and second == "load_extension"):
            return 0
        if action == 19 and first == "data_version" and second is None:
            return 0  # full-text search asks for it; it reads a number
        if action in WRITES and not str(first).startswith("sqlite_"):
            self.refused = self.refused or f"{WRITES[action]} {first}"
        self.refused = self.refused or REFUSED.get(action, "change the database").format(first, second)
        return 1

    def tick(self) -> int:
        if time.monotonic() - self._since > self._silence_s:
            self.stopped = (
                f"the query gave no row for {self._silence_s:g} s and was stopped; add an index or simplify it"
            )
        elif select.select([sys.stdin], [], [], 0)[0]:
            self.stopped = "nobody is listening any more"
        return 1 if self.stopped else 0

    def explain(self, error: Exception) -> str:
        if self.refused:
            return f"the query would {self.refused}, and a source is only read; write one SELECT or WITH query"
        return self.stopped or _in_words(error)


def main() -> None:
    order = json.loads(sys.stdin.readline())
    guard, sent = Guard(order["silence_s"]), 0
    try:
        with open(1, "wb", buffering=1 << 16, closefd=False) as out:
            sys.path[:] = order["sys_path"]
            for line in _lines(order, guard):
                out.write(line + b"\n")
                guard.heard()
                sent += 1
        last: dict[str, Any] = {"rows": sent - 1}
    except BrokenPipeError:
        return
    except Exception as error:
        last = {"error": guard.explain(error), "row": sent}
    sys.stdout.write(json.dumps(last))


def _lines(order: dict[str, Any], guard: Guard) -> Iterator[bytes]:
    """The column names, then each row."""
    import orjson

    database = _open(order["path"])
    database.set_authorizer(guard.authorize)
    database.set_progress_handler(guard.tick, EVERY)
    cursor = database.execute(order["query"], order["params"])
    if cursor.description is None:
        raise Refused("the query gives no rows; write one SELECT or WITH query")
    names = [column[0] for column in cursor.description]
    yield orjson.dumps(names)
    for values in cursor:
        yield _line(values, names, orjson.dumps)


def _open(path: str) -> Any:
    """Read-only three times over: by how the file is opened, by the connection, and by the authorizer."""
    try:
        from pysqlite3 import dbapi2 as sqlite
    except ImportError:
        import sqlite3 as sqlite
    database = sqlite.connect(f"file:{quote(path)}?mode=ro", uri=True, isolation_level=None)
    if hasattr(database, "setlimit"):
        database.setlimit(0, VALUE)  # SQLITE_LIMIT_LENGTH
    for setting in ("query_only = 1", "trusted_schema = 0", f"busy_timeout = {BUSY_MS}", f"hard_heap_limit = {HEAP}"):
        database.execute(f"PRAGMA {setting}")
    return database


def _line(values: tuple[Any, ...], names: list[str], dumps: Callable[[Any], bytes]) -> bytes:
    try:
        line = dumps(values)
    except TypeError:
        name = next((name for name, value in zip(names, values, strict=True) if isinstance(value, bytes)), "?")
        raise Refused(f"column {name!r} holds binary data; cast it, for example hex({name})") from None
    if b"null" in line and any(isinstance(value, float) and isinf(value) for value in values):
        raise Refused("an infinite number is no JSON; filter it out, or cast it to text")
    return line


def _in_words(error: Exception) -> str:
    text = str(error) or type(error).__name__
    match text:
        case _ if isinstance(error, MemoryError) or "out of memory" in text:
            return f"the query needs more than {HEAP >> 20} MiB; sort or group less at a time"
        case _ if "one statement" in text:
            return "there is more than one statement; write one SELECT or WITH query"
        case "file is not a database":
            return "the file is not an SQLite database; check the path"
        case "unable to open database file":
            return "it cannot be opened; in WAL mode its folder must be writable for this user; or name a copy"
        case "database is locked":
            return f"it was locked by another program for {BUSY_MS // 1000} s; try again when that one is done"
        case _:
            return text


if __name__ == "__main__":
    main()
