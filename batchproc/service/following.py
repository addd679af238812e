"""What becomes true, as it does: for those who look on for as long as they like."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from batchproc.models import RawEvent
from batchproc.service.base import Service
from batchproc.store import events, following

POLL_S = 0.25  # for what no supervisor tells of: none is alive, or another face wrote it
AGAIN_S = 1.0


class Following(Service):
    """changes, follow, require_job."""

    async def changes(self) -> AsyncGenerator[int, None]:
        """The number of the newest event, now and whenever it has grown, whoever wrote that event. A supervisor with
        nothing to do ends all the same."""
        rang, seen = asyncio.Event(), -1
        bell = asyncio.create_task(self._hear(rang), name="hears the supervisor")
        try:
            while True:
                rang.clear()
                if (newest := await self._store.read(events.last)) > seen:
                    seen = newest
                    yield seen
                await _either(rang, POLL_S)
        finally:
            bell.cancel()

    async def _hear(self, rang: asyncio.Event) -> None:
        while True:
            async with aclosing(self._launcher.changes(aside=True)) as news:
                async for _ in news:
                    rang.set()
            await asyncio.sleep(AGAIN_S)

    async def require_job(self, job_id: str) -> None:
        """Raises `NotFound`."""
        await self._job(job_id)

    async def follow(
        self, after: int, limit: int, *, job_id: str | None = None, key: str | None = None
    ) -> tuple[Sequence[RawEvent], int]:
        """The next events after number `after`, oldest first, and the number up to which that is all. With a job, or a
        unit of it, those of others may be left out, and need not be."""
        return await self._store.read(following.follow, after, limit=limit, job_id=job_id, key=key)


async def _either(rang: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await rang.wait()
    except TimeoutError:
        return
