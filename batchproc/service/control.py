"""What a person does with a job: pauses, changes, cancels, deletes it."""

import asyncio
import shutil
from collections.abc import Collection, Mapping, Sequence

from batchproc import answers, orders
from batchproc.errors import InvalidJob, WrongStatus
from batchproc.models import WORKING, Job, JobOptions, JobStatus
from batchproc.service.allowing import no_such_keys, require_keys, require_published
from batchproc.service.starting import Starting
from batchproc.store import control, retention
from batchproc.store import jobs as rows


class Controlling(Starting):
    """control_job, cancel_job, cancel_units, delete_job."""

    async def control_job(
        self,
        job_id: str,
        action: str,
        *,
        drain: bool = True,
        remove: Sequence[str] | None = None,
        why: str | None = None,
        **changes: float | None,
    ) -> answers.ControlledJob:
        """`pause` (with `drain` running units finish, without they go back to the queue), `resume`, or `set` options.

        `changes` are those of `SETTABLE`; None changes nothing, for clients send it for what they leave out. `remove`
        names limits of `REMOVABLE` that are taken away. Both may go with any action. Doing it twice is doing it once.
        Raises `NotFound`, `WrongStatus`, `InvalidJob`.
        """
        if action not in ACTIONS:
            raise InvalidJob("action", action, f"known ones are {', '.join(ACTIONS)}")
        job = await self._job(job_id)
        taken = _without(remove or (), changes)
        changed = _checked(job, changes, taken) | taken
        if action == "set" and not changed:
            way_out = f"name what to set: {', '.join(SETTABLE)}; or in remove, what to take away"
            raise InvalidJob("changes", None, way_out)
        if action != "set":
            _require_under_way(job, action)
        if changed:
            _require_alive(job)
            job = await self._store.write(control.change, job, self._order(why), changes=changed, now=self._clock())
        said = await self._carry_out(job, action, why, drain=drain)
        look = await self._look(job_id)
        said = said and orders.said_of_resume(look, said)
        return orders.controlled(look, said or orders.said_of_control(action, changed, look, drain=drain))

    async def _carry_out(self, job: Job, action: str, why: str | None, *, drain: bool) -> str:
        """What is to be said of it; nothing where the words are always the same."""
        if action == "resume":
            return (await self.start_job(job.job_id, why=why)).message
        if action == "pause":
            await self._store.write(control.hold, job.number, self._order(why), release=not drain, now=self._clock())
        if job.status in WORKING or not drain:
            await self._see_to_it(job)
        return ""

    async def cancel_job(self, job_id: str, *, why: str | None = None) -> answers.ControlledJob:
        """End a job for good. What is final stays; what runs is stopped within seconds and is not run again. Raises
        `NotFound`, and `WrongStatus` while a change of a job that has run is tried."""
        job = await self._job(job_id)
        _require_no_change(job)
        cancelled = await self._store.write(control.cancel, job.number, self._order(why), now=self._clock())
        if cancelled:
            await self._launcher.ring()  # those that run are stopped first
        if (await self._job(job_id)).status is JobStatus.CANCELLED:
            await self._work_off(job)
            await self.wake()
        look = await self._look(job_id)
        return orders.controlled(look, orders.said_of_cancel(look, cancelled=cancelled))

    async def cancel_units(self, job_id: str, keys: Sequence[str], *, why: str | None = None) -> answers.ControlledJob:
        """Cancel some units of a job by their keys. Raises `NotFound` naming keys that the job does not have, before
        anything is changed."""
        require_keys(keys)
        job = await self._job(job_id)
        require_published(job)
        unknown = await self._store.read(control.unknown_keys, job.number, keys)
        if unknown:
            raise no_such_keys(job_id, unknown)
        await self._work_off(job)  # units that were asked for again are back in the queue before they are cancelled
        done = await self._store.write(control.cancel_keys, job.number, keys, self._order(why), now=self._clock())
        await self._launcher.ring()
        await self.wake()
        return orders.controlled(await self._look(job_id), orders.said_of_units(done))

    async def delete_job(self, job_id: str, *, why: str | None = None) -> answers.DeletedJob:
        """Delete a job and everything of it. Raises `WrongStatus` while something of it runs: cancel it first."""
        job = await self._job(job_id)
        counts = await self._store.read(rows.ledger, job.number)
        await self.wake()  # an agent that was orphaned is ended by the next supervisor only
        await self._store.write(retention.mark_deleted, job, order=self._order(why), now=self._clock())
        if not await self._work_off(job):
            await self._launcher.ensure()
            await self._launcher.ring()
        await asyncio.to_thread(shutil.rmtree, self._settings.home / "agents" / job_id, ignore_errors=True)
        return orders.deleted(job, counts)


ACTIONS = ("pause", "resume", "set")
SETTABLE = (
    *("max_concurrency", "priority", "budget_usd", "unit_budget_usd"),
    *("max_total_tokens", "max_units", "max_wall_s", "breaker"),
)

REMOVABLE = ("unit_budget_usd", "max_total_tokens", "max_units", "max_wall_s")
"""A job without a budget would be one without a limit: it is only set."""


def _require_under_way(job: Job, action: str) -> None:
    if job.status not in control.UNDER_WAY:
        way_out = {
            JobStatus.REVIEW: "nothing of it runs; start_job(confirmed=true) lets the rest run, update_job changes it",
            JobStatus.READY: "it has not been started; see start_job",
            JobStatus.ENUMERATING: "its source is still being read",
        }.get(job.status, "it has ended; retry_units asks for units again")
        raise WrongStatus(job.job_id, job.status, f"be {action}d", way_out)


def _require_no_change(job: Job) -> None:
    """What is tried of a job that has run is taken back, so that no answer of before is lost."""
    if job.approved_trial is None or job.approved_at is not None:
        return
    first = "" if job.status is not JobStatus.PILOT else "control_job(action=pause, drain=false), then "
    way_out = f'it tries a change: {first}start_job(job_id, variant="before", confirmed=true) takes that back'
    raise WrongStatus(job.job_id, job.status, "be cancelled", f"{way_out}; after that cancel_job ends it")


def _require_alive(job: Job) -> None:
    if job.status is JobStatus.FAILED:
        raise WrongStatus(job.job_id, job.status, "be changed", "create the job again")


def _checked(job: Job, given: Mapping[str, float | None], taken: Collection[str]) -> dict[str, float]:
    """What is to be set, checked as at the door of create_job, beside the limits that stay."""
    changes = {name: value for name, value in given.items() if value is not None}
    if unknown := sorted(changes.keys() - set(SETTABLE)):
        raise InvalidJob("changes", unknown, f"what can be set is {', '.join(SETTABLE)}")
    valid = JobOptions.model_validate(changes)
    changes = {name: getattr(valid, name) for name in changes}
    kept = None if "unit_budget_usd" in taken else job.options.unit_budget_usd
    cap = changes.get("unit_budget_usd", kept)
    if cap is not None and cap > changes.get("budget_usd", job.options.budget_usd):
        raise InvalidJob("unit_budget_usd", cap, "it is more than the whole job may cost (budget_usd)")
    return changes


def _without(remove: Sequence[str], given: Mapping[str, float | None]) -> dict[str, None]:
    """The limits that are taken away."""
    for name in remove:
        if name not in REMOVABLE:
            raise InvalidJob("remove", name, f"what can be taken away is {', '.join(REMOVABLE)}; all else is set")
        if given.get(name) is not None:
            raise InvalidJob("remove", name, "it is set as well; say one of both")
    return dict.fromkeys(remove)
