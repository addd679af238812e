"""SQL of other databases: real PostgreSQL and MariaDB servers, read and never written, whoever asks."""

import contextlib
import importlib.util
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import servers
import sqlalchemy
from enumerate_help import children, complaint, payloads, read, refusal

from batchproc.enumerators import build, sql
from batchproc.errors import InvalidJob, SourceError

pytestmark = pytest.mark.long

PASSWORD = "s3cr/et@word"
SPELLINGS = (PASSWORD, "s3cr%2Fet%40word", "s3cr%2Fet@word", "et@word")

TABLES = [
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, name VARCHAR(100), price DECIMAL(10, 2), updated_at DATE)",
    "INSERT INTO orders VALUES (1, 'Äpfel', 1.50, '2026-01-01'), (2, 'DROP TABLE; -- 100%', NULL, NULL), "
    "(3, 'a:b', -2.25, '2026-03-01')",
]
WRITING_FUNCTION = {
    "postgresql": "CREATE FUNCTION erase() RETURNS int LANGUAGE plpgsql "
    "AS $$ BEGIN DELETE FROM orders; RETURN 1; END $$",
    "mariadb": "CREATE FUNCTION erase() RETURNS INT MODIFIES SQL DATA BEGIN DELETE FROM orders; RETURN 1; END",
}
EXTRA = {
    "postgresql": [
        "CREATE SEQUENCE numbers",
        "CREATE ROLE owner LOGIN CREATEROLE PASSWORD 's3cr/et@word'",
        "GRANT ALL ON orders, numbers TO owner",
        "GRANT ALL ON SCHEMA public TO owner",
    ],
    "mariadb": [
        "CREATE SEQUENCE numbers",
        "CREATE USER owner@'127.0.0.1' IDENTIFIED BY 's3cr/et@word'",
        "GRANT ALL ON shop.* TO owner@'127.0.0.1' WITH GRANT OPTION",
        "GRANT CREATE USER, RELOAD, SUPER, SHUTDOWN, CONNECTION ADMIN ON *.* TO owner@'127.0.0.1'",
    ],
}
DRIVER = {"postgresql": "postgresql+psycopg", "mariadb": "mysql+pymysql"}
NEEDED = {"postgresql": "initdb", "mariadb": "mariadbd"}


class Server:
    """One server, and a way to look at it that is not ours."""

    def __init__(self, name: str, url: str) -> None:
        self.name, self.boss = name, url
        self.url = url.replace("boss:", "owner:")  # may do with the tables what it likes
        admin = sqlalchemy.make_url(url).set(drivername=DRIVER[name])
        self.engine = sqlalchemy.create_engine(admin, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)

    def run(self, statement: str) -> list[Any]:
        with self.engine.connect() as connection:
            options = connection.execution_options(no_parameters=True)
            result = options.exec_driver_sql(statement)
            return list(result) if result.returns_rows else []

    def contents(self) -> list[Any]:
        catalogue = (
            "SELECT relname, relkind FROM pg_class WHERE relpersistence <> 't' AND relname NOT LIKE 'pg_%' "
            "UNION ALL SELECT oid::text, 'l' FROM pg_largeobject_metadata ORDER BY 1"
            if self.name == "postgresql"
            else "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'shop' ORDER BY 1"
        )
        return [self.run("SELECT * FROM orders ORDER BY id"), self.run(catalogue)]

    def running(self) -> list[Any]:
        query = (
            "SELECT query FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND query <> ''"
            if self.name == "postgresql"
            else "SELECT info FROM information_schema.processlist WHERE info IS NOT NULL AND id <> connection_id()"
        )
        return self.run(query)


@pytest.fixture(scope="module", params=sorted(NEEDED))
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    name = request.param
    if servers.find(NEEDED[name]) is None:
        pytest.skip(f"no {name} server on this machine")
    with getattr(servers, name)() as url:
        found = Server(name, url)
        servers.wait_for(lambda: found.run("SELECT 1"))
        for statement in [*TABLES, WRITING_FUNCTION[name], *EXTRA[name]]:
            found.run(statement)
        yield found


def ask(server: Server, query: str, **config: Any) -> dict[str, Any]:
    return {"connection_string": server.url, "query": query, **config}


HONEST = [
    "SELECT id FROM orders WHERE name <> 'delete' AND name NOT LIKE '%insert%'",
    "SELECT id, updated_at FROM orders -- update",
    "/* drop */ SELECT id FROM orders;",
    "WITH o AS (SELECT id FROM orders) SELECT id FROM o ORDER BY id",
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3) SELECT n FROM c",
    "SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS nr FROM orders",
    "SELECT id, '10:30 :foo %s %(x)s' AS text FROM orders",
    "SELECT id, 7 % 4 AS rest FROM orders",
    "SELECT id FROM orders UNION ALL SELECT id FROM orders WHERE id < 0 ORDER BY 1",
    "(SELECT id FROM orders)",
]


@pytest.mark.parametrize("query", HONEST)
def test_every_query_that_reads_works(server: Server, query: str) -> None:
    assert len(read("sql", **ask(server, query))) == 3


def test_values_keep_what_they_say(server: Server) -> None:
    assert payloads("sql", **ask(server, "SELECT * FROM orders ORDER BY id")) == [
        {"id": 1, "name": "Äpfel", "price": "1.50", "updated_at": "2026-01-01"},
        {"id": 2, "name": "DROP TABLE; -- 100%", "price": None, "updated_at": None},
        {"id": 3, "name": "a:b", "price": "-2.25", "updated_at": "2026-03-01"},
    ]


def test_parameters_come_by_name(server: Server) -> None:
    query = "SELECT id FROM orders WHERE name = :name AND 5 % 3 = 2 AND ':other' <> :name"
    params = {"name": "DROP TABLE; -- 100%"}

    assert payloads("sql", **ask(server, query, params=params)) == [{"id": 2}]
    assert payloads("sql", **ask(server, query, params={"name": "' OR 1 = 1 -- "})) == []
    assert "give an object" in refusal("sql", **ask(server, "SELECT 1", params=[1]))


def test_the_key_is_a_column_and_the_limit_ends_it(server: Server) -> None:
    items = read("sql", **ask(server, "SELECT id * 10 AS nr FROM orders ORDER BY id", id_column="nr", limit=2))

    assert [item.key for item in items] == ["10", "20"]


def test_binary_data_is_told(server: Server) -> None:
    query = {"postgresql": "SELECT 'x'::bytea AS photo", "mariadb": "SELECT CAST('x' AS BINARY) AS photo"}[server.name]

    assert "row 1: column 'photo' holds binary data" in complaint("sql", **ask(server, query))


HOSTILE = {
    "both": [
        "INSERT INTO orders (id) VALUES (9)",
        "INSERT INTO orders (id) VALUES (9) RETURNING id",
        "UPDATE orders SET name = 'x'",
        "DELETE FROM orders",
        "DELETE FROM orders RETURNING id",
        "DROP TABLE orders",
        "TRUNCATE TABLE orders",
        "CREATE TABLE evil AS SELECT * FROM orders",
        "CREATE TABLE evil (a INT)",
        "ALTER TABLE orders ADD COLUMN evil INT",
        "SELECT 1; DELETE FROM orders",
        "SELECT 1 AS a; COMMIT; DELETE FROM orders; COMMIT",
        "COMMIT",
        "ROLLBACK",
        "SELECT erase() AS a",
        "SELECT nextval(numbers) AS a",
        "SELECT 1 AS a /* ; */ ; /* x */ DROP TABLE orders -- ",
        "CREATE USER evil",
        "GRANT ALL ON orders TO PUBLIC",
    ],
    "postgresql": [
        "WITH gone AS (DELETE FROM orders RETURNING id) SELECT id FROM gone",
        "SELECT * INTO evil FROM orders",
        "SELECT nextval('numbers')",
        "SELECT setval('numbers', 99)",
        "SELECT set_config('transaction_read_only', 'off', true)",
        "SET TRANSACTION READ WRITE",
        "COPY orders TO '{folder}/evil'",
        "COPY orders TO PROGRAM 'touch {folder}/evil'",
        "DO $$ BEGIN DELETE FROM orders; END $$",
        "SELECT lo_create(4711)",
        "SELECT id FROM orders FOR UPDATE",
        "EXPLAIN ANALYZE DELETE FROM orders",
        "VACUUM",
        "SELECT 1) ; DELETE FROM orders; --",
        "CREATE TEMP TABLE evil (a INT)",
        "PREPARE TRANSACTION 'x'",
        "NOTIFY evil",
        "LISTEN evil",
        "SELECT 1 AS a; SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    ],
    "mariadb": [
        "SELECT 'x' AS a INTO OUTFILE '{folder}/evil'",
        "SELECT 'x' AS a INTO DUMPFILE '{folder}/evil'",
        "SELECT 'x' AS a /*!50000 INTO OUTFILE '{folder}/evil' */",
        "SELECT 1) AS q INTO OUTFILE '{folder}/evil' -- ",
        "SELECT 1) AS q INTO OUTFILE '{folder}/evil' #",
        "SELECT 'x' AS a UNION SELECT 'y' INTO OUTFILE '{folder}/evil'",
        "SELECT 1 AS a INTO @evil",
        "SET SESSION TRANSACTION READ WRITE",
        "SET GLOBAL max_connections = 5",
        "LOAD DATA INFILE '/etc/passwd' INTO TABLE orders",
        "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE orders",
        "CALL mysql.AddGeometryColumn('', '', '', '', 1)",
        "CREATE TEMPORARY TABLE evil (a INT)",
        "PREPARE x FROM 'DELETE FROM orders'",
        "EXECUTE IMMEDIATE 'DELETE FROM orders'",
        "SHUTDOWN",
        "KILL 1",
        "FLUSH TABLES",
        "LOCK TABLES orders WRITE",
        "BEGIN NOT ATOMIC DELETE FROM orders; END",
        "INSTALL SONAME 'evil'",
        "SELECT NEXT VALUE FOR numbers AS a",
    ],
}


HARMLESS = {"SELECT lo_create(4711)"}
"""Not refused by PostgreSQL before version 16, but never committed."""


def test_hostile_statements_change_nothing(server: Server, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    before = server.contents()
    everything = [*HOSTILE["both"], *HOSTILE[server.name]]
    assert len(everything) > 35

    for query in everything:
        try:
            items = read("sql", **ask(server, query.replace("{folder}", str(tmp_path))))
        except SourceError as error:
            assert not any(spelling in str(error) for spelling in SPELLINGS)
        else:
            assert items and query in HARMLESS, query

    assert server.contents() == before
    assert list(tmp_path.iterdir()) == []
    assert server.run("SELECT 1")[0][0] == 1  # it lives


def test_the_hostile_statements_do_write_where_nothing_stops_them(server: Server) -> None:
    """Negative control, on the same server by the same account."""
    before = server.contents()
    restore = ["DELETE FROM orders", TABLES[1]]
    for query in ("DELETE FROM orders", "SELECT erase() AS a", "UPDATE orders SET name = 'x'"):
        server.run(query)
        assert server.contents() != before, query
        for statement in restore:
            server.run(statement)
    assert server.contents() == before


SLEEP = {"postgresql": "SELECT pg_sleep(600)", "mariadb": "SELECT SLEEP(600) AS a"}
CROSS = {
    "postgresql": "SELECT count(*) AS n FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b",
    "mariadb": "SELECT count(*) AS n FROM seq_1_to_10000000 a, seq_1_to_10000000 b WHERE a.seq + b.seq < 0",
}
ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n > 0) SELECT count(*) AS n FROM c"
DETACHED = "WITH s AS (SELECT set_config('statement_timeout', '0', false)) SELECT pg_sleep(600) FROM s"


@pytest.mark.parametrize("kind", ["sleep", "cross join", "no timeout"])
def test_a_query_without_end_is_ended_here_and_on_the_server(server: Server, kind: str) -> None:
    query = {"sleep": SLEEP, "cross join": CROSS, "no timeout": {"postgresql": DETACHED, "mariadb": CROSS["mariadb"]}}
    began = time.monotonic()

    told = complaint("sql", **ask(server, query[kind][server.name], timeout_s=3))

    assert time.monotonic() - began < 5
    assert "took longer than 3 s" in told
    servers.wait_for(lambda: _require(not server.running(), server.running()), 8)


def _require(fact: bool, shown: object) -> None:
    assert fact, shown


def test_a_silent_query_is_ended(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "SILENCE_S", 2.0)

    assert "gave no row for 2 s" in complaint("sql", **ask(server, SLEEP[server.name]))


def test_closing_early_leaves_no_process_here_and_no_query_there(server: Server) -> None:
    before = children()
    numbers = {
        "postgresql": "SELECT n FROM generate_series(1, 50000000) n",
        "mariadb": "SELECT seq FROM seq_1_to_50000000",
    }
    items = build({"type": "sql", **ask(server, numbers[server.name])}).items()
    assert [next(items).key for _ in range(3)] == ["1", "2", "3"]

    items.close()  # type: ignore[attr-defined]

    assert children() == before
    servers.wait_for(lambda: _require(not server.running(), server.running()), 15)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_rows_are_streamed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cursor of the server's: neither we nor the program that reads hold the rows."""
    started: list[Any] = []
    popen = sql.subprocess.Popen
    monkeypatch.setattr(sql.subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[-1])
    numbers = {
        "postgresql": "SELECT n, repeat('x', 200) AS t FROM generate_series(1, 300000) n",
        "mariadb": "SELECT seq, repeat('x', 200) AS t FROM seq_1_to_300000",
    }
    items = build({"type": "sql", **ask(server, numbers[server.name])}).items()
    next(items)
    early = _resident(started[0].pid)
    for _ in range(250_000):
        next(items)

    assert _resident(started[0].pid) - early < 16 << 20
    items.close()  # type: ignore[attr-defined]


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) * 1024


def test_a_wrong_password_is_told_and_never_repeated(server: Server) -> None:
    wrong = server.url.replace("owner:s3cr", "owner:hunter2")
    told = complaint("sql", connection_string=wrong, query="SELECT 1")

    assert "denied" in told or "authentication failed" in told
    assert "hunter2" not in told and "et%40word" not in told and "et@word" not in told


def test_an_account_that_reaches_the_servers_files_is_refused(server: Server) -> None:
    """Its functions would: pg_read_file, lo_export, LOAD_FILE."""
    told = complaint("sql", connection_string=server.boss, query="SELECT 1 AS a")

    assert "may reach files" in told and "reader" in told
    if server.name == "postgresql":
        for role in ("pg_read_server_files", "boss"):
            server.run(f"GRANT {role} TO owner")
            assert "may reach files" in complaint("sql", **ask(server, "SELECT 1 AS a")), role
            server.run(f"REVOKE {role} FROM owner")
    else:
        server.run("GRANT FILE ON *.* TO owner@'127.0.0.1'")
        assert "may reach files" in complaint("sql", **ask(server, "SELECT 1 AS a"))
        server.run("REVOKE FILE ON *.* FROM owner@'127.0.0.1'")
    assert len(read("sql", **ask(server, "SELECT 1 AS a"))) == 1


def test_a_server_that_is_not_there_is_told() -> None:
    port = servers.free_port()
    for dialect in ("postgresql", "mysql"):
        told = complaint(
            "sql", connection_string=f"{dialect}://me:{SPELLINGS[1]}@127.0.0.1:{port}/db", query="SELECT 1"
        )
        assert f"127.0.0.1:{port}/db" in told and "efused" in told
        assert not any(spelling in told for spelling in SPELLINGS)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cr/et@word@127.0.0.1:1/db",
        "postgresql://me@127.0.0.1:1/db?password=s3cr/et@word",
        "mysql://me:s3cr/et@word@127.0.0.1:1/db?ssl_key=s3cr/et@word",
        "postgresql://me:s3cr/et@word@host:port/db",
        "oracle://me:s3cr/et@word@127.0.0.1:1/db",
        "nonsense://me:s3cr/et@word@127.0.0.1:1/db",
    ],
)
def test_what_may_be_secret_in_a_url_is_never_said(url: str) -> None:
    source = build({"type": "sql", "connection_string": url, "query": "SELECT 1"})
    told = source.source
    with pytest.raises(Exception) as error:
        list(source.items())
    told += str(error.value)
    with contextlib.suppress(InvalidJob):
        build({"type": "sql", "connection_string": url, "query": "SELECT 1", "params": [1]})
    assert not any(spelling in told for spelling in ("s3cr", PASSWORD)), told


def test_a_missing_extra_or_driver_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    missing = {
        "sqlalchemy": ("postgresql", "pip install 'batchproc[sqlalchemy]'"),
        "psycopg": ("postgresql", "pip install 'psycopg[binary]'"),
        "pymysql": ("mysql", "pip install 'pymysql'"),
    }
    for gone, (dialect, command) in missing.items():
        monkeypatch.setattr(sql, "find_spec", lambda name, gone=gone: None if name == gone else real(name))
        told = refusal("sql", connection_string=f"{dialect}://me:{SPELLINGS[1]}@host/db", query="SELECT 1")
        assert command in told and not any(spelling in told for spelling in SPELLINGS)


def test_a_driver_of_another_database_is_told_with_the_command() -> None:
    told = complaint("sql", InvalidJob, connection_string="mssql+pymssql://me:x@h/db", query="SELECT 1")

    assert "pip install pymssql" in told
    assert "no such database" in complaint("sql", InvalidJob, connection_string="klingon://me:x@h/db", query="SELECT 1")


def test_a_driver_that_takes_several_statements_in_one_is_refused() -> None:
    for url in ("postgresql+psycopg2://h/db", "postgresql+pg8000://h/db", "mysql+mysqldb://h/db"):
        assert "read with another driver" in refusal("sql", connection_string=url, query="SELECT 1")
