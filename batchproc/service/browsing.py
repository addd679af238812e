"""What there is to see for somebody who looks around among many jobs and units."""

from batchproc import answers, paging, present_browsing
from batchproc.errors import InvalidJob
from batchproc.models import JobStatus, UnitStatus
from batchproc.service.looking import Looking
from batchproc.store import browsing
from batchproc.store.browsing import Place, Wanted

LONGEST_TEXT = 500
"""Characters of what is looked for."""


class Browsing(Looking):
    """browse_jobs, browse_units."""

    async def browse_jobs(
        self, status: str | None = None, text: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> answers.JobCards:
        """A page of jobs, newest first; with `text`, those whose name or id has it in them. Raises `InvalidJob`."""
        if status is not None and status not in set(JobStatus):
            raise InvalidJob("status", status, f"known ones are {', '.join(JobStatus)}")
        paging.require_limit(limit)
        found = await self._store.read(
            browsing.cards,
            state=None if status is None else JobStatus(status),
            text=looked_for(text),
            before=paging.number_in(cursor, 1 << 62),
            limit=limit + 1,
        )
        return present_browsing.job_cards(found, limit)

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

        It begins after the page that gave the `cursor`, or leaves out `offset` units that match.
        """
        job = await self._job(job_id)
        paging.require_limit(limit)
        wanted = Wanted(status=unit_status(status), signature=signature)
        after, before = paging.unit_place(job, cursor)
        place = Place(after=after, before=before, skip=skipped(offset, cursor))
        if not job.total_units:  # nobody may see them before all of them are in
            return present_browsing.unit_page(job, await self._store.read(browsing.none))
        return present_browsing.unit_page(job, await self._store.read(browsing.page, job, wanted, place, limit=limit))


def looked_for(text: str | None) -> str | None:
    """What is looked for; None where that is nothing."""
    if text is not None and len(text) > LONGEST_TEXT:
        raise InvalidJob("text", text, f"look for at most {LONGEST_TEXT} characters")
    return (text or "").strip() or None


def unit_status(status: str | None) -> UnitStatus | None:
    if status is not None and status not in set(UnitStatus):
        raise InvalidJob("status", status, f"units have one of {', '.join(UnitStatus)}")
    return None if status is None else UnitStatus(status)


def skipped(offset: int | None, cursor: str | None) -> int | None:
    if offset is None:
        return None
    if cursor is not None:
        raise InvalidJob("offset", offset, "a page begins after a cursor or at an offset; leave one of them out")
    if not 0 <= offset < 1 << 53:
        raise InvalidJob("offset", offset, "give a whole number from 0")
    return offset
