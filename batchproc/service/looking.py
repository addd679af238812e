"""What there is to see of jobs, units and results."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing

from batchproc import answers, enumerators, options, paging, present, present_units
from batchproc.errors import InvalidJob
from batchproc.models import ACTIVE_JOBS, Job, JobOptions, JobSpec, JobStatus, Unit, UnitStatus
from batchproc.service.base import Service
from batchproc.settings import Settings
from batchproc.store import attempts, earlier, events, publications, status, verdicts
from batchproc.store import jobs as rows

LONGEST_WAIT_S = 45.0
BETWEEN_ANSWERS_S = 1.0
POLL_S = 0.25
MOST_EARLIER = 20


class Looking(Service):
    """get_status, get_results, get_unit, get_spec, list_jobs, list_enumerators."""

    async def get_status(self, job_id: str, wait_s: float = 0) -> answers.JobStatusAnswer:
        """The job as it stands. With `wait_s` (at most 45) it answers when its status or a count changes, or then.

        Raises `NotFound`, `InvalidJob`.
        """
        look, trouble = await self._standing(job_id, wait_s)
        return present.job_status(look, self._clock(), trouble)

    async def _standing(self, job_id: str, wait_s: float) -> tuple[status.Snapshot, str | None]:
        """The job, and why nobody works on it."""
        if not 0 <= wait_s <= LONGEST_WAIT_S:
            raise InvalidJob("wait_s", wait_s, f"give seconds between 0 and {LONGEST_WAIT_S:g}")
        look = await self._look(job_id)
        trouble = await self._trouble()
        if wait_s:
            look = await self._wait_for_change(look, wait_s)
        return look, trouble

    async def _wait_for_change(self, before: status.Snapshot, wait_s: float) -> status.Snapshot:
        loop = asyncio.get_running_loop()
        begun, now = loop.time(), before
        while (left := begun + wait_s - loop.time()) > 0 and _same_state(before, now):
            works = before.job.status in ACTIVE_JOBS or before.job.resume_at is not None
            if not works and not before.counts["running"]:
                return now  # nothing can change by itself
            await self._news(now.last_event, min(left, 5.0))
            now = await self._look(before.job.job_id)
        if not _same_state(before, now):
            await asyncio.sleep(max(0.0, min(begun + BETWEEN_ANSWERS_S, begun + wait_s) - loop.time()))
            now = await self._look(before.job.job_id)
        return now

    async def _news(self, seen: int, timeout_s: float) -> None:
        """Wait until an event after `seen` is committed, or for `timeout_s` seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                async with aclosing(self._launcher.changes()) as news:
                    async for seq in news:
                        if seq > seen:
                            return
                while await self._store.read(events.last) <= seen:  # noqa: ASYNC110 - no supervisor, nobody to ring
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            return

    async def get_results(
        self, job_id: str, status: str | None = None, cursor: str | None = None, limit: int = 20
    ) -> answers.Results:
        """A page of final units, in the order of the source. Raises `NotFound`, `InvalidJob`."""
        job = await self._job(job_id)
        wanted = None if status is None else final_status(status)
        paging.require_limit(limit)
        page, judged = await self._store.read(
            verdicts.final_page, job.number, status=wanted, after=paging.unit_after(job, cursor), limit=limit + 1
        )
        counts = await self._store.read(rows.ledger, job.number)
        files = await self._files(job, page)
        return present_units.results(job, page, limit, counts, wanted, judged=judged, files=files)

    async def get_unit(self, job_id: str, key: str, events_limit: int = 50) -> answers.UnitAnswer:
        """One unit: its payload, its prompt as it is sent, its attempts and the end of its conversation."""
        job = await self._job(job_id)
        if not 0 <= events_limit <= 1000:
            raise InvalidJob("events", events_limit, "give a number between 0 and 1000")
        unit = await self._unit(job, key)
        tries = await self._store.read(attempts.of_unit, unit.number)
        tail = await self._store.read(events.tail_of_unit, unit.number, limit=events_limit)
        judged = await self._store.read(verdicts.on, [unit])
        before = await self._store.read(earlier.of_unit, unit.number, limit=MOST_EARLIER)
        files = await self._files(job, [unit])
        beside = {"judged": judged.get(unit.number), "before": before, "files": files.get(unit.number)}
        return present_units.unit(job, unit, tries, tail, **beside)  # type: ignore[arg-type]

    async def _files(self, job: Job, found: Sequence[Unit]) -> Mapping[int, list[str]]:
        """What these units published."""
        if not job.options.outputs:
            return {}
        return await self._store.read(publications.of_units, [unit.number for unit in found])

    async def list_jobs(self, status: str | None = None, cursor: str | None = None, limit: int = 20) -> answers.JobList:
        """A page of jobs, newest first. Raises `InvalidJob`."""
        if status is not None and status not in set(JobStatus):
            raise InvalidJob("status", status, f"known ones are {', '.join(JobStatus)}")
        paging.require_limit(limit)
        wanted = None if status is None else JobStatus(status)
        page = await self._store.read(
            rows.page, status=wanted, before=paging.number_in(cursor, 1 << 62), limit=limit + 1
        )
        counts = {job.number: await self._store.read(rows.ledger, job.number) for job in page[:limit]}
        return present.job_list(page, limit, counts)

    async def get_spec(self, job_id: str) -> JobSpec:
        """The job's description as create_job takes it: what differs from the defaults, wherever they were set."""
        job = await self._job(job_id)
        usual = options.resolve(JobOptions(), Settings())
        given = {name: getattr(job.options, name) for name in JobOptions.model_fields if hasattr(usual, name)}
        differing = {name: value for name, value in given.items() if value != getattr(usual, name)}
        differing.pop("budget_usd", None)
        differing |= {"budget_usd": job.options.budget_usd} if job.options.budget_given else {}
        differing |= {"priority": job.priority} if job.priority else {}
        return JobSpec(
            name=job.name,
            instructions=job.instructions,
            enumerator=await self._store.read(rows.enumerator, job.number),
            output_schema=job.options.output_schema,
            options=JobOptions.model_validate(differing),
        )

    async def list_enumerators(self) -> answers.EnumeratorList:
        """The kinds of sources, each with the JSON Schema of its configuration and an example."""
        return present.enumerator_list(enumerators.catalogue())


def _same_state(one: status.Snapshot, other: status.Snapshot) -> bool:
    return (one.job.status, one.counts, one.job.units_read) == (other.job.status, other.counts, other.job.units_read)


def final_status(text: str) -> UnitStatus:
    final = [s for s in UnitStatus if s not in {UnitStatus.PENDING, UnitStatus.RUNNING}]
    if text not in final:
        raise InvalidJob("status", text, f"results have one of {', '.join(final)}")
    return UnitStatus(text)
