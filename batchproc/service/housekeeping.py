"""How the house itself is: who works, what it came to, what is wrong, what waits for a person."""

import asyncio
import math
import os
import shutil
from datetime import datetime
from pathlib import Path

from batchproc import __version__, answers, present_health
from batchproc.errors import StoreError
from batchproc.models import Job
from batchproc.service.base import Service
from batchproc.service.listening import moment_in
from batchproc.store import engine, migrations, needs, totals

MINUTE_S, DAY_S = 60, 86_400
POINTS = 240
ROUND = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440)
"""Minutes."""
MB = 1 << 20


class Housekeeping(Service):
    """workers, stats, health, ready."""

    async def workers(self) -> answers.Workers:
        """Whether a supervisor lives, what it says of itself, and what runs."""
        hello = await self._launcher.hello()
        now = self._clock()
        pulse, busy = await self._store.read(totals.look, now=now)
        home, alive = self._settings.home, self._launcher.is_alive
        return present_health.workers(hello, pulse, busy, alive=alive, home=home, now=now)

    async def stats(self, job_id: str | None = None, since: str | None = None) -> answers.Stats:
        """What a job, or the whole store, came to: in all, and over time since then (ISO 8601). Without `since`: since
        the job was started, or for a day. Beside everything else: it may add up many minutes. Raises `NotFound`,
        `InvalidJob`."""
        job = None if job_id is None else await self._job(job_id)
        begin = self._usual_begin(job) if since is None else moment_in("since", since).timestamp()
        until = job.finished_at.timestamp() if job and job.finished_at else self._clock()
        span_s = _span_s(begin, until)
        found = await self._store.read_apart(totals.totals, job, since=begin, span_s=span_s)
        beside = await asyncio.to_thread(_size, self._store.path.with_name(f"{self._store.path.name}-wal"))
        return present_health.stats(job_id, found, span_s=span_s, bytes_beside=beside)

    def _usual_begin(self, job: Job | None) -> float:
        if job is None:
            return self._clock() - DAY_S
        begun: datetime = job.started_at or job.created_at
        return begun.timestamp()

    async def health(self) -> answers.Health:
        """What works and what does not, with the way out. Raises nothing: what cannot be looked at is not well."""
        pulse, needed, error = await self._pulse()
        hello = await self._launcher.hello()
        alive, home = self._launcher.is_alive, self._settings.home
        free_mb = await asyncio.to_thread(_free_mb, home)
        parts = {
            "store": present_health.store(home, error, pulse),
            "supervisor": present_health.supervisor(hello, alive=alive, needed=needed, home=home),
            "guard": present_health.guard(hello["guard"] if hello else pulse.guard if pulse else None),
            "disk": present_health.disk(free_mb, self._settings.disk_reserve_mb, home),
        }
        return present_health.health(__version__, parts, pulse, alive=alive)

    async def _pulse(self) -> tuple[totals.Pulse | None, bool, str | None]:
        """What the store says, whether there is work, or why it cannot be read."""
        if (wrong := await asyncio.to_thread(_wrong_with, self._store.path)) is not None:
            return None, False, wrong
        try:
            if newer := await self._store.read(migrations.newer):
                return None, False, f"{self._store.path} was written by a newer batchproc (version {newer}); upgrade"
            return (
                await self._store.read(totals.pulse, now=self._clock()),
                await self._store.read(needs.supervisor),
                None,
            )
        except (StoreError, engine.sqlite.Error) as error:
            return None, False, str(error)

    async def ready(self) -> answers.Ready:
        """Whether a job that is started now would run."""
        return present_health.ready(await self.health())


def _span_s(begin: float, until: float) -> int:
    """Round, in whole minutes, and so long that there are at most `POINTS` of them, wherever the first one begins."""
    needed = max(0.0, until - begin) / MINUTE_S / (POINTS - 2)
    rounded = next((one for one in ROUND if one >= needed), None)
    return MINUTE_S * (DAY_S // MINUTE_S * math.ceil(needed * MINUTE_S / DAY_S) if rounded is None else rounded)


def _wrong_with(path: Path) -> str | None:
    """Why nobody could write there."""
    if not path.exists():
        return f"{path} is not there (any more)"
    closed = [str(one) for one in (path.parent, path) if not os.access(one, os.W_OK)]
    return f"{' and '.join(closed)} cannot be written" if closed else None


def _free_mb(home: Path) -> float | None:
    try:
        return shutil.disk_usage(home).free / MB
    except OSError:
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
