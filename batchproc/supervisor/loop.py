"""The supervisor's loop: look at the rows, stop what is to be stopped, start what may start, wait for a ring."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from batchproc.errors import StoreError, TakenOver
from batchproc.models import WORKING, Claimed, Hold, Job, JobStatus, Pause
from batchproc.settings import Settings
from batchproc.store import attempts as rows
from batchproc.store import backlog, bills, db, jobs, units
from batchproc.supervisor import pauses, publishing, tasks
from batchproc.supervisor.attempt import Attempts
from batchproc.supervisor.dispatch import Dispatcher
from batchproc.supervisor.limits import Limits
from batchproc.supervisor.pauses import Pauses
from batchproc.supervisor.rescue import rescue
from batchproc.supervisor.sources import Sources
from batchproc.supervisor.tidy import tidy

log = logging.getLogger(__name__)

TIDY_S = 3.0  # an agent's process has ended this long after its report
LOOK_AGAIN_S = 30.0  # even if nobody rings
LOOK_AT_PAUSES_S = 2.0
COUNT_TIME_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Crew:
    """Whom the supervisor works with. `is_ours` says whether the store still stands where we took it."""

    store: db.Database
    attempts: Attempts
    limits: Limits
    pauses: Pauses
    settings: Settings
    clock: Callable[[], float]
    is_ours: Callable[[], bool]


class Supervisor:
    """Owns the store under one epoch, until it is told to end, has nothing to do, or somebody newer takes over."""

    def __init__(self, crew: Crew, *, epoch: int) -> None:
        self._crew, self.epoch = crew, epoch
        self._wake = asyncio.Event()
        self._sources = Sources(crew.store, crew.clock, self.ring)
        self._dispatcher = Dispatcher(
            store=crew.store,
            attempts=crew.attempts,
            limits=crew.limits,
            settings=crew.settings,
            clock=crew.clock,
            epoch=epoch,
            ended=self._attempt_ended,
        )
        self._chores: set[asyncio.Task[None]] = set()
        self._stop: str | None = None
        self._active_jobs = 0
        self._idle_since: float | None = None
        self._counted: dict[int, float] = {}  # when a running job's time was last added up
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
        facts: dict[str, Any] = {"epoch": self.epoch, "jobs": self._active_jobs, "agents": self._dispatcher.agents}
        facts |= {"slots": self._crew.settings.slots, "ending": self.is_ending, "trouble": self._complaint}
        return facts

    async def run(self, watchers: Callable[[], int]) -> str:
        """Work until there is a reason to end; returns it. `watchers` counts who listens."""
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
        busy = self._dispatcher.agents or len(self._sources) or self._active_jobs or watchers
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
            pause_s = await self._look()
            self._complaint = ""
            return pause_s
        except TakenOver:
            self.stop("now")
        except StoreError as error:
            if str(error) != self._complaint:  # once, not every second for as long as the disk is full
                log.error("the store cannot be used; looking again every second: %s", error)
            self._complaint = str(error)
        return 1.0

    async def _look(self) -> float:
        """Stop and start what is to be; returns the seconds after which to look again if nobody rings."""
        if self._stop is not None:
            return 0.0
        if not self._crew.is_ours():
            log.error("the store is gone from %s", self._crew.settings.home)
            raise TakenOver("the store was moved or deleted")
        await rescue(self._crew.store, self.epoch, running=self._dispatcher.units, clock=self._crew.clock)
        await self._do_what_was_ordered()
        active = await self._crew.store.read(jobs.active)
        self._active_jobs = len(active)
        for job in active:
            if job.status is JobStatus.ENUMERATING:
                await self._sources.take(job)
        self._active_jobs += await self._sources.take_updates()
        await self._count_time(active)
        await self._crew.limits.machine.look(asyncio.get_running_loop().time(), self._dispatcher.agents)
        if self._complaint and "locked" not in self._complaint:
            await self._say_that_the_disk_was_full(active)
            return 1.0
        runnable = [job for job in active if await self._may_run(job)]
        await self._dispatcher.claim(runnable)
        return await self._until_next(active, runnable)

    async def _do_what_was_ordered(self) -> None:
        """Stop units that are not wanted any more, and one step of what is left to do; the next look does the next."""
        await self._dispatcher.obey()
        try:
            if await self._crew.store.write(backlog.step, now=self._crew.clock()):
                self._wake.set()
        except (StoreError, TakenOver):
            raise
        except Exception:  # one order that cannot be carried out must not keep the others from being worked on
            log.exception("what was ordered cannot be done")

    async def _may_run(self, job: Job) -> bool:
        load = {"agents": self._dispatcher.agents, "young": self._dispatcher.young}
        if pauses.is_waiting(job):
            if await self._crew.pauses.goes_on(job, **load):
                self._wake.set()
            return False
        return job.status in WORKING and await self._crew.pauses.may_run(job, **load)

    async def _say_that_the_disk_was_full(self, active: list[Job]) -> None:
        """The store takes rows again: say in them why nothing went on meanwhile. The jobs go on by themselves."""
        now = self._crew.clock()
        hold = Hold(reason=Pause.DISK, detail=self._complaint, resume_at=now)
        for job in active:
            if job.status in WORKING:
                await self._crew.store.write(jobs.pause, job.number, hold, start=job.starts, now=now)

    async def _count_time(self, active: list[Job]) -> None:
        """Add to each running job the time since it was last looked at, by a clock that neither jumps nor counts
        sleep."""
        now = asyncio.get_running_loop().time()
        running = {job.number: job for job in active if job.status in WORKING}
        self._counted = {number: since for number, since in self._counted.items() if number in running}
        for number, job in running.items():
            seconds = now - self._counted.setdefault(number, now)
            if seconds >= COUNT_TIME_S or (seconds and job.options.max_wall_s):
                await self._crew.store.write(bills.add_time, number, seconds)
                self._counted[number] = now

    def _attempt_ended(self, job: Job, unit: Claimed) -> None:
        self._wake.set()
        self._spawn_chore(self._tidy(job, unit), f"tidy {job.job_id} unit {unit.fence.unit}")

    async def _until_next(self, active: list[Job], runnable: list[Job]) -> float:
        """Seconds until a unit that waits for its back-off may run, if there is a slot; or a pause may be over."""
        waits = [COUNT_TIME_S if self._dispatcher.agents else LOOK_AGAIN_S, self._crew.settings.idle_s]
        waits += [LOOK_AT_PAUSES_S for job in active if pauses.is_waiting(job)]
        waits += [1.0 for job in runnable if job.options.max_wall_s]
        for job in runnable:
            if (opens_in_s := self._crew.limits.opens_in_s(job)) is not None:
                waits.append(max(0.05, opens_in_s))
            elif self._dispatcher.is_capped(job):
                waits.append(LOOK_AT_PAUSES_S)
            elif self._dispatcher.free_for(job):
                due = await self._crew.store.read(units.next_due, job.number, pilot=job.status is JobStatus.PILOT)
                waits += [] if due is None else [max(0.05, due - self._crew.clock())]
            elif not self._dispatcher.agents:
                waits.append(LOOK_AT_PAUSES_S)
        return min(waits)

    async def _end(self) -> None:
        """Let running agents finish within the grace period, then release what is left."""
        await self._sources.stop()
        await self._dispatcher.drain(
            0.0 if self._stop == "now" else self._crew.settings.grace_s, lambda: self._stop == "now"
        )
        await asyncio.gather(*self._chores, return_exceptions=True)

    def _spawn_chore(self, work: Any, name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    async def _tidy(self, job: Job, unit: Claimed) -> None:
        """Remove an ended attempt's directory; what an agent was allowed to write, and what may go on, stays."""
        for _ in range(int(TIDY_S / 0.1)):
            if self._stop is not None:
                break
            await asyncio.sleep(0.1)
        place = tasks.directory(self._crew.settings.home, job.job_id, unit.fence.unit, unit.fence.attempt)
        keep = await self._crew.store.read(rows.may_go_on, unit.fence.unit)
        await asyncio.to_thread(tidy, place, job, keep_conversation=keep)
        if job.options.outputs and not self._dispatcher.agents_of(job):
            await publishing.sweep(self._crew.store, job.number)
