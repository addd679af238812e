"""Old log lines leave the store, a little at a time, and nothing else does."""

import asyncio
import contextlib
import logging

import pytest

from batchproc import settings
from batchproc.agents import guard
from batchproc.errors import InvalidJob
from batchproc.store import events, logs
from batchproc.supervisor import forget, process
from tests.conftest import wait_until
from tests.crash.scripted import FastAgent
from tests.store.results_support import answer

NOW = 1_800_000_000.0
DAY_S = forget.DAY_S


@pytest.fixture
async def lines(store, make_job):
    """Five hundred lines, one every six hours until now."""
    job = await make_job(2)

    def fill(tx):
        for n in range(500):
            level = "debug" if n % 5 else "error"
            logs.append(tx, f"line {n}", at=NOW - n * DAY_S / 4, source="agent", level=level, job=job.number, unit=1)

    await store.write(fill)
    return job


async def count(store, table="logs"):
    return await store.read(lambda tx: tx.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


async def for_a_while(store, days, fact):
    task = asyncio.create_task(forget.old_lines(store, days=days, clock=lambda: NOW))
    await wait_until(fact, "old lines are gone", 20)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_lines_go_that_are_older_than_that_and_it_is_said_once(store, lines, monkeypatch, caplog):
    monkeypatch.setattr(logs, "ROWS", 50)
    monkeypatch.setattr(logs, "STEP_S", 0.0)
    monkeypatch.setattr(forget, "REST_S", 0.0)
    caplog.set_level(logging.INFO, "batchproc")

    async def is_done():
        return caplog.messages and await count(store) == 121

    await for_a_while(store, 30, is_done)
    assert caplog.messages == ["log lines older than 30 days are deleted (BATCHPROC_LOG_DAYS): 379"]
    oldest = await store.read(lambda tx: tx.execute("SELECT MIN(at) FROM logs").fetchone()[0])
    assert oldest == NOW - 30 * DAY_S


async def test_the_oldest_go_first_a_step_at_a_time(store, lines, monkeypatch):
    monkeypatch.setattr(logs, "ROWS", 7)
    monkeypatch.setattr(logs, "STEP_S", 0.0)
    assert await store.write(logs.prune, before=NOW) == 7
    left = await store.read(lambda tx: [row["text"] for row in tx.execute("SELECT text FROM logs")])
    assert left == [f"line {n}" for n in range(493)]
    monkeypatch.setattr(logs, "STEP_S", 1e9)
    assert await store.write(logs.prune, before=NOW) == 492
    assert await store.write(logs.prune, before=NOW) == 0


async def test_events_and_answers_stay_however_old_they_are(store, lines):
    await answer(store, lines, "u1", "kept")
    await store.write(events.append, "job.told", at=1.0, job=lines.number)
    before = [await count(store, table) for table in ("events", "units", "said_docsize")]
    assert await forget.prune(store, before=NOW + 1, days=1) == 500
    assert [await count(store, table) for table in ("events", "units", "said_docsize")] == before


async def test_with_0_days_all_of_them_stay(store, lines):
    await forget.old_lines(store, days=0, clock=lambda: NOW * 2)  # returns at once
    assert await count(store) == 500


async def test_what_could_not_be_done_is_told_and_tried_again(store, lines, monkeypatch, caplog):
    monkeypatch.setattr(forget, "EVERY_S", 0.01)
    await store.write(lambda tx: tx.execute("DROP INDEX logs_by_time").rowcount)

    async def is_done():
        if caplog.messages:
            await store.write(lambda tx: tx.execute("CREATE INDEX IF NOT EXISTS logs_by_time ON logs (at)").rowcount)
        return await count(store) == 121

    await for_a_while(store, 30, is_done)
    [told, *_] = caplog.messages
    assert told.startswith("old log lines stay for now: ") and "no such index: logs_by_time" in told


def test_the_setting_is_a_whole_number_of_days_and_may_be_0(tmp_path):
    home = {"BATCHPROC_HOME": str(tmp_path)}
    assert settings.load(home).log_days == 30
    assert settings.load(home | {"BATCHPROC_LOG_DAYS": "0"}).log_days == 0
    for wrong in ("-1", "1.5", "40000", "x"):
        with pytest.raises(InvalidJob, match="BATCHPROC_LOG_DAYS"):
            settings.load(home | {"BATCHPROC_LOG_DAYS": wrong})
    with pytest.raises(InvalidJob, match="from 0"):
        settings.load(home | {"BATCHPROC_LOG_DAYS": "-1"})


async def test_a_supervisor_does_so_by_its_settings(store, lines, caplog):
    caplog.set_level(logging.INFO, "batchproc")

    async def hire(tag):
        return process.Hired(agent=FastAgent(), guard="partial", sandbox=False, mark=guard.TAG)

    known = settings.load({"BATCHPROC_HOME": str(store.home), "BATCHPROC_LOG_DAYS": "36500", "BATCHPROC_IDLE_S": "100"})
    told = "SELECT text FROM logs WHERE source = 'supervisor' AND text LIKE '%BATCHPROC_LOG_DAYS%'"

    async def is_told():
        return await store.read(lambda tx: [row["text"] for row in tx.execute(told)])

    await store.write(logs.append, "from before there was a log", at=-2e9, source="agent")
    serving = asyncio.create_task(process.run(known, hire))
    try:
        found = await wait_until(is_told, "old lines are gone", 20)
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
    assert found == ["log lines older than 36500 days are deleted (BATCHPROC_LOG_DAYS): 1"]
    oldest = await store.read(lambda tx: tx.execute("SELECT MIN(at) FROM logs").fetchone()[0])
    assert oldest > 0
