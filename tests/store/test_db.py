"""The file: who may read it, how it is upgraded, what a commit promises."""

import asyncio
import stat

import pytest

from batchproc.errors import StoreError
from batchproc.store import db, engine, jobs, migrations


async def test_the_store_is_private(store):
    assert stat.S_IMODE(store.home.stat().st_mode) == 0o700
    for path in store.home.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


async def test_an_acknowledged_change_is_seen_by_another_connection_at_once(store, make_job):
    job = await make_job(2)
    async with db.Database(store.home) as other:
        assert (await other.read(jobs.by_id, job.job_id)).total_units == 2


async def test_an_error_undoes_its_own_change_and_no_other(store):
    def ok(tx, n):
        tx.execute("INSERT INTO logs (at, source, level, text) VALUES (1, 's', 'info', :n)", {"n": str(n)})
        return n

    def bad(tx):
        ok(tx, "undone")
        raise KeyError("mine")

    results = await asyncio.gather(
        store.write(ok, 1), store.write(bad), store.write(ok, 2), store.write(bad), return_exceptions=True
    )
    assert results[0] == 1 and results[2] == 2
    assert isinstance(results[1], KeyError) and isinstance(results[3], KeyError)
    texts = await store.read(lambda tx: [row["text"] for row in tx.execute("SELECT text FROM logs ORDER BY number")])
    assert texts == ["1", "2"]


async def test_changes_that_wait_together_are_committed_together(store):
    commits = []
    store.after_commit(lambda: commits.append(1))
    add = "INSERT INTO logs (at, source, level, text) VALUES (1, 's', 'info', 'x')"
    await asyncio.gather(*[store.write(lambda tx: tx.execute(add).rowcount) for _ in range(200)])
    assert len(commits) <= 3


async def test_a_reader_sees_one_moment_while_a_writer_goes_on(store, make_job):
    job = await make_job(3)

    def look_twice(tx):
        before = jobs.ledger(tx, job.number)
        asyncio.run_coroutine_threadsafe(make_job(1, name="meanwhile"), loop).result(10)
        count = tx.execute("SELECT COUNT(*) FROM jobs").fetchone()[0]
        return before, count

    loop = asyncio.get_running_loop()
    _, count = await store.read(look_twice)
    assert count == 1


async def test_a_newer_store_is_refused_and_left_alone(tmp_path):
    async with db.Database(tmp_path) as store:
        await store.write(lambda tx: tx.execute("PRAGMA user_version = 99").rowcount)
    before = (tmp_path / "batch.db").read_bytes()
    with pytest.raises(StoreError, match="newer batchproc"):
        async with db.Database(tmp_path):
            pass
    assert (tmp_path / "batch.db").read_bytes() == before


async def test_an_older_store_is_copied_before_it_is_upgraded(store, make_job):
    await make_job(2)
    connection = engine.sqlite.connect(str(store.path), isolation_level=None)
    plan = {**migrations.steps(), 2: "CREATE TABLE added (x INTEGER);\n"}
    migrations.migrate(connection, store.path, plan)
    assert migrations.current(connection) == 2
    connection.execute("INSERT INTO added VALUES (1)")
    connection.close()
    backup = store.path.with_name("batch.db.v1.backup")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    old = engine.sqlite.connect(str(backup))
    assert old.execute("SELECT total_units FROM jobs").fetchone()[0] == 2
    assert migrations.current(old) == 1
    old.close()


async def test_a_failed_upgrade_changes_nothing(store, make_job):
    await make_job(1)
    connection = engine.sqlite.connect(str(store.path), isolation_level=None)
    plan = {**migrations.steps(), 2: "CREATE TABLE added (x INTEGER);\nINSERT INTO nowhere VALUES (1);\n"}
    with pytest.raises(engine.sqlite.OperationalError):
        migrations.migrate(connection, store.path, plan)
    assert migrations.current(connection) == 1
    assert connection.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = 'added'").fetchone()[0] == 0
    connection.close()


async def test_eight_processes_may_open_a_new_store_at_once(tmp_path):
    import sys

    code = (
        "import asyncio,sys,pathlib\nfrom batchproc.store import db, processes\n"
        "async def main():\n async with db.Database(pathlib.Path(sys.argv[1])) as s:\n"
        "  print(await s.write(processes.store_id, now=1.0))\nasyncio.run(main())"
    )
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, str(tmp_path / "home"), stdout=asyncio.subprocess.PIPE
        )
        for _ in range(8)
    ]
    said = {(await process.communicate())[0] for process in started}
    assert len(said) == 1 and said != {b""}


async def test_a_home_that_cannot_be_made_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="BATCHPROC_HOME"):
        async with db.Database(tmp_path / "file" / "home"):
            pass
