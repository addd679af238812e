"""Which jobs have to wait, and which of those that wait may go on by themselves."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from batchproc import approvals
from batchproc.models import Hold, Job, JobStatus, Pause, Profile
from batchproc.store import approvals as given
from batchproc.store import db, jobs
from batchproc.supervisor.chronicle import about
from batchproc.supervisor.limits import Limits
from batchproc.supervisor.purse import Purse

log = logging.getLogger(__name__)

FARTHEST_LOOK_S = 120.0
MARGIN = 1.25  # so much more room than what stopped it lets a job go on, so that it does not flap
LATER_S = 4.0  # a time to go on that is off by less is left as it is


@dataclass(frozen=True, kw_only=True)
class Pauses:
    """Looks at each job before anything of it is claimed. `sandbox` says whether a shell's walls work here."""

    store: db.Database
    limits: Limits
    purse: Purse
    sandbox: bool
    clock: Callable[[], float]

    async def may_run(self, job: Job, *, agents: int, young: int) -> bool:
        """Whether units of a running job may be claimed. Pauses it if it has to wait for long or for somebody."""
        if not self.purse.can_pay(job):
            return await self._without_credential(job)
        hold = await self._unallowed(job) or self.limits.closed(job)
        hold = hold or self.limits.machine.trouble(agents, young, self.clock())
        if hold is None:
            return True
        if await self.store.write(jobs.pause, job.number, hold, start=job.starts, now=self.clock()):
            log.warning("job %s is paused: %s: %s", job.job_id, hold.reason, hold.detail, extra=about(job.number))
        return False

    async def goes_on(self, job: Job, *, agents: int, young: int) -> bool:
        """End the pause of a job that goes on by itself, if its reason is over; else see that it says until when."""
        now = self.clock()
        if job.reason == Pause.QUOTA and not self.purse.can_pay(job):  # then its lane is not known either
            hold, is_over = None, job.resume_at is None or job.resume_at.timestamp() <= now
        elif job.reason == Pause.QUOTA:
            hold, is_over = self.limits.closed(job), self.limits.allows(job) > 0
        else:
            hold = self.limits.machine.trouble(agents, young, now, margin=MARGIN)
            is_over = hold is None and _is_due(job, now)
        if not is_over:
            await self._put_off(job, hold)
        elif await self.store.write(jobs.go_on, job.number, reason=Pause(job.reason or ""), now=self.clock()):
            log.info("job %s goes on: %s is over", job.job_id, job.reason, extra=about(job.number))
            return True
        return False

    async def _put_off(self, job: Job, hold: Hold | None) -> None:
        if hold is None or hold.reason != job.reason or hold.resume_at is None or job.resume_at is None:
            return
        if hold.resume_at - job.resume_at.timestamp() > LATER_S:
            await self.store.write(jobs.put_off, job.number, hold)

    async def _unallowed(self, job: Job) -> Hold | None:
        """What a person has to allow, and the sandbox without which a shell does not start."""
        if job.options.profile is Profile.FULL and not self.sandbox:
            return Hold(reason=Pause.SANDBOX, detail="the shell's sandbox does not work inside this machine's guard")
        needed = approvals.needed(job.options)
        if needed is None or await self.store.read(given.is_approved, needed.hash):
            return None
        return Hold(reason=Pause.APPROVAL, detail=needed.text)

    async def _without_credential(self, job: Job) -> bool:
        now = self.clock()
        hold = Hold(reason=Pause.CREDENTIAL, detail="this supervisor has no credential for it")
        await self.store.write(jobs.pause, job.number, hold, start=job.starts, now=now)
        log.warning("job %s is paused: this supervisor has no credential for it", job.job_id, extra=about(job.number))
        if self.purse.can_pay(job):
            # It was handed to us meanwhile, by a start that found the job running still and so left it as it was.
            await self.store.write(jobs.go_on, job.number, reason=Pause.CREDENTIAL, now=self.clock())
        return False


def is_waiting(job: Job) -> bool:
    """Whether a job is paused, and goes on by itself one day."""
    return job.status is JobStatus.PAUSED and job.resume_at is not None


def _is_due(job: Job, now: float) -> bool:
    """Whether the moment to look again has come; or lies too far ahead to be true, as after the clock was set back."""
    left_s = 0.0 if job.resume_at is None else job.resume_at.timestamp() - now
    return not 0 < left_s < FARTHEST_LOOK_S
