"""What every verb stands on: the store, the way to the supervisor, and who asks."""

import copy
import os
import time
from collections.abc import Mapping
from typing import Self

from batchproc import credentials, jobs
from batchproc.errors import CredentialMissing, NotFound, SupervisorError
from batchproc.launcher import Launcher
from batchproc.models import Job, Unit
from batchproc.settings import Settings
from batchproc.store import db, needs, status, units
from batchproc.store import jobs as rows
from batchproc.store.rows import clean

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

    def speaking_for(self, by: str) -> Self:
        """The same service, with the same store, for another one who asks."""
        other = copy.copy(self)
        other._by = by
        return other

    async def wake(self) -> None:
        """Start the supervisor if there is something for it to do and nobody holds the lock."""
        if not self._launcher.is_alive and await self._store.read(needs.supervisor):
            await self._launcher.ensure()

    async def wake_after_a_kill(self) -> None:
        """The same, if the last one was killed, as by a crash of the machine: one that somebody ended stays ended until
        somebody looks or orders."""
        if not self._launcher.is_alive and await self._store.read(needs.another_supervisor):
            await self._launcher.ensure()

    async def _trouble(self) -> str | None:
        """See that somebody works on what is to be done; what is wrong if nobody can."""
        try:
            await self.wake()
        except SupervisorError as error:
            return str(error)
        hello = await self._launcher.hello() if self._launcher.is_alive else None
        return str(hello["trouble"]) if hello and hello.get("trouble") else None

    async def _job(self, job_id: str) -> Job:
        job = await self._store.read(rows.by_id, job_id)
        if job is None:
            raise NotFound("job", job_id, "see list_jobs")
        return job

    async def _unit(self, job: Job, key: str) -> Unit:
        whole = clean(key)  # half a character can be asked for, and is in no key
        unit = await self._store.read(units.by_key, job.number, whole) if job.total_units and whole == key else None
        if unit is None:
            raise NotFound("unit", whole, f"see get_results for the keys of job {job.job_id}")
        return unit

    async def _look(self, job_id: str) -> status.Snapshot:
        look = await self._store.read(status.look, job_id)
        if look is None:
            raise NotFound("job", job_id, "see list_jobs")
        return look

    def _no_credential(self, model: str | None) -> list[str]:
        """A warning where nothing could pay for agents of this model."""
        try:
            credentials.choose(model, self._environ)
        except CredentialMissing as error:
            return [f"start_job will refuse: {error}"]
        return []
