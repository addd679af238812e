"""Reads each event once for all who look on, and wakes them. Nothing is read while nobody does."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Protocol

from batchproc.errors import BatchprocError
from batchproc.interfaces import http_html
from batchproc.models import RawEvent

log = logging.getLogger(__name__)

MOST_VIEWERS = 200
RING_EVENTS, RING_CHARACTERS = 5_000, 16 << 20  # of the newest events, kept for those who are about to read them
PAGE_EVENTS, PAGE_CHARACTERS = 1_000, 1 << 20  # looked at in one go
BETWEEN_READS_S = 0.1
AGAIN_S = 1.0


class Source(Protocol):
    """The service, as far as it tells of events."""

    def changes(self) -> AsyncGenerator[int, None]: ...

    async def last_event(self) -> int: ...

    async def require_job(self, job_id: str) -> None: ...

    async def follow(
        self, after: int, limit: int, *, job_id: str | None = None, key: str | None = None
    ) -> tuple[Sequence[RawEvent], int]: ...


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a viewer wants to hear of. A kind that ends in a dot stands for all that begin with it."""

    job_id: str | None = None
    key: str | None = None
    kinds: tuple[str, ...] = ()

    def fits(self, event: RawEvent) -> bool:
        if self.job_id is not None and event.job_id != self.job_id:
            return False
        if self.key is not None and event.key != self.key:
            return False
        return not self.kinds or any(_is_kind(event.kind, kind) for kind in self.kinds)


def _is_kind(kind: str, wanted: str) -> bool:
    return kind.startswith(wanted) if wanted.endswith(".") else kind == wanted


@dataclass(slots=True)
class Entry:
    """An event, and once somebody wanted it, its line."""

    event: RawEvent
    line: bytes | None = None


class Full(Exception):
    """As many look on as may."""


class Hub:
    """One for each server. `end` is the number of the newest event that it has seen; `ending` ends every stream."""

    def __init__(self, source: Source, ending: asyncio.Event, *, most: int = MOST_VIEWERS) -> None:
        self.source, self.ending, self._most = source, ending, most
        self.viewers = 0
        self.end = 0
        self.news = asyncio.Event()
        self._start = 0  # the ring has all after it, up to `end`
        self._ring: deque[Entry] = deque()
        self._characters = 0
        self._reader: asyncio.Task[None] | None = None
        self._deep, self._writing = asyncio.Lock(), asyncio.Lock()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Somebody looks on. Raises `Full`."""
        if self.viewers >= self._most:
            raise Full(f"{self.viewers} look on already, which is as many as may")
        self.viewers += 1
        if self._reader is None:
            self._reader = asyncio.create_task(self._read_on(), name="hub")
        try:
            yield
        finally:
            self.viewers -= 1
            if not self.viewers:
                self._reader.cancel()
                self._reader = None

    async def look(self, after: int, wanted: Wanted, room: int) -> tuple[list[Entry], int]:
        """Events after number `after` that are wanted, `room` at most, and the number up to which that is all."""
        if after >= self._start and self._reader is not None:
            return self._recent(after, wanted, room)
        async with self._deep:  # one at a time: whoever comes back late does not keep the others from reading
            limit = min(room, PAGE_EVENTS)
            start = self._start
            found, to = await self.source.follow(after, limit, job_id=wanted.job_id, key=wanted.key)
        if not found:  # what is newest may have been deleted since the ring began after it
            to = max(to, start)
        return [Entry(event) for event in found if wanted.fits(event)], to

    def _recent(self, after: int, wanted: Wanted, room: int) -> tuple[list[Entry], int]:
        newer: list[Entry] = []
        for entry in reversed(self._ring):
            if entry.event.seq <= after:
                break
            newer.append(entry)
        found: list[Entry] = []
        size = 0
        for entry in reversed(newer):
            if not wanted.fits(entry.event):
                continue
            found.append(entry)
            size += len(entry.event.data)
            if len(found) >= room or size >= PAGE_CHARACTERS:
                return found, entry.event.seq
        return found, max(after, self.end)

    async def lines(self, entries: Sequence[Entry]) -> list[bytes]:
        """The JSON of each, made once."""
        if any(entry.line is None for entry in entries):
            async with self._writing:
                bare = [entry for entry in entries if entry.line is None]
                made = await asyncio.to_thread(http_html.lines, [entry.event for entry in bare])
                for entry, line in zip(bare, made, strict=True):
                    entry.line = line
        return [entry.line for entry in entries if entry.line is not None]

    async def _read_on(self) -> None:
        self._forget(await self._newest())
        while True:
            try:
                async with aclosing(self.source.changes()) as numbers:
                    async for number in numbers:
                        await self._read_up_to(number)
                        await asyncio.sleep(BETWEEN_READS_S)
            except BatchprocError as error:
                log.warning("events cannot be read; again in %g s: %s", AGAIN_S, error)
                await asyncio.sleep(AGAIN_S)

    async def _newest(self) -> int:
        while True:
            try:
                return await self.source.last_event()
            except BatchprocError as error:
                log.warning("events cannot be read; again in %g s: %s", AGAIN_S, error)
                await asyncio.sleep(AGAIN_S)

    async def _read_up_to(self, number: int) -> None:
        if number - self.end > RING_EVENTS:
            self._forget(number - RING_EVENTS)
        while self.end < number:
            found, to = await self.source.follow(self.end, PAGE_EVENTS)
            self._keep(found)
            self.end = to
            self._wake()

    def _wake(self) -> None:
        self.news.set()
        self.news = asyncio.Event()

    def _forget(self, number: int) -> None:
        self._ring.clear()
        self._characters = 0
        self._start = self.end = number
        self._wake()

    def _keep(self, found: Sequence[RawEvent]) -> None:
        for event in found:
            self._ring.append(Entry(event))
            self._characters += len(event.data)
        while len(self._ring) > RING_EVENTS or self._characters > RING_CHARACTERS:
            oldest = self._ring.popleft().event
            self._start = oldest.seq
            self._characters -= len(oldest.data)
