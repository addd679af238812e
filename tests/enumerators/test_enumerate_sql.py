"""SQL: any one query, in a process of its own that can only read."""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from enumerate_help import as_nobody, complaint, contents, folder_of_a_stranger, keys, payloads, read, refusal

from batchproc.enumerators import build, sql
from batchproc.platform import processes


@pytest.fixture
def path(tmp_path: Path) -> str:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        database.executescript("""
            CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT, price REAL, updated_at TEXT);
            INSERT INTO orders VALUES (1, 'Äpfel "rot"', 1.5, '2026-01-01'), (2, 'DROP TABLE orders; --', NULL, NULL),
                                      (3, 'a' || char(10) || 'b', -2, 'x');
            CREATE VIRTUAL TABLE notes USING fts5(body);
            INSERT INTO notes VALUES ('late delivery'), ('all well');
            CREATE VIEW cheap AS SELECT * FROM orders WHERE price < 2;
        """)
    return str(tmp_path / "shop.db")


def ask(path: str, query: str, **config: Any) -> dict[str, Any]:
    return {"connection_string": path, "query": query, **config}


@pytest.mark.parametrize("form", ["sqlite:///{}", "sqlite://{}", "sqlite:////{}", "{}"])
def test_a_database_is_named_by_url_or_path(path: str, form: str) -> None:
    name = form.format(path)

    assert payloads("sql", **ask(name, "SELECT id FROM orders ORDER BY id LIMIT 1")) == [{"id": 1}]


def test_values_keep_their_types(path: str) -> None:
    assert payloads("sql", **ask(path, "SELECT * FROM orders ORDER BY id")) == [
        {"id": 1, "name": 'Äpfel "rot"', "price": 1.5, "updated_at": "2026-01-01"},
        {"id": 2, "name": "DROP TABLE orders; --", "price": None, "updated_at": None},
        {"id": 3, "name": "a\nb", "price": -2.0, "updated_at": "x"},
    ]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT updated_at FROM orders WHERE name <> 'DROP TABLE orders'",
        "WITH o AS (SELECT id FROM orders) SELECT id FROM o",
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3) SELECT n FROM c",
        "VALUES (1), (2), (3)",
        "  /* delete */ SELECT id FROM orders; -- update",
        "SELECT o.id, count(*) OVER () AS n FROM orders o LEFT JOIN cheap c ON c.id = o.id ORDER BY upper(o.name)",
        "SELECT 'INSERT INTO x' AS note FROM orders",
    ],
)
def test_any_query_that_reads_is_fine(path: str, query: str) -> None:
    assert len(read("sql", **ask(path, query))) == 3


def test_full_text_search_is_reading(path: str) -> None:
    assert payloads("sql", **ask(path, "SELECT body FROM notes WHERE notes MATCH 'late'")) == [
        {"body": "late delivery"}
    ]


def test_parameters_come_by_name_or_by_position(path: str) -> None:
    assert payloads("sql", **ask(path, "SELECT id FROM orders WHERE id > :n", params={"n": 2})) == [{"id": 3}]
    assert payloads("sql", **ask(path, "SELECT id FROM orders WHERE name = ?", params=["DROP TABLE orders; --"])) == [
        {"id": 2}
    ]
    assert "params" in refusal("sql", **ask(path, "SELECT 1", params={"n": [1]}))
    assert "bind" in complaint("sql", **ask(path, "SELECT ? AS a", params=[1, 2])).lower()


def test_the_key_is_the_row_number_or_a_column(path: str) -> None:
    query = "SELECT id * 10 AS nr, name FROM orders ORDER BY id"

    assert keys("sql", **ask(path, query)) == ["1", "2", "3"]
    assert keys("sql", **ask(path, query, id_column="nr")) == ["10", "20", "30"]


def test_an_empty_key_is_told_with_its_row(path: str) -> None:
    told = complaint("sql", **ask(path, "SELECT price FROM orders ORDER BY id", id_column="price"))

    assert "row 2: 'price' is empty" in told


def test_an_unknown_id_column_is_told_with_the_known_ones(path: str) -> None:
    told = complaint("sql", **ask(path, "SELECT id, name FROM orders", id_column="nr"))

    assert "'nr', but the columns are 'id', 'name'" in told


def test_columns_of_one_name_are_told(path: str) -> None:
    assert "'id'; name each with AS" in complaint("sql", **ask(path, "SELECT a.id, b.id FROM orders a, orders b"))


def test_no_rows_are_no_items(path: str) -> None:
    assert read("sql", **ask(path, "SELECT * FROM orders WHERE 0", id_column="id")) == []


@pytest.mark.parametrize("literal", ["x'00ff'", "zeroblob(3)"])
def test_binary_data_is_told_with_row_and_column(path: str, literal: str) -> None:
    query = f"SELECT id, CASE id WHEN 2 THEN {literal} ELSE 'x' END AS photo FROM orders ORDER BY id"

    told = complaint("sql", **ask(path, query))

    assert "row 2: column 'photo' holds binary data; cast it, for example hex(photo)" in told


def test_an_infinite_number_is_told(path: str) -> None:
    assert "row 1: an infinite number" in complaint("sql", **ask(path, "SELECT 9e999 AS a, NULL AS b"))


def test_text_that_is_no_text_is_told(path: str) -> None:
    assert "column 't' holds text that is not UTF-8; mend it, or cast it, for example hex(t)" in complaint(
        "sql", **ask(path, "SELECT CAST(x'ff' AS TEXT) AS t")
    )


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT * FROM nowhere", "no such table: nowhere"),
        ("SELECT nix FROM orders", "no such column: nix"),
        ("SELEKT 1", "syntax error"),
        ("-- nothing", "gives no rows"),
        ("SELECT 1; SELECT 2", "more than one statement"),
    ],
)
def test_a_query_that_cannot_run_is_told(path: str, query: str, told: str) -> None:
    assert told in complaint("sql", **ask(path, query))


HOSTILE = {
    "INSERT INTO orders (name) VALUES ('x') RETURNING id": "INSERT into orders",
    "UPDATE orders SET name = 'x' RETURNING id": "UPDATE orders",
    "WITH x AS (SELECT 1) DELETE FROM orders RETURNING id": "DELETE from orders",
    "DROP TABLE orders": "change the database",
    "CREATE TABLE evil AS SELECT * FROM orders": "change the database",
    "CREATE TEMP TABLE evil (a)": "change the database",
    "PRAGMA journal_mode = WAL": "PRAGMA journal_mode",
    "PRAGMA user_version = 7": "PRAGMA user_version",
    "PRAGMA query_only = 0": "PRAGMA query_only",
    "PRAGMA writable_schema = 1": "PRAGMA writable_schema",
    "SELECT * FROM pragma_journal_mode('wal')": "",
    "ATTACH DATABASE '{folder}/evil.db' AS evil": "ATTACH",
    "VACUUM INTO '{folder}/evil.db'": "only read",
    "VACUUM": "only read",
    "SELECT load_extension('{folder}/evil')": "load_extension",
    "SELECT writefile('{folder}/evil', 'x')": "no such function",
    "INSERT INTO notes(notes) VALUES ('optimize')": "INSERT into notes",
    "BEGIN IMMEDIATE": "change the database",
    "SELECT 1; DROP TABLE orders": "more than one statement",
    "ALTER TABLE orders RENAME TO evil": "change the database",
    "ANALYZE": "change the database",
    "REINDEX": "",
    "EXPLAIN DELETE FROM orders": "DELETE from orders",
    "SELECT fts3_tokenizer('evil', x'0000000000000000')": "",
}


@pytest.mark.parametrize("query", HOSTILE)
def test_a_hostile_statement_writes_nothing_and_is_told(path: str, tmp_path: Path, query: str) -> None:
    before = contents(tmp_path)

    told = complaint("sql", **ask(path, query.format(folder=tmp_path)))

    assert HOSTILE[query] in told
    assert contents(tmp_path) == before


def test_the_hostile_statements_do_write_without_the_guard(path: str, tmp_path: Path) -> None:
    """Negative control: what is refused above would have worked."""
    before = contents(tmp_path)
    for query in list(HOSTILE)[:3]:
        with closing(sqlite3.connect(path)) as database:
            database.execute(query).fetchall()
            database.commit()
        assert contents(tmp_path) != before


def test_a_database_in_wal_mode_is_read_and_not_changed(path: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
    before = contents(tmp_path)
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("INSERT INTO orders (id) VALUES (4)")
        writer.commit()  # in the -wal file only
        assert keys("sql", **ask(path, "SELECT id FROM orders", id_column="id")) == ["1", "2", "3", "4"]
        assert contents(tmp_path)[path] == before[path]


@pytest.mark.parametrize("name", ["sqlite:///:memory:", ":memory:", "sqlite://", "sqlite:///"])
def test_a_database_in_memory_is_refused(name: str) -> None:
    assert "in memory" in refusal("sql", **ask(name, "SELECT 1"))


@pytest.mark.parametrize("name", ["file:/a.db?mode=rwc", "sqlite+aiosqlite:///a.db", "jdbc:sqlite:/a.db"])
def test_other_spellings_are_refused(name: str) -> None:
    assert "sqlite:///absolute/path.db" in refusal("sql", **ask(name, "SELECT 1"))


def test_parameters_of_the_url_are_refused() -> None:
    assert "read-only" in refusal("sql", **ask("sqlite:////a.db?mode=rw", "SELECT 1"))


@pytest.mark.parametrize("name", ["odd ?#%20&=.db", "ünï.db", "a'b.db"])
def test_odd_file_names_are_just_names(path: str, tmp_path: Path, name: str) -> None:
    Path(path).rename(tmp_path / name)

    assert len(read("sql", **ask(str(tmp_path / name), "SELECT 1 FROM orders"))) == 3
    assert os.listdir(tmp_path) == [name]


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("hello " * 1000)

    assert "no such file" in complaint("sql", **ask(str(tmp_path / "none.db"), "SELECT 1"))
    assert "is a folder" in complaint("sql", **ask(str(tmp_path), "SELECT 1"))
    assert "not an SQLite database" in complaint("sql", **ask(str(tmp_path / "text.db"), "SELECT * FROM t"))
    assert not (tmp_path / "none.db").exists()


def test_a_database_without_permission_is_told() -> None:
    with folder_of_a_stranger() as folder:
        (folder / "a.db").touch()
        (folder / "a.db").chmod(0)
        with as_nobody():
            assert "no permission" in complaint("sql", **ask(str(folder / "a.db"), "SELECT * FROM t"))


def test_a_locked_database_is_told(path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lite = sql.CHILD.with_name("_sql_lite.py").read_text()
    assert "BUSY_MS = 3_000" in lite
    (tmp_path / "_sql_lite.py").write_text(lite.replace("BUSY_MS = 3_000", "BUSY_MS = 1000"))
    (tmp_path / "impatient.py").write_text(sql.CHILD.read_text())
    monkeypatch.setattr(sql, "CHILD", tmp_path / "impatient.py")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        assert "locked by another program" in complaint("sql", **ask(path, "SELECT * FROM orders"))


def test_a_query_that_is_silent_for_too_long_is_stopped(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "SILENCE_S", 0.3)
    endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c"

    assert "gave no row for 0.3 s" in complaint("sql", **ask(path, endless))


def test_a_slow_reader_is_not_a_silent_query(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "SILENCE_S", 0.5)
    wide = (
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 2000) "
        "SELECT n, hex(zeroblob(200)) AS x FROM c"
    )
    items = build({"type": "sql", **ask(path, wide)}).items()
    next(items)
    time.sleep(1)  # longer than the limit: the pipe is full, and the query waits for us

    assert sum(1 for _ in items) == 1999


def test_a_query_that_takes_too_much_memory_is_told(path: str) -> None:
    assert "512 MiB" in complaint("sql", **ask(path, "SELECT length(randomblob(900000000)) AS n"))


ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c"


def test_an_endless_query_is_read_with_backpressure(path: str) -> None:
    items = build({"type": "sql", **ask(path, ENDLESS)}).items()

    assert [next(items).key for _ in range(5)] == ["1", "2", "3", "4", "5"]
    items.close()  # type: ignore[attr-defined]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(pid: int, limit_s: float = 5.0) -> None:
    until = time.monotonic() + limit_s
    while alive(pid):
        assert time.monotonic() < until, "the child outlives its parent"
        time.sleep(0.02)


def test_closing_kills_the_process_and_leaves_no_zombie(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(sql.subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[-1])
    items = build({"type": "sql", **ask(path, ENDLESS)}).items()
    next(items)
    assert alive(started[0].pid)

    items.close()  # type: ignore[attr-defined]

    assert started[0].returncode is not None
    assert not alive(started[0].pid)


def test_the_environment_and_the_working_directory_do_not_reach_the_query(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets stay here, and Python files that lie about are not imported."""
    seen: dict[str, Any] = {}
    popen = subprocess.Popen
    monkeypatch.setattr(sql.subprocess, "Popen", lambda *a, **k: seen.update(k, command=a[0]) or popen(*a, **k))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for name in ("json.py", "orjson.py", "sqlite3.py", "pysqlite3.py", "sitecustomize.py"):
        (tmp_path / name).write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)

    assert len(read("sql", **ask(path, "SELECT 1 FROM orders"))) == 3
    assert set(seen["env"]) <= {*processes.NEEDED, "TMPDIR"}
    assert "secret" not in str(seen["env"])
    assert not any("SELECT" in part for part in seen["command"])  # nor is the query in the list of processes


def test_a_working_directory_that_is_gone_does_not_matter(path: str, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = (
        "import os, sys; os.chdir(sys.argv[2]); os.rmdir(sys.argv[2]); from batchproc.enumerators import build; "
        "print(len(list(build({'type': 'sql', 'connection_string': sys.argv[1], 'query': 'VALUES (1), (2)'}).items())))"
    )

    assert subprocess.check_output([sys.executable, "-c", program, path, str(gone)]) == b"2\n"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("query", [ENDLESS, ENDLESS.replace("SELECT n FROM c", "SELECT count(*) FROM c")])
def test_a_killed_reader_takes_its_query_along(path: str, query: str) -> None:
    program = """
import sys, threading
from batchproc.enumerators import build, sql
popen = sql.subprocess.Popen
def spy(*a, **k):
    child = popen(*a, **k)
    print(child.pid, flush=True)
    return child
sql.subprocess.Popen = spy
items = build({"type": "sql", "connection_string": sys.argv[1], "query": sys.argv[2]}).items()
next(items)
sys.stdin.read()
"""
    arguments = [sys.executable, "-c", program, path, query]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdout
        pid = int(reader.stdout.readline())
        time.sleep(0.3)  # it runs; nothing outside of it says so
        assert alive(pid)
        reader.kill()
    wait_until_gone(pid)


def test_a_killed_query_is_told(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(sql.subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[-1])
    items = build({"type": "sql", **ask(path, ENDLESS)}).items()
    next(items)
    started[0].kill()

    with pytest.raises(Exception, match="was killed"):
        for _ in items:
            pass


PROGRAM = """
import re, sys
from batchproc.enumerators import build
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
query = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 300000) "
query += "SELECT n, 'lorem ipsum ' || n AS t FROM c"
items = build({"type": "sql", "connection_string": sys.argv[1], "query": query}).items()
for _ in range(1000): next(items)
early = peak()
print(1000 + sum(1 for _ in items), peak() - early)
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_memory_does_not_grow_with_the_rows(path: str) -> None:
    count, grown = subprocess.check_output([sys.executable, "-c", PROGRAM, path]).split()

    assert int(count) == 300_000
    assert int(grown) < 4096


def test_the_database_is_never_opened_in_our_own_process(path: str) -> None:
    """It may be one that this process has open: closing any descriptor of it would drop SQLite's locks on it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as ours:
        ours.execute("BEGIN IMMEDIATE")
        ours.execute("INSERT INTO orders (id) VALUES (9)")

        assert len(read("sql", **ask(path, "SELECT id FROM orders"))) == 3

        program = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
        other = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True)
        assert "database is locked" in other.stderr
        ours.execute("ROLLBACK")
