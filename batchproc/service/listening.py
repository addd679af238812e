"""What is said of jobs and units, for somebody who listens or looks for a cause: events, log lines."""

from collections.abc import Collection
from datetime import UTC, datetime

from batchproc import answers, paging, present_browsing
from batchproc.errors import InvalidJob
from batchproc.models import Event
from batchproc.service.looking import Looking
from batchproc.store import events, logs

LONGEST_TEXT = 500
"""Characters of what is looked for."""
MOST_EVENTS = 1_000


class Listening(Looking):
    """unit_events, read_events, changed_jobs, last_event, list_logs."""

    async def unit_events(
        self, job_id: str, key: str, after: int | None = None, before: int | None = None, limit: int = 100
    ) -> answers.EventPage:
        """Events of one unit, oldest first: the newest `limit`, or the next ones after a number, or the last ones
        before it. Raises `NotFound`, `InvalidJob`."""
        unit = await self._unit(await self._job(job_id), key)
        _require_events(limit)
        if after is not None and before is not None:
            raise InvalidJob("before", before, "events are after a number or before one; leave one of them out")
        for name, seq in (("after", after), ("before", before)):
            _require_number(name, seq)
        if after is not None:
            found = await self._store.read(events.of_unit, unit.number, after, limit=limit)
            return present_browsing.event_page(found, older=after > 0, after=after)
        found = await self._store.read(events.of_unit_before, unit.number, before or 1 << 62, limit=limit + 1)
        newest = found[-limit:]
        return present_browsing.event_page(newest, older=len(found) > limit, after=0)

    async def read_events(
        self,
        after: int,
        limit: int = 500,
        *,
        job_id: str | None = None,
        key: str | None = None,
        kinds: Collection[str] = (),
    ) -> answers.EventBatch:
        """The next events after a number, of everything, a job or a unit; those of `kinds`, where one that ends in `.`
        means all that begin so. Whoever goes on from `after` sees each once, in order. Raises `NotFound`, `InvalidJob`.
        """
        _require_number("after", after)
        _require_events(limit)
        if job_id is None and key is not None:
            raise InvalidJob("key", key, "name its job, too")
        found = await self._events(after, limit, job_id, key)
        return answers.EventBatch(
            events=[present_browsing.event(one) for one in found if not kinds or _is_one_of(one, kinds)],
            after=found[-1].seq if found else after,
            more=len(found) == limit,
        )

    async def _events(self, after: int, limit: int, job_id: str | None, key: str | None) -> list[Event]:
        if job_id is None:
            return await self._store.read(events.after, after, limit=limit)
        job = await self._job(job_id)
        if key is None:
            return await self._store.read(events.of_job, job.number, after, limit=limit)
        unit = await self._unit(job, key)
        return await self._store.read(events.of_unit, unit.number, after, limit=limit)

    async def changed_jobs(self, after: int) -> answers.Changes:
        """Which jobs something happened to after an event's number."""
        _require_number("after", after)
        seq, changed = await self._store.read(events.changed_jobs, after)
        return answers.Changes(seq=seq, jobs=changed)

    async def last_event(self) -> int:
        """The number of the newest event; 0 if there is none."""
        return await self._store.read(events.last)

    async def list_logs(
        self,
        job_id: str | None = None,
        key: str | None = None,
        level: str | None = None,
        source: str | None = None,
        text: str | None = None,
        since: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> answers.LogPage:
        """Log lines, newest first: of a `level` or a worse one, with `text` in them, `since` a time (ISO 8601). Raises
        `NotFound`, `InvalidJob`."""
        paging.require_limit(limit)
        if level is not None and level not in logs.LEVELS:
            raise InvalidJob("level", level, f"known ones are {', '.join(logs.LEVELS)}, the least first")
        if job_id is None and key is not None:
            raise InvalidJob("key", key, "name its job, too")
        job = None if job_id is None else await self._job(job_id)
        unit = None if job is None or key is None else await self._unit(job, key)
        sought = logs.Sought(
            job=job.number if job else None,
            unit=unit.number if unit else None,
            level=level or "debug",
            source=source,
            text=looked_for(text),
            since=None if since is None else moment_in("since", since).timestamp(),
        )
        before = paging.number_in(cursor, 1 << 62)
        look = self._store.read if sought.text is None else self._store.read_apart
        return present_browsing.log_page(await look(logs.page, sought, before=before, limit=limit + 1), limit)


def looked_for(text: str | None) -> str | None:
    """What is looked for; None where that is nothing."""
    if text is not None and len(text) > LONGEST_TEXT:
        raise InvalidJob("text", text, f"look for at most {LONGEST_TEXT} characters")
    if text is not None and "\0" in text:
        raise InvalidJob("text", text, "it holds a NUL character, which ends a text for a database; leave it out")
    return (text or "").strip() or None


def moment_in(field: str, text: str) -> datetime:
    """A time that somebody wrote; one without a zone is UTC, as all times are that we write."""
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        moment.timestamp()
    except (ValueError, OverflowError):
        raise InvalidJob(field, text, "write a time as 2026-01-31T13:45:00Z") from None
    return moment


def _require_events(limit: int) -> None:
    if not 1 <= limit <= MOST_EVENTS:
        raise InvalidJob("limit", limit, f"give a number between 1 and {MOST_EVENTS:,}")


def _require_number(field: str, seq: int | None) -> None:
    if seq is not None and not 0 <= seq < 1 << 62:
        raise InvalidJob(field, seq, "give the number of an event, or 0")


def _is_one_of(event: Event, kinds: Collection[str]) -> bool:
    return any(event.kind.startswith(kind) if kind.endswith(".") else event.kind == kind for kind in kinds)
