"""How the house is: the truth, also where it is not well."""

import asyncio
import os
import shutil
import threading
import time
from collections import namedtuple
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from batchproc import __version__
from batchproc.errors import InvalidJob, NotFound
from batchproc.launcher import Launcher
from batchproc.models import Credential
from batchproc.platform import doorbell, lock
from batchproc.service import BatchService
from batchproc.settings import Settings
from batchproc.store import claims, jobs, processes, totals

NOW = 1_800_000_000.0
HELLO = {"pid": 7, "since": datetime.fromtimestamp(NOW - 90, UTC).isoformat(), "guard": "full", "mode": "inline"}
HELLO |= {"epoch": 3, "jobs": 1, "agents": 2, "slots": 8, "ending": False, "trouble": ""}


@pytest.fixture
def held(store):
    """A supervisor's lock, held by nobody who would answer."""
    taken = lock.FileLock(store.home / "supervisor.lock")
    assert taken.acquire()
    yield
    taken.release()


@pytest.fixture
def answering(store, held):
    """A supervisor at its door that says what it is told to."""

    def open_(**more):
        async def answer(request):
            return HELLO | more

        return doorbell.Doorbell(doorbell.address(store.home), answer)

    return open_


@pytest.fixture
def at(store):
    """The service with a clock that stands still."""
    chosen = Settings(home=store.home)
    return BatchService(store, Launcher(chosen, os.environ), chosen, clock=lambda: NOW)


# Workers.


async def test_a_supervisor_that_sleeps_has_nothing_to_say(service):
    found = await service.workers()
    assert (found.alive, found.pid, found.slots, found.trouble, found.busy) == (False, None, None, None, [])


async def test_a_supervisor_says_who_it_is_and_what_runs(at, answering, make_job, run):
    job = await make_job(2)
    await run(job, "running", now=NOW - 5)
    async with answering():
        found = await at.workers()
    assert (found.alive, found.mode, found.pid, found.epoch, found.guard) == (True, "inline", 7, 3, "full")
    assert (found.slots, found.agents, found.uptime_s, found.trouble) == (8, 2, 90.0, None)
    [busy] = found.busy
    assert (busy.job_id, busy.job, busy.key, busy.attempt) == (job.job_id, "a job", "u1", 1)
    assert (busy.last_event, found.last_event_kind) == ("unit.claimed", "unit.claimed")
    assert found.last_event == await at.last_event()


async def test_a_supervisor_of_an_older_batchproc_says_less(at, answering):
    async with answering() as bell:
        bell._answer = older
        found = await at.workers()
    assert (found.alive, found.slots, found.mode) == (True, None, "inline")


async def older(request):
    return {name: HELLO[name] for name in ("pid", "since", "guard", "epoch", "jobs", "agents", "ending", "trouble")}


async def test_a_supervisor_that_does_not_answer_is_trouble(service, held):
    found = await service.workers()
    assert found.alive and "does not answer" in found.trouble


# Health.


async def test_a_house_in_which_all_is_well(service, make_job):
    await make_job(3)
    found = await service.health()
    assert (found.status, found.version, found.lock) == ("ok", __version__, "free")
    assert set(found.parts) == {"store", "supervisor", "guard", "disk"} and all(p.ok for p in found.parts.values())
    assert (found.queue, found.active_jobs) == ({"pending": 0, "due": 0, "running": 0}, 0)
    assert (await service.ready()).model_dump() == {"ready": True, "reasons": []}


async def test_work_that_nobody_does_is_said(service, make_job, run):
    await run(await make_job(3), "running")
    found = await service.health()
    assert (found.status, found.parts["supervisor"].ok, found.epoch) == ("down", False, 1)
    assert (found.queue, found.active_jobs) == ({"pending": 2, "due": 2, "running": 1}, 1)
    assert "none is alive" in (await service.ready()).reasons[0]


async def test_a_supervisor_that_works_is_well_and_one_in_trouble_is_not(service, answering, make_job, run):
    await run(await make_job(1), "running")
    async with answering():
        found = await service.health()
        assert (found.status, found.lock) == ("ok", "held") and "pid 7" in found.parts["supervisor"].found
    async with answering(trouble="the disk is full"):
        found = await service.health()
    assert (found.status, found.parts["supervisor"].found) == ("down", "the disk is full")


async def test_a_supervisor_that_is_alive_and_does_not_answer_is_not_well(service, held):
    found = await service.health()
    assert (found.status, found.lock) == ("down", "held")
    assert "does not answer" in found.parts["supervisor"].found and found.parts["supervisor"].way_out
    assert not (await service.ready()).ready


async def test_a_guard_that_is_partial_stops_nothing(service, answering):
    async with answering(guard="partial"):
        found = await service.health()
        assert (found.status, found.parts["guard"].ok) == ("degraded", False)
        assert (await service.ready()).ready


@pytest.mark.parametrize(("free_mb", "status"), [(10, "down"), (100, "degraded"), (5_000, "ok")])
async def test_a_disk_that_is_nearly_full_is_said_before_it_is(service, monkeypatch, free_mb, status):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1, 1, free_mb << 20))
    found = await service.health()
    assert found.status == status and f"{free_mb:,} MB" in found.parts["disk"].found
    assert (await service.ready()).ready is (status != "down")


async def test_a_store_that_cannot_be_read_is_reported_and_nothing_is_raised(service, store):
    await store.write(lambda tx: tx.execute("DROP TABLE supervisors"))
    found = await service.health()
    assert (found.status, found.parts["store"].ok, found.epoch, found.queue) == ("down", False, None, {})
    assert "supervisors" in found.parts["store"].found


async def test_a_store_that_is_gone_is_reported(service, store):
    store.path.rename(store.path.with_name("elsewhere"))
    found = await service.health()
    assert found.status == "down" and "not there" in found.parts["store"].found


async def test_a_store_that_nobody_may_write_is_reported(service, store, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: path != store.path or mode != os.W_OK)  # root may write all
    found = await service.health()
    assert found.status == "down" and "batch.db cannot be written" in found.parts["store"].found
    assert not (await service.ready()).ready


async def test_a_store_that_a_newer_batchproc_took_over_is_reported(service, store):
    await store.write(lambda tx: tx.execute("PRAGMA user_version = 99").rowcount)
    found = await service.health()
    assert found.status == "down" and "newer batchproc (version 99" in found.parts["store"].found
    assert not (await service.ready()).ready


async def test_health_is_known_while_a_writer_holds_the_store(service, store):
    from batchproc.store import engine

    other = engine.sqlite.connect(str(store.path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with asyncio.timeout(5):
        assert (await service.health()).parts["store"].ok
    other.execute("ROLLBACK")
    other.close()


# Stats.


async def test_nobody_waits_while_it_is_added_up_what_all_came_to(service, store, monkeypatch):
    adds_up, may_end, add_up = threading.Event(), threading.Event(), totals.totals

    def slow(*args, **more):
        adds_up.set()
        assert may_end.wait(10)
        return add_up(*args, **more)

    monkeypatch.setattr(totals, "totals", slow)
    asked = asyncio.create_task(service.stats())
    try:
        assert await asyncio.to_thread(adds_up.wait, 10)
        async with asyncio.timeout(5):
            assert await service.last_event() == 0
    finally:
        may_end.set()
    assert (await asked).series == []


async def test_what_a_job_came_to_over_time(service, make_job, run):
    job = await make_job(6)
    begun = time.time() - 7200
    await run(job, "succeeded", "failed", now=begun)
    await run(job, "succeeded", "flagged", now=begun + 3600)
    found = await service.stats(job.job_id)
    assert found.span_s == 60
    assert [(one.succeeded, one.failed, one.flagged) for one in found.series] == [(1, 1, 0), (1, 0, 1)]
    assert (found.units["succeeded"], found.cost_usd, found.jobs["running"]) == (2, 0.5, 1)
    assert sum(found.jobs.values()) == 1 and found.database_bytes > 100_000
    later = await service.stats(job.job_id, since=datetime.fromtimestamp(begun + 1800, UTC).isoformat())
    assert [one.flagged for one in later.series] == [1]
    day = await service.stats()
    assert (day.span_s, sum(one.succeeded for one in day.series), len(day.series)) == (600, 2, 2)


async def test_a_long_time_has_at_most_240_points_that_lose_nothing(service, make_job, run):
    job = await make_job(300)
    begun = time.time() - 300 * 3600
    for n in range(100):
        await run(job, "succeeded", "succeeded", now=begun + n * 3 * 3600)
    found = await service.stats(job.job_id)
    assert 0 < len(found.series) <= 240 and sum(one.succeeded for one in found.series) == 200
    last = await service.stats(job.job_id, since="1970-01-02")
    assert sum(one.succeeded for one in last.series) == 200 and last.span_s % 60 == 0


@pytest.mark.parametrize("minutes", [0, 1, 237, 238, 239, 240, 241, 1000, 1440, 100_000, 30_000_000])
def test_spans_are_whole_minutes_and_few(minutes):
    from batchproc.service.housekeeping import _span_s

    for offset in (0, 1, 59):
        span = _span_s(NOW + offset, NOW + offset + 60 * minutes)
        first, last = int(NOW + offset) // 60 // (span // 60), int(NOW + offset + 60 * minutes) // 60 // (span // 60)
        assert span % 60 == 0 and last - first + 1 <= 240


async def test_stats_of_nothing(service):
    found = await service.stats()
    assert (found.series, found.cost_usd, sum(found.jobs.values())) == ([], 0.0, 0)
    with pytest.raises(NotFound):
        await service.stats("job-0000000000")
    with pytest.raises(InvalidJob) as refused:
        await service.stats(since="now")
    assert refused.value.field == "since"


async def test_a_pilot_that_runs_has_few_units_that_may_start(store, service, make_job):
    from batchproc.models import Order
    from batchproc.store import pilots

    job = await make_job(20)
    tried = [pilots.Description(instructions=job.instructions, options=replace(job.options))]
    paid = {"credential": Credential.LOGIN, "order": Order(by="test"), "now": NOW}
    assert await store.write(pilots.begin, job, tried, units=[1, 2, 3], **paid)
    assert (await service.health()).queue == {"pending": 20, "due": 3, "running": 0}
    epoch = await store.write(processes.take_over, process="1:2:3", guard="partial", now=NOW)
    now = await store.read(jobs.by_number, job.number)
    await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=time.time(), trial=now.trial)
    found = await service.health()
    assert (found.queue, found.parts["guard"].ok) == ({"pending": 19, "due": 2, "running": 1}, False)
