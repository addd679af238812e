"""What every verb stands on: the store, the way to the supervisor, and who asks."""

import os
import time
from collections.abc import Mapping

from batchproc import answers, jobs, present
from batchproc.errors import NotFound, SupervisorError
from batchproc.launcher import Launcher
from batchproc.models import ACTIVE_JOBS, Job
from batchproc.settings import Settings
from batchproc.store import db, status
from batchproc.store import jobs as rows

RINGS = 3  # a supervisor that is about to end may hang up in between; the next one answers


class Service:
    """`by` is the face that asks, as events tell it."""

    def __init__(
        self,
        store: db.Database,
        launcher: Launcher,
        settings: Settings,
        *,
        environ: Mapping[str, str] = os.environ,
        clock: jobs.Clock = time.time,
        by: str = "python",
    ) -> None:
        self._store, self._launcher, self._settings = store, launcher, settings
        self._environ, self._clock, self._by = environ, clock, by

    async def wake(self) -> None:
        """Start the supervisor if the store has an active job and nobody holds the lock."""
        if await self._store.read(rows.active) and not self._launcher.is_alive:
            await self._launcher.ensure()

    async def _wake_for(self, job: Job) -> str | None:
        """See that somebody works on an active job; what is wrong if nobody can."""
        if job.status not in ACTIVE_JOBS and job.resume_at is None:
            return None
        try:
            hello = await self._launcher.hello() if self._launcher.is_alive else await self._launcher.ensure()
        except SupervisorError as error:
            return str(error)
        return str(hello["trouble"]) if hello and hello.get("trouble") else None

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
