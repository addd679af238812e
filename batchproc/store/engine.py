"""The one SQLite library of this process, chosen once.

`pysqlite3` carries a current SQLite. The standard library's may be older than 3.51.3, whose WAL-reset bug can corrupt a
file that several processes write (https://sqlite.org/wal.html); then only the supervisor checkpoints.
Never open one database with two SQLite libraries in one process.
"""

import importlib
import importlib.util
from typing import Any

sqlite: Any = importlib.import_module("pysqlite3.dbapi2" if importlib.util.find_spec("pysqlite3") else "sqlite3")
"""The module: `pysqlite3`, or the standard library's on a platform that has no wheel of it."""

Tx = Any
"""A connection inside a transaction: what every verb of the store takes first."""

Row = Any

SAFE_VERSION = (3, 51, 3)
OLDEST = (3, 43, 0)
"""The index of texts forgets what it was given without being told it once more (`contentless_delete`)."""


UNAVAILABLE = frozenset({5, 6, 7, 8, 10, 13, 14})
"""Result codes that speak of the machine, not of the statement: BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN
(https://sqlite.org/rescode.html). What failed may work later."""


def is_unavailable(error: BaseException) -> bool:
    """Whether the error says that the file cannot be used now: locked for too long, disk full, I/O error. One of the
    module's own, such as of a text that is not UTF-8, has no code."""
    code = getattr(error, "sqlite_errorcode", 0)
    return isinstance(error, sqlite.OperationalError) and (code & 0xFF) in UNAVAILABLE


def version() -> tuple[int, ...]:
    """SQLite's version, as (3, 53, 4)."""
    return tuple(int(part) for part in sqlite.sqlite_version.split("."))


def is_safe() -> bool:
    """Whether this SQLite is free of the WAL-reset bug."""
    return version() >= SAFE_VERSION
