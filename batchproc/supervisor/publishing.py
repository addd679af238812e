"""Files that an agent makes for the user: whether they may be put to their places, and what becomes of the unit.

Looked at before anything is paid → written in the scratch folder → staged → promised, in the transaction that accepts
the attempt → put to their places → the unit has ended, in the transaction that says so. From the promise on it goes
forward only, whoever dies: a unit whose files were promised is never run again for them.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from batchproc import judge
from batchproc.agents import profiles
from batchproc.errors import StoreError
from batchproc.models import (
    AttemptTask,
    Cause,
    Fence,
    Hold,
    Outcome,
    Pause,
    Promise,
    PromisedFile,
    Settlement,
    UnitStatus,
    Verdict,
)
from batchproc.store import db, jobs, publications
from batchproc.supervisor import ends, places, staging
from batchproc.supervisor.chronicle import about
from batchproc.supervisor.ongoing import Ongoing
from batchproc.supervisor.staging import Refused, Unwritten

log = logging.getLogger(__name__)

AGAIN_S = 1.0
"""After there was no room on the disk of the output folder."""
NOT_WANTED = "its answer came when it was not wanted any more"


@dataclass(frozen=True, kw_only=True)
class Publishing:
    """Of attempts that run. Does nothing for a job without outputs."""

    store: db.Database
    clock: Callable[[], float]

    async def prepare(self, attempt: Ongoing, task: AttemptTask) -> None:
        """Before its agent starts. Raises `Refused`; `OSError` for what is the machine's."""
        if not task.files:
            return
        job, fence, base = attempt.job, attempt.unit.fence, _base(task)
        try:
            claimed = await self.store.write(publications.claim, job.number, fence.unit, base, task.files)
        except publications.Taken as taken:
            raise Refused(str(taken)) from None
        attempt.files = tuple(
            PromisedFile(path=one.path, staged=str(n), sha256="", replaces=one.replaces, overwrites=_overwrites(task))
            for n, one in enumerate(claimed)
        )
        where = (base, job.job_id, fence.unit, fence.attempt)
        await asyncio.to_thread(places.prepare, *where, attempt.files)
        for one in claimed:
            for twin in one.twins:
                place = f"{base.rstrip('/')}/{one.path}"
                if await asyncio.to_thread(staging.is_one, *where, (place, twin)):
                    raise Refused(f"{place} is the same file as {twin} on this file system, and that is taken")

    async def doubt(self, attempt: Ongoing, task: AttemptTask) -> Outcome | None:
        """Stage what the agent wrote. What becomes of the attempt if it did not write it; None if it did."""
        if not task.files:
            return None
        try:
            hashes = await self._stage(attempt, task)
        except StoreError:
            raise
        except Unwritten as missing:
            verdict = Verdict.EMPTY if attempt.unit.mends is None else Verdict.FLAGGED
            return _outcome(verdict, Cause.UNWRITTEN, str(missing))
        except Refused as problem:
            return _outcome(Verdict.FLAGGED, Cause.PUBLISHING, f"the files cannot be published: {problem}")
        except Exception as error:  # a fault of ours must not lose an answer
            log.exception("the files of unit %s cannot be staged", attempt.unit.key, extra=attempt.about)
            return _outcome(Verdict.FLAGGED, Cause.PUBLISHING, f"batchproc itself failed: {error!r}")
        files = zip(attempt.files, hashes, strict=True)
        attempt.files = tuple(replace(file, sha256=found) for file, found in files)
        return None

    async def _stage(self, attempt: Ongoing, task: AttemptTask) -> tuple[str, ...]:
        """As soon as there is room for it: what an agent did is not thrown away. The job waits meanwhile."""
        fence, work = attempt.unit.fence, profiles.work(task)
        where = (_base(task), attempt.job.job_id, fence.unit, fence.attempt)
        while True:
            try:
                return await asyncio.to_thread(staging.stage, *where, work, attempt.files)
            except OSError as error:
                await _hold(self.store, attempt.job.number, where[0], error, self.clock(), start=attempt.unit.start)
                await asyncio.sleep(AGAIN_S)

    async def end(self, attempt: Ongoing, end: Settlement) -> None:
        """Write how an attempt ended; if it succeeded, its files are at their places then."""
        if not attempt.files or end.status is not UnitStatus.SUCCEEDED:
            await ends.write(self.store, attempt, end, self.clock)
        elif not await self._publish(attempt, end):
            return
        if attempt.files:
            await self._clear(attempt)

    async def _publish(self, attempt: Ongoing, end: Settlement) -> bool:
        """False: it is promised, and cannot be done now. Whoever looks for units that nobody runs tries again."""
        fence, base = attempt.unit.fence, str(attempt.job.options.output_base)
        write = self.store.write
        promised = await ends.patiently(
            attempt.unit.key,
            lambda: write(publications.promise, fence, base, attempt.files, end, now=self.clock()),
        )
        if not promised:
            stopped = ends.stopped(attempt, attempt.report, why=NOT_WANTED)
            await ends.write(self.store, attempt, stopped, self.clock)
            return True
        job = attempt.job
        known = {"job": job.number, "job_id": job.job_id, "unit": fence.unit, "attempt": fence.attempt}
        promise = Promise(**known, base=base, files=attempt.files, end=end)  # type: ignore[arg-type]
        came = await _kept(self.store, promise, self.clock())
        if came is None:
            return False
        await ends.write(self.store, attempt, came, self.clock, publications.settle)
        return True

    async def _clear(self, attempt: Ongoing) -> None:
        fence, base = attempt.unit.fence, str(attempt.job.options.output_base)
        await _clear(base, attempt.job.job_id, [(fence.unit, fence.attempt)])


async def keep(store: db.Database, promise: Promise, fence: Fence, *, epoch: int, clock: Callable[[], float]) -> None:
    """Do what a supervisor promised that is gone: forward, never backward."""
    came = await _kept(store, promise, clock())
    if came is None:
        return
    await store.write(publications.rescue, fence, came, epoch=epoch, now=clock())
    await _clear(promise.base, promise.job_id, [(promise.unit, promise.attempt)])


async def sweep(store: db.Database, job: int | None = None) -> None:
    """Remove what attempts left in staging folders that do not run any more, of one job or of all."""
    for number, job_id, base in await store.read(publications.stagings, job):
        try:
            found = await asyncio.to_thread(staging.waiting, base, job_id)
        except OSError as error:
            log.warning("the staging folder of job %s in %s cannot be swept: %s", job_id, base, error)
            continue
        working = await store.read(publications.working, number)  # after the look: what began since is not in `found`
        await _clear(base, job_id, [one for one in found if one not in working])
        await store.write(publications.forget_staging, number, base)


async def _kept(store: db.Database, promise: Promise, now: float) -> Settlement | None:
    """What becomes of the unit. None: the machine or its disk is in the way, not the place; it stays promised."""
    try:
        await asyncio.to_thread(places.place, promise)
    except Refused as problem:
        return _unpublished(promise.end, str(problem))
    except OSError as error:
        await _hold(store, promise.job, promise.base, error, now)
        return None
    except Exception as error:  # a fault of ours must not leave a unit running for ever
        log.exception("the files of unit %d cannot be published", promise.unit, extra=about(promise.job, promise.unit))
        return _unpublished(promise.end, f"batchproc itself failed: {error!r}")
    return promise.end


def _unpublished(end: Settlement, problem: str) -> Settlement:
    """The answer is kept, and not believed to be done."""
    message = f"the files were not published: {problem}"
    known = {"status": UnitStatus.FLAGGED, "outcome": Verdict.FLAGGED, "cause": Cause.PUBLISHING}
    return replace(end, **known, error=message, signature=judge.signature(message))  # type: ignore[arg-type]


async def _hold(store: db.Database, job: int, base: str, error: OSError, now: float, *, start: int = 1 << 60) -> None:
    """Start nothing more of the job until there may be room."""
    detail = f"files cannot be published in {base}: {error.strerror or error}"
    hold = Hold(reason=Pause.DISK, detail=detail, resume_at=now + ends.LOOKS_AGAIN_S)
    with contextlib.suppress(StoreError):  # its disk may be the same one
        if await store.write(jobs.pause, job, hold, start=start, now=now):
            log.warning("job %d pauses: %s", job, detail, extra=about(job))


async def _clear(base: str, job_id: str, ended: list[tuple[int, int]]) -> None:
    """What cannot be removed now is swept later."""
    try:
        await asyncio.to_thread(staging.clear, base, job_id, ended)
    except OSError as error:
        log.warning("what waits in %s cannot be removed: %s", base, error)


def _outcome(verdict: Verdict, cause: Cause, message: str) -> Outcome:
    return Outcome(verdict=verdict, cause=cause, message=message, signature=judge.signature(message))


def _base(task: AttemptTask) -> str:
    return str(task.options.output_base)


def _overwrites(task: AttemptTask) -> bool:
    return task.options.overwrite_outputs
