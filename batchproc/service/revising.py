"""A job that has run is described anew: what persons judged of it runs first, the rest when they approve of that."""

from collections.abc import Sequence
from dataclasses import replace

from batchproc import ledger
from batchproc.errors import WrongStatus
from batchproc.models import AgentOptions, Credential, Job
from batchproc.service.starting import Starting
from batchproc.store import pilots, revisions

MOST_GOLD = 200
"""Units of the gold set that run before the rest: those that were judged last."""


class Revising(Starting):
    """The part of update_job that concerns jobs which were approved before."""

    async def _revise(self, job: Job, new: pilots.Description, why: str | None) -> str:
        """Try it on what was judged. Returns what was done, in words."""
        if await self._store.read(revisions.is_busy, job.number):
            raise WrongStatus(job.job_id, job.status, "be described anew", "its agents are ending; try again soon")
        gold = await self._store.read(revisions.units_to_try, job.number, most=MOST_GOLD)
        units = gold or await self._choose_units(job, final=True)
        if not units:
            raise WrongStatus(job.job_id, job.status, "be described anew", "none of its units has run; create it anew")
        tried = replace(new, options=_affordable(job, new.options, self._settings.budget_usd))
        begin = self._once(lambda now, credential: self._begin_revision(now, tried, units, credential, why))
        await self._let(job, begin, model=new.options.model)
        judged = await self._store.read(revisions.judged, units)
        which = "that persons have judged (the gold set)" if judged else "of a pilot (nobody has judged any)"
        return (
            f"changed; {ledger.units(len(units))} {which} run first, then it waits in review: get_status(wait_s=45) "
            "shows old beside new. All other answers stay until the change is approved"
        )

    async def _begin_revision(
        self, job: Job, new: pilots.Description, units: Sequence[int], credential: Credential, why: str | None
    ) -> bool:
        paid = {"credential": credential, "order": self._order(why), "now": self._clock()}
        return await self._store.write(revisions.begin, job, new, units=units, **paid)  # type: ignore[arg-type]


def _affordable(job: Job, options: AgentOptions, usual: float) -> AgentOptions:
    """Where nobody has set a budget, what is tried may cost as much as a job does by default."""
    if options.budget_given:
        return options
    return replace(options, budget_usd=max(options.budget_usd, job.cost_usd + usual))
