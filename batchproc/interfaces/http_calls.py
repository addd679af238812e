"""What a handler gets: the service as the caller may speak to it, and what he said, parsed. And how it is parsed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, get_origin
from urllib.parse import parse_qsl, unquote_to_bytes

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from batchproc.interfaces import http_bodies as bodies
from batchproc.interfaces import http_paths as paths
from batchproc.interfaces import http_problems as problems
from batchproc.interfaces.http_guard import Admitted, Visitor
from batchproc.interfaces.http_hub import Hub
from batchproc.interfaces.http_problems import FieldProblem, Problem, Refused
from batchproc.interfaces.http_sessions import Door
from batchproc.service import BatchService
from batchproc.settings import Settings

T = TypeVar("T", bound=BaseModel)

LARGEST_BODY = 32 << 20
LARGE = 1 << 20  # which takes a while to be read
LARGEST_OPEN_BODY = 4 << 10
"""Of somebody whom nobody knows."""
BODY_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Face:
    """What one server stands on. `ending` is set when it is about to end: whoever streams stops."""

    service: BatchService
    settings: Settings
    environ: Mapping[str, str]
    door: Door
    person: str
    downloads: Path
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    alone: asyncio.Lock = field(default_factory=asyncio.Lock)

    @cached_property
    def hub(self) -> Hub:
        """Where all who look on hear of events."""
        return Hub(self.service, self.ending)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request, as a handler sees it."""

    face: Face
    service: BatchService
    admitted: Admitted
    request: Request
    path: Mapping[str, str]
    query: Any
    body: Any


Handler = Callable[[Call], Awaitable[BaseModel | Response]]


def service_for(face: Face, visitor: Visitor) -> BatchService:
    """The service as this visitor's: events say who it was."""
    return face.service.speaking_for("api" if visitor is Visitor.PROGRAM else face.person)


def path_of(request: Request) -> dict[str, str]:
    """The segments of the path, decoded one by one. Raises `Refused`."""
    return {name: paths.parameter(name, _decoded(name, value)) for name, value in request.path_params.items()}


def _decoded(name: str, value: str) -> str:
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        raise Refused(problems.unreadable(f"{name} in the path is not UTF-8, percent-encoded")) from None


def query_of(request: Request, model: type[T]) -> T:
    """Raises `Refused`, `ValidationError`: what is unknown, or said twice, is refused."""
    raw: bytes = request.scope["query_string"]
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except (UnicodeDecodeError, ValueError):
        raise Refused(problems.unreadable("the query is not UTF-8, percent-encoded")) from None
    lists = {name for name, known in model.model_fields.items() if get_origin(known.annotation) in {list, tuple}}
    named = lists & {name for name, _ in pairs}
    said: dict[str, Any] = {name: [value for key, value in pairs if key == name] for name in named}
    for name, value in pairs:
        if name in said and name not in lists:
            twice = FieldProblem(field=name, value=problems.shown(value), way_out="it stands there twice; say it once")
            raise Refused(problems.invalid((twice,)))
        said.setdefault(name, value)
    return model.model_validate(said)


async def body_of(request: Request, model: type[T], largest: int) -> T:
    """The body as what it has to be; none is an empty object. Raises `Refused`, `ValidationError`."""
    raw = await _read(request, largest)
    if len(raw) < LARGE:
        return bodies.read(raw, model)
    return await asyncio.to_thread(bodies.read, raw, model)  # a second: others are answered meanwhile


async def _read(request: Request, largest: int) -> bytes:
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said) > largest:
        raise Refused(_too_large(largest))
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_S):
            async for part in request.stream():
                parts.append(part)
                size += len(part)
                if size > largest:
                    raise Refused(_too_large(largest))
    except TimeoutError:
        raise Refused(_too_slow()) from None
    return b"".join(parts)


def _too_large(largest: int) -> Problem:
    detail = f"the body has more than {largest:,} bytes; name a file of this machine instead of sending what is in it"
    return Problem(status=413, kind="too-large", title="Too large", detail=detail, headers={"connection": "close"})


def _too_slow() -> Problem:
    detail = f"the body was not here within {BODY_S:g} s"
    return Problem(status=408, kind="too-slow", title="Too slow", detail=detail, headers={"connection": "close"})
