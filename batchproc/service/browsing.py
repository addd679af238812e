"""What there is to see for somebody who looks around among many jobs and units."""

import asyncio

from batchproc import answers, approvals, paging, present, present_browsing
from batchproc.errors import InvalidJob, StoreError
from batchproc.models import Job, JobStatus, UnitStatus
from batchproc.service.listening import Listening, looked_for
from batchproc.store import approvals as given
from batchproc.store import browsing, cards, sayings, search
from batchproc.store.browsing import Place, Wanted

CATCH_UP_S = 0.3
"""How long a search takes older units into the index before it looks."""


class Browsing(Listening):
    """browse_jobs, job_detail, browse_units, unit_detail."""

    async def browse_jobs(
        self, status: str | None = None, text: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> answers.JobCards:
        """A page of jobs, newest first; with `text`, those whose name or id has it in them. Raises `InvalidJob`."""
        if status is not None and status not in set(JobStatus):
            raise InvalidJob("status", status, f"known ones are {', '.join(JobStatus)}")
        paging.require_limit(limit)
        found = await self._store.read(
            cards.page,
            state=None if status is None else JobStatus(status),
            text=looked_for(text),
            before=paging.number_in(cursor, 1 << 62),
            limit=limit + 1,
        )
        return present_browsing.job_cards(found, limit)

    async def job_detail(self, job_id: str, wait_s: float = 0) -> answers.JobDetail:
        """How a job stands, what it may use, and what it waits for. Raises `NotFound`, `InvalidJob`."""
        look, trouble = await self._standing(job_id, wait_s)
        needed = approvals.needed(look.job.options)
        is_missing = needed is not None and not await self._store.read(given.is_approved, needed.hash)
        answer = present.job_status(look, self._clock(), trouble)
        return present_browsing.job_detail(answer, look, needs_approval=is_missing, trouble=trouble)

    async def browse_units(
        self,
        job_id: str,
        status: str | None = None,
        signature: str | None = None,
        text: str | None = None,
        cursor: str | None = None,
        offset: int | None = None,
        limit: int = 50,
    ) -> answers.UnitPage:
        """A page of the job's units, whatever their status, in the order of the source. Raises `NotFound`,
        `InvalidJob`.

        It begins after the page that gave the `cursor`, or leaves out `offset` units that match. With `text`: units
        whose key has it in it, or which have all its words in key, answer and error, as beginnings of words.
        """
        job = await self._job(job_id)
        paging.require_limit(limit)
        wanted = Wanted(status=_unit_status(status), signature=signature)
        after, before = paging.unit_place(job, cursor)
        place = Place(after=after, before=before, skip=_skipped(offset, cursor))
        sought = looked_for(text)
        if not job.total_units:  # nobody may see them before all of them are in
            return present_browsing.unit_page(job, await self._store.read(browsing.none))
        if sought is not None:
            return await self._search(job, sought, wanted, place, limit)
        return present_browsing.unit_page(job, await self._store.read(browsing.page, job, wanted, place, limit=limit))

    async def _search(self, job: Job, text: str, wanted: Wanted, place: Place, limit: int) -> answers.UnitPage:
        """Beside everything else: it may look through many keys."""
        await self.take_in_older_units(CATCH_UP_S)
        try:
            page, hits = await self._store.read_apart(search.page, job, text, wanted, place, limit=limit)
        except StoreError as error:
            if error.__cause__ is None or not sayings.may_be_broken(error.__cause__):
                raise
            # The writer makes a broken index anew, if it runs into it.
            page, hits = await self._store.write(search.page, job, text, wanted, place, limit=limit)
        return present_browsing.unit_page(job, page, hits)

    async def take_in_older_units(self, seconds: float) -> bool:
        """Take units that an older batchproc left into the index of texts, for so long; says whether all are in it."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not await self._store.read(search.is_whole):
            if asyncio.get_running_loop().time() >= deadline:
                return False
            await self._store.write(search.take_in_some)
        return True

    async def unit_detail(self, job_id: str, key: str) -> answers.UnitDetail:
        """A unit with all but its conversation, and the units beside it. Raises `NotFound`."""
        seen = await self.last_event()  # first: what comes later is news to whoever goes on from it
        job = await self._job(job_id)
        unit = await self._unit(job, key)
        answer = await self.get_unit(job_id, key, events_limit=0)
        beside = await self._store.read(browsing.beside, job.number, unit.number)
        return present_browsing.unit_detail(answer, beside, seen)


def _unit_status(status: str | None) -> UnitStatus | None:
    if status is not None and status not in set(UnitStatus):
        raise InvalidJob("status", status, f"units have one of {', '.join(UnitStatus)}")
    return None if status is None else UnitStatus(status)


def _skipped(offset: int | None, cursor: str | None) -> int | None:
    if offset is None:
        return None
    if cursor is not None:
        raise InvalidJob("offset", offset, "a page begins after a cursor or at an offset; leave one of them out")
    if not 0 <= offset < 1 << 53:
        raise InvalidJob("offset", offset, "give a whole number from 0")
    return offset
