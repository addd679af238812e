"""A job's source is read once more, beside its units: each item gets the fingerprint that an answer for it would have.

The job is as it was until somebody was shown what was found, and wants it (`store.refresh`).
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson

from batchproc import staleness
from batchproc.enumerators.base import Enumerator, where
from batchproc.errors import SourceError
from batchproc.jobs import Clock, Reading
from batchproc.models import Job
from batchproc.store import db, update_items, updates


class Rereading(Reading):
    """One such reading, under its token. One that was replaced by a newer one changes nothing."""

    NOTHING = "it is empty now, so every unit would be gone; nothing was changed"
    _begin = staticmethod(updates.begin)

    def __init__(self, store: db.Database, job: Job, source: Enumerator, *, token: int, clock: Clock) -> None:
        super().__init__(store, job, source, token=token, clock=clock)
        self._known = staleness.Fingerprints(job)
        self._is_named = False
        self._has_notes: bool | None = None

    async def hand_over(self) -> None:
        await self._store.write(updates.hand_over, self._job.number, self._token)

    def _entry(self, key: str, payload: Mapping[str, Any], row: int) -> tuple[Any, ...] | None:
        """With its fingerprint, and what that was made from. On the reading thread: it reads a file's content."""
        try:
            content = staleness.content(payload) if self._job.source == "file" else None
        except FileNotFoundError:  # since it was listed
            return None
        except OSError as error:
            problem = f"{key} cannot be read ({error.strerror}); make it readable, or take it away"
            raise SourceError(self._source.source, problem, where(self._source, row)) from None
        self._is_named = self._is_named or key != str(row)
        digest = staleness.input_of(key, payload, content)
        same = None if self._same is None else self._same(payload)
        return key, payload, row, self._known.of(key, payload, input=digest), digest, same

    async def _write(self, chunk: str) -> int:
        if self._has_notes is None:
            self._has_notes = await self._store.read(update_items.has_notes, self._job.number)
        if self._has_notes:
            notes = await self._store.read(update_items.notes, self._job.number, chunk)
            chunk = await asyncio.to_thread(self._with, notes, chunk) if notes else chunk
        return await self._store.write(updates.add_many, self._job.number, self._token, chunk)

    def _with(self, notes: Mapping[str, str], chunk: str) -> str:
        """The chunk, with fingerprints that know what a person added to the instructions for some units."""
        items = orjson.loads(chunk)
        for item in items:
            if (note := notes.get(item[0])) is not None:
                item[3] = self._known.of(item[0], item[1], input=item[4], note=note)
        return orjson.dumps(items).decode()

    async def _publish(self) -> Job:
        """What was found is ready to be shown. Raises `SourceError` where the job was changed meanwhile."""
        after: str | None = ""
        while after is not None:
            after = await self._store.write(updates.miss, self._job.number, self._token, after=after)
        said = {"warnings": self._source.warnings(), "is_named": self._is_named}
        try:
            await self._store.write(updates.finish, self._job.number, self._token, said, now=self._clock())
        except updates.Changed as error:
            raise SourceError(self._source.source, f"{error}; read it again") from None
        return self._job

    async def _fail(self, reason: str) -> None:
        await self._store.write(updates.fail, self._job.number, self._token, reason=reason, now=self._clock())

    async def _discard(self) -> None:
        await discard(self._store, self._job, self._token)


async def discard(store: db.Database, job: Job, token: int) -> None:
    """Delete what earlier readings found, or what is applied, in small transactions, in the name of the newest."""
    while await store.write(update_items.discard, job.number, token, limit=20_000):
        pass
