"""The one SQLite library of this process, chosen once.

`pysqlite3` carries a current SQLite. The standard library's may be older than 3.51.3, whose WAL-reset bug can corrupt a
file that several processes write (https://sqlite.org/wal.html#walresetbug); then only the supervisor checkpoints.
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


def version() -> tuple[int, ...]:
    """SQLite's version, as (3, 53, 4)."""
    return tuple(int(part) for part in sqlite.sqlite_version.split("."))


def is_safe() -> bool:
    """Whether this SQLite is free of the WAL-reset bug."""
    return version() >= SAFE_VERSION
