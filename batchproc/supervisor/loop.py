"""The supervisor's loop: a slot first, then a claim, then a task for it; nothing is fetched ahead."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from batchproc import jobs
from batchproc.errors import BatchprocError, StoreError, TakenOver
from batchproc.models import Claimed, Job, JobStatus
from batchproc.settings import Settings
from batchproc.store import db, retention, units
from batchproc.store import jobs as rows
from batchproc.supervisor.attempt import Attempts, directory
from batchproc.supervisor.purse import Purse
from batchproc.supervisor.rescue import rescue
from batchproc.supervisor.tidy import tidy

log = logging.getLogger(__name__)

TIDY_S = 3.0  # an agent's process has ended this long after its report
READ_AGAIN_S = 5.0
LOOK_AGAIN_S = 30.0  # even if nobody rings


@dataclass(frozen=True, kw_only=True)
class Crew:
    """Whom the supervisor works with. `is_ours` says whether the store still stands where we took it."""

    store: db.Database
    attempts: Attempts
    purse: Purse
    settings: Settings
    clock: Callable[[], float]
    is_ours: Callable[[], bool]


class Supervisor:
    """Owns the store under one epoch, until it is told to end, has nothing to do, or somebody newer takes over."""

    def __init__(self, crew: Crew, *, epoch: int) -> None:
        self._crew, self.epoch = crew, epoch
        self._wake = asyncio.Event()
        self._running: dict[asyncio.Task[None], tuple[Job, int]] = {}
        self._readings: dict[int, asyncio.Task[None]] = {}
        self._chores: set[asyncio.Task[None]] = set()
        self._stop: str | None = None
        self._active_jobs = 0
        self._idle_since: float | None = None
        self._complaint = ""
        self.is_ending = False

    def ring(self) -> None:
        """Something changed: look."""
        self._wake.set()

    def stop(self, how: str) -> None:
        """End: `drain` and `signal` let running agents finish within the grace period, `now` does not."""
        log.info("told to stop: %s", how)
        self._stop = "now" if "now" in (how, self._stop) else how
        self._wake.set()

    def facts(self) -> Mapping[str, Any]:
        facts = {"epoch": self.epoch, "jobs": self._active_jobs, "agents": len(self._running)}
        return {**facts, "ending": self.is_ending}

    async def run(self, watchers: Callable[[], int]) -> str:
        """Work until there is a reason to end; returns it. `watchers` counts who listens."""
        self._spawn_chore(retention.finish_deletions(self._crew.store), "finish deletions")
        why = None
        while why is None:
            self._wake.clear()
            pause_s = await self._look_safely()
            why = self._why_end(watchers())
            if why is not None and (self._stop or not self._wake.is_set()):
                self.is_ending = True  # whoever rings from here on is told so, and starts the next supervisor
            else:
                why = None
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._wake.wait()
        await self._end()
        return why

    def _why_end(self, watchers: int) -> str | None:
        if self._stop is not None:
            return "signal" if self._stop == "signal" else "stop"
        busy = self._running or self._readings or self._active_jobs or watchers
        now = asyncio.get_running_loop().time()
        if busy:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now
        elif now - self._idle_since >= self._crew.settings.idle_s:
            return "idle"
        return None

    async def _look_safely(self) -> float:
        try:
            return await self._look()
        except TakenOver:
            self.stop("now")
        except StoreError as error:
            if str(error) != self._complaint:  # once, not every second for as long as the disk is full
                log.error("the store cannot be used; looking again every second: %s", error)
            self._complaint = str(error)
        return 1.0

    async def _look(self) -> float:
        """Start what can start; returns the seconds after which to look again if nobody rings."""
        if self._stop is not None:
            return 0.0
        if not self._crew.is_ours():
            log.error("the store is gone from %s", self._crew.settings.home)
            raise TakenOver("the store was moved or deleted")
        await rescue(self._crew.store, self.epoch, running=self._units_running(), clock=self._crew.clock)
        active = await self._crew.store.read(rows.active)
        self._active_jobs = len(active)
        for job in active:
            if job.status is JobStatus.ENUMERATING:
                await self._take_reading(job)
        runnable = [job for job in active if job.status is JobStatus.RUNNING and await self._pay_or_pause(job)]
        await self._claim(runnable)
        return await self._until_due(runnable)

    async def _pay_or_pause(self, job: Job) -> bool:
        if self._crew.purse.can_pay(job):
            return True
        now = self._crew.clock()
        await self._crew.store.write(rows.pause, job.number, reason="credential", start=job.starts, now=now)
        log.warning("job %s is paused: this supervisor has no credential for it", job.job_id)
        if self._crew.purse.can_pay(job) and job.credential is not None:
            # It was handed to us meanwhile, by a start that found the job running still and so left it as it was.
            await self._crew.store.write(rows.start, job.number, credential=job.credential, now=self._crew.clock())
            self._wake.set()
        return False

    async def _claim(self, runnable: list[Job]) -> None:
        """Share the free slots among the jobs, round after round, until none is free or nothing is due."""
        hungry = list(runnable)
        while hungry and (free := self._free_slots()) > 0:
            share = max(1, free // len(hungry))
            for job in sorted(hungry, key=self._agents_of):
                want = min(share, self._free_slots(), job.options.max_concurrency - self._agents_of(job))
                claimed = await self._claim_some(job, want) if want > 0 else []
                for unit in claimed:
                    self._start(job, unit)
                if len(claimed) < max(want, 1):
                    hungry.remove(job)

    async def _claim_some(self, job: Job, limit: int) -> list[Claimed]:
        due = await self._crew.store.read(units.next_due, job.number)
        now = self._crew.clock()
        horizon = now + self._crew.settings.backoff_max_s
        if due is not None and due > horizon:  # the clock was set back
            await self._crew.store.write(units.bring_forward, job.number, horizon=horizon, now=now)
        elif due is None or due > now:
            return []
        return await self._crew.store.write(units.claim, job.number, epoch=self.epoch, limit=limit, now=now)

    def _start(self, job: Job, unit: Claimed) -> None:
        name = f"{job.job_id} unit {unit.fence.unit} attempt {unit.fence.attempt}"
        task = asyncio.create_task(self._crew.attempts.run(job, unit), name=name)
        self._running[task] = (job, unit.fence.unit)

        def ended(task: asyncio.Task[None]) -> None:
            del self._running[task]
            self._wake.set()
            self._spawn_chore(self._tidy(job, unit), f"tidy {name}")
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("an attempt ended without a record: %s", name, exc_info=error)

        task.add_done_callback(ended)

    def _free_slots(self) -> int:
        return self._crew.attempts.workers.slots() - len(self._running)

    def _agents_of(self, job: Job) -> int:
        return sum(1 for other, _ in self._running.values() if other.number == job.number)

    def _units_running(self) -> set[int]:
        return {unit for _, unit in self._running.values()}

    async def _until_due(self, runnable: list[Job]) -> float:
        """Seconds until a unit that waits for its back-off may run, if there is a slot for it."""
        waits = [LOOK_AGAIN_S, self._crew.settings.idle_s]
        if self._free_slots() > 0:
            for job in runnable:
                due = await self._crew.store.read(units.next_due, job.number)
                if due is not None and self._agents_of(job) < job.options.max_concurrency:
                    waits.append(max(0.05, due - self._crew.clock()))
        return min(waits)

    async def _take_reading(self, job: Job) -> None:
        """Go on with a source whose reader is gone."""
        previous = await self._crew.store.read(rows.reader, job.number)
        if job.number in self._readings:
            return
        if previous != jobs.me() and not jobs.reader_is_dead(previous):
            return
        task = asyncio.create_task(self._read_in(job, previous), name=f"reading {job.job_id}")
        self._readings[job.number] = task
        task.add_done_callback(lambda _: self._reading_ended(job))

    def _reading_ended(self, job: Job) -> None:
        self._readings.pop(job.number, None)
        self._wake.set()

    async def _read_in(self, job: Job, previous: str | None) -> None:
        log.info("reading the source of %s", job.job_id)
        try:
            reading = await jobs.Reading.take_over(self._crew.store, job, previous=previous, clock=self._crew.clock)
            await reading.run()
        except StoreError:
            log.exception("the source of %s cannot be written to the store; trying again", job.job_id)
            await asyncio.sleep(READ_AGAIN_S)
        except BatchprocError as error:
            log.warning("the source of %s cannot be read: %s", job.job_id, error)

    async def _end(self) -> None:
        """Let running agents finish within the grace period, then release what is left."""
        for reading in self._readings.values():
            reading.cancel()
        if self._running and self._stop != "now":
            grace_s = self._crew.settings.grace_s
            log.info("draining %d agents, for at most %g s", len(self._running), grace_s)
            deadline = asyncio.get_running_loop().time() + grace_s
            while self._running and self._stop != "now" and asyncio.get_running_loop().time() < deadline:
                await asyncio.wait(self._running, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
        left = [*self._running, *self._readings.values()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, *self._chores, return_exceptions=True)

    def _spawn_chore(self, work: Any, name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    async def _tidy(self, job: Job, unit: Claimed) -> None:
        """Remove an ended attempt's directory; what an agent was allowed to write stays."""
        for _ in range(int(TIDY_S / 0.1)):
            if self._stop is not None:
                break
            await asyncio.sleep(0.1)
        place = directory(self._crew.settings.home, job.job_id, unit.fence.unit, unit.fence.attempt)
        await asyncio.to_thread(tidy, place, job)
