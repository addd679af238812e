"""The only place that knows SQL sources: starts the program that runs the user's query, and reads its rows."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Generator, Mapping
from importlib.util import find_spec
from itertools import repeat
from pathlib import Path
from typing import IO, Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from batchproc.enumerators import _common, _payload
from batchproc.enumerators.base import Config
from batchproc.errors import InvalidJob, SourceError
from batchproc.models import Item
from batchproc.platform import processes

CHILD = Path(__file__).with_name("_sql_child.py")
SILENCE_S = 120.0
"""A query that gives no row for so long is stopped."""


DRIVERS = {
    "postgresql": ("psycopg", "psycopg[binary]"),
    "mysql": ("pymysql", "pymysql"),
    "mariadb": ("pymysql", "pymysql"),
}
"""Dialect: the one driver whose read-only session is known to hold (others take several statements in one), and what
pip calls it."""


def database(connection: str) -> str:
    """A path of an SQLite file, or the URL of another database. Raises ValueError, in words that hold no secret."""
    found = re.match(r"([A-Za-z][\w]*)(?:\+(\w+))?://", connection)
    if found and found[1] != "sqlite":
        return _server_url(found[1].lower(), found[2], connection[found.end() :])
    if (found and found[2]) or re.match(r"[a-z+]{2,}:(?!//)", connection):
        raise ValueError("write sqlite:///absolute/path.db, the path itself, or dialect://user:password@host/database")
    path = re.sub(r"^/+(?=~|$)|^/+(?=:)", "", connection[found.end() :]) if found else connection
    path = re.sub("^//+", "/", path)
    if path in ("", ":memory:"):
        raise ValueError("a database in memory is empty; name a file: sqlite:///absolute/path.db")
    if found and "?" in path:
        raise ValueError("leave out what follows the '?'; the database is always opened read-only")
    return _common.absolute(path)


def _server_url(dialect: str, driver: str | None, rest: str) -> str:
    dialect = "postgresql" if dialect == "postgres" else dialect
    if find_spec("sqlalchemy") is None:
        raise ValueError("databases other than SQLite need an extra; run: pip install 'batchproc[sqlalchemy]'")
    if dialect not in DRIVERS:
        return f"{dialect}+{driver}://{rest}" if driver else f"{dialect}://{rest}"
    ours, package = DRIVERS[dialect]
    if driver not in (None, ours):
        raise ValueError(f"it is read with another driver; leave +{driver} out, and write {dialect}://...")
    if find_spec(ours) is None:
        raise ValueError(f"its driver is not installed; run: pip install '{package}'")
    return f"{dialect}+{ours}://{rest}"


def is_url(connection: str) -> bool:
    """Whether `database` gave a URL; the other thing it gives is an absolute path."""
    return not connection.startswith("/")


def shown(url: str) -> str:
    """A URL without whatever may be a secret: all before the host, and the settings after the '?'."""
    return re.sub(r"://.*@", "://", url, flags=re.DOTALL).partition("?")[0]


Scalar = str | int | float | bool | None


class SqlConfig(Config):
    """Which rows of which database."""

    connection_string: Annotated[str, AfterValidator(database)] = Field(
        description="sqlite:///absolute/path.db, the path itself, or the URL of another database: "
        "postgresql://user:password@host/database, mysql://..."
    )
    query: str = Field(min_length=1, description="One SELECT or WITH query; it is run read-only")
    params: dict[str, Scalar] | list[Scalar] = Field(
        default_factory=list, description="Values for :name (an object) or ? (a list) in the query"
    )
    id_column: str | None = Field(None, description="Column whose values are unique (default: the row number)")
    timeout_s: float = Field(3600, ge=1, le=86_400, description="Seconds the whole query may take (default 3600)")
    limit: _common.Limit = None

    @field_validator("params")
    @classmethod
    def _by_name_for_servers(cls, params: Any, info: ValidationInfo) -> Any:
        if isinstance(params, list) and params and is_url(info.data.get("connection_string", "/")):
            raise ValueError("give an object, and write :name in the query; ? is for SQLite")
        return params


class SqlEnumerator:
    """Reads the rows of a query."""

    kind: ClassVar[str] = "sql"
    place: ClassVar[str] = "row"
    about: ClassVar[str] = (
        "Rows of a SELECT in an SQLite database, or with an extra PostgreSQL, MySQL and others; one item per row, its "
        "columns as fields"
    )
    config_model: ClassVar[type[Config]] = SqlConfig
    example: ClassVar[Mapping[str, Any]] = {
        "connection_string": "sqlite:////home/me/shop.db",
        "query": "SELECT id, name, review FROM reviews WHERE stars < :stars ORDER BY id",
        "params": {"stars": 3},
        "id_column": "id",
    }

    def __init__(self, config: SqlConfig) -> None:
        self._config = config
        self._database = config.connection_string
        self._source = shown(self._database) if is_url(self._database) else self._database
        self._notes = _common.Notes()

    @property
    def source(self) -> str:
        return self._source

    def warnings(self) -> list[str]:
        return self._notes.texts()

    def items(self) -> Generator[Item, None, None]:
        return _common.limited(self._items(), self._config.limit)

    def _items(self) -> Generator[Item, None, None]:
        if not is_url(self._database):
            self._require_file()
        self._notes = _common.Notes()
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

    def _require_file(self) -> None:
        _common.regular_file(self._database)
        if not os.access(self._database, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
            # Never opened here to find out: closing it would drop the locks of a database that we have open ourselves.
            raise SourceError(self.source, "no permission to read this file; give this user read access to it")
        if Path(self._database).stat().st_size == 0:
            raise SourceError(self.source, "is an empty file, not a database; check the path")

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            return processes.start_python(CHILD)
        except OSError as error:
            raise SourceError(self.source, f"the program that reads it did not start: {error}; try again") from None

    def _order(self, stdin: IO[bytes]) -> None:
        order = {
            "url" if is_url(self._database) else "path": self._database,
            "query": self._config.query,
            "params": self._config.params,
            "sys_path": [path for path in sys.path if Path(path).is_absolute()],
            "silence_s": SILENCE_S,
            "timeout_s": self._config.timeout_s,
        }
        try:
            stdin.write(json.dumps(order).encode() + b"\n")
            stdin.flush()  # and stays open: its end tells the child that we are gone
        except BrokenPipeError:
            raise SourceError(self.source, "the program that reads it did not start") from None

    def _rows(self, lines: IO[bytes]) -> Generator[Item, None, None]:
        import orjson

        columns: list[str] | None = None
        row = 0
        for line in lines:
            if line.startswith(b"{"):
                last = json.loads(line)
                if "warning" not in last:
                    return self._finish(last)
                self._notes.add(last["warning"])
                continue
            values = orjson.loads(line)
            if columns is None:
                columns = values
                self._check(columns)
                continue
            payloads = list(map(dict, map(zip, repeat(columns), values)))
            yield from _common.sound_items(payloads, row + 1, self.source, "row", "id_column", self._config.id_column)
            row += len(values)
        raise SourceError(self.source, "the program that reads it was killed; try again", f"after row {row}")

    def _finish(self, last: dict[str, Any]) -> None:
        if last.get("invalid"):
            raise InvalidJob("enumerator.connection_string", self.source, last["error"])
        if "error" in last:
            raise SourceError(self.source, last["error"], last["place"])

    def _check(self, columns: list[str]) -> None:
        twice = [name for name in dict.fromkeys(columns) if not name or columns.count(name) > 1]
        if twice:
            problem = f"the query has columns without a name of their own: {_payload.names(twice)}; name each with AS"
            raise SourceError(self.source, problem)
        name = self._config.id_column
        if name is not None and name not in columns:
            raise SourceError(self.source, f"id_column names {name!r}, but the columns are {_payload.names(columns)}")
