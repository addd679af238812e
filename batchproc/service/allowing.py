"""What has to be there before a job may run: a person's approval, a credential, a supervisor. And who asks for it."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from batchproc import approvals, credentials, enumerators, programs
from batchproc.errors import CredentialMissing, InvalidJob, NeedsApproval, SupervisorError, WrongStatus
from batchproc.models import REHEARSAL, WORKING, Credential, Job, JobSpec, Order, Pause
from batchproc.service.base import RINGS, Service
from batchproc.store import approvals as given
from batchproc.store import backlog
from batchproc.store import jobs as rows

PATIENCE_S = 5.0  # how long a face works off what it ordered
MOST_KEYS = 10_000


class Allowing(Service):
    """approve, and what the verbs that change jobs share."""

    async def needed_approval(self, job_id: str) -> approvals.Approval | None:
        """What a person has to allow before the job may run; None if there is nothing, or it is allowed."""
        needed = approvals.needed((await self._job(job_id)).options)
        if needed is None or await self._store.read(given.is_approved, needed.hash):
            return None
        return needed

    async def approve(self, job_id: str, digest: str, *, by: str) -> bool:
        """A person read the text of exactly this approval and agreed. False: nothing to approve (any more).

        Only a face that had the answer from a person may call it. Raises `InvalidJob` if the job needs another one.
        """
        needed = await self.needed_approval(job_id)
        if needed is None:
            return False
        if needed.hash != digest:
            raise InvalidJob("hash", digest, f"the job needs another approval by now: {needed.hash}")
        job = await self._job(job_id)
        return await self._store.write(
            given.approve, needed.hash, needed.text, Order(by=by), job=job.number, now=self._clock()
        )

    async def _require_approval(self, job: Job) -> None:
        needed = await self.needed_approval(job.job_id)
        if needed is None:
            return
        if self._settings.programs == "off":
            raise InvalidJob("job", job.job_id, "programs for agents are off here (BATCHPROC_PROGRAMS=off)")
        await self._store.write(given.ask_anew, needed.hash)
        raise NeedsApproval(f"job {job.job_id}", job.job_id, needed.text, "start it")

    async def source_approval(self, enumerator: Mapping[str, Any]) -> approvals.Approval | None:
        """What a person has to allow before this source may be read; None if it is data, or allowed.

        `enumerator` is carried (see `enumerators.carry`), or as somebody wrote it. Raises `InvalidJob`.
        """
        carried = await asyncio.to_thread(enumerators.carry, enumerator)
        needed = approvals.for_source(carried)
        if needed is None or await self._store.read(given.is_approved, needed.hash):
            return None
        if self._settings.programs == "off":
            raise InvalidJob("enumerator.type", carried.get("type"), programs.OFF)
        return needed

    async def requested_approval(self, digest: str) -> approvals.Approval | None:
        """What was asked for under this hash, and is not answered."""
        text = await self._store.read(given.requested, digest)
        return None if text is None else approvals.Approval(hash=digest, text=text)

    async def approve_source(self, needed: approvals.Approval, *, by: str) -> bool:
        """A person read the text of exactly this approval and agreed. Only a face that had that from a person may call
        it. False: it was given before."""
        return await self._store.write(given.approve, needed.hash, needed.text, Order(by=by), now=self._clock())

    async def _admitted(self, spec: JobSpec) -> JobSpec:
        """The description with what its source names read in, once a person has allowed that. Raises `NeedsApproval`,
        and keeps what is to be read, for `batchproc approve`."""
        carried = await asyncio.to_thread(enumerators.carry, spec.enumerator)
        needed = await self.source_approval(carried)
        if needed is not None:
            await self._store.write(given.ask, needed.hash, needed.text, self._order(None), now=self._clock())
            raise NeedsApproval("the source of this job", needed.hash, needed.text, "create it")
        return spec.model_copy(update={"enumerator": carried})

    async def _hand_credentials(self, job: Job, model: str | None) -> tuple[Credential, str]:
        """See that a supervisor lives and has what the job pays with; what that is, and the supervisor's guard.

        A job that runs goes on with what it has. A face that has no credential may let a job go on if the supervisor
        still holds the one of another face.
        """
        for _ in range(RINGS):
            credential, pays = await self._choose(job, model)
            hello = await self._launcher.ensure()
            if pays is None or await self._launcher.hand_credentials(job.job_id, pays):
                return credential, str(hello["guard"])
        raise SupervisorError("no supervisor took the credential; see `batchproc doctor`, then try again")

    async def _choose(self, job: Job, model: str | None) -> tuple[Credential, Mapping[str, str] | None]:
        """What is to pay for agents of this model, and the variables to hand over; None: the supervisor has them."""
        is_kept = (job.credential is Credential.REHEARSAL) == (model == REHEARSAL)
        if is_kept and job.status in WORKING and job.credential is not None and await self._is_paid_for(job):
            return job.credential, None
        try:
            credential = credentials.choose(model, self._environ)
        except CredentialMissing:
            if job.credential is not Credential.ENVIRONMENT or not await self._is_paid_for(job):
                raise
            return job.credential, None
        return credential, {} if credential is Credential.REHEARSAL else credentials.variables(self._environ)

    async def _is_paid_for(self, job: Job) -> bool:
        """Whether the supervisor that lives can pay for the job as it is."""
        return job.credential is not Credential.ENVIRONMENT or await self._launcher.holds_credentials(job.job_id)

    def _order(self, why: str | None) -> Order:
        return Order(by=self._by, why=why)

    async def _work_off(self, job: Job) -> bool:
        """Do what was ordered for a job, for a few seconds; what is left is the supervisor's. Says whether all is
        done."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while await self._store.write(backlog.step, job=job.number, now=self._clock()):
            if asyncio.get_running_loop().time() > deadline:
                return False
        return True

    async def _see_to_it(self, job: Job) -> None:
        """Have somebody work on a job that goes on, and hand him its credential if he has none and this face has it."""
        await self._launcher.ensure()
        if not await self._is_paid_for(job):
            with contextlib.suppress(CredentialMissing):
                if credentials.choose(job.options.model, self._environ) is job.credential:
                    await self._launcher.hand_credentials(job.job_id, credentials.variables(self._environ))
                    # A supervisor that has just come up may have looked at the job before it had this.
                    await self._store.write(rows.go_on, job.number, reason=Pause.CREDENTIAL, now=self._clock())
        await self._launcher.ring()


def require_keys(keys: Sequence[str]) -> None:
    if not keys or len(keys) > MOST_KEYS:
        raise InvalidJob("keys", list(keys)[:5], f"name 1 to {MOST_KEYS:,} keys; get_results shows them")


def no_such_keys(job_id: str, unknown: Sequence[str]) -> InvalidJob:
    more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
    return InvalidJob("keys", list(unknown)[:5], f"job {job_id} has no such units{more}; nothing was changed")


def require_published(job: Job) -> None:
    """Raises `WrongStatus` while nobody may see its units."""
    if not job.total_units:
        raise WrongStatus(job.job_id, job.status, "change units", "it has none (yet)")
