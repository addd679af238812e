"""Final units are asked for again."""

from collections.abc import Sequence
from dataclasses import replace

from batchproc import answers, orders
from batchproc.errors import InvalidJob, WrongStatus
from batchproc.models import WORKING, Job, JobStatus, Order, UnitStatus
from batchproc.service.allowing import Allowing, no_such_keys, require_keys, require_published
from batchproc.store import backlog, control, trials

TRIES = 3
PAID = WORKING | {JobStatus.REVIEW}


class Retrying(Allowing):
    """retry_units."""

    async def retry_units(
        self,
        job_id: str,
        *,
        status: str | None = None,
        signature: str | None = None,
        keys: Sequence[str] | None = None,
        instructions: str | None = None,
        continue_session: bool = False,
        why: str | None = None,
    ) -> answers.ControlledJob:
        """Ask for final units again, with all their attempts before them: by status, by the signature of their failure,
        or by keys; all failed ones if none is named. `instructions` are added to the job's own.

        A job that has ended runs again. Raises `NotFound`, `InvalidJob`, `CredentialMissing`, `NeedsApproval`.
        """
        job = await self._job(job_id)
        require_published(job)
        which = _selection(status, signature, keys)
        if keys and (unknown := await self._store.read(control.unknown_keys, job.number, keys)):
            raise no_such_keys(job_id, unknown)
        await self._require_part_of_change(job, which)
        count = await self._store.read(backlog.count, job.number, which)
        if count:
            await self._require_approval(job)
            await self._ask_again(job, which, _again(instructions, continue_session), self._order(why))
            await self._work_off(job)
            await self._launcher.ring()
            await self.wake()
        return orders.controlled(await self._look(job_id), orders.said_of_retry(count, job))

    async def _require_part_of_change(self, job: Job, which: backlog.Selection) -> None:
        """While a change of a job that has run is tried, all but its units keep their answers."""
        if job.approved_trial is None or job.approved_at is not None:
            return
        tried = set(await self._store.read(trials.keys, job.number))
        if which.keys is None or not tried.issuperset(which.keys):
            way_out = "a change is tried: name units of its pilot by keys (see get_status), or decide on it first"
            raise WrongStatus(job.job_id, job.status, "retry units", way_out)

    async def _ask_again(self, job: Job, which: backlog.Selection, how: backlog.Again, order: Order) -> None:
        """Order it; a job that has ended, or ends in this very moment, is handed what it pays with."""
        for _ in range(TRIES):
            job = await self._job(job.job_id)
            if job.status in backlog.ENDED | PAID:
                how = replace(how, credential=(await self._hand_credentials(job, job.options.model))[0])
            try:
                return await self._store.write(backlog.ask_again, job, which, how, order, now=self._clock())
            except backlog.HasEnded:
                continue
            except backlog.StillCancelling:
                await self._work_off(job)
        raise WrongStatus(job.job_id, job.status, "retry units", "others are changing it; try again in some seconds")


def _selection(status: str | None, signature: str | None, keys: Sequence[str] | None) -> backlog.Selection:
    named = [
        name for name, value in (("status", status), ("signature", signature), ("keys", keys)) if value is not None
    ]
    if len(named) > 1:
        raise InvalidJob("units", named, "name units by one of status, signature and keys")
    if keys is not None:
        require_keys(keys)
        return backlog.Selection(keys=keys)
    if signature is not None:
        return backlog.Selection(signature=signature)
    wanted = status or UnitStatus.FAILED
    if wanted not in RETRIED:
        raise InvalidJob("status", status, f"retried by status are {', '.join(RETRIED)}; or name keys")
    return backlog.Selection(status=UnitStatus(wanted))


RETRIED = (UnitStatus.FAILED, UnitStatus.FLAGGED, UnitStatus.CANCELLED, UnitStatus.SKIPPED)


def _again(instructions: str | None, continue_session: bool) -> backlog.Again:
    if instructions is not None and not instructions.strip():
        raise InvalidJob("instructions", instructions, "say what to do differently, or leave it out")
    return backlog.Again(note=instructions, resume=continue_session)
