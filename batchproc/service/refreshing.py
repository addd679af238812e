"""A job's source is read once more; what is new or changed runs, and nothing else."""

import asyncio
from contextlib import suppress
from typing import Any

from batchproc import answers, estimates, jobs, present_updates, quote
from batchproc.errors import BatchprocError, NeedsApproval, TakenOver
from batchproc.models import Job
from batchproc.rereading import Rereading, discard
from batchproc.service.creating import Creating
from batchproc.store import approvals as given
from batchproc.store import jobs as rows
from batchproc.store import refresh, updates
from batchproc.store.status import Snapshot
from batchproc.store.updates import Update

LOOK_S = 0.2
CHANGED = "the job or the plan was changed since; nothing was applied. The plan is now: "
UNSEEN = "nobody was shown this plan yet, so nothing was applied: "


class Refreshing(Creating):
    """update_source."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._rereadings: set[int] = set()

    async def update_source(
        self, job_id: str, *, confirmed: bool = False, agreed: int | None = None, why: str | None = None
    ) -> answers.SourceUpdate:
        """Read the job's source once more, and say what it holds beside the job's units: the plan. Nothing is changed.
        `confirmed` applies the plan that was shown last; `agreed` is its number, where a person agreed to just that.
        What was changed since is read and shown again instead.

        Raises `NotFound`, `WrongStatus`, `NeedsApproval`, `CredentialMissing`; and what is wrong with the source.
        """
        job = await self._job(job_id)
        await self._work_off(job)
        await self._store.read(updates.require_still, job.number)
        update = await self._store.read(updates.look, job.number)
        prefix = ""
        if confirmed and update is not None and update.state == "ready" and update.is_shown:
            is_it = update.is_current and agreed in {None, update.reading}
            if is_it and present_updates.is_anything(update) and await self._apply(job, update, why):
                return await self._applied(job, update)
            prefix = CHANGED
        elif confirmed:
            prefix = UNSEEN
        update = await self._see_through(self._read_anew(job, update), f"read the source of {job_id}")
        return await self._show(job, update, prefix)

    # The plan.

    async def _read_anew(self, job: Job, known: Update | None) -> Update:
        """What a reading finds now; one that is under way, or through and not shown yet, is not begun again."""
        await self._require_source(job)
        if known is not None and known.is_news:
            return known
        if known is not None and self._is_read(job, known):
            await self.wake()
            return await self._watch(job)
        previous = None if known is None else known.reader
        if await self._store.write(updates.ask, job.number, self._order(None), previous=previous, now=self._clock()):
            self._rereadings.add(job.number)
            try:
                await self._read(job)
            finally:
                self._rereadings.discard(job.number)
        return await self._update(job)

    async def _require_source(self, job: Job) -> None:
        """The same gate as at the door of create_job."""
        needed = await self.source_approval(await self._store.read(rows.enumerator, job.number))
        if needed is not None:
            await self._store.write(given.ask, needed.hash, needed.text, self._order(None), now=self._clock())
            raise NeedsApproval(f"the source of job {job.job_id}", needed.hash, needed.text, "update it")

    def _is_read(self, job: Job, known: Update) -> bool:
        """Whether somebody is at it, or is to be: the supervisor, for whom it was left."""
        if known.state != "reading" or known.reader is None:
            return known.state == "reading"
        return job.number in self._rereadings if known.reader == jobs.me() else not jobs.reader_is_dead(known.reader)

    async def _read(self, job: Job) -> None:
        with suppress(TakenOver):
            reading = await Rereading.take_over(self._store, job, previous=None, clock=self._clock)
            try:
                await self._read_in(job, reading)
            except BatchprocError:
                await self._store.write(updates.show, job.number, (await self._update(job)).reading)
                raise

    async def _watch(self, job: Job) -> Update:
        """Wait for a while for whoever reads."""
        deadline = asyncio.get_running_loop().time() + self._settings.enumerate_s
        while (update := await self._update(job)).state == "reading":
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(LOOK_S)
        return update

    async def _update(self, job: Job) -> Update:
        found = await self._store.read(updates.look, job.number)
        if found is None:
            raise TakenOver(f"job {job.job_id} was deleted meanwhile")
        return found

    async def _show(self, job: Job, update: Update, prefix: str) -> answers.SourceUpdate:
        look = await self._look(job.job_id)
        if update.state == "reading":
            return present_updates.reading(look, update)
        await self._store.write(updates.show, job.number, update.reading)
        if update.reason is not None:
            raise BatchprocError(f"{update.reason}. Nothing of job {job.job_id} was changed")
        return present_updates.plan(look, update, _estimate(look, update), prefix=prefix)

    # Its application.

    async def _apply(self, job: Job, update: Update, why: str | None) -> bool:
        """False: it is not the plan any more."""
        credential = None
        if refresh.needs_payer(job, update):
            await self._require_approval(job)
            credential, _ = await self._hand_credentials(job, job.options.model)
        look = await self._look(job.job_id)
        said = _estimate(look, update)
        is_all = said is not None and not look.counts["pending"]
        quoted = estimates.kept(job, said) if said is not None and is_all else None
        paid = {"credential": credential, "quote": quoted, "now": self._clock()}
        try:
            await self._store.write(refresh.apply, job.number, update.reading, self._order(why), **paid)  # type: ignore[arg-type]
        except updates.Changed:
            return False
        return True

    async def _applied(self, job: Job, update: Update) -> answers.SourceUpdate:
        await self._launcher.ring()
        await self.wake()
        look = await self._look(job.job_id)
        await discard(self._store, job, update.reading)
        return present_updates.applied(look, update, _estimate(look, update))


def _estimate(look: Snapshot, update: Update) -> quote.Quote | None:
    more = refresh.runs(update)
    return estimates.of_more(look, more) if more else None
