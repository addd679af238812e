"""What has to be there before a job may run: a person's approval, a credential, a supervisor. And who asks for it."""

from collections.abc import Sequence

from batchproc import approvals, credentials
from batchproc.errors import InvalidJob, NeedsApproval, SupervisorError
from batchproc.models import Credential, Job, Order
from batchproc.service.base import RINGS, Service
from batchproc.store import approvals as given
from batchproc.store import control

CHUNK = 5_000
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
        raise NeedsApproval(job.job_id, needed.text)

    async def _hand_credentials(self, job: Job) -> tuple[Credential, str]:
        """See that a supervisor lives and has what the job pays with; what that is, and the supervisor's guard."""
        credential = credentials.choose(job.options.model, self._environ)
        pays = {} if credential is Credential.REHEARSAL else credentials.variables(self._environ)
        for _ in range(RINGS):
            hello = await self._launcher.ensure()
            if await self._launcher.hand_credentials(job.job_id, pays):
                return credential, str(hello["guard"])
        raise SupervisorError("no supervisor took the credential; see `batchproc doctor`, then try again")

    async def _ring_for_change(self) -> None:
        """Whoever works on the store looks at once; if nobody does, there is nothing to hurry."""
        await self._launcher.ring()

    def _order(self, why: str | None) -> Order:
        return Order(by=self._by, why=why)

    async def _cancel_the_rest(self, job: Job, why: str | None) -> None:
        while await self._store.write(
            control.cancel_pending, job.number, self._order(why), limit=CHUNK, now=self._clock()
        ):
            pass


def require_keys(keys: Sequence[str]) -> None:
    if not keys or len(keys) > MOST_KEYS:
        raise InvalidJob("keys", list(keys)[:5], f"name 1 to {MOST_KEYS:,} keys; get_results shows them")


def no_such_keys(job_id: str, unknown: Sequence[str]) -> InvalidJob:
    more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
    return InvalidJob("keys", list(unknown)[:5], f"job {job_id} has no such units{more}; nothing was changed")
