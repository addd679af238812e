"""The verbs that every face calls. A face parses, calls one of these, and presents what it gets."""

import asyncio
import os
import time
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from batchproc import answers, credentials, enumerators, jobs, paging, present
from batchproc.enumerators.base import Enumerator
from batchproc.errors import (
    CredentialMissing,
    InvalidJob,
    NotFound,
    StoreError,
    SupervisorError,
    TakenOver,
    WrongStatus,
)
from batchproc.launcher import Launcher
from batchproc.models import ACTIVE_JOBS, AgentOptions, Credential, Job, JobSpec, JobStatus, UnitStatus
from batchproc.settings import Settings
from batchproc.store import db, events, status, units
from batchproc.store import jobs as rows

LONGEST_WAIT_S = 45.0
BETWEEN_ANSWERS_S = 1.0
POLL_S = 0.25
SAMPLE = 3
RINGS = 3  # a supervisor that is about to end may hang up in between; the next one answers


class BatchService:
    """What can be done with jobs, whichever face asks. Holds no state of its own: everything is in the store."""

    def __init__(
        self,
        store: db.Database,
        launcher: Launcher,
        settings: Settings,
        *,
        environ: Mapping[str, str] = os.environ,
        clock: jobs.Clock = time.time,
    ) -> None:
        self._store, self._launcher, self._settings = store, launcher, settings
        self._environ, self._clock = environ, clock
        self._creations: set[asyncio.Task[answers.CreatedJob]] = set()

    async def wake(self) -> None:
        """Start the supervisor if the store has an active job and nobody holds the lock."""
        if await self._store.read(rows.active) and not self._launcher.is_alive:
            await self._launcher.ensure()

    async def create_job(self, spec: JobSpec) -> answers.CreatedJob:
        """Define a job and read its source. Nothing runs yet.

        Raises `InvalidJob` before anything is kept; what is wrong with the source (`SourceError` and its kin) leaves a
        `failed` job without units. The same `idempotency_key` with the same description gives the job that is there.
        """
        source = jobs.check(spec)
        options = jobs.resolve(spec.options, self._settings)
        task = asyncio.create_task(self._create(spec, options, source), name=f"create {spec.name}")
        self._creations.add(task)
        task.add_done_callback(self._creation_ended)
        # A caller that goes away does not stop it: a job that is in the list is read to its end.
        return await asyncio.shield(task)

    async def _create(self, spec: JobSpec, options: AgentOptions, source: Enumerator) -> answers.CreatedJob:
        job, is_new = await self._store.write(rows.create, spec, options, reader=jobs.me(), now=self._clock())
        if not is_new:
            _require_same(job, await self._store.read(rows.enumerator, job.number), spec, options)
            await self.wake()
            return await self._created(job, [])
        reading = jobs.Reading(self._store, job, source, token=rows.FIRST_READING, clock=self._clock)
        job = await self._read_in(job, reading)
        return await self._created(job, [*reading.warnings, *self._no_credential(options.model)])

    async def _read_in(self, job: Job, reading: jobs.Reading) -> Job:
        """Read the source for a while; what takes longer, or fails for want of disk, is the supervisor's."""
        try:
            async with asyncio.timeout(self._settings.enumerate_s):
                return await reading.run()
        except TakenOver:
            pass
        except TimeoutError:
            await self._leave_to_supervisor(reading)
        except (StoreError, asyncio.CancelledError):
            await reading.hand_over()
            raise
        return await self._job(job.job_id)

    async def _leave_to_supervisor(self, reading: jobs.Reading) -> None:
        await reading.hand_over()
        for _ in range(RINGS):
            await self._launcher.ensure()
            if await self._launcher.ring():
                return

    def _creation_ended(self, task: "asyncio.Task[answers.CreatedJob]") -> None:
        self._creations.discard(task)
        if not task.cancelled():
            task.exception()  # the caller has it, unless he left

    async def close(self) -> None:
        """Leave readings that are under way to the supervisor."""
        for task in self._creations:
            task.cancel()
        await asyncio.gather(*self._creations, return_exceptions=True)

    def _no_credential(self, model: str | None) -> list[str]:
        try:
            credentials.choose(model, self._environ)
        except CredentialMissing as error:
            return [f"start_job will refuse: {error}"]
        return []

    async def _created(self, job: Job, warnings: list[str]) -> answers.CreatedJob:
        found = await self._store.read(units.first, job.number, limit=SAMPLE) if job.total_units else []
        return present.created(job, found, warnings)

    async def start_job(self, job_id: str) -> answers.StartedJob:
        """Let the job's agents run. Answers at once; the work goes on without the caller.

        Raises `CredentialMissing`, `NotFound`, `WrongStatus`, `SupervisorError`.
        """
        job = await self._job(job_id)
        _require_startable(job)
        credential = credentials.choose(job.options.model, self._environ)
        pays = {} if credential is Credential.REHEARSAL else credentials.variables(self._environ)
        for _ in range(RINGS):
            hello = await self._launcher.ensure()
            if not await self._launcher.hand_credentials(job.job_id, pays):
                continue
            await self._store.write(rows.start, job.number, credential=credential, now=self._clock())
            if await self._launcher.ring():
                return present.started(await self._job(job_id), credential, guard=str(hello["guard"]))
        raise SupervisorError(
            f"job {job_id} is marked to run, but no supervisor took it up; see `batchproc doctor`, then start it again"
        )

    async def get_status(self, job_id: str, wait_s: float = 0) -> answers.JobStatusAnswer:
        """The job as it stands. With `wait_s` (at most 45) it answers when its status or a count changes, or then.

        Raises `NotFound`, `InvalidJob`.
        """
        if not 0 <= wait_s <= LONGEST_WAIT_S:
            raise InvalidJob("wait_s", wait_s, f"give seconds between 0 and {LONGEST_WAIT_S:g}")
        look = await self._look(job_id)
        trouble = await self._wake_for(look.job)
        if wait_s:
            look = await self._wait_for_change(look, wait_s)
        return present.job_status(look, self._clock(), trouble)

    async def _wake_for(self, job: Job) -> str | None:
        """See that somebody works on an active job; what is wrong if nobody can."""
        try:
            if job.status in ACTIVE_JOBS and not self._launcher.is_alive:
                await self._launcher.ensure()
        except SupervisorError as error:
            return str(error)
        return None

    async def _wait_for_change(self, before: status.Snapshot, wait_s: float) -> status.Snapshot:
        loop = asyncio.get_running_loop()
        begun, now = loop.time(), before
        while (left := begun + wait_s - loop.time()) > 0 and _same_state(before, now):
            if before.job.status not in ACTIVE_JOBS and not before.counts["running"]:
                return now  # nothing can change by itself
            await self._news(now.last_event, min(left, 5.0))
            now = await self._look(before.job.job_id)
        if not _same_state(before, now):
            await asyncio.sleep(max(0.0, min(begun + BETWEEN_ANSWERS_S, begun + wait_s) - loop.time()))
            now = await self._look(before.job.job_id)
        return now

    async def _news(self, seen: int, timeout_s: float) -> None:
        """Wait until an event after `seen` is committed, or for `timeout_s` seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                async with aclosing(self._launcher.changes()) as news:
                    async for seq in news:
                        if seq > seen:
                            return
                while await self._store.read(events.last) <= seen:  # noqa: ASYNC110 - no supervisor, nobody to ring
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            return

    async def get_results(
        self, job_id: str, status: str | None = None, cursor: str | None = None, limit: int = 20
    ) -> answers.Results:
        """A page of final units, in the order of the source. Raises `NotFound`, `InvalidJob`."""
        job = await self._job(job_id)
        wanted = None if status is None else _final_status(status)
        paging.require_limit(limit)
        page = await self._store.read(
            units.final_page, job.number, status=wanted, after=paging.unit_after(job, cursor), limit=limit + 1
        )
        counts = await self._store.read(rows.ledger, job.number)
        return present.results(job, page, limit, counts, wanted)

    async def get_unit(self, job_id: str, key: str, events_limit: int = 50) -> answers.UnitAnswer:
        """One unit: its payload, its prompt as it is sent, its attempts and the end of its conversation."""
        job = await self._job(job_id)
        if not 0 <= events_limit <= 1000:
            raise InvalidJob("events", events_limit, "give a number between 0 and 1000")
        unit = await self._store.read(units.by_key, job.number, key) if job.total_units else None
        if unit is None:
            raise NotFound("unit", key, f"see get_results for the keys of job {job_id}")
        tries = await self._store.read(units.attempts, unit.number)
        tail = await self._store.read(events.tail_of_unit, unit.number, limit=events_limit)
        return present.unit(job, unit, tries, tail)

    async def list_jobs(self, status: str | None = None, cursor: str | None = None, limit: int = 20) -> answers.JobList:
        """A page of jobs, newest first. Raises `InvalidJob`."""
        if status is not None and status not in set(JobStatus):
            raise InvalidJob("status", status, f"known ones are {', '.join(JobStatus)}")
        paging.require_limit(limit)
        wanted = None if status is None else JobStatus(status)
        page = await self._store.read(
            rows.page, status=wanted, before=paging.number_in(cursor, 1 << 62), limit=limit + 1
        )
        counts = {job.number: await self._store.read(rows.ledger, job.number) for job in page[:limit]}
        return present.job_list(page, limit, counts)

    async def list_enumerators(self) -> answers.EnumeratorList:
        """The kinds of sources, each with the JSON Schema of its configuration and an example."""
        return present.enumerator_list(enumerators.catalogue())

    async def supervisor_status(self) -> answers.SupervisorAnswer:
        """Whether a supervisor lives, and what it says of itself."""
        return present.supervisor(await self._launcher.hello(), alive=self._launcher.is_alive)

    async def stop_supervisor(self, *, now: bool = False) -> bool:
        """Ask the supervisor to end. False: none was alive."""
        return await self._launcher.stop(now=now)

    async def _job(self, job_id: str) -> Job:
        job = await self._store.read(rows.by_id, job_id)
        if job is None:
            raise NotFound("job", job_id, "see list_jobs")
        return job

    async def _look(self, job_id: str) -> status.Snapshot:
        look = await self._store.read(status.look, job_id)
        if look is None:
            raise NotFound("job", job_id, "see list_jobs")
        return look


def _require_same(known: Job, enumerator: Mapping[str, Any], spec: JobSpec, options: object) -> None:
    description = (spec.name, spec.instructions, dict(spec.enumerator), options)
    if (known.name, known.instructions, dict(enumerator), known.options) != description:
        way_out = f"job {known.job_id} has it with another description; use a new key"
        raise InvalidJob("idempotency_key", spec.idempotency_key, way_out)


def _require_startable(job: Job) -> None:
    match job.status:
        case JobStatus.READY | JobStatus.PAUSED | JobStatus.RUNNING:
            return
        case JobStatus.ENUMERATING:
            way_out = "its source is still being read; wait with get_status(wait_s=45), then start it"
        case JobStatus.FAILED:
            way_out = f"its source could not be read ({job.reason}); create the job again"
        case _:
            way_out = "see get_results for what it did, or create a new job"
    raise WrongStatus(job.job_id, job.status, "be started", way_out)


def _same_state(one: status.Snapshot, other: status.Snapshot) -> bool:
    return (one.job.status, one.counts, one.job.units_read) == (other.job.status, other.counts, other.job.units_read)


def _final_status(text: str) -> UnitStatus:
    final = [s for s in UnitStatus if s not in {UnitStatus.PENDING, UnitStatus.RUNNING}]
    if text not in final:
        raise InvalidJob("status", text, f"results have one of {', '.join(final)}")
    return UnitStatus(text)
