"""One HTTP request and its answer, faults included."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from typing import Any, TypeVar

from batchproc.agents.rehearsal import stream
from batchproc.agents.rehearsal.calls import Call, Point, Reply

Message = MutableMapping[str, Any]  # of the ASGI specification
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
T = TypeVar("T")

DELTA = b"event: content_block_delta"


class Exchange:
    """Speaks ASGI. `hang_up` closes the connection after what was written has left."""

    def __init__(self, scope: Message, receive: Receive, send: Send, hang_up: Callable[[], None]) -> None:
        self._receive, self._send, self._hang_up = receive, send, hang_up
        self.route = f"{scope['method']} {scope['path']}"
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}

    async def body(self) -> bytes:
        """All of it; empty if the client left before it was sent."""
        parts: list[bytes] = []
        while (message := await self._receive())["type"] == "http.request":
            parts.append(message["body"])
            if not message["more_body"]:
                return b"".join(parts)
        return b""

    async def unless_client_leaves(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What `work` gives, or None if the connection closes before; the work is cancelled then."""
        task, gone = asyncio.ensure_future(work), asyncio.ensure_future(self._client_leaves())
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            return await task if task.done() else None
        finally:
            task.cancel()
            gone.cancel()
            await asyncio.gather(task, gone, return_exceptions=True)

    async def _client_leaves(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def send_json(
        self, status: int, content: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        await self._start(status, {"content-type": "application/json", **(headers or {})})
        await self._write(json.dumps(content).encode(), last=True)

    async def send_error(self, status: int, text: str) -> None:
        await self.send_json(status, stream.error(status, None, text))

    async def send_reply(self, reply: Reply, call: Call) -> str:
        """Sends it and says what became of it. After a stall or a cut it waits for the connection's end."""
        await asyncio.sleep(reply.delay_s)
        await self._fault(reply, "accept")
        if reply.status != 200:
            return await self._send_problem(reply, call, reply.status)
        if call.body.get("stream"):
            return await self._send_parts(reply, call, list(stream.events(reply, call)))
        if reply.sse_error:
            return await self._send_problem(reply, call, stream.status_of(reply.sse_error))
        whole = b"{this is not JSON" if reply.malformed else json.dumps(stream.message(reply, call)).encode()
        return await self._send_parts(reply, call, [whole[: len(whole) // 2], whole[len(whole) // 2 :]])

    async def _send_problem(self, reply: Reply, call: Call, status: int) -> str:
        identity = stream.request_id(call.number)
        problem = stream.error(status, reply.error_type or reply.sse_error, reply.message, identity)
        await self.send_json(status, problem, {"request-id": identity, **reply.headers})
        return f"HTTP {status}"

    async def _send_parts(self, reply: Reply, call: Call, parts: list[bytes]) -> str:
        kind = "text/event-stream; charset=utf-8" if call.body.get("stream") else "application/json"
        identity = {"content-type": kind, "request-id": stream.request_id(call.number)}
        await self._start(200, {**identity, **reply.headers})
        await self._fault(reply, "headers")
        for index, part in enumerate(parts):
            if index == (len(parts) + 1) // 2:
                await self._fault(reply, "mid")
            if part.startswith(DELTA):
                await asyncio.sleep(reply.chunk_gap_s)
            await self._write(part)
        await self._write(b"", last=True)
        return f"stream error {reply.sse_error}" if reply.sse_error else "answered"

    async def _fault(self, reply: Reply, point: Point) -> None:
        if reply.cut == point:
            self._hang_up()
        if point in (reply.cut, reply.stall):
            await asyncio.Event().wait()

    async def _start(self, status: int, headers: Mapping[str, str]) -> None:
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def _write(self, part: bytes, *, last: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": part, "more_body": not last})
