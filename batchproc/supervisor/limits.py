"""How many agents may start, and why not more: the API's lanes, the machine, and each job's breaker."""

import contextlib
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from batchproc import retry
from batchproc.errors import StoreError
from batchproc.models import Cause, Hold, Job, Message, Outcome, Pause
from batchproc.store import db
from batchproc.store import limits as kept
from batchproc.supervisor.breaker import Breaker
from batchproc.supervisor.lanes import UNKNOWN_QUOTA_S, Lane
from batchproc.supervisor.machine import Machine

log = logging.getLogger(__name__)

Key = tuple[str, str]
"""Who pays (a fingerprint) for which model."""

PARK_S = 10.0
"""A lane that is closed for longer than this pauses the jobs that wait for it, so that everybody sees it."""
LIMITS = frozenset({Cause.QUOTA, Cause.RATE_LIMIT, Cause.OVERLOADED})
NOT_LET_IN = LIMITS | {
    *(Cause.AUTHENTICATION, Cause.MODEL, Cause.SERVER, Cause.NETWORK, Cause.STALLED, Cause.CRASHED, Cause.WORKER_LOST),
    *(Cause.CLI_MISSING, Cause.MACHINE, Cause.DISK, Cause.PROMPT, Cause.NO_CONVERSATION),
}
"""Ends of attempts that do not say that the API had room for them; all others do."""
FARTHEST_S = 45 * 86_400.0
"""No limit lasts longer; what says so is not believed."""


@dataclass(kw_only=True)
class Limits:
    """Shared by all jobs of the store. What is learned of a lane is kept in it, for the next supervisor."""

    store: db.Database
    machine: Machine
    slots: int
    backoff: retry.Backoff
    payer: Callable[[Job], str]
    clock: Callable[[], float]
    monotonic: Callable[[], float] = time.monotonic
    _lanes: dict[Key, Lane] = field(default_factory=dict)
    _breakers: dict[int, Breaker] = field(default_factory=dict)

    async def load(self) -> None:
        """What the supervisor before us knew."""
        for known in await self.store.read(kept.known):
            lane = Lane(cap=self.slots, ceiling=known.ceiling)
            if known.closed_until is not None:
                lane.closed_until = self.monotonic() + max(0.0, known.closed_until - self.clock())
                lane.reason = known.reason
            self._lanes[known.credential, known.model] = lane

    def key(self, job: Job) -> Key:
        return self.payer(job), job.options.model or "default"

    def lane(self, job: Job) -> Lane:
        return self._lane(self.key(job))

    def _lane(self, key: Key) -> Lane:
        return self._lanes.setdefault(key, Lane(cap=self.slots))

    def allows(self, job: Job) -> int:
        """How many agents may be at work in the job's lane. A person who started a job that waited for it has it tried
        again."""
        lane = self._lane_to_try(job)
        allowed = lane.allows(self.monotonic())
        if allowed:
            lane.starts.pop(job.number, None)
        return allowed

    def closed(self, job: Job) -> Hold | None:
        """The reason for which the job has to wait long; None if it has not."""
        lane = self._lane_to_try(job)
        left_s = (lane.closed_until or 0.0) - self.monotonic()
        if left_s <= PARK_S:
            return None
        lane.starts.setdefault(job.number, job.starts)
        return Hold(reason=Pause.QUOTA, detail=lane.reason, resume_at=self.clock() + left_s)

    def _lane_to_try(self, job: Job) -> Lane:
        """The job's lane; no longer closed if the job was started since it began to wait."""
        lane = self.lane(job)
        if lane.closed_until is not None and job.starts > lane.starts.get(job.number, job.starts):
            lane.open_a_crack()
        return lane

    def opens_in_s(self, job: Job) -> float | None:
        """Seconds until a closed lane may be tried; None if it is open."""
        until = self.lane(job).closed_until
        return None if until is None else max(0.0, until - self.monotonic())

    async def heard(self, key: Key, began: float, message: Message) -> None:
        """An agent of this lane that began at `began` (monotonic) tells of a request that was turned away, and asks
        again itself."""
        if message.kind != "api_retry" or message.data.get("error_status") != 429:
            return
        if self._lane(key).heard_of_limit(began, self.monotonic()):
            log.info("rate limit: at most %d agents for %s", int(self._lane(key).ceiling), key[1])
            await self._keep(key)

    async def ended(self, key: Key, began: float, outcome: Outcome, *, at_work: int) -> None:
        """An attempt of this lane that began at `began` has ended so."""
        lane = self._lane(key)
        if outcome.cause in LIMITS:
            if outcome.cause is Cause.RATE_LIMIT:
                lane.heard_of_limit(began, self.monotonic())
            if lane.refused(began, self.monotonic(), self._wait_s(outcome), self._backoff_s, outcome.message):
                await self._keep(key)
        elif outcome.cause not in NOT_LET_IN:
            lane.went_well(began, at_work)

    def tripped(self, job: Job, unit: int, start: int, outcome: Outcome) -> Hold | None:
        """The reason to pause the job because its units end badly, all alike. `start` is the one of the attempt:
        what ran before the last start says nothing of what came after."""
        breaker = self._breakers.get(job.number)
        if breaker is None or breaker.start < start:
            breaker = self._breakers[job.number] = Breaker(start)
        return breaker.ended(unit, outcome, job.options.breaker) if breaker.start == start else None

    def _wait_s(self, outcome: Outcome) -> float | None:
        wait_s = None if outcome.until is None else outcome.until - self.clock()
        if wait_s is not None and wait_s <= FARTHEST_S:
            return wait_s
        return UNKNOWN_QUOTA_S if outcome.cause is Cause.QUOTA else None

    def _backoff_s(self, strikes: int) -> float:
        return self.backoff.delay_s(strikes, random.random)

    async def _keep(self, key: Key) -> None:
        """For the next supervisor; a disk that refuses must not cost the attempt that tells of it its end."""
        lane, (credential, model) = self._lane(key), key
        left_s = None if lane.closed_until is None else lane.closed_until - self.monotonic()
        until = None if left_s is None else self.clock() + left_s
        row = kept.Known(
            credential=credential,
            model=model,
            ceiling=lane.ceiling,
            closed_until=until,
            reason=lane.reason or "limit" if until is not None else None,
        )
        with contextlib.suppress(StoreError):
            await self.store.write(kept.keep, row)
