"""Events as server-sent events: each viewer from where he was, what he wants, four times a second at most."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from batchproc.errors import BatchprocError, InvalidJob
from batchproc.interfaces.http_calls import Call
from batchproc.interfaces.http_hub import PAGE_CHARACTERS, PAGE_EVENTS, Entry, Full, Hub, Wanted
from batchproc.interfaces.http_problems import Problem

log = logging.getLogger(__name__)

PACE_S = 0.25
HEARTBEAT_S = 15.0
TELL_S = 2.0  # after so long a viewer is told how far was looked, though nothing of it was for him
STUCK_S = 30.0  # one that takes nothing for so long is let go; it comes back, and goes on where it was
PIECE = 64 << 10  # bytes that wait for a slow viewer, beside as many in its socket


async def stream_events(call: Call) -> Response:
    return await _streamed(call, call.query.job_id)


async def stream_job_events(call: Call) -> Response:
    return await _streamed(call, call.path["job_id"])


async def _streamed(call: Call, job_id: str | None) -> Response:
    said, hub, door, session = call.query, call.face.hub, call.face.door, call.admitted.session
    wanted = Wanted(job_id=job_id, key=said.key, kinds=tuple(said.kind))
    last = call.request.headers.get("last-event-id")
    viewer = await begin(hub, wanted, after=said.after, last_event_id=last, ticks=said.ticks)
    return Stream(hub, viewer, lambda: session is None or not door.is_over(session))


async def begin(
    hub: Hub, wanted: Wanted, *, after: int | None = None, last_event_id: str | None = None, ticks: bool = False
) -> "Viewer":
    """A viewer who goes on where he was, after `last_event_id`; else after `after`; else from now.

    Raises `InvalidJob`, `NotFound`."""
    if wanted.job_id is not None:
        await hub.source.require_job(wanted.job_id)
    elif wanted.key is not None:
        raise InvalidJob("key", wanted.key, "keys belong to jobs: give job_id, too")
    newest = await hub.source.last_event()
    if last_event_id:
        after = _number(last_event_id)
    return Viewer(hub, wanted, newest if after is None else min(after, newest), ticks=ticks)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise InvalidJob("Last-Event-ID", text, "send the id of the last message, or leave it out")
    return int(text)


class Stream(Response):
    """The answer to one viewer, for as long as he `may` look on: one who has signed out is told nothing more."""

    def __init__(self, hub: Hub, viewer: "Viewer", may: Callable[[], bool] = lambda: True) -> None:
        super().__init__()
        self._hub, self._viewer, self._may = hub, viewer, may
        self._has_begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._hub.place():
                await self._until_over(receive, send)
        except Full as full:
            await _too_many(str(full)).response()(scope, receive, send)

    async def _until_over(self, receive: Receive, send: Send) -> None:
        """The viewer goes, is stuck, or the server ends: at once."""
        talk = asyncio.create_task(self._talk(send), name="tells a viewer")
        ends = [asyncio.create_task(_gone(receive)), asyncio.create_task(self._hub.ending.wait())]
        try:
            await asyncio.wait({talk, *ends}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (talk, *ends):
                task.cancel()
            said = (await asyncio.gather(talk, *ends, return_exceptions=True))[0]
        if isinstance(said, BatchprocError):
            log.warning("a stream of events ends: %s", said)
        elif isinstance(said, Exception) and not isinstance(said, TimeoutError | OSError):
            raise said
        if self._has_begun and not isinstance(said, TimeoutError):
            await _finish(send)

    async def _talk(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        self._has_begun = True
        async with aclosing(self._viewer.messages()) as messages:
            async for said in messages:
                if not self._may():
                    return
                for start in range(0, len(said), PIECE):
                    piece = said[start : start + PIECE]
                    async with asyncio.timeout(STUCK_S):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})


def _too_many(why: str) -> Problem:
    detail = f"{why}; close a page that is not needed, then try again"
    again = {"retry-after": "5"}
    return Problem(status=503, kind="too-many-viewers", title="Too many look on", detail=detail, headers=again)


HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _finish(send: Send) -> None:
    try:
        async with asyncio.timeout(1.0):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    except (TimeoutError, OSError):
        return


class Viewer:
    """What one viewer is told: what he wants, after a position."""

    def __init__(self, hub: Hub, wanted: Wanted, after: int, *, ticks: bool = False) -> None:
        self._hub, self._wanted, self._at, self._ticks = hub, wanted, after, ticks
        self._told, self._told_at, self._due = after, time.monotonic(), 0.0

    async def messages(self) -> AsyncGenerator[bytes, None]:
        """Bytes of the stream, without end. The id of each message is the number up to which he was told everything."""
        yield b"retry: 1000\n" + self._id()
        while True:
            found = await self._collect()
            if found:
                yield await self._batch(found)
                self._due = time.monotonic() + PACE_S
            elif self._at > self._told:
                yield self._id()
            else:
                yield b":\n\n"
                self._told_at = time.monotonic()

    async def _collect(self) -> list[Entry]:
        """What there is to tell, as soon as it may be told; nothing when it is time for a sign of life."""
        found: list[Entry] = []
        while True:
            news = self._hub.news
            more, self._at = await self._hub.look(self._at, self._wanted, PAGE_EVENTS - len(found))
            found += more
            now = time.monotonic()
            if _is_full(found):
                await asyncio.sleep(self._due - now)
                return found
            if found and now >= self._due:
                return found
            if not found and now >= self._sign_due():
                return found
            if self._at < self._hub.end:
                continue
            if found:
                await asyncio.sleep(self._due - now)
            else:
                await _news(news, self._sign_due() - now)

    def _sign_due(self) -> float:
        return self._told_at + (TELL_S if self._at > self._told else HEARTBEAT_S)

    async def _batch(self, found: list[Entry]) -> bytes:
        if self._ticks:
            jobs = dict.fromkeys(entry.event.job_id for entry in found if entry.event.job_id is not None)
            said = orjson.dumps({"seq": self._at, "jobs": list(jobs)})
        else:
            said = b"[" + b",".join(await self._hub.lines(found)) + b"]"
        kind = b"tick" if self._ticks else b"events"
        return b"event: " + kind + b"\ndata: " + said + b"\n" + self._id()

    def _id(self) -> bytes:
        self._told, self._told_at = self._at, time.monotonic()
        return b"id: %d\n\n" % self._at


def _is_full(found: list[Entry]) -> bool:
    return len(found) >= PAGE_EVENTS or sum(len(entry.event.data) for entry in found) >= PAGE_CHARACTERS


async def _news(news: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await news.wait()
    except TimeoutError:
        return
