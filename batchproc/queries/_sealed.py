"""The only place that runs a question's SQL. Loaded by `_child.py` from its file, in a process of its own; imports
nothing of ours.

SQLite's authorizer alone does not do: it is never asked about columns that are joined by USING or NATURAL, and FULL
JOIN then reads them out of any table that can be named (seen with SQLite 3.53.4). So there are three walls:

- names: nothing of the store can be named. The store is attached under a name that nobody can guess, each of its
  tables' names leads to an empty view, and the database where names without a schema end up is empty;
- the authorizer: reads are for the views that are ours, and what they stand on is read from inside of them only;
- the program that SQLite made of the question: it opens no B-tree but those that the views stand on.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

EVERY = 10_000
"""Steps of SQLite's virtual machine between two looks at the clock; less than a millisecond."""

HEAP = 512 * 1024 * 1024
"""Bytes that SQLite may use: what it sorts or groups, it keeps in memory."""

VALUE = 64 * 1024 * 1024
"""Bytes of one value, where the library can limit them."""

BUSY_MS = 3_000

READ, SELECT, FUNCTION, RECURSIVE = 20, 21, 31, 33
"""SQLite's action codes (sqlite3.h, "Authorizer Action Codes")."""
TABLE_VALUED = ("json_each", "json_tree")
UNSAFE = ("load_extension", "sqlite_log", "fts", "rtree", "geopoly")
"""How functions begin that reach out of the database, or into what lies below its tables."""
OPENS = ("OpenRead", "OpenWrite", "ReopenIdx")
"""Steps of a program that open a B-tree: its root page is P2, its database P3 (https://sqlite.org/opcode.html)."""
NO_QUESTION = "is no question"
STORE = 2
"""The third database of the connection, after main and temp."""


class Refused(Exception):
    """It wants what it may not have; the text says what."""


class Sealed:
    """The store with one job's results to be asked for, and nothing else.

    Of the order it reads `path`, the store's file; `schema` and `inner`, names that nobody can guess: of the store, and
    of the view that alone may read it; `view`, the SELECT behind that; `tables`, on which it stands.
    """

    def __init__(self, order: Mapping[str, Any], clock: Any) -> None:
        self._order, self._clock = order, clock
        self._refused = ""
        self._hidden: set[str] = set()

    def look(self, statements: Sequence[tuple[str, Mapping[str, Any]]]) -> list[list[Any]]:
        """The rows of statements that are ours."""
        database = self._open()
        return [database.execute(sql, values).fetchall() for sql, values in statements]

    def ask(self, question: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """Column names and rows."""
        database = self._open()
        roots = self._furnish(database)
        database.execute("PRAGMA query_only = 1")
        database.set_authorizer(self._authorize)
        self._inspect(database, question, roots)
        cursor = database.execute(question)
        if cursor.description is None:
            raise Refused(NO_QUESTION)
        return [column[0] for column in cursor.description], cursor

    def _open(self) -> Any:
        """A connection to nothing, with the store attached read-only, as it stands at this moment."""
        try:
            from pysqlite3 import dbapi2 as sqlite
        except ImportError:
            import sqlite3 as sqlite
        database = sqlite.connect("file::memory:", uri=True, isolation_level=None)
        database.text_factory = lambda raw: raw.decode("utf-8", "replace")
        if hasattr(database, "setlimit"):
            database.setlimit(0, VALUE)  # SQLITE_LIMIT_LENGTH
        for setting in ("trusted_schema = 0", f"busy_timeout = {BUSY_MS}", f"hard_heap_limit = {HEAP}"):
            database.execute(f"PRAGMA {setting}")
        database.execute(f"ATTACH 'file:{quote(self._order['path'])}?mode=ro' AS {self._order['schema']}")
        database.set_progress_handler(self._clock.over, EVERY)
        database.execute("BEGIN")
        return database

    def _furnish(self, database: Any) -> set[int]:
        """Make the views; returns the root pages of what they stand on."""
        schema, inner = self._order["schema"], self._order["inner"]
        found = database.execute(f"SELECT type, name, tbl_name, rootpage FROM {schema}.sqlite_schema").fetchall()  # noqa: S608
        database.execute(f"CREATE TEMP VIEW {inner} AS {self._order['view']}")
        database.execute(f"CREATE TEMP VIEW results AS SELECT * FROM {inner}")  # noqa: S608
        self._hidden = {name.lower() for kind, name, _, _ in found if kind in ("table", "view")}
        for name in self._hidden:
            if not name.startswith("sqlite_"):  # such names nobody may give
                database.execute(f'CREATE TEMP VIEW "{name}" AS SELECT 1 AS none WHERE 0')
        return {root for _, _, table, root in found if table in self._order["tables"]}

    def _authorize(self, action: int, first: str | None, second: str | None, schema: str | None, by: str | None) -> int:
        if action in (SELECT, RECURSIVE):
            return 0
        if action == READ:
            ours = schema == "temp" and first in ("results", self._order["inner"])
            inside = schema == self._order["schema"] and first in self._order["tables"] and by == self._order["inner"]
            # A table of which no column is used comes without its schema: one that is hidden must not seem to be empty.
            of_a_with = second == "" and schema is None and str(first).lower() not in self._hidden
            if ours or inside or of_a_with or first in TABLE_VALUED:
                return 0
            self._refused = self._refused or f"asks for the table {first}"
        elif action == FUNCTION:
            if not str(second).startswith(UNSAFE):
                return 0
            self._refused = self._refused or f"calls {second}()"
        self._refused = self._refused or NO_QUESTION
        return 1

    def _inspect(self, database: Any, question: str, roots: set[int]) -> None:
        """Look at the program before it runs. Raises `Refused` if it opens what it may not."""
        for _, step, _, root, number, *_ in database.execute(f"EXPLAIN {question}"):
            if step in OPENS and (number != STORE or root not in roots):
                raise Refused("asks for another table")

    def explain(self, error: Exception) -> tuple[str, str]:
        """What went wrong: of which kind it is, and SQLite's words, or what was refused."""
        text = str(error) or type(error).__name__
        if isinstance(error, Refused):
            return "refused", text
        if self._refused:
            return "refused", self._refused
        if self._clock.over():
            return "time", ""
        if isinstance(error, MemoryError) or "out of memory" in text:
            return "memory", str(HEAP >> 20)
        return "sql", text
