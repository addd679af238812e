"""Questions that want more than the results of their job: nothing changed, nothing else seen, over in time, bounded."""

import asyncio
import contextlib
import shutil
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from batchproc import queries
from batchproc.errors import InvalidJob
from batchproc.queries import _sealed
from batchproc.store import engine, questions
from tests.enumerators.enumerate_help import children, contents
from tests.enumerators.watching import Watch
from tests.queries import hostile
from tests.queries.conftest import SECRET

LIMIT_S = 1.5
MEMORY = 1300 << 20
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
EXPECTED = {**hostile.WRITING, **hostile.SEEING, **hostile.HUNGRY}


def as_they_are(folder: Path) -> dict[str, str]:
    """All files but the one in which readers of the log tell what they read."""
    return {name: content for name, content in contents(folder).items() if not name.endswith("-shm")}


@linux
@pytest.mark.long
@pytest.mark.parametrize("sql", EXPECTED, ids=lambda sql: sql[:50])
async def test_a_hostile_question_gets_nowhere(service, job, tmp_path, sql):
    before, ours = as_they_are(tmp_path), children()
    watch = Watch(lambda pid, _: str(queries.CHILD).encode() in Path(f"/proc/{pid}/cmdline").read_bytes())
    watch.start()
    began, told, found = time.monotonic(), "", ""

    try:
        asked = sql.replace("{folder}", str(tmp_path))
        found = (await service.query_results(job.job_id, asked, timeout_s=LIMIT_S)).model_dump_json()
    except InvalidJob as error:
        told = str(error)

    took = time.monotonic() - began
    watch.stop()
    expected = EXPECTED[sql]
    assert expected is None or (told and expected in told), (told, found[:500])
    assert SECRET not in found and SECRET not in told.partition(": ")[2]
    assert "root:" not in found
    assert len(found) < 110_000
    assert took < LIMIT_S + 10, took  # about 1 s where the machine is idle
    assert as_they_are(tmp_path) == before
    assert {Path(name).name for name in watch.written} <= {"batch.db-wal", "batch.db-shm"}  # opened, and not written
    assert watch.sockets == 0
    assert watch.memory < MEMORY, watch.memory >> 20
    assert watch.left(1) == [] and children() == ours


async def test_no_join_of_any_form_reaches_another_table(service, store, job):
    """Every table of the store by name, by every join that merges columns, at every place where names are looked up."""
    sealed = await _unstarted(store, job)
    tables = await store.read(_tables)
    assert len(tables) > 20 and "units" in tables
    for table, names in tables.items():
        for place in ("", "main.", "temp.", "store."):
            for sql in _joins(place + table, names if not place else names[:1]):
                try:
                    _, found = sealed().ask(sql)
                    seen = list(found)
                except (engine.sqlite.Error, _sealed.Refused):
                    continue
                assert SECRET not in str(seen) and not seen, (sql, seen)


async def test_those_joins_do_reach_other_tables_where_only_an_authorizer_stands(store, job):
    """Negative control: SQLite asks its authorizer nothing about columns that are merged, so that alone does not do."""

    def leaks(sql: str) -> bool:
        with closing(engine.sqlite.connect(f"file:{store.path}?mode=ro", uri=True)) as database:
            database.set_authorizer(lambda action, *_: 0 if action in (21, 31) else 1)  # nothing is ever read
            try:
                return SECRET in str(database.execute(sql).fetchall())
            except engine.sqlite.Error:
                return False

    tables = await store.read(_tables)
    found = {table for table, names in tables.items() for sql in _joins(table, names) if leaks(sql)}
    assert {"jobs", "units", "logs", "events", "approvals", "limits", "verdicts"} <= found


def _joins(table: str, names: list[str]) -> list[str]:
    merged = [
        join
        for name in names
        for join in (
            f'SELECT "{name}" AS a FROM (SELECT NULL AS "{name}" WHERE 0) FULL JOIN {table} USING ("{name}")',
            f'SELECT "{name}" AS a FROM {table} NATURAL FULL JOIN (SELECT NULL AS "{name}" WHERE 0)',
            f'SELECT "{name}" AS a FROM (SELECT NULL AS "{name}" WHERE 0) NATURAL RIGHT JOIN {table}',
            f'SELECT 1 AS a FROM (SELECT \'{SECRET}\' AS "{name}") JOIN {table} USING ("{name}")',
        )
    ]
    return [f"SELECT * FROM {table}", f"SELECT count(*) AS a FROM {table} HAVING a > 0", *merged]


def _tables(tx: Any) -> dict[str, list[str]]:
    names = [row[0] for row in tx.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {
        name: [row[0] for row in tx.execute("SELECT name FROM pragma_table_info(:name)", {"name": name})]
        for name in [*names, "sqlite_schema"]
    }


class _Untimed:
    def over(self, grace_s: float = 0) -> bool:
        return False


async def _unstarted(store, job):
    """What the child runs, without the child."""
    known = await store.read(questions.sample, job)
    order = {
        "path": str(store.path),
        "schema": "s_1f2e",
        "inner": "v_3d4c",
        "view": questions.view(job.number, known, "s_1f2e"),
        "tables": questions.TABLES,
    }
    return lambda: _sealed.Sealed(order, _Untimed())


async def test_a_name_that_was_guessed_would_open_the_store(store, job):
    """Negative control for the names: with them known, the other walls are those that stand."""
    sealed = await _unstarted(store, job)
    _, found = sealed().ask("SELECT text FROM (SELECT NULL AS text WHERE 0) NATURAL FULL JOIN s_1f2e.units")
    assert SECRET in str(list(found))
    with pytest.raises(_sealed.Refused):
        sealed().ask("SELECT name FROM (SELECT NULL AS name WHERE 0) NATURAL FULL JOIN s_1f2e.jobs")


@pytest.mark.parametrize(
    "sql",
    [
        "PRAGMA query_only = 0",
        "PRAGMA hard_heap_limit = 0",
        "ATTACH ':memory:' AS evil",
        "COMMIT",
        "CREATE TEMP TABLE evil AS SELECT 1",
        "SELECT load_extension('evil')",
        "SELECT name FROM pragma_table_list",
        "SELECT name FROM (SELECT NULL AS name WHERE 0) NATURAL FULL JOIN pragma_table_list",
        "SELECT text FROM s_1f2e.units",
    ],
)
async def test_the_authorizer_refuses_what_only_it_can(store, job, sql):
    sealed = (await _unstarted(store, job))()
    with pytest.raises(engine.sqlite.DatabaseError) as error:
        list(sealed.ask(sql)[1])
    assert sealed.explain(error.value)[0] == "refused"


async def test_names_are_other_ones_for_every_question(store, job, monkeypatch):
    known = await store.read(questions.sample, job)
    names: list[str] = []

    def view(schema):
        names.append(schema)
        return questions.view(job.number, known, schema)

    limits = queries.Limits(rows=1, bytes=10_000, cell=100, timeout_s=10)
    for _ in range(3):
        await queries.ask(store.path, "SELECT 1", view=view, tables=questions.TABLES, limits=limits)
    assert len(set(names)) == 3 and all(len(name) >= 32 for name in names)


async def test_the_hostile_questions_do_harm_where_nothing_stops_them(store, job, tmp_path):
    """Negative control: in a bare connection of the same SQLite, with the same view."""
    known = await store.read(questions.sample, job)
    changed, saw = [], []
    for sql in [*hostile.WRITING, *hostile.SEEING]:
        folder = tmp_path / "copy"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        with closing(engine.sqlite.connect(str(store.path))) as source:
            source.execute(f"VACUUM INTO '{folder}/batch.db'")
        before = contents(folder)
        with closing(engine.sqlite.connect(str(folder / "batch.db"), isolation_level=None)) as database:
            database.set_progress_handler(iter([0] * 100).__next__, 10_000)  # raises, and so stops, what has no end
            database.execute(f"CREATE TEMP VIEW results AS {questions.view(job.number, known, 'main')}")
            try:
                found = database.execute(sql.replace("{folder}", str(folder))).fetchall()
            except (engine.sqlite.Error, engine.sqlite.Warning, ValueError):
                continue
        changed += [sql] if contents(folder) != before else []
        saw += [sql] if SECRET in str(found) or "CREATE TABLE" in str(found) else []
    assert len(changed) >= 10, changed
    assert len(saw) >= 15, saw


async def test_a_question_ends_with_whoever_asked(service, job):
    ours = children()
    asking = asyncio.create_task(service.query_results(job.job_id, f"{hostile.ENDLESS} SELECT count(*) FROM c"))
    while not children() - ours:
        await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert children() == ours


async def test_the_walls_stand_with_the_sqlite_of_the_standard_library_too(service, job, monkeypatch):
    """There is no wheel of pysqlite3 for every platform."""
    monkeypatch.setattr(sys, "path", [path for path in sys.path if "site-packages" not in path])
    found = await service.query_results(job.job_id, "SELECT out_vendor, count(*) FROM results GROUP BY 1")
    assert found.rows == [["Vendor 0", 2], ["Vendor 1", 4], ["Vendor 2", 3], ["Vendor 3", 2]]
    for sql in hostile.SEEING:
        with contextlib.suppress(InvalidJob):
            assert SECRET not in (await service.query_results(job.job_id, sql)).model_dump_json()
