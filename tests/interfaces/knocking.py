"""Requests as they come to the app, header by header: also those that no client would send."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def knock(
    app: ASGIApp,
    method: str,
    path: str,
    headers: Headers = (),
    body: bytes = b"",
    *,
    server: tuple[str, int | None] = ("127.0.0.1", 4000),
) -> Answered:
    """One request, answered to its end; one whose answer has none goes away after its first words."""
    raw, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": raw,
        "raw_path": raw.encode(),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "client": ("127.0.0.1", 50_000),
        "server": server,
        "state": {},
    }
    said: list[Any] = []
    heard = asyncio.Event()
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        if not parts:
            await heard.wait()
            return {"type": "http.disconnect"}
        return parts.pop()

    async def send(message: Any) -> None:
        said.append(message)
        if b"text/event-stream" in dict(said[0]["headers"]).get(b"content-type", b"") and len(said) > 1:
            heard.set()

    await app(scope, receive, send)
    start = said[0]
    found = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    return Answered(start["status"], found, b"".join(one.get("body", b"") for one in said[1:]))
