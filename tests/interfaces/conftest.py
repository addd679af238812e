"""The HTTP face in this process, over a store of one's own: with its door, and a person and a program who are in."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from batchproc import app, settings
from batchproc.interfaces import http, http_files
from batchproc.interfaces.http_calls import Face
from batchproc.interfaces.http_guard import Guard
from batchproc.interfaces.http_sessions import Door
from batchproc.interfaces.http_tokens import Tokens
from batchproc.service import BatchService
from tests.e2e.conftest import environment, put_to_rest
from tests.interfaces.knocking import Answered, Headers, knock

PORT = 4000
HOST = ("Host", f"127.0.0.1:{PORT}")
JSON = ("Content-Type", "application/json")


class Clock:
    """The time of day, as a test wants it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Open:
    """The face: `app` with its door, `bare` without."""

    app: ASGIApp
    bare: ASGIApp
    door: Door
    service: BatchService
    home: Path
    clock: Clock
    face: Face

    def person(self, *, at_terminal: bool = True) -> Headers:
        """The headers of a browser that came in by a link."""
        opened = self.door.open_session(self.door.link(at_terminal=at_terminal))
        assert opened is not None
        return [("Cookie", f"batchproc_{PORT}={opened.cookie}"), ("X-Batchproc-Key", opened.key)]

    def program(self) -> Headers:
        token = (self.home / "tokens" / "api").read_text().strip()
        return [("Authorization", f"Bearer {token}")]

    async def ask(self, method: str, path: str, body: bytes | Any = b"", headers: Headers = ()) -> Answered:
        """As a program that does everything right."""
        raw = body if isinstance(body, bytes) else http.problems.as_json(body)
        sent = [HOST, *self.program(), *headers, *([] if method == "GET" else [JSON])]
        return await knock(self.app, method, f"/api/v1{path}", sent, raw)


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Open]:
    environ = environment(tmp_path)
    known = settings.load(environ)
    known.home.mkdir(mode=0o700)
    clock = Clock()
    door = Door(Tokens(known.home), str(PORT), clock)
    door.open()
    (tmp_path / "user" / "downloads").mkdir()
    async with app.open_service(known, environ) as service:
        face = Face(
            service=service,
            settings=known,
            environ=environ,
            door=door,
            person="dashboard: test",
            downloads=tmp_path / "user" / "downloads",
        )
        bare = http.build(face, http_files.Shell())
        yield Open(Guard(bare, door, port=PORT), bare, door, service, known.home, clock, face)
        await put_to_rest(app.Launcher(known, environ))
