"""A job's life below the faces: its source is read in, all or nothing. Service and supervisor both stand on it."""

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Self

import orjson

from batchproc import approvals, enumerators, staleness
from batchproc.enumerators.base import Enumerator, where
from batchproc.errors import (
    BatchprocError,
    DuplicateKey,
    InvalidJob,
    SourceError,
    StoreError,
    TakenOver,
    UnknownField,
)
from batchproc.models import Item, Job, JobSpec
from batchproc.outputs import FIELD, Outputs
from batchproc.platform import processes
from batchproc.prompts import Prompt
from batchproc.readahead import ReadAhead
from batchproc.store import approvals as given
from batchproc.store import db, logs, readings, units
from batchproc.store import jobs as rows

CHUNK_ROWS = 10_000
CHUNK_BYTES = 4 << 20
LOG_LINES = 1_000

UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, halves of characters, and what turns the direction of writing."""

Clock = Callable[[], float]


def check(spec: JobSpec) -> Enumerator:
    """What can be known before anything is kept: whether its name is seen as it is, the template's syntax, the
    enumerator's type and configuration."""
    _require_seen(spec.name)
    Prompt(spec.instructions)
    return enumerators.build(spec.enumerator)


def _require_seen(name: str) -> None:
    """Asked of new jobs only: those of before keep their names, and are shown without what is not seen."""
    found = sorted({f"U+{ord(one):04X}" for one in UNSEEN.findall(name)})
    if found:
        way_out = "leave out characters that are not seen or turn the direction of writing"
        raise InvalidJob("name", name, f"{way_out}: {', '.join(found[:5])}")


class Reading:
    """One reading of a job's source into the store, under its token. Nobody sees a unit before `run` has returned the
    ready job. A reading that was replaced by a newer one changes nothing."""

    NOTHING = "nothing to process"
    _begin = staticmethod(readings.begin_reading)

    def __init__(
        self, store: db.Database, job: Job, source: Enumerator, *, token: int, clock: Clock = time.time
    ) -> None:
        self._store, self._job, self._source, self._token, self._clock = store, job, source, token, clock
        self._prompt = Prompt(job.instructions)
        self._same = partial(staleness.same_of, is_file=job.source == "file") if job.options.share_identical else None
        self._outputs = Outputs(job.options.outputs)
        self.warnings: list[str] = []

    @classmethod
    async def take_over(cls, store: db.Database, job: Job, *, previous: str | None, clock: Clock) -> Self:
        """Begin again after `previous`, the identity of a reader that is gone, or None. Raises `TakenOver`."""
        spec = await store.read(rows.enumerator, job.number)
        token = await store.write(cls._begin, job.number, reader=me(), previous=previous)
        reading = cls(store, job, enumerators.build(spec), token=token, clock=clock)
        await reading._discard()
        await reading._require_allowed(approvals.for_source(spec))
        return reading

    async def _require_allowed(self, needed: approvals.Approval | None) -> None:
        """Whoever wrote the job's row: a program is run only if a person has allowed it. Raises `SourceError`."""
        if needed is None or await self._store.read(given.is_approved, needed.hash):
            return
        problem = SourceError(self._source.source, "no person has allowed this program; create the job again")
        await self._fail(str(problem))
        raise problem

    async def run(self) -> Job:
        """Read all of it. Returns the job, `ready`.

        Raises what is wrong with the source, and leaves the job `failed` with that reason and no units;
        raises `TakenOver`, and changes nothing, if another process reads it by now.
        """
        try:
            await self._read()
            ready = await self._publish()
        except (SourceError, InvalidJob) as error:
            await self._fail(str(error))
            raise
        except (StoreError, TakenOver):
            raise
        except Exception as error:
            problem = SourceError(self._source.source, f"reading it failed: {error!r}")
            await self._fail(str(problem))
            raise problem from error
        finally:
            await self._keep_logs()
        self.warnings = [*self._source.warnings(), *_last_words(enumerators.logs(self._source))]
        return ready

    async def _keep_logs(self) -> None:
        """What a program printed while it was read; the newest lines, if there are very many."""
        with contextlib.suppress(StoreError):
            for line in enumerators.logs(self._source)[-LOG_LINES:]:
                await self._store.write(logs.append, line, at=self._clock(), source="enumerator", job=self._job.number)

    async def hand_over(self) -> None:
        """Leave the reading to the supervisor, which begins it again."""
        await self._store.write(readings.hand_over, self._job.number, self._token)

    async def _publish(self) -> Job:
        return await self._store.write(readings.publish, self._job.number, self._token, now=self._clock())

    async def _read(self) -> None:
        ahead = ReadAhead(self._chunks(self._source.items()))
        read = 0
        async for chunk in ahead:
            read = await self._add(chunk)
        if not read:
            hint = "; ".join([self.NOTHING, *self._source.warnings()])
            raise SourceError(self._source.source, hint)

    async def _add(self, chunk: str) -> int:
        try:
            return await self._write(chunk)
        except units.KeyTaken as taken:
            first, second = where(self._source, taken.first), where(self._source, taken.second)
            raise DuplicateKey(self._source.source, taken.key, first, second) from None

    async def _write(self, chunk: str) -> int:
        return await self._store.write(units.add_many, self._job.number, self._token, chunk)

    def _chunks(self, items: Iterator[Item]) -> Iterator[str]:
        """Items as JSON for the store, some thousands or megabytes at a time. Runs on the reading thread."""
        missing, unnamed = self._prompt.missing, self._outputs.missing
        chunk: list[tuple[Any, ...]] = []
        size = 0
        for key, payload, row in items:
            if (field := missing(payload) or unnamed(payload)) is not None:
                raise self._lacks(field, payload, row)
            if (entry := self._entry(key, payload, row)) is None:
                continue
            chunk.append(entry)
            size += _size(payload)
            if len(chunk) >= CHUNK_ROWS or size >= CHUNK_BYTES:
                yield orjson.dumps(chunk).decode()
                chunk, size = [], 0
        if chunk:
            yield orjson.dumps(chunk).decode()

    def _entry(self, key: str, payload: Mapping[str, Any], row: int) -> tuple[Any, ...] | None:
        """What the store is told of an item; None: it is not there any more."""
        return (key, payload, row) if self._same is None else (key, payload, row, self._same(payload))

    def _lacks(self, field: str, payload: Mapping[str, Any], row: int) -> BatchprocError:
        if row == 1 and field in self._prompt.required:
            return UnknownField(self._prompt.required - payload.keys(), payload.keys())
        place = where(self._source, row)
        if field in self._outputs.required - self._prompt.required:
            has = ", ".join(payload) or "no fields"
            return InvalidJob(FIELD, f"{{{{ {field} }}}}", f"no such field at {place}; it has: {has}")
        have = ", ".join(payload) or "no fields"
        return SourceError(
            self._source.source,
            f"the template needs {field!r}, which is not there (it has: {have})"
            + (f"; write {{{{ {field} | default('') }}}} if it may be missing" if field.isidentifier() else ""),
            place,
        )

    async def _fail(self, reason: str) -> None:
        failed = await self._store.write(
            readings.fail_reading, self._job.number, self._token, reason=reason, now=self._clock()
        )
        if failed:
            await self._discard()

    async def _discard(self) -> None:
        """Delete what an unfinished reading left behind, in small transactions."""
        while await self._store.write(readings.discard_units, self._job.number, self._token, limit=20_000):
            pass


def _last_words(said: list[str]) -> list[str]:
    if not said:
        return []
    shown = " | ".join(line[:200] for line in said[-3:])
    return [f"the source's code printed {len(said):,} line{'' if len(said) == 1 else 's'}, at last: {shown}"]


def _size(payload: Mapping[str, Any]) -> int:
    """About how many characters the payload takes; exact where it is nested."""
    size = 0
    for value in payload.values():
        if isinstance(value, str):
            size += len(value)
        elif isinstance(value, list | dict):
            return len(orjson.dumps(payload))
    return size


def me() -> str:
    """This process's identity, as the store keeps it."""
    return ":".join(map(str, processes.identity() or ()))


def reader_is_dead(reader: str | None) -> bool:
    """Whether the process that was reading a source is gone (or handed the reading over)."""
    if reader is None:
        return True
    pid, started, boot = reader.split(":", 2)
    return not processes.is_alive(processes.Identity(int(pid), started, boot))
