"""The door of the HTTP face: one middleware around all of it. What it decides is pure and stands here in order.

Browsers come with requests of pages that they should not trust, and other users of this machine knock as well. So a
request has to be meant for us (Host), come from our own page or from no page (Origin, Sec-Fetch-Site), be no form
(Content-Type), and be somebody's whom we let in (cookie and key, or token).
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from batchproc.interfaces.http_problems import Problem
from batchproc.interfaces.http_sessions import Session

API = "/api/"
SESSION = "/api/v1/session"
KEY = "x-batchproc-key"
METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE")
READS = frozenset({"GET", "HEAD"})
OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override")

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types batchproc",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""On every answer, unless it has a `cache-control` of its own."""


class Visitor(StrEnum):
    ANYBODY = "anybody"  # of what has no data in it
    PERSON = "person"  # a browser, let in by a link
    PROGRAM = "program"  # whoever can read the token


@dataclass(frozen=True, kw_only=True, slots=True)
class Admitted:
    """Somebody who may go on, to where the guard let him."""

    visitor: Visitor
    session: Session | None = None


class Keeper(Protocol):
    """Knows who may come in."""

    place: str

    def session(self, cookies: list[str], key: str) -> Session | None: ...

    def is_program(self, token: str) -> bool: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a request says of itself. `hosts` are those that it may name, as it came in where it did."""

    method: str
    path: str
    headers: Mapping[str, tuple[str, ...]]
    hosts: tuple[str, ...]

    def one(self, name: str) -> str | None:
        """The value of a header that may stand there once; several are none that anybody may rely on."""
        values = self.headers.get(name, ())
        return None if not values else values[0] if len(values) == 1 else "\0"

    @property
    def is_api(self) -> bool:
        return self.path.startswith(API)

    @property
    def is_page(self) -> bool:
        """A whole page of ours, as a tab opens it: there are no data in it, and no frame shows it."""
        navigates = self.one("sec-fetch-mode") == "navigate" and self.one("sec-fetch-dest") == "document"
        return self.method == "GET" and not self.is_api and navigates


def judged(asked: Asked, keeper: Keeper) -> Admitted | Problem:
    """Whether a request goes on, and as whose."""
    for check in (_of_host, _of_method, _of_origin, _of_site, _of_content):
        if (refused := check(asked)) is not None:
            return refused
    return _of_visitor(asked, keeper)


def _of_host(asked: Asked) -> Problem | None:
    if asked.one("host") in asked.hosts:
        return None
    return _refused(421, "host", "Not here", f"this server answers to {' or '.join(asked.hosts)} only")


def _of_method(asked: Asked) -> Problem | None:
    if asked.method not in METHODS:
        allowed = {"allow": ", ".join(METHODS)}
        return _refused(405, "method", "No such method", f"known ones are {', '.join(METHODS)}", allowed)
    if any(name in asked.headers for name in OVERRIDES):
        return _refused(400, "unreadable", "This cannot be read", "a method is said by the method, not by a header")
    return None


def _of_origin(asked: Asked) -> Problem | None:
    if "origin" not in asked.headers or asked.one("origin") == f"http://{asked.one('host')}":
        return None
    return _refused(403, "foreign", "Not from there", "this request comes from a page that is not the dashboard's")


def _of_site(asked: Asked) -> Problem | None:
    site = asked.one("sec-fetch-site")
    by_hand = site == "none" and asked.method in READS
    if site is None or site == "same-origin" or by_hand or asked.is_page:
        return None
    way_out = "another page made this request; open the address in a tab of its own"
    return _refused(403, "foreign", "Not from there", way_out)


def _of_content(asked: Asked) -> Problem | None:
    """Forms and simple requests cannot say that they are JSON: whatever changes something has to, body or not."""
    kind, _, more = (asked.one("content-type") or "").partition(";")
    is_json = kind.strip().lower() == "application/json" and more.strip().lower() in {"", "charset=utf-8"}
    if asked.method in READS or is_json:
        return None
    return _refused(415, "not-json", "JSON only", "send Content-Type: application/json, also without a body")


def _of_visitor(asked: Asked, keeper: Keeper) -> Admitted | Problem:
    if not asked.is_api and asked.method in READS:
        return Admitted(visitor=Visitor.ANYBODY)
    if asked.path == SESSION and asked.method == "POST":
        return Admitted(visitor=Visitor.ANYBODY)
    if "authorization" in asked.headers:
        kind, _, token = (asked.one("authorization") or "").partition(" ")
        if kind.lower() == "bearer" and keeper.is_program(token):
            return Admitted(visitor=Visitor.PROGRAM)
        return _stranger("this is not the token that stands in the file tokens/api of the store's home")
    session = keeper.session(_cookies(asked, f"batchproc_{keeper.place}"), asked.one(KEY) or "")
    if session is not None:
        return Admitted(visitor=Visitor.PERSON, session=session)
    return _stranger(
        "open a new link (`batchproc dashboard`), or send Authorization: Bearer with the token of programs"
    )


def _cookies(asked: Asked, name: str) -> list[str]:
    parts = (part.strip() for line in asked.headers.get("cookie", ()) for part in line.split(";"))
    return [value for part in parts for key, eq, value in [part.partition("=")] if eq and key == name]


def _stranger(way_out: str) -> Problem:
    return _refused(401, "signed-out", "Nobody knows you here", way_out, {"www-authenticate": "Bearer"})


def _refused(status: int, kind: str, title: str, detail: str, headers: Mapping[str, str] | None = None) -> Problem:
    return Problem(status=status, kind=kind, title=title, detail=detail, headers=headers or {})


class Guard:
    """Lets requests through to the app, or answers them itself. Whoever was let in stands in `scope["state"]`."""

    def __init__(self, app: ASGIApp, keeper: Keeper, *, port: int) -> None:
        self._app, self._keeper = app, keeper
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        self.busy = 0
        self.seen = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # nothing else is served
        with self._counted():
            scope["path"] = _raw_path(scope)  # matched as it came in: %2F in a key is no border
            said = judged(self._asked(scope), self._keeper)
            if isinstance(said, Problem):
                await said.response()(scope, receive, _with_headers(send))
                return
            scope.setdefault("state", {})["admitted"] = said
            await self._app(scope, receive, _with_headers(send))

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        self.busy += 1
        self.seen += 1
        try:
            yield
        finally:
            self.busy -= 1

    def _asked(self, scope: Scope) -> Asked:
        headers: dict[str, tuple[str, ...]] = {}
        for name, value in scope["headers"]:
            key = name.decode("latin-1").lower()
            headers[key] = (*headers.get(key, ()), value.decode("latin-1"))
        by_socket = scope.get("server") is not None and scope["server"][1] is None
        hosts = ("localhost",) if by_socket else self._hosts
        return Asked(method=scope["method"], path=scope["path"], headers=headers, hosts=hosts)


def _raw_path(scope: Scope) -> str:
    raw: bytes | None = scope.get("raw_path")
    return scope["path"] if raw is None else raw.decode("latin-1")


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            known = {name.lower() for name, _ in message.get("headers", ())}
            ours = ((name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in known)
            message["headers"] = [*message.get("headers", ()), *ours]
        await send(message)

    return sending
