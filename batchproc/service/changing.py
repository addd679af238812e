"""A job is described anew, and what its pilot showed is tried again."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from batchproc import answers, approvals, orders, present_definition
from batchproc.errors import InvalidJob, StoreError, WrongStatus
from batchproc.models import Job, JobOptions, JobStatus, Variant
from batchproc.service import describing
from batchproc.service.revising import Revising
from batchproc.store import pilots, trials, units
from batchproc.store.status import Snapshot

SAMPLE = 3
CHANGEABLE = frozenset({JobStatus.READY, JobStatus.PILOT, JobStatus.REVIEW, JobStatus.PAUSED, JobStatus.COMPLETED})


class Changing(Revising):
    """update_job."""

    async def update_job(
        self,
        job_id: str,
        *,
        instructions: str | None = None,
        output_schema: Mapping[str, Any] | None = None,
        options: JobOptions | None = None,
        why: str | None = None,
    ) -> answers.ControlledJob:
        """Change what a job says. If its pilot has begun and the change makes its answers stale, the pilot runs again
        on the same units, and shows old beside new. A job that has run (completed, or paused with nothing running) is
        in review again after that: first the units that persons have judged run, and all other answers stay until the
        change is approved.

        Raises `NotFound`, `WrongStatus`, `InvalidJob`, `UnknownField`, `CredentialMissing`; then nothing is changed.
        """
        job = await self._job(job_id)
        _require_changeable(job)
        if instructions is None and options is None and output_schema is None:
            raise InvalidJob("changes", None, "name what to change: instructions, output_schema or options")
        schema = None if output_schema is None else dict(output_schema)
        change = Variant(instructions=instructions, output_schema=schema, options=options)
        new = describing.described(job, change, self._settings)
        if (new.instructions, new.options) == (job.instructions, job.options):
            return orders.controlled(await self._look(job_id), "it was so already; nothing was changed")
        await self._require_fields(job, new.instructions)
        return await self._change(job, new, why, await self._doubts(job, new))

    async def _change(self, job: Job, new: pilots.Description, why: str | None, doubts: str) -> answers.ControlledJob:
        if job.approved_at is not None and describing.is_stale(job, new):
            said = await self._revise(job, new, why)
            return await self._told_of_round(await self._look(job.job_id), said + doubts)
        if job.trial and describing.is_stale(job, new):
            return await self._pilot_again(job, new, why, doubts)
        if not await self._store.write(trials.describe, job, new, self._order(why), now=self._clock()):
            raise StoreError(f"job {job.job_id} was changed by somebody else meanwhile; look at it, then try again")
        if job.status is JobStatus.PAUSED:
            await self._see_to_it(job)  # what it waited for may be what was changed
        return orders.controlled(await self._look(job.job_id), _said(job) + doubts)

    async def _doubts(self, job: Job, new: pilots.Description) -> str:
        """What of the new instructions will probably not do what was meant."""
        sample = await self._store.read(units.first, job.number, limit=SAMPLE)
        changed = replace(job, instructions=new.instructions, options=new.options)
        return "".join(f"; warning: {doubt}" for doubt in present_definition.doubts(changed, sample))

    async def _pilot_again(
        self, job: Job, new: pilots.Description, why: str | None, doubts: str
    ) -> answers.ControlledJob:
        await self._let(job, self._trying([new], why), model=new.options.model)
        look = await self._look(job.job_id)
        said = f"changed; round {look.job.round} of the pilot runs on the same units; get_status(wait_s=45) shows both"
        return await self._told_of_round(look, said + doubts)

    async def _told_of_round(self, look: Snapshot, said: str) -> answers.ControlledJob:
        if (needed := approvals.needed(look.job.options)) is not None and await self.needed_approval(look.job.job_id):
            said += f". A person has to approve this first (`batchproc approve {look.job.job_id}`): {needed.text}"
        return orders.controlled(look, said)


def _said(job: Job) -> str:
    if job.status is JobStatus.READY:
        return "changed; start_job tries it on a few units"
    return "changed; the pilot's answers still hold" if job.status is JobStatus.REVIEW else "changed"


def _require_changeable(job: Job) -> None:
    if job.status in CHANGEABLE:
        return
    way_out = {
        JobStatus.ENUMERATING: "its source is still being read; wait with get_status(wait_s=45)",
        JobStatus.FAILED: "create the job again",
        JobStatus.CANCELLED: "create the job again",
    }.get(
        job.status,
        "pause it first: control_job(action=pause); control_job(action=set) changes its budget, caps and concurrency "
        "while it runs",
    )
    raise WrongStatus(job.job_id, job.status, "be described anew", way_out)
