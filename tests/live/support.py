"""A server of events, and a client that takes server-sent events apart by the book."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode

import uvicorn

from batchproc.interfaces import http_events
from batchproc.interfaces.http_hub import Hub, Wanted


class Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self):
        yield


def app_of(hub: Hub):
    """The stream and nothing else."""

    async def app(scope, receive, send) -> None:
        said = parse_qs(scope["query_string"].decode())
        wanted = Wanted(
            job_id=said.get("job_id", [None])[0], key=said.get("key", [None])[0], kinds=tuple(said.get("kind", ()))
        )
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        viewer = await http_events.begin(
            hub,
            wanted,
            after=int(said["after"][0]) if "after" in said else None,
            last_event_id=headers.get("last-event-id"),
            ticks="ticks" in said,
        )
        await http_events.Stream(hub, viewer)(scope, receive, send)

    return app


@contextlib.asynccontextmanager
async def served(app, ending: asyncio.Event) -> AsyncIterator[int]:
    """The port that it is served at."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    config = uvicorn.Config(app, http="h11", ws="none", lifespan="off", log_config=None, access_log=False)
    server = Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield listening.getsockname()[1]
    finally:
        ending.set()
        server.should_exit = True
        async with asyncio.timeout(10):
            await task
        listening.close()


@dataclass
class Said:
    """One message as an EventSource gives it to the page, at a moment of the loop's clock."""

    id: str
    event: str
    data: object
    at: float


@dataclass
class Client:
    """Reads one stream. `told` is the newest id, `last` that of the last message that was taken."""

    port: int
    query: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)
    last: str = ""
    told: str = ""
    comments: int = 0
    status: int = 0

    async def __aenter__(self) -> "Client":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 24)
        headers = {"host": f"127.0.0.1:{self.port}", **self.headers}
        if self.last:
            headers["last-event-id"] = self.last
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        path = f"/api/v1/events?{urlencode(self.query, doseq=True)}"
        self._writer.write(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        self.status = int(head.split()[1])
        self._heard: asyncio.Queue[Said | None] = asyncio.Queue()
        self._listener = asyncio.create_task(self._listen(), name="client")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.cancel()
        await asyncio.gather(self._listener, return_exceptions=True)
        self._writer.transport.abort()

    async def stop_reading(self) -> None:
        self._listener.cancel()
        self._writer.transport.pause_reading()

    async def messages(self) -> AsyncIterator[Said]:
        """Until the server ends the stream, or hangs up. It may be left, and gone on with."""
        while (said := await self._heard.get()) is not None:
            self.last = said.id
            yield said

    async def _listen(self) -> None:
        async for said in self._messages():
            self._heard.put_nowait(said)
        self._heard.put_nowait(None)

    async def _messages(self) -> AsyncIterator[Said]:
        event, data, left = "", [], b""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            async for piece in self._chunks():
                *lines, left = (left + piece).split(b"\n")
                for line in lines:
                    name, _, value = line.decode().partition(": ")
                    match name:
                        case "id":
                            self.told = value
                        case "event":
                            event = value
                        case "data":
                            data.append(value)
                        case ":":
                            self.comments += 1
                        case "" if data:
                            yield Said(self.told, event, json.loads("\n".join(data)), asyncio.get_running_loop().time())
                            event, data = "", []

    async def _chunks(self) -> AsyncIterator[bytes]:
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            yield await self._reader.readexactly(size)
            await self._reader.readexactly(2)

    async def take(self, n: int, limit_s: float = 10) -> list[dict]:
        """The next `n` events."""
        found: list[dict] = []
        async with asyncio.timeout(limit_s):
            async with contextlib.aclosing(self.messages()) as messages:
                async for said in messages:
                    found += said.data
                    if len(found) >= n:
                        return found
        raise AssertionError(f"the stream ended after {len(found)} of {n} events")
