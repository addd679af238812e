"""One attempt's life, with the real CLI: what is written when the store refuses, and when somebody says stop."""

import asyncio
import time

import pytest

from batchproc import retry
from batchproc.agents import guard
from batchproc.agents.claude import ClaudeAgent
from batchproc.agents.rehearsal import RehearsalModel, Reply
from batchproc.models import Credential
from batchproc.store import attempts as rows
from batchproc.store import claims, jobs, processes, units
from batchproc.supervisor.attempt import Attempts
from batchproc.supervisor.limits import Limits
from batchproc.supervisor.machine import Machine
from batchproc.workers.inline import InlineWorkers
from tests.conftest import wait_until


@pytest.fixture
async def model():
    async with RehearsalModel(lambda call: Reply(text="x" * 20_000, delay_s=0.5)) as model:
        yield model


@pytest.fixture
async def attempts(store, model, tmp_path):
    async def pays(task):
        return {**model.environment(), "HOME": str(tmp_path)}

    agent = ClaudeAgent(guard=await guard.probe(guard.find_cli()), slots=2, tag="test-attempt")
    async with InlineWorkers(agent, slots=2, pays=pays) as workers:
        backoff = retry.Backoff(first_s=0.1, max_s=1)
        yield Attempts(
            store=store,
            workers=workers,
            limits=limits_of(store, backoff),
            home=store.home,
            backoff=backoff,
            clock=time.time,
        )


def limits_of(store, backoff):
    machine = Machine(home=store.home, tag_variable="X", tag="x", memory_reserve_mb=1, disk_reserve_mb=1)
    return Limits(
        store=store,
        machine=machine,
        slots=2,
        backoff=backoff,
        payer=lambda job: "me",
        clock=time.time,
    )


async def claimed(store, make_job):
    job = await make_job(1)
    epoch = await store.write(processes.take_over, process="1:2:3", guard="full", now=time.time())
    await store.write(jobs.start, job.number, credential=Credential.ENVIRONMENT, now=time.time())
    [unit] = (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=time.time())).units
    return job, unit


def room(tx, pages):
    """Let the file grow by so many pages, and no further: SQLite then says that the disk is full.

    What an upgrade of the schema left free in it is filled first.
    """
    free, size = (tx.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_size"))
    filled = {"bytes": free * size // 2}  # as hexadecimal digits twice as many
    tx.execute("INSERT INTO logs (at, source, level, text) VALUES (1, 's', 'info', hex(zeroblob(:bytes)))", filled)
    used = tx.execute("PRAGMA page_count").fetchone()[0]
    return tx.execute(f"PRAGMA max_page_count = {used + pages}").fetchone()[0]


async def test_an_attempt_is_recorded_from_claim_to_result(store, make_job, attempts):
    job, unit = await claimed(store, make_job)
    await attempts.run(job, unit)
    done = await store.read(units.by_key, job.number, "u1")
    assert (done.status, done.charged, len(done.text)) == ("succeeded", 1, 20_000)
    assert (await store.read(jobs.by_id, job.job_id)).status == "completed"


async def test_a_full_disk_stops_the_agent_and_the_unit_is_back_when_there_is_room(store, make_job, attempts, caplog):
    job, unit = await claimed(store, make_job)
    await store.write(room, 0)
    running = asyncio.create_task(attempts.run(job, unit))
    await wait_until(lambda: "cannot be followed" in caplog.text, "the agent is stopped", 15)
    await store.write(room, 10_000)
    await asyncio.wait_for(running, 10)
    back = await store.read(units.by_key, job.number, "u1")
    assert (back.status, back.charged) == ("pending", 0) and "could not be written" in back.reason


async def test_a_result_waits_for_room_on_the_disk_and_is_not_lost(store, make_job, attempts, model):
    job, unit = await claimed(store, make_job)
    running = asyncio.create_task(attempts.run(job, unit))
    await wait_until(lambda: model.in_flight == 1, "the agent waits for its answer", 15)
    await store.write(room, 8)  # enough for its messages, not for the answer as well
    await wait_until(lambda: model.count == 1 and model.in_flight == 0, "the answer is given", 15)
    await asyncio.sleep(1)  # time in which it must not be recorded as anything else
    assert (await store.read(units.by_key, job.number, "u1")).status == "running"
    await store.write(room, 10_000)
    await asyncio.wait_for(running, 10)
    done = await store.read(units.by_key, job.number, "u1")
    assert done.status in {"succeeded", "pending"} and (done.status == "pending" or len(done.text) == 20_000)


async def test_a_cancelled_attempt_gives_its_unit_back_before_it_ends(store, make_job, attempts, model):
    job, unit = await claimed(store, make_job)
    running = asyncio.create_task(attempts.run(job, unit))
    await wait_until(lambda: model.in_flight == 1, "the agent is at work", 15)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    back = await store.read(units.by_key, job.number, "u1")
    assert (back.status, back.charged, back.reason) == ("pending", 0, "released by a drain")
    assert [a.outcome for a in await store.read(rows.of_unit, unit.fence.unit)] == ["released"]
