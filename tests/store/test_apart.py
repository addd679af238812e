"""Long reads: one snapshot, beside everything else, and over when they are cancelled."""

import asyncio
import threading
import time

import pytest

from batchproc.errors import StoreError
from batchproc.store import jobs, results
from tests.conftest import wait_until
from tests.store.results_support import answer, job_of

FOR_EVER = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


async def test_a_long_read_sees_one_moment_whatever_is_written_meanwhile(store):
    job = await job_of(store, [{"n": n} for n in range(2 * results.BLOCK)])
    await store.write(lambda tx: tx.execute("UPDATE units SET status = 'succeeded', finished_at = 1").rowcount)
    half, go_on = threading.Event(), threading.Event()

    def look(tx):
        ledger, texts = jobs.ledger(tx, job.number), []
        for block in results.stream(tx, job.number):
            texts += block.unit[2]
            half.set()
            assert go_on.wait(10)
        return ledger, texts, jobs.ledger(tx, job.number)

    reading = asyncio.create_task(store.read_apart(look))
    await asyncio.to_thread(half.wait, 10)
    await answer(store, job, "u1000", text="changed", status="failed")
    assert (await store.read(jobs.ledger, job.number))["failed"] == 1  # nobody waits for the long one
    go_on.set()
    before, texts, after = await reading
    assert before == after and before["failed"] == 0
    assert texts == [None] * 2 * results.BLOCK


@pytest.mark.parametrize("when", ["at once", "while it reads"])
async def test_a_long_read_that_is_cancelled_ends(store, when):
    ended = threading.Event()

    def look(tx):
        try:
            return tx.execute(FOR_EVER).fetchone()
        finally:
            ended.set()

    reading = asyncio.create_task(store.read_apart(look))
    await asyncio.sleep(0)
    if when == "while it reads":
        await asyncio.sleep(0.2)
    begun = time.monotonic()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert ended.is_set() and time.monotonic() - begun < 10
    await wait_until(lambda: not [one for one in asyncio.all_tasks() if "apart" in str(one.get_coro())], "idle", 5)


async def test_what_a_long_read_raises_is_what_its_caller_gets(store):
    def look(tx):
        raise KeyError("x")

    with pytest.raises(KeyError):
        await store.read_apart(look)
    with pytest.raises(StoreError, match="attempt to write a readonly database"):
        await store.read_apart(lambda tx: tx.execute("DELETE FROM units").rowcount)
    store.path.unlink()
    with pytest.raises(StoreError, match="cannot be used"):
        await store.read_apart(lambda tx: tx.execute("SELECT 1").fetchone())
