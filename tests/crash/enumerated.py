"""A source that is read into the store, with a reader that dies in between if that is wanted."""

import orjson

from batchproc.errors import TakenOver
from batchproc.models import AgentOptions, Job, JobSpec
from batchproc.store import db, jobs, readings, units
from tests.crash.totals import Broken


async def enumerate_job(store: db.Database, options: AgentOptions, n: int, *, now: float, interrupted: bool) -> Job:
    """A ready job with the units u1…un. `interrupted`: a first reader dies amid it, and comes back too late."""
    spec = JobSpec(name="a job", instructions="do", enumerator={"type": "list"})
    job, _ = await store.write(jobs.create, spec, options, reader="first", now=now)
    token = jobs.FIRST_READING
    if interrupted:
        await store.write(units.add_many, job.number, token, _chunk(range(1, n // 2 + 1)))
        await _require_nothing_visible(store, job)
        token = await store.write(readings.begin_reading, job.number, reader="second", previous="first")
        await _require_too_late(store, job)
        while await store.write(readings.discard_units, job.number, token, limit=2):
            pass
    await store.write(units.add_many, job.number, token, _chunk(range(1, n + 1)))
    await _require_nothing_visible(store, job)
    return await store.write(readings.publish, job.number, token, now=now)


def _chunk(numbers: range) -> str:
    return orjson.dumps([(f"u{i}", {"value": i}, i) for i in numbers]).decode()


async def _require_nothing_visible(store: db.Database, job: Job) -> None:
    row = await store.read(jobs.by_number, job.number)
    ledger = await store.read(jobs.ledger, job.number)
    if (row.status, row.total_units, sum(ledger.values())) != ("enumerating", 0, 0):
        raise Broken(f"units are visible before all of them are in: {row.status}, {ledger}")


async def _require_too_late(store: db.Database, job: Job) -> None:
    for verb, args in ((units.add_many, (_chunk(range(90, 93)),)), (readings.publish, ())):
        try:
            await store.write(verb, job.number, jobs.FIRST_READING, *args, **({} if args else {"now": 0.0}))
        except TakenOver:
            continue
        raise Broken("a reader that was replaced could still write")
