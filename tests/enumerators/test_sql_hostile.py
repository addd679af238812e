"""SQL that wants more than to read: nothing written, nothing attached, no socket, over in time, bounded in memory."""

import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sql_hostile
from enumerate_help import children, contents, read
from watching import Watch

from batchproc.errors import SourceError

pytestmark = pytest.mark.long

LIMIT_S = 2.0
MEMORY = 1800 << 20
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def path(tmp_path: Path) -> str:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        database.executescript("""
            CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT, price REAL, updated_at TEXT);
            INSERT INTO orders VALUES (1, 'a', 1.5, '2026-01-01'), (2, 'b', NULL, NULL), (3, 'c', -2, 'x');
            CREATE VIRTUAL TABLE notes USING fts5(body);
            INSERT INTO notes VALUES ('late delivery'), ('all well');
            CREATE VIEW cheap AS SELECT * FROM orders WHERE price < 2;
            CREATE TABLE pages AS
                WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 500) SELECT n FROM c;
        """)
    return str(tmp_path / "shop.db")


@linux
@pytest.mark.parametrize("query", [*sql_hostile.WRITING, *sql_hostile.HUNGRY], ids=lambda query: query[:40])
def test_a_hostile_statement_gets_nowhere(path: str, tmp_path: Path, query: str) -> None:
    before, ours = contents(tmp_path), children()
    watch = Watch(lambda pid, _: b"_sql_child.py" in Path(f"/proc/{pid}/cmdline").read_bytes())
    watch.start()
    began, told = time.monotonic(), ""

    try:
        for _ in read("sql", connection_string=path, query=query.replace("{folder}", str(tmp_path)), timeout_s=LIMIT_S):
            pass
    except SourceError as error:
        told = str(error)

    took = time.monotonic() - began
    watch.stop()
    expected = {**sql_hostile.WRITING, **sql_hostile.HUNGRY}[query]
    assert expected is None or (told and expected in told)
    assert took < LIMIT_S + 15, took
    assert contents(tmp_path) == before
    assert watch.written == set()
    assert watch.sockets == 0
    assert watch.memory < MEMORY
    assert watch.left(5) == [] and children() <= ours


@pytest.mark.parametrize("query", sql_hostile.HONEST, ids=lambda query: query[:40])
def test_every_honest_query_works(path: str, query: str) -> None:
    assert len(read("sql", connection_string=path, query=query)) == sql_hostile.HONEST[query]


def test_honest_parameters_may_look_like_anything(path: str) -> None:
    query = "SELECT :text AS said, id FROM orders WHERE id > ?2"
    found = read("sql", connection_string=path, query=query.replace("?2", ":n"), params={"text": "'; DROP --", "n": 2})

    assert [item.payload for item in found] == [{"said": "'; DROP --", "id": 3}]


def test_a_view_of_a_hostile_file_is_not_trusted(tmp_path: Path) -> None:
    """The file may come from anywhere: its schema calls only what is safe for it."""
    with closing(sqlite3.connect(tmp_path / "evil.db")) as database:
        database.executescript("CREATE VIEW v AS SELECT load_extension('/tmp/evil') AS a;")
    with pytest.raises(SourceError, match=r"load_extension|unsafe"):
        read("sql", connection_string=str(tmp_path / "evil.db"), query="SELECT * FROM v")


def test_the_hostile_statements_do_harm_where_nothing_stops_them(path: str, tmp_path: Path) -> None:
    """Negative control: by the very same SQLite, without our guard."""
    done: list[Any] = []
    for query in sql_hostile.WRITING:
        before = contents(tmp_path)
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            try:
                database.execute(query.replace("{folder}", str(tmp_path))).fetchall()
            except sqlite3.Error:
                continue
        if contents(tmp_path) != before:
            done.append(query)
        if len(done) == 6:
            return
    pytest.fail(f"only these did anything: {done}")
