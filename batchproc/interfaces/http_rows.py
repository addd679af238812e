"""What a row of the table says, and how it is carried out."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from batchproc.interfaces import http_html
from batchproc.interfaces.http_calls import LARGEST_BODY, LARGEST_OPEN_BODY, Call, Handler

LONGEST_S = 20.0  # for any request, beside a wait that was asked for
LONG_S = 600.0
ORDERED = "What was ordered goes on in the background; look before you send it again"
STOPPED = "It was stopped and left nothing"


@dataclass(frozen=True, kw_only=True)
class Route:
    """One row. Without a handler it is the service's `verb`, called by name with all that path, query and body say, and
    with `fixed`."""

    method: str
    path: str
    about: str
    answer: type[BaseModel] | None
    verb: str = ""
    fixed: Mapping[str, Any] = field(default_factory=dict)  # what the verb is told beside
    handler: Handler | None = None
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    status: int = 200
    also: tuple[int, ...] = ()  # statuses of problems beside the usual ones
    answers_too: tuple[int, ...] = ()  # statuses under which the answer itself may come
    is_question: bool = False  # a POST that changes nothing
    media: tuple[str, ...] = ("application/json",)
    headers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # that it reads, as OpenAPI describes them
    is_open: bool = False  # to those whom nobody knows; the door decides, this says so
    people_only: bool = False
    is_watched: bool = False  # it may take long, and is given up when nobody waits for it any more
    has_html: bool = False
    limit_s: float | None = LONGEST_S
    late: str = ORDERED

    @property
    def largest(self) -> int:
        return LARGEST_OPEN_BODY if self.is_open else LARGEST_BODY

    def most_s(self, query: Any, body: Any) -> float | None:
        """How long it may take: the limit, beside the time that the caller gives it himself."""
        more = getattr(query, "wait_s", None) or getattr(body, "timeout_s", None) or 0
        return None if self.limit_s is None else self.limit_s + float(more)

    async def handle(self, call: Call) -> Any:
        """Call the handler, or the verb."""
        if self.handler is not None:
            return await self.handler(call)
        said = {**call.path, **_fields(call.query), **_fields(call.body), **self.fixed}
        answer = await getattr(call.service, self.verb)(**said)
        return await asyncio.to_thread(http_html.shown, answer) if self.has_html else answer


def _fields(model: BaseModel | None) -> dict[str, Any]:
    return {} if model is None else {name: getattr(model, name) for name in type(model).model_fields}


def get(path: str, about: str, verb: str, answer: type[BaseModel], **more: Any) -> Route:
    return Route(method="GET", path=path, about=about, verb=verb, answer=answer, late=STOPPED, **more)


def post(path: str, about: str, verb: str, body: type[BaseModel], answer: type[BaseModel], **more: Any) -> Route:
    return Route(method="POST", path=path, about=about, verb=verb, body=body, answer=answer, **more)
