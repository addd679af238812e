"""A job is defined, and its source is read."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from batchproc import answers, jobs, present_definition
from batchproc import options as options_
from batchproc.enumerators.base import Enumerator
from batchproc.errors import InvalidJob, StoreError, TakenOver
from batchproc.models import AgentOptions, Job, JobSpec
from batchproc.service.allowing import Allowing
from batchproc.service.base import RINGS
from batchproc.store import jobs as rows
from batchproc.store import units

SAMPLE = 3
T = TypeVar("T")


class Creating(Allowing):
    """create_job."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._works: set[asyncio.Task[Any]] = set()

    async def create_job(self, spec: JobSpec) -> answers.CreatedJob:
        """Define a job and read its source. Nothing runs yet.

        Raises `InvalidJob` before anything is kept; what is wrong with the source (`SourceError` and its kin) leaves a
        `failed` job without units. The same `idempotency_key` with the same description gives the job that is there.
        """
        spec = await self._admitted(spec)
        source = jobs.check(spec)
        options = options_.resolve(spec.options, self._settings, output_schema=spec.output_schema)
        # A job that is in the list is read to its end.
        return await self._see_through(self._create(spec, options, source), f"create {spec.name}")

    async def _see_through(self, work: Coroutine[Any, Any, T], name: str) -> T:
        """Await what a caller that goes away does not stop."""
        task = asyncio.create_task(work, name=name)
        self._works.add(task)
        task.add_done_callback(self._work_ended)
        return await asyncio.shield(task)

    async def _create(self, spec: JobSpec, options: AgentOptions, source: Enumerator) -> answers.CreatedJob:
        job, is_new = await self._store.write(rows.create, spec, options, reader=jobs.me(), now=self._clock())
        if not is_new:
            await self._require_same(job, spec)
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

    def _work_ended(self, task: "asyncio.Task[Any]") -> None:
        self._works.discard(task)
        if not task.cancelled():
            task.exception()  # the caller has it, unless he left

    async def close(self) -> None:
        """Leave readings that are under way to the supervisor."""
        for task in self._works:
            task.cancel()
        await asyncio.gather(*self._works, return_exceptions=True)

    async def _require_same(self, known: Job, spec: JobSpec) -> None:
        """Whoever sends a description again means the job that is there, whatever became of it; another is refused."""
        digest = await self._store.read(rows.digest, known.number)
        if digest is None:
            enumerator = await self._store.read(rows.enumerator, known.number)
            is_same = (known.name, known.instructions, enumerator) == (spec.name, spec.instructions, spec.enumerator)
        else:
            is_same = digest == spec.digest
        if not is_same:
            way_out = f"job {known.job_id} has it with another description; use a new key"
            raise InvalidJob("idempotency_key", spec.idempotency_key, way_out)

    async def _created(self, job: Job, warnings: list[str]) -> answers.CreatedJob:
        found = await self._store.read(units.first, job.number, limit=SAMPLE) if job.total_units else []
        return present_definition.created(job, found, warnings)
