"""The only place that knows SQLAlchemy: one query of a database that is not SQLite, with a cursor of the server's.

Loaded by `_sql_child.py` from its file, in a process of its own; imports nothing of ours.

What makes it read-only, and what stops it, by dialect:

- postgresql: a transaction that is READ ONLY and never committed, in which the query is declared as a cursor: the
  server takes one query for that, and nothing that writes. A statement timeout for each fetch.
- mysql, mariadb: a transaction and a session that are READ ONLY; and the server has to accept the query within
  SELECT ... FROM (query), so that it is no other statement and ends in no INTO OUTFILE. A timeout for the whole.
  Accounts that reach the server's own files (superusers, FILE) are refused by both: their functions do what statements
  may not.
- others: nothing that is general. What the query does is rolled back, and the user is told to use an account that can
  only read.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import sqlalchemy
from sqlalchemy.pool import NullPool

FETCHED = 500
"""Rows at a time."""

CONNECT_S = 10
LATER_S = 1
"""Seconds that the server waits longer than we do: who stops the query also says why."""

SECRET = re.compile(r"pass|token|secret|key", re.IGNORECASE)
BIND = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")

CONNECT: Mapping[str, dict[str, Any]] = {
    "postgresql": {"connect_timeout": CONNECT_S},
    "mysql": {"connect_timeout": CONNECT_S, "local_infile": False},
    "mariadb": {"connect_timeout": CONNECT_S, "local_infile": False},
}
OTHERS = "this kind of database has no read-only session here; use an account that can only read"
POWERFUL = (
    "the account may reach files and programs of the server's machine, which no read-only session stops; use one "
)
READER = {
    "postgresql": "that can only read: CREATE ROLE reader LOGIN PASSWORD '...' IN ROLE pg_read_all_data",
    "mysql": "without FILE: CREATE USER reader IDENTIFIED BY '...'; GRANT SELECT ON its_database.* TO reader",
}
HAS_POWER = """
SELECT EXISTS (SELECT 1 FROM pg_roles WHERE pg_has_role(session_user, oid, 'member') AND (rolsuper
OR rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')))
"""


class Query:
    """Runs it, and says what went wrong without what must stay secret."""

    def __init__(self, order: dict[str, Any], _: Any, refused: type[Exception]) -> None:
        self._order, self._refused = order, refused
        self._secrets: list[str] = []
        self._cancel: Any = None

    def start(self) -> tuple[list[str], Iterator[Any], list[str]]:
        """Column names, rows, warnings."""
        url = self._url()
        connect = CONNECT.get(url.get_backend_name(), {})
        engine = sqlalchemy.create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=connect)
        connection = engine.connect()
        reader = {"postgresql": _postgresql, "mysql": _mysql, "mariadb": _mysql}.get(engine.dialect.name, _other)
        self._cancel, statement, warnings = reader(connection, self._order, self._refused)
        connection = connection.execution_options(stream_results=True, yield_per=FETCHED, no_parameters=True)
        if isinstance(statement, str):
            result = connection.exec_driver_sql(statement)
        else:
            result = connection.execute(statement, self._order["params"])
        if not result.returns_rows:
            raise self._refused("the query gives no rows; write one SELECT or WITH query")
        return list(result.keys()), map(tuple, result), warnings

    def interrupt(self) -> None:
        """Ask the server to stop. It may be out of reach: whoever asked does not wait for it."""
        with contextlib.suppress(Exception):
            if self._cancel is not None:
                self._cancel()

    def explain(self, error: Exception) -> str:
        text = " ".join(_said(getattr(error, "orig", None) or error).split())
        for secret in sorted(filter(None, self._secrets), key=len, reverse=True):
            text = text.replace(secret, "...")
        return text[:1000]

    def _url(self) -> sqlalchemy.URL:
        given = self._order["url"]
        try:
            url = sqlalchemy.make_url(given)
            self._hide(given, url)
            url.get_dialect().import_dbapi()
        except ModuleNotFoundError as error:
            raise self._invalid(f"its driver is not installed; run: pip install {error.name}") from None
        except sqlalchemy.exc.NoSuchModuleError:
            raise self._invalid("SQLAlchemy knows no such database; install the package that brings it") from None
        except Exception:  # whatever it says may quote the URL
            raise self._invalid("this is no database URL; write dialect://user:password@host:port/database") from None
        return url

    def _hide(self, given: str, url: sqlalchemy.URL) -> None:
        hidden = [given, url.password, *(v for k, v in url.query.items() if SECRET.search(k))]
        for text in (each for each in hidden if isinstance(each, str)):
            self._secrets += [text, quote(text, safe=""), quote_plus(text)]

    def _invalid(self, words: str) -> Exception:
        error = self._refused(words)
        error.invalid = True  # type: ignore[attr-defined]
        return error


def _said(error: BaseException) -> str:
    """What the server said. PostgreSQL's errors have parts, and MySQL's are a number and a text."""
    main = getattr(getattr(error, "diag", None), "message_primary", None)
    if main is None and len(error.args) > 1 and isinstance(error.args[0], int):
        main = error.args[1]
    text = str(main or error) or type(error).__name__
    if "multiple commands" in text:
        return "there is more than one statement; write one SELECT or WITH query"
    return f"{text}; write one SELECT or WITH query" if "syntax" in text else text


def _statement(order: Mapping[str, Any]) -> sqlalchemy.TextClause | str:
    """The query as it is, or with the given parameters bound; any other colon is just a colon."""
    query, params = str(order["query"]), order["params"]
    if not any(found[1] in params for found in BIND.finditer(query)):
        return query
    return sqlalchemy.text(BIND.sub(lambda found: found[0] if found[1] in params else "\\" + found[0], query))


def _postgresql(
    connection: sqlalchemy.Connection, order: Mapping[str, Any], refused: Any
) -> tuple[Any, Any, list[str]]:
    version = connection.dialect.server_version_info or (0,)
    connection.exec_driver_sql("SET TRANSACTION READ ONLY")
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int((order['silence_s'] + LATER_S) * 1000)}")
    if version >= (14,):
        connection.exec_driver_sql("SET LOCAL client_connection_check_interval = 5000")  # stop when we are gone
    if connection.exec_driver_sql(HAS_POWER).scalar():
        raise refused(POWERFUL + READER["postgresql"])
    cancel = connection.connection.driver_connection.cancel  # type: ignore[union-attr]
    return cancel, _statement(order), []


def _mysql(connection: sqlalchemy.Connection, order: Mapping[str, Any], refused: Any) -> tuple[Any, Any, list[str]]:
    grants = "\n".join(str(row[0]) for row in connection.exec_driver_sql("SHOW GRANTS"))
    if re.search(r"GRANT (?:.*\bFILE\b.*|ALL PRIVILEGES) ON \*\.\* ", grants):
        raise refused(POWERFUL + READER["mysql"])
    seconds = order["timeout_s"] + LATER_S
    is_mariadb = getattr(connection.dialect, "is_mariadb", False)
    limit = f"max_statement_time = {seconds:f}" if is_mariadb else f"max_execution_time = {int(seconds * 1000)}"
    for setting in (f"SET SESSION {limit}", "SET SESSION TRANSACTION READ ONLY", "START TRANSACTION READ ONLY"):
        connection.exec_driver_sql(setting)
    query = _filled_in(connection, order)
    _require_query(connection, query)
    number = connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar()
    return lambda: _kill(connection.engine, number), query, []


def _filled_in(connection: sqlalchemy.Connection, order: Mapping[str, Any]) -> str:
    """The query with its parameters in it, by the driver's own quoting: that is what the server would get anyway."""
    cursor: Any = connection.connection.cursor()
    query = _statement({**order, "query": order["query"].rstrip("; \t\r\n")})
    if isinstance(query, str):
        return query
    compiled = query.compile(dialect=connection.dialect)
    return str(cursor.mogrify(str(compiled), compiled.construct_params(order["params"])))


def _require_query(connection: sqlalchemy.Connection, query: str) -> None:
    """Parsed by the server, alone and within another one, and run in neither form. What is whole by itself cannot end
    the parentheses around it, so it is a query; and a query within another one has no INTO."""
    cursor: Any = connection.connection.cursor()
    for form in (query, f"SELECT 1 FROM (\n{query}\n) AS batchproc_query"):  # noqa: S608 - it is the query
        cursor.execute("PREPARE batchproc_query FROM %s", (form,))
        cursor.execute("DEALLOCATE PREPARE batchproc_query")


def _kill(engine: sqlalchemy.Engine, number: Any) -> None:
    with engine.connect() as other:
        other.exec_driver_sql(f"KILL QUERY {int(number)}")


def _other(connection: sqlalchemy.Connection, order: Mapping[str, Any], _: Any) -> tuple[Any, Any, list[str]]:
    return None, _statement(order), [OTHERS]
