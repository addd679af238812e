"""Who runs now: a slot first, then a claim, then a task for it. Nothing is fetched ahead."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import groupby

from batchproc import budget
from batchproc.errors import StoreError
from batchproc.models import Claim, Claimed, Hold, Intent, Job, JobStatus, Pause
from batchproc.prompts import Prompt
from batchproc.settings import Settings
from batchproc.store import claims, control, db, jobs, pilots, units
from batchproc.supervisor import chronicle
from batchproc.supervisor.attempt import Attempts
from batchproc.supervisor.limits import Key, Limits
from batchproc.supervisor.machine import YOUNG_S

log = logging.getLogger(__name__)

HARVEST_S = 5.0  # agents that are told to stop have reported, or were killed, after this

Ended = Callable[[Job, Claimed], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """An attempt's task belongs to this job and unit, and to this lane; it began at this monotonic moment."""

    job: int
    unit: int
    key: Key
    began: float


@dataclass(kw_only=True)
class Dispatcher:
    """Hands free slots to jobs: those of higher priority first, and equal shares among equals."""

    store: db.Database
    attempts: Attempts
    limits: Limits
    settings: Settings
    clock: Callable[[], float]
    epoch: int
    ended: Ended
    _running: dict[asyncio.Task[None], Running] = field(default_factory=dict)
    _capped: set[int] = field(default_factory=set)  # jobs that wait for their own agents to make room under a cap

    @property
    def agents(self) -> int:
        return len(self._running)

    @property
    def units(self) -> set[int]:
        return {one.unit for one in self._running.values()}

    @property
    def young(self) -> int:
        """How many were started so lately that they still have to take their memory."""
        since = asyncio.get_running_loop().time() - YOUNG_S
        return sum(max(one.began, self.attempts.began(one.unit)) > since for one in self._running.values())

    def agents_of(self, job: Job) -> int:
        return sum(one.job == job.number for one in self._running.values())

    def free_for(self, job: Job) -> int:
        """How many more agents this job may have now, whatever else wants them."""
        slots = self.attempts.workers.slots() - self.agents
        key = self.limits.key(job)
        lane = self.limits.allows(job) - sum(one.key == key for one in self._running.values())
        memory = self.limits.machine.agents_that_fit(self.young)
        return max(0, min(slots, lane, memory, job.options.max_concurrency - self.agents_of(job)))

    def is_capped(self, job: Job) -> bool:
        """Whether the job's next unit has to wait until one that runs has ended, for a cap of the job."""
        return job.number in self._capped

    async def obey(self) -> None:
        """Stop the units that somebody wants stopped."""
        for unit, intent in (await self.store.read(control.intended)).items():
            self.attempts.halt(unit, intent)

    async def claim(self, runnable: Iterable[Job]) -> None:
        """Start what may start, round after round, until no slot is free or nothing is due."""
        for _, equals in groupby(runnable, key=lambda job: job.priority):
            hungry = list(equals)
            while hungry:
                share = max(1, (self.attempts.workers.slots() - self.agents) // len(hungry))
                for job in sorted(hungry, key=self.agents_of):
                    want = min(share, self.free_for(job))
                    claim = await self._claim_some(job, want) if want > 0 else Claim(units=[])
                    for unit in claim.units:
                        self._start(job, unit)
                    if len(claim.units) < max(want, 1):
                        hungry.remove(job)
                        await self._pause_if_spent(job, claim)

    async def _claim_some(self, job: Job, limit: int) -> Claim:
        due = await self.store.read(units.next_due, job.number, pilot=job.status is JobStatus.PILOT)
        now = self.clock()
        horizon = now + self.settings.backoff_max_s
        if due is not None and due > horizon:  # the clock was set back
            await self.store.write(units.bring_forward, job.number, horizon=horizon, now=now)
        elif due is None and not self.agents_of(job):
            approved = job.approved_at is not None
            await self.store.write(pilots.go_on_if_drained, job.number, approved=approved, now=now)
            return Claim(units=[])
        elif due is None or due > now:
            return Claim(units=[])
        reserve = budget.Reservation(
            options=job.options,
            shared=Prompt.of(job).size(job.options),
            largest_request=job.largest_request,
            measured=job.measured,
        )
        more = {"epoch": self.epoch, "limit": limit, "now": now, "reserve": reserve, "trial": job.trial}
        return await self.store.write(claims.claim, job.number, **more)  # type: ignore[arg-type]

    async def _pause_if_spent(self, job: Job, claim: Claim) -> None:
        """A cap stands in the way, and nothing runs that could make room under it."""
        self._capped.discard(job.number)
        if claim.reached is None or claim.units:
            return
        if self.agents_of(job) or claim.others:
            self._capped.add(job.number)
            return
        hold = Hold(reason=Pause.BUDGET, detail=claim.reached)
        if await self.store.write(jobs.pause, job.number, hold, start=job.starts, now=self.clock()):
            log.info("job %s pauses: %s", job.job_id, claim.reached, extra=chronicle.about(job.number))

    def _start(self, job: Job, unit: Claimed) -> None:
        name = f"{job.job_id} unit {unit.fence.unit} attempt {unit.fence.attempt}"
        task = asyncio.create_task(self.attempts.run(job, unit), name=name)
        began = asyncio.get_running_loop().time()
        self._running[task] = Running(job=job.number, unit=unit.fence.unit, key=self.limits.key(job), began=began)

        def ended(task: asyncio.Task[None]) -> None:
            del self._running[task]
            self.ended(job, unit)
            if not task.cancelled() and (error := task.exception()) is not None:
                about = chronicle.about(job.number, unit.fence.unit)
                log.error("an attempt ended without a record: %s", name, exc_info=error, extra=about)

        task.add_done_callback(ended)

    async def drain(self, grace_s: float, hurry: Callable[[], bool]) -> None:
        """Let running agents finish for so long, or until `hurry()`; then stop the rest, and ask for their bills."""
        if self._running and not hurry():
            log.info("draining %d agents, for at most %g s", self.agents, grace_s)
            await self._wait(grace_s, hurry)
        for unit in self.units:
            self.attempts.halt(unit, Intent.RELEASE)
        await self._wait(HARVEST_S, lambda: False)
        left = list(self._running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _wait(self, limit_s: float, hurry: Callable[[], bool]) -> None:
        deadline = asyncio.get_running_loop().time() + limit_s
        while self._running and not hurry() and asyncio.get_running_loop().time() < deadline:
            await asyncio.wait(list(self._running), timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
            with contextlib.suppress(StoreError):
                await self.obey()
