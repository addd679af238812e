"""The shell of the dashboard: its built files, and its page at every address beside the API. No data are in it."""

import asyncio
import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

BUILT = Path(__file__).parent / "dashboard" / "built"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")  # and an ending of an encoding: no system takes 256
HASHED = re.compile(r"-[A-Za-z0-9_-]{8,}\.")
"""As the bundler names what never changes."""
IMMUTABLE = "public, max-age=31536000, immutable"
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))

NOT_BUILT = """\
<!doctype html>
<html lang="en"><meta charset="utf-8"><title>batchproc</title>
<h1>The dashboard is not built</h1>
<p>This batchproc runs from its source. Build the page once, in that folder, then load this address again:</p>
<pre>make .venv/.installed</pre>
<p>or, with Node and hatchling in your environment:</p>
<pre>python hatch_build.py</pre>
<p>The API at <code>/api/v1</code> and everything in the shell work without it.</p>
</html>
"""


class Shell:
    """An ASGI app over a folder of built files."""

    def __init__(self, folder: Path = BUILT) -> None:
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await asyncio.to_thread(self._answer, Request(scope))
        await response(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            return Response("GET only\n", 405, {"allow": "GET, HEAD"}, "text/plain")
        accepted = _accepted(request)
        first, _, rest = request.scope["path"].removeprefix("/").partition("/")
        if first == "assets":
            return self._file(Path("assets"), rest, accepted) or Response("no such file\n", 404, None, "text/plain")
        if not rest and first != "index.html" and (found := self._file(Path(), first, accepted)) is not None:
            return found
        if first == "favicon.ico":
            return Response("no such file\n", 404, None, "text/plain")
        return self._file(Path(), "index.html", accepted) or Response(NOT_BUILT, 503, None, TYPES[".html"])

    def _file(self, inner: Path, name: str, accepted: set[str]) -> Response | None:
        """A file of ours, in the smallest form that the browser takes; None if there is none of that name."""
        kind = TYPES.get(Path(name).suffix)
        if kind is None or not NAME.fullmatch(name):
            return None
        headers = {"vary": "accept-encoding", "content-type": kind}
        if HASHED.search(name):
            headers["cache-control"] = IMMUTABLE
        path = self._folder / inner / name
        for encoding, ending in ENCODINGS:
            if encoding in accepted and (content := _read(path.with_name(name + ending))) is not None:
                return Response(content, headers={**headers, "content-encoding": encoding})
        content = _read(path)
        return None if content is None else Response(content, headers=headers)


def _accepted(request: Request) -> set[str]:
    said = ",".join(request.headers.getlist("accept-encoding")).lower().split(",")
    parts = (one.partition(";") for one in said)
    return {name.strip() for name, _, weight in parts if weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00"}}


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
