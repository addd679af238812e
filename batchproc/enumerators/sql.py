"""The only place that knows SQL sources: starts the program that runs the user's query, and reads its rows."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import IO, Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from batchproc.enumerators import _common, _payload
from batchproc.enumerators.base import Config
from batchproc.errors import SourceError
from batchproc.models import Item

CHILD = Path(__file__).with_name("_sql_child.py")
SILENCE_S = 120.0
"""A query that gives no row for so long is stopped."""

KEPT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")
"""What Python needs to start. Nothing else of our environment is the query's business."""


def database_path(connection: str) -> str:
    """The SQLite file that a connection string names. Raises ValueError, in words, for anything else."""
    scheme, found, rest = connection.partition("://")
    if (found and scheme != "sqlite") or re.match(r"[a-z+]{2,}:(?!//)", connection):
        raise ValueError("only SQLite for now; write sqlite:///absolute/path.db, or the path itself")
    path = re.sub(r"^/+(?=~|$)|^/+(?=:)", "", rest) if found else connection
    path = re.sub("^//+", "/", path)
    if path in ("", ":memory:"):
        raise ValueError("a database in memory is empty; name a file: sqlite:///absolute/path.db")
    if found and "?" in path:
        raise ValueError("leave out what follows the '?'; the database is always opened read-only")
    return _common.absolute(path)


Scalar = str | int | float | bool | None


class SqlConfig(Config):
    """Which rows of which database."""

    connection_string: Annotated[str, AfterValidator(database_path)] = Field(
        description="sqlite:///absolute/path.db, or the path itself"
    )
    query: str = Field(min_length=1, description="One SELECT or WITH query; it is run read-only")
    params: dict[str, Scalar] | list[Scalar] = Field(
        default_factory=list, description="Values for :name (an object) or ? (a list) in the query"
    )
    id_column: str | None = Field(None, description="Column whose values are unique (default: the row number)")
    limit: _common.Limit = None


class SqlEnumerator:
    """Reads the rows of a query."""

    kind: ClassVar[str] = "sql"
    place: ClassVar[str] = "row"
    about: ClassVar[str] = "Rows of a SELECT in an SQLite database; one item per row, its columns as fields"
    config_model: ClassVar[type[Config]] = SqlConfig
    example: ClassVar[Mapping[str, Any]] = {
        "connection_string": "sqlite:////home/me/shop.db",
        "query": "SELECT id, name, review FROM reviews WHERE stars < :stars ORDER BY id",
        "params": {"stars": 3},
        "id_column": "id",
    }

    def __init__(self, config: SqlConfig) -> None:
        self._config = config
        self._path = config.connection_string

    @property
    def source(self) -> str:
        return self._path

    def warnings(self) -> list[str]:
        return []

    def items(self) -> Generator[Item, None, None]:
        return _common.limited(self._items(), self._config.limit)

    def _items(self) -> Generator[Item, None, None]:
        _common.regular_file(self._path)
        if not os.access(self._path, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
            # Never opened here to find out: closing it would drop the locks of a database that we have open ourselves.
            raise SourceError(self._path, "no permission to read this file; give this user read access to it")
        child = self._start()
        assert child.stdin and child.stdout  # noqa: S101 - both are pipes
        try:
            self._order(child.stdin)
            yield from self._rows(child.stdout)
        finally:
            child.kill()
            child.stdout.close()
            child.stdin.close()
            child.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        """-I -S: the user's Python settings and folders do not count; -X utf8: neither does the locale."""
        try:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", "-X", "utf8", str(CHILD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={name: os.environ[name] for name in KEPT if name in os.environ},
                cwd=os.sep,
                bufsize=1 << 16,
            )
        except OSError as error:
            raise SourceError(self._path, f"the program that reads it did not start: {error}; try again") from None

    def _order(self, stdin: IO[bytes]) -> None:
        order = {
            "path": self._path,
            "query": self._config.query,
            "params": self._config.params,
            "sys_path": [path for path in sys.path if Path(path).is_absolute()],
            "silence_s": SILENCE_S,
        }
        try:
            stdin.write(json.dumps(order).encode() + b"\n")
            stdin.flush()  # and stays open: its end tells the child that we are gone
        except BrokenPipeError:
            raise SourceError(self._path, "the program that reads it did not start") from None

    def _rows(self, lines: IO[bytes]) -> Generator[Item, None, None]:
        import orjson

        columns: list[str] = []
        row, key_at = 0, None
        for row, line in enumerate(lines):
            if line.startswith(b"{"):
                return self._finish(json.loads(line))
            values = orjson.loads(line)
            if row == 0:
                columns = values
                key_at = self._key_index(columns)
                continue
            key = str(row) if key_at is None else self._key(values[key_at], row, columns[key_at])
            yield Item(key, dict(zip(columns, values, strict=True)), row)
        raise SourceError(self._path, "the program that reads it was killed; try again", f"after row {row}")

    def _finish(self, last: dict[str, Any]) -> None:
        if "error" in last:
            raise SourceError(self._path, last["error"], f"row {last['row']}" if last["row"] else "")

    def _key(self, value: Any, row: int, name: str) -> str:
        return _common.key_text(value, self._path, "row", row, "id_column", name)

    def _key_index(self, columns: list[str]) -> int | None:
        twice = [name for name in dict.fromkeys(columns) if not name or columns.count(name) > 1]
        if twice:
            problem = f"the query has columns without a name of their own: {_payload.names(twice)}; name each with AS"
            raise SourceError(self._path, problem)
        name = self._config.id_column
        if name is not None and name not in columns:
            raise SourceError(self._path, f"id_column names {name!r}, but the columns are {_payload.names(columns)}")
        return None if name is None else columns.index(name)
