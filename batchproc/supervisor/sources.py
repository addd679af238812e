"""Sources whose readers are gone: the supervisor goes on with them."""

import asyncio
import logging
from collections.abc import Callable

from batchproc import jobs
from batchproc.errors import BatchprocError, StoreError
from batchproc.models import Job
from batchproc.rereading import Rereading
from batchproc.store import db, readings, updates
from batchproc.supervisor.chronicle import about

log = logging.getLogger(__name__)

READ_AGAIN_S = 5.0


class Sources:
    """Reads on, one task for each job; `ended()` is called when one is through."""

    def __init__(self, store: db.Database, clock: Callable[[], float], ended: Callable[[], None]) -> None:
        self._store, self._clock, self._ended = store, clock, ended
        self._readings: dict[int, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._readings)

    async def take(self, job: Job) -> None:
        """Go on with a new job's source, unless somebody who lives reads it."""
        self._take(job, await self._store.read(readings.reader, job.number), jobs.Reading)

    async def take_updates(self) -> int:
        """The same for sources that are read anew; how many there are."""
        found = await self._store.read(updates.being_read)
        for job, reader in found:
            self._take(job, reader, Rereading)
        return len(found)

    def _take(self, job: Job, previous: str | None, kind: type[jobs.Reading]) -> None:
        if job.number in self._readings:
            return
        if previous != jobs.me() and not jobs.reader_is_dead(previous):
            return
        task = asyncio.create_task(self._read_in(job, previous, kind), name=f"reading {job.job_id}")
        self._readings[job.number] = task
        task.add_done_callback(lambda _: self._through(job))

    async def stop(self) -> None:
        for reading in self._readings.values():
            reading.cancel()
        await asyncio.gather(*self._readings.values(), return_exceptions=True)

    def _through(self, job: Job) -> None:
        self._readings.pop(job.number, None)
        self._ended()

    async def _read_in(self, job: Job, previous: str | None, kind: type[jobs.Reading]) -> None:
        of = about(job.number)
        log.info("reading the source of %s", job.job_id, extra=of)
        try:
            reading = await kind.take_over(self._store, job, previous=previous, clock=self._clock)
            await reading.run()
        except StoreError:
            log.exception("the source of %s cannot be written to the store; trying again", job.job_id, extra=of)
            await asyncio.sleep(READ_AGAIN_S)
        except BatchprocError as error:
            log.warning("the source of %s cannot be read: %s", job.job_id, error, extra=of)
