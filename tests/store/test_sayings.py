"""A broken index of what was said keeps no unit from ending, loses nothing else, and is made anew."""

import asyncio
import logging
import time

import pytest

from batchproc.errors import StoreError
from batchproc.models import Credential, Settlement, UnitStatus
from batchproc.store import attempts, claims, db, engine, jobs, migrations, processes, sayings, search
from tests.crash import judge
from tests.store.test_search import ALL, find, require_kept

DAMAGE = {
    "garbage": "UPDATE said_data SET block = x'ffffffffffffffff'",
    "zeros": "UPDATE said_data SET block = zeroblob(length(block))",
    "another structure": "UPDATE said_data SET block = x'00' WHERE id = 10",
    "emptied": "DELETE FROM said_data",
    "no data": "DROP TABLE said_data",
    "no pages": "DROP TABLE said_idx",
    "no sizes": "DROP TABLE said_docsize",
    "no settings": "DROP TABLE said_config",
    "other settings": "UPDATE said_config SET v = 99 WHERE k = 'version'",
    "no index": "DROP TABLE said",
}
END = Settlement(status=UnitStatus.SUCCEEDED, outcome="succeeded", text="what was said", started=False)


@pytest.fixture
async def running(store, make_job):
    """A job of which some units have ended and six run; their fences."""
    job = await make_job(10)
    epoch = await store.write(processes.take_over, process="1:2:3", guard="full", now=time.time())
    await store.write(jobs.start, job.number, credential=Credential.LOGIN, now=time.time())
    claimed = (await store.write(claims.claim, job.number, epoch=epoch, limit=10, now=time.time())).units
    for one in claimed[:4]:
        assert await end(store, one.fence)
    return job, [one.fence for one in claimed[4:]]


def end(store, fence):
    return store.write(attempts.settle, fence, END, now=time.time())


def damage(store, sql):
    """As from outside: this store's own connections know nothing of it."""
    connection = engine.sqlite.connect(str(store.path), isolation_level=None)
    connection.execute(sql)
    connection.close()


def log_line(tx, text):
    tx.execute("INSERT INTO logs (at, source, level, text) VALUES (1, 's', 'info', ?)", (text,))
    return text


def bad(tx):
    log_line(tx, "undone")
    raise KeyError("mine")


async def take_in(store):
    while await store.write(search.take_in_some):
        pass


@pytest.mark.parametrize("sql", DAMAGE.values(), ids=DAMAGE)
async def test_units_end_with_a_broken_index_and_what_waits_with_them_is_kept(store, running, sql, caplog):
    job, fences = running
    damage(store, sql)
    with caplog.at_level(logging.WARNING):
        found = await asyncio.gather(
            store.write(log_line, "before"),
            *(end(store, fence) for fence in fences),
            store.write(bad),
            store.write(log_line, "after"),
            return_exceptions=True,
        )
    assert found[:-2] == ["before", *[True] * 6] and isinstance(found[-2], KeyError) and found[-1] == "after"
    ledger = await store.read(jobs.ledger, job.number)
    assert ledger["succeeded"] == 10 and (await store.read(jobs.by_number, job.number)).status == "completed"
    texts = await store.read(lambda tx: [row["text"] for row in tx.execute("SELECT text FROM logs ORDER BY number")])
    assert texts == ["before", "after"]
    assert sum("made anew" in line for line in caplog.messages) == 1
    hits = await store.read(search.find, job, "said", ALL)
    assert hits.missing and len(hits.numbers) == 6
    await take_in(store)
    assert len(await find(store, job, "said")) == 10
    assert not (await store.read(judge.books)).wrong
    assert await store.read(lambda tx: tx.execute("PRAGMA integrity_check").fetchone()[0]) == "ok"


@pytest.mark.parametrize("sql", DAMAGE.values(), ids=DAMAGE)
async def test_without_that_units_would_not_end(store, running, sql, monkeypatch):
    job, fences = running
    monkeypatch.setattr(sayings, "is_all_that_is_broken", lambda _tx: False)
    damage(store, sql)
    async with db.Database(store.home) as other:
        with pytest.raises(StoreError, match=r"is damaged|is not as"):
            await asyncio.gather(*(end(other, fence) for fence in fences))
    assert (await store.read(jobs.ledger, job.number))["running"] > 0


async def test_an_error_before_it_in_the_same_transaction_hides_nothing(store, running):
    _, fences = running
    damage(store, DAMAGE["garbage"])
    found = await asyncio.gather(store.write(bad), end(store, fences[0]), return_exceptions=True)
    assert isinstance(found[0], KeyError) and found[1] is True


async def test_a_unit_that_goes_back_and_a_job_that_is_deleted_mend_it_too(store, running):
    _, fences = running
    for sql in (
        "UPDATE units SET status = 'pending', finished_at = NULL WHERE number = 1",
        "DELETE FROM units WHERE 0",
    ):
        damage(store, DAMAGE["no data"])
        await store.write(lambda tx, sql=sql: tx.execute(sql).rowcount)
    assert await end(store, fences[0])


async def test_another_writer_that_has_the_store_open_goes_on_with_the_new_index(store, running):
    job, fences = running
    async with db.Database(store.home) as other:
        assert await end(other, fences[0])
        damage(store, DAMAGE["garbage"])
        assert await end(store, fences[1])
        assert await end(other, fences[2])
        await take_in(other)
        assert len(await find(other, job, "said")) == 7
    await require_kept(store)


# What is not the index's is not mended.


def a_damaged_page(store, table):
    """Write over the root page of a table in the file, where nobody has it open."""
    connection = engine.sqlite.connect(str(store.path), isolation_level=None)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    page = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]
    size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.close()
    with store.path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


def index_is_where_it_was(path):
    connection = engine.sqlite.connect(str(path), isolation_level=None)
    try:
        return connection.execute("SELECT upto FROM unsaid").fetchone()[0] == 0
    finally:
        connection.close()


@pytest.mark.parametrize("table", ["sources", "job_minutes", "said_data"])
async def test_a_file_that_is_damaged_itself_is_left_as_it_is(tmp_path, table, caplog):
    async with db.Database(tmp_path / "home") as store:
        await store.write(log_line, "x")
    a_damaged_page(store, table)
    async with db.Database(tmp_path / "home") as store:
        with pytest.raises(StoreError, match="is damaged"):
            await store.write(lambda tx: tx.execute(f"SELECT * FROM {table} NOT INDEXED").fetchall())
        await store.write(log_line, "others go on")
        assert await store.read(lambda tx: tx.execute("SELECT COUNT(*) FROM logs").fetchone()[0]) == 2
    assert "not only its index" in caplog.text and "made anew" not in caplog.text
    assert index_is_where_it_was(tmp_path / "home" / "batch.db")


async def test_what_could_not_be_mended_is_not_tried_again(store, monkeypatch, caplog):
    def broken(tx):
        raise engine.sqlite.OperationalError("vtable constructor failed: said")

    for _ in range(3):
        with pytest.raises(StoreError, match="is damaged"):
            await store.write(broken)
    assert sum(line.startswith("the index of what was said is broken") for line in caplog.messages) == 1
    assert await store.read(search.is_whole)


@pytest.mark.parametrize(
    "error",
    [
        engine.sqlite.IntegrityError("UNIQUE constraint failed: units.job, units.key"),
        engine.sqlite.OperationalError("no such column: said_by"),
        engine.sqlite.OperationalError("no such table: main.units"),
        KeyError("fts5"),
    ],
)
def test_errors_of_others_are_not_taken_for_the_index(error):
    assert not sayings.may_be_broken(error)


def test_the_index_is_the_only_virtual_table_of_the_store():
    """No other table's error may be taken for its."""
    assert "".join(migrations.steps().values()).count("CREATE VIRTUAL TABLE") == 1


async def test_an_index_that_was_made_anew_is_what_the_schema_makes(store):
    def look(tx):
        settings = [tuple(row) for row in tx.execute("SELECT k, v FROM said_config ORDER BY k")]
        return settings, [row["sql"] for row in tx.execute("SELECT sql FROM sqlite_schema WHERE name = 'said'")]

    before = await store.read(look)
    assert ("deletemerge", 50) in before[0]
    await store.write(sayings.make_anew)
    assert await store.read(look) == before
