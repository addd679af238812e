"""Final units are asked for again."""

from collections.abc import Sequence

from batchproc import answers, orders
from batchproc.errors import InvalidJob, WrongStatus
from batchproc.models import Job, JobStatus, UnitStatus
from batchproc.service.allowing import CHUNK, Allowing, no_such_keys, require_keys
from batchproc.store import control


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
        _require_published(job)
        which = _selection(status, signature, keys)
        if keys and (unknown := await self._store.read(control.unknown_keys, job.number, keys)):
            raise no_such_keys(job_id, unknown)
        await self._require_approval(job)
        if job.status is JobStatus.CANCELLED:
            await self._cancel_the_rest(job, why)
        count = await self._ask_again(job, which, _again(job, instructions, continue_session), why)
        return orders.controlled(await self._look(job_id), orders.said_of_retry(count, job))

    async def _ask_again(self, job: Job, which: control.Selection, how: control.Again, why: str | None) -> int:
        if job.status in control.ENDED or job.status is JobStatus.RUNNING:
            credential, _ = await self._hand_credentials(job)
            how = control.Again(note=how.note, resume=how.resume, credential=credential)
        total, after = 0, 0
        while True:
            count, after = await self._store.write(
                control.ask_again, job, which, how, self._order(why), after=after, limit=CHUNK, now=self._clock()
            )
            total += count
            if count < CHUNK:
                break
        if total:
            await self._ring_for_change()
        return total


def _require_published(job: Job) -> None:
    if not job.total_units:
        raise WrongStatus(job.job_id, job.status, "retry units", "it has none")


def _selection(status: str | None, signature: str | None, keys: Sequence[str] | None) -> control.Selection:
    named = [
        name for name, value in (("status", status), ("signature", signature), ("keys", keys)) if value is not None
    ]
    if len(named) > 1:
        raise InvalidJob("units", named, "name units by one of status, signature and keys")
    if keys is not None:
        require_keys(keys)
        return control.Selection(keys=keys)
    if signature is not None:
        return control.Selection(signature=signature)
    wanted = status or UnitStatus.FAILED
    if wanted not in RETRIED:
        raise InvalidJob("status", status, f"retried by status are {', '.join(RETRIED)}; or name keys")
    return control.Selection(status=UnitStatus(wanted))


RETRIED = (UnitStatus.FAILED, UnitStatus.FLAGGED, UnitStatus.CANCELLED, UnitStatus.SKIPPED)


def _again(job: Job, instructions: str | None, continue_session: bool) -> control.Again:
    if instructions is not None and not instructions.strip():
        raise InvalidJob("instructions", instructions, "say what to do differently, or leave it out")
    return control.Again(note=instructions, resume=continue_session)
