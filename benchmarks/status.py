"""status: `get_status` of a job with 1,000,000 units against one with 1,000. Progress must not cost more as jobs grow.

Both jobs were made with `create_job` and then, through the store's verbs, brought to where a running job is: 100 units
final (ten of them failed alike: a failure group) and 4 running. The peer is asked twice: in the same store, and in a
store that holds nothing else, so that what the big job's neighbour pays shows too. One call to each in turns, 200
times, after 20 that do not count; the median of each. The benchmark holds the supervisor's lock, so nothing moves.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from batchproc import settings
from batchproc.models import Credential, Report, Settlement, Tokens, UnitStatus
from batchproc.platform import lock
from batchproc.service import BatchService
from batchproc.store import attempts, claims, db, jobs, processes
from benchmarks import house, table
from benchmarks.comparison import Row, in_turns

LARGE, SMALL = 1_000_000, 1_000
FINAL, FAILED, RUNNING = 100, 10, 4
CALLS, WARM = 200, 20


async def measure() -> list[Row]:
    with house.folder() as place, house.folder() as other:
        environ, alone = house.environment(place), house.environment(other)
        async with house.service(environ) as opened, house.service(alone) as lonely:
            small = await _job(opened, place, SMALL)
            large = await _job(opened, place, LARGE)
            only = await _job(lonely, other, SMALL)
            await _work(settings.load(environ).home, [small, large])
            await _work(settings.load(alone).home, [only])
            contenders = [lambda: _ask(opened, large), lambda: _ask(opened, small), lambda: _ask(lonely, only)]
            with _no_supervisor(settings.load(environ).home), _no_supervisor(settings.load(alone).home):
                await in_turns(WARM, *contenders)
                ours, beside, apart = await in_turns(CALLS, *contenders)
    return [
        Row(name="status 1M : 1k", ours=ours, peer=beside, unit="ms", floor=1.5, sense="≤"),
        Row(name="status 1M : 1k alone", ours=ours, peer=apart, unit="ms", floor=1.5, sense="≤"),
    ]


@contextlib.contextmanager
def _no_supervisor(home: Path) -> Iterator[None]:
    """Hold its lock: a face that finds it free starts one for a running job."""
    held = lock.FileLock(home / "supervisor.lock")
    assert held.acquire()
    try:
        yield
    finally:
        held.release()


async def _job(opened: BatchService, place: Path, rows: int) -> str:
    source = table.write(place / f"{rows}.csv", rows)
    created = await house.create(opened, table.INSTRUCTIONS, table.enumerator(source))
    assert created.total_units == rows
    return created.job_id


async def _work(home: Path, job_ids: list[str]) -> None:
    """Do what a supervisor does, as far as the store sees it, and leave each job in the middle."""
    async with db.Database(home) as store:
        epoch = await store.write(processes.take_over, process="benchmark", guard="full", now=time.time())
        for job_id in job_ids:
            job = await store.read(jobs.by_id, job_id)
            assert job is not None
            await store.write(jobs.start, job.number, credential=Credential.REHEARSAL, now=time.time())
            done = (await store.write(claims.claim, job.number, epoch=epoch, limit=FINAL, now=time.time())).units
            for n, unit in enumerate(done):
                await store.write(attempts.settle, unit.fence, _end(failed=n < FAILED), now=time.time())
            left = (await store.write(claims.claim, job.number, epoch=epoch, limit=RUNNING, now=time.time())).units
            assert (len(done), len(left)) == (FINAL, RUNNING)


def _end(*, failed: bool) -> Settlement:
    report = Report(ended="result", text="a line", cost_usd=0.01, tokens=Tokens(input=900, output=30), turns=1)
    if not failed:
        return Settlement(status=UnitStatus.SUCCEEDED, outcome="succeeded", report=report, text=report.text)
    said = "max turns: stopped after 30 turns"
    return Settlement(status=UnitStatus.FAILED, outcome="failed", report=report, error=said, signature="max turns")


async def _ask(opened: BatchService, job_id: str) -> float:
    """Milliseconds of one call."""
    begun = time.perf_counter()
    answer = await opened.get_status(job_id)
    took = time.perf_counter() - begun
    assert sum(answer.counts.values()) == answer.total_units and len(answer.running) == RUNNING
    return took * 1000
