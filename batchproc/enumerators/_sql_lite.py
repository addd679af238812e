"""The only place that runs a user's SQL on an SQLite file. Loaded by `_sql_child.py` from its file, in a process of its
own; imports nothing of ours.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

EVERY = 10_000
"""Steps of SQLite's virtual machine between two looks at the clock; less than a millisecond."""

HEAP = 512 * 1024 * 1024
"""Bytes that SQLite may use: sorting and very large values end in "out of memory", not in a machine that swaps."""

VALUE = 64 * 1024 * 1024
"""Bytes of one value."""

BUSY_MS = 3_000

ALLOWED = {20, 21, 31, 33}
"""READ, SELECT, FUNCTION, RECURSIVE."""

WRITES = {18: "INSERT into", 9: "DELETE from", 23: "UPDATE"}
REFUSED = {24: "ATTACH a database", 25: "DETACH a database", 19: "run PRAGMA {0}", 31: "call {1}"}
"""SQLite's action codes (sqlite3.h, "Authorizer Action Codes") in words."""


class Guard:
    """Says no to everything that is not reading, and to a query that is over its time."""

    def __init__(self, clock: Any) -> None:
        self.refused = ""
        self.stopped = ""
        self._clock = clock

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
        self.stopped = str(self._clock.over())
        return 1 if self.stopped else 0

    def explain(self, error: Exception) -> str:
        if self.refused:
            return f"the query would {self.refused}, and a source is only read; write one SELECT or WITH query"
        return self.stopped or _in_words(error)


class Query:
    """One query of one file."""

    def __init__(self, order: dict[str, Any], clock: Any, refused: type[Exception]) -> None:
        self._order, self._refused = order, refused
        self._guard = Guard(clock)
        self.explain = self._guard.explain

    def start(self) -> tuple[list[str], Iterator[Any], list[str]]:
        """Column names, rows, warnings."""
        database = _open(self._order["path"])
        database.set_authorizer(self._guard.authorize)
        database.set_progress_handler(self._guard.tick, EVERY)
        cursor = database.execute(self._order["query"], self._order["params"])
        if cursor.description is None:
            raise self._refused("the query gives no rows; write one SELECT or WITH query")
        return [column[0] for column in cursor.description], cursor, []

    def interrupt(self) -> None:
        """The guard's tick does that."""


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


def _in_words(error: Exception) -> str:
    text = str(error) or type(error).__name__
    match text:
        case _ if isinstance(error, MemoryError) or "out of memory" in text:
            return f"the query needs more than {HEAP >> 20} MiB; sort or group less at a time"
        case _ if "one statement" in text:
            return "there is more than one statement; write one SELECT or WITH query"
        case "file is not a database":
            return "the file is not an SQLite database, or it is encrypted; check the path, or name a decrypted copy"
        case _ if "malformed" in text:
            return f"{text}: the file is damaged or cut off; name a good copy, or rescue what is left with .recover"
        case _ if "Could not decode" in text:
            column = text.partition("column '")[2].partition("' with text")[0]
            return f"column {column!r} holds text that is not UTF-8; mend it, or cast it, for example hex({column})"
        case "unable to open database file":
            return "it cannot be opened; in WAL mode its folder must be writable for this user; or name a copy"
        case "database is locked":
            return f"it was locked by another program for {BUSY_MS // 1000} s; try again when that one is done"
        case "database or disk is full" | "disk I/O error":
            return f"{text}: sorting takes more than there is, or than it may take; sort less at a time"
        case _:
            return f"{text}; mend the query"
