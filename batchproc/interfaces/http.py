"""The HTTP face: an app made of the table of routes. Parse, call, present; whatever goes wrong is a problem."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route as Routed
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from batchproc.interfaces import http_calls as calls
from batchproc.interfaces import http_problems as problems
from batchproc.interfaces import http_words as words
from batchproc.interfaces.http_calls import Call, Face
from batchproc.interfaces.http_handlers import as_response
from batchproc.interfaces.http_problems import Problem, Refused
from batchproc.interfaces.http_routes import PREFIX, TABLE
from batchproc.interfaces.http_rows import Route

log = logging.getLogger(__name__)


def build(face: Face, shell: ASGIApp, table: Iterable[Route] = TABLE) -> Router:
    """The app without its door. `shell` answers whatever is not of the API."""
    by_path: dict[str, dict[str, Route]] = {}
    for row in table:
        by_path.setdefault(PREFIX + row.path, {})[row.method] = row
    routes: list[Routed] = []
    for path, rows in sorted(by_path.items(), key=lambda item: _generality(item[0])):
        route = Routed(path, Endpoint(face, rows), methods=list(rows))
        route.methods = set(rows)
        routes.append(route)
    return Router([*routes, Routed("/api{rest:path}", _Nowhere(routes))], redirect_slashes=False, default=shell)


def _generality(path: str) -> list[bool]:
    """Words come before parameters."""
    return [part.startswith("{") for part in path.split("/")]


class Endpoint:
    """What answers at one path: the row of each method."""

    def __init__(self, face: Face, rows: Mapping[str, Route]) -> None:
        self._face, self._rows = face, rows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        row = self._rows[scope["method"]]
        request = Request(scope, receive)
        try:
            response = await _answered(self._face, row, request)
        except ClientDisconnect:
            return  # nobody is there to be answered
        except asyncio.CancelledError:
            if not self._face.ending.is_set():
                raise
            response = _ending().response()
        except Exception as error:
            problem = problems.of(error, unquote(request.path_params.get("job_id", "")) or None)
            if problem.status == 500:
                log.exception("%s %s", row.method, row.path)
            response = problem.response()
        await response(scope, receive, send)


async def _answered(face: Face, row: Route, request: Request) -> Response:
    call = await _parsed(face, row, request)
    most_s = row.most_s(call.query, call.body)
    try:
        async with asyncio.timeout(most_s):
            answer = await (_while_there(row, call) if row.is_watched else row.handle(call))
    except TimeoutError:
        raise Refused(problems.late(most_s or 0, row.late)) from None
    return answer if isinstance(answer, Response) else as_response(answer, row.status)


async def _parsed(face: Face, row: Route, request: Request) -> Call:
    admitted = request.scope["state"]["admitted"]
    if row.people_only and (admitted.session is None or not admitted.session.may_approve):
        raise Refused(_people_only())
    return Call(
        face=face,
        service=calls.service_for(face, admitted.visitor),
        admitted=admitted,
        request=request,
        path=calls.path_of(request),
        query=calls.query_of(request, row.query or words.Query),
        body=None if row.body is None else await calls.body_of(request, row.body, row.largest),
    )


async def _while_there(row: Route, call: Call) -> Any:
    """What takes long is given up when nobody waits for it any more."""
    work = asyncio.ensure_future(row.handle(call))
    gone = asyncio.create_task(_gone(call.request), name="caller gone")
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientDisconnect
        return work.result()
    finally:
        gone.cancel()
        work.cancel()
        await asyncio.gather(gone, work, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class _Nowhere:
    """What is at no path of the API, or not by this method."""

    def __init__(self, routes: Iterable[Routed]) -> None:
        self._routes = list(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        here = (route for route in self._routes if route.path_regex.match(scope["path"]))
        methods = sorted({method for route in here for method in route.methods or ()})
        problem = _no_such_method(methods) if methods else _nothing_at(scope["path"])
        await problem.response()(scope, receive, send)


def _people_only() -> Problem:
    detail = (
        "only a person may do this: in a terminal with `batchproc approve`, or in a browser that came in by a link "
        "that `batchproc dashboard` gave in a terminal (a link from a chat may have been opened by a program)"
    )
    return Problem(status=403, kind="people-only", title="People only", detail=detail)


def _ending() -> Problem:
    headers = {"connection": "close"}
    detail = "the dashboard is ending; what was ordered is kept. `batchproc dashboard` starts it again"
    return Problem(status=503, kind="ending", title="It is ending", detail=detail, headers=headers)


def _no_such_method(known: list[str]) -> Problem:
    headers = {"allow": ", ".join(known)}
    detail = f"here it is {' or '.join(known)}"
    return Problem(status=405, kind="method", title="No such method", detail=detail, headers=headers)


def _nothing_at(path: str) -> Problem:
    detail = f"there is nothing at {problems.shown(path)}; {PREFIX}/openapi.json says what there is"
    return Problem(status=404, kind="not-found", title="There is no such thing", detail=detail)
