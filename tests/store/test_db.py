"""The file: who may read it, how it is upgraded, what a commit promises."""

import asyncio
import json
import stat

import pytest

from batchproc.errors import StoreError
from batchproc.store import attempts, db, engine, jobs, migrations, units

NEXT = max(migrations.SCRIPTS) + 1


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


async def test_a_text_that_cannot_be_read_is_told_of_as_what_it_is(store):
    def look(tx):
        return tx.execute("SELECT CAST(x'ff' AS TEXT) AS a").fetchall()

    for asked in (store.read(look), store.write(look)):
        with pytest.raises(engine.sqlite.OperationalError, match="decode"):
            await asked


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


async def test_a_sqlite_that_is_too_old_is_named_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "OLDEST", (99, 1, 0))
    with pytest.raises(StoreError, match=r"needs 99\.1\.0; install pysqlite3"):
        async with db.Database(tmp_path):
            pass


async def test_an_older_store_is_copied_before_it_is_upgraded(store, make_job):
    await make_job(2)
    connection = engine.sqlite.connect(str(store.path), isolation_level=None)
    plan = {**migrations.steps(), NEXT: "CREATE TABLE added (x INTEGER);\n"}
    migrations.migrate(connection, store.path, plan)
    assert migrations.current(connection) == NEXT
    connection.execute("INSERT INTO added VALUES (1)")
    connection.close()
    backup = store.path.with_name(f"batch.db.v{NEXT - 1}.backup")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    old = engine.sqlite.connect(str(backup))
    assert old.execute("SELECT total_units FROM jobs").fetchone()[0] == 2
    assert migrations.current(old) == NEXT - 1
    old.close()


async def test_a_store_of_version_1_keeps_its_units_attempts_and_results(tmp_path):
    (tmp_path / "home").mkdir(mode=0o700)
    path = tmp_path / "home" / "batch.db"
    old = engine.sqlite.connect(str(path), isolation_level=None)
    migrations.apply(old, 1, migrations.steps()[1])
    options = {"model": None, "profile": "answer", "max_concurrency": 4, "max_attempts": 4, "timeout_s": 60}
    options |= {"max_turns": None, "working_directory": None, "system_prompt": None}
    for sql in (
        "INSERT INTO jobs (job_id, name, instructions, source, enumerator, options, status, credential, published, "
        "total_units, created_at, started_at) VALUES ('job-1', 'n', 'do', 'list', '{\"type\": \"list\"}', "
        f"'{json.dumps(options)}', 'running', 'login', 1, 1, 1, 1)",
        "INSERT INTO units (job, key, payload, row, status, attempt, charged, finished_at, text) "
        "VALUES (1, 'k', '{}', 1, 'succeeded', 1, 1, 2, 'the answer')",
        "INSERT INTO attempts (unit, n, epoch, started_at, finished_at, outcome, cost_usd, session_id) "
        "VALUES (1, 1, 1, 1, 2, 'succeeded', 0.5, 's')",
    ):
        old.execute(sql)
    old.close()
    async with db.Database(path.parent) as store:
        job = await store.read(jobs.by_id, "job-1")
        [attempt] = await store.read(attempts.of_unit, 1)
        unit = await store.read(units.by_key, job.number, "k")
        assert await store.read(jobs.enumerator, job.number) == {"type": "list"}
    assert (job.status, job.options.budget_usd, job.options.breaker) == ("running", 5.0, 10)
    assert (attempt.outcome, attempt.cost_usd, attempt.session_id, attempt.billed) == ("succeeded", 0.5, "s", True)
    assert (unit.text, unit.requests, unit.intent) == ("the answer", 1, None)


async def test_a_failed_upgrade_changes_nothing(store, make_job):
    await make_job(1)
    connection = engine.sqlite.connect(str(store.path), isolation_level=None)
    plan = {**migrations.steps(), NEXT: "CREATE TABLE added (x INTEGER);\nINSERT INTO nowhere VALUES (1);\n"}
    with pytest.raises(engine.sqlite.OperationalError):
        migrations.migrate(connection, store.path, plan)
    assert migrations.current(connection) == NEXT - 1
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
