"""A store's file that is not as it should be is told of in one sentence: which file, what, and the way out."""

import os
import subprocess
import sys

import pytest

from batchproc.errors import StoreError
from batchproc.store import db, engine, jobs


def from_outside(store, *statements):
    connection = engine.sqlite.connect(str(store.path), isolation_level=None)
    for one in statements:
        connection.execute(one)
    connection.close()


async def test_a_column_that_is_missing_is_named_by_reads_and_writes(store, make_job):
    job = await make_job(1)
    from_outside(store, "ALTER TABLE jobs DROP COLUMN wasted_usd")
    for asked in (store.read(jobs.by_id, job.job_id), store.write(jobs.by_id, job.job_id)):
        with pytest.raises(StoreError, match=r"batch\.db is not as .*wasted_usd.* set BATCHPROC_HOME") as caught:
            await asked
        assert "\n" not in str(caught.value)


async def test_a_backup_is_named_and_left_where_it_is(store):
    backup = store.path.with_name("batch.db.v4.backup")
    backup.write_bytes(b"older")
    from_outside(store, "DROP TABLE limits")
    with pytest.raises(StoreError, match=r"put its backup batch\.db\.v4\.backup in its place"):
        await store.read(lambda tx: tx.execute("SELECT * FROM limits").fetchall())
    assert backup.read_bytes() == b"older"


async def test_what_is_no_store_at_all_is_told_and_left_as_it_is(tmp_path):
    tmp_path.chmod(0o700)
    path = tmp_path / "batch.db"
    path.write_bytes(b"something else " * 100)
    with pytest.raises(StoreError, match=r"batch\.db is damaged .*not a database.* or set BATCHPROC_HOME"):
        async with db.Database(tmp_path):
            pass
    assert path.read_bytes() == b"something else " * 100


async def test_errors_of_a_change_stay_what_they_are(store, make_job):
    job = await make_job(1)
    with pytest.raises(engine.sqlite.IntegrityError):
        await store.write(lambda tx: tx.execute("UPDATE jobs SET status = 'done'").rowcount)
    assert await store.read(jobs.by_id, job.job_id)


async def test_the_shell_says_it_in_one_line(store, make_job):
    await make_job(1)
    from_outside(store, "ALTER TABLE jobs DROP COLUMN wasted_usd")
    environ = {**os.environ, "BATCHPROC_HOME": str(store.home)}
    command = [sys.executable, "-m", "batchproc", "status"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "is not as this batchproc makes it" in ended.stderr and "Traceback" not in ended.stderr
