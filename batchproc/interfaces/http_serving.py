"""The dashboard as a process: its lock, its port, its control socket, its signals, its beginning and its end."""

import argparse
import asyncio
import contextlib
import getpass
import hashlib
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batchproc import __version__, app, credentials, dashboards, settings
from batchproc.errors import BatchprocError
from batchproc.interfaces import http, http_files, http_listening
from batchproc.interfaces.http_calls import Face
from batchproc.interfaces.http_guard import Guard
from batchproc.interfaces.http_sessions import Door
from batchproc.interfaces.http_tokens import Tokens
from batchproc.platform import doorbell, lock
from batchproc.settings import Settings

log = logging.getLogger(__name__)

LOCK_PATIENCE_S = 2.0  # a holder that was just killed may keep it for an instant
LOOK_S = 5.0
TAKE_IN_S = 0.2  # at a time, and between two times


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """Where to listen; no port: the one of last time if it is free, or any."""

    port: int | None = None
    socket: Path | None = None


Said = Callable[[str], None]
"""Gets the first link, once the server answers."""


async def serve(
    known: Settings, where: Where, said: Said, environ: Mapping[str, str] = os.environ, *, at_terminal: bool = False
) -> str:
    """Be the dashboard of the store in `known.home` until there is a reason to end; returns it.

    `taken` if another one serves. Raises `InvalidJob` for a port or a path that cannot be had, `StoreError`.
    """
    app.make_home(known)
    held = lock.FileLock(known.home / "dashboard.lock")
    if not await asyncio.to_thread(held.acquire, LOCK_PATIENCE_S):
        return "taken"
    try:
        return await _Post(known, where, environ, held).serve(said, at_terminal=at_terminal)
    finally:
        held.release()


class _Post:
    """One server: what it stands on, and who asks it to give a link or to end."""

    def __init__(self, known: Settings, where: Where, environ: Mapping[str, str], held: lock.FileLock) -> None:
        self._settings, self._where, self._held = known, where, held
        self._environ = dict(environ)
        self._since = datetime.now(UTC).isoformat()
        self._over = asyncio.get_running_loop().create_future()

    async def serve(self, said: Said, *, at_terminal: bool) -> str:
        with contextlib.ExitStack() as sockets, _downloads(self._settings.home) as downloads:
            tcp = sockets.enter_context(http_listening.at_port(self._settings.home, self._where.port))
            self._port = int(tcp.getsockname()[1])
            paths = [] if self._where.socket is None else [self._where.socket]
            inner = [sockets.enter_context(http_listening.at_path(path)) for path in paths]
            self._door = Door(Tokens(self._settings.home), str(self._port))
            await asyncio.to_thread(self._door.open)
            async with AsyncExitStack() as stack:
                face = await stack.enter_async_context(self._face(downloads))
                guard = Guard(http.build(face, http_files.Shell()), self._door, port=self._port)
                server = await stack.enter_async_context(http_listening.running(guard, [tcp, *inner], face.ending))
                await stack.enter_async_context(self._answering())
                self._listen_to_signals()
                said(self._link(None, at_terminal=at_terminal))
                for chore in (_wake, _take_in_older_units):
                    stack.callback(asyncio.create_task(chore(face), name=chore.__name__).cancel)
                return await self._ended(guard, server)

    @contextlib.asynccontextmanager
    async def _face(self, downloads: Path) -> AsyncIterator[Face]:
        async with app.open_service(self._settings, self._environ, by=_person()) as service:
            yield Face(
                service=service,
                settings=self._settings,
                environ=self._environ,
                door=self._door,
                person=_person(),
                downloads=downloads,
            )

    @contextlib.asynccontextmanager
    async def _answering(self) -> AsyncIterator[None]:
        async with doorbell.Doorbell(dashboards.address(self._settings.home), self._answer):
            yield

    async def _answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        match request:
            case {"hello": True}:
                return self._hello()
            case {"link": (str() | None) as path, **more}:
                self._take(more.get("pays") or {})
                return {**self._hello(), "link": self._link(path, at_terminal=more.get("at_terminal") is True)}
            case {"stop": True}:
                self._end("stop")
                return {"ok": True}
            case _:
                return {"error": "unknown request; this dashboard knows hello, link, stop"}

    def _take(self, pays: Mapping[str, str]) -> None:
        """Whoever asks for a link brings what jobs are paid with: the newest holds. It stays in memory."""
        if pays:
            for name in filter(credentials.is_secret, list(self._environ)):
                del self._environ[name]
            self._environ.update(pays)

    def _hello(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "port": self._port,
            "socket": None if self._where.socket is None else str(self._where.socket),
            "since": self._since,
            "version": __version__,
            "ending": self._over.done(),
        }

    def _link(self, path: str | None, *, at_terminal: bool) -> str:
        return f"http://127.0.0.1:{self._port}{path or '/'}#code={self._door.link(at_terminal=at_terminal)}"

    def _end(self, why: str) -> None:
        if not self._over.done():
            self._over.set_result(why)

    def _listen_to_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._end, signal.Signals(number).name)

    async def _ended(self, guard: Guard, server: "asyncio.Task[None]") -> str:
        """Wait until somebody says so, nobody has asked for anything for long, or our home is not ours any more."""
        seen, quiet = guard.seen, time.monotonic()
        while not self._over.done():
            await asyncio.wait({self._over, server}, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
            if server.done():
                self._end("fault")
            if guard.busy or guard.seen != seen:
                seen, quiet = guard.seen, time.monotonic()
            if time.monotonic() - quiet > self._settings.dashboard_idle_s:
                self._end("idle")
            if not self._held.is_in_place():
                self._end("moved")
        return str(self._over.result())


@contextlib.contextmanager
def _downloads(home: Path) -> Iterator[Path]:
    """A folder of ours alone, in which files are made that are sent. Those of dashboards that were killed are removed:
    we hold the lock."""
    prefix = f"batchproc-downloads-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}-"
    for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        if left.lstat().st_uid == os.geteuid() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _wake(face: Face) -> None:
    """Like any face: if there is work and nobody does it, somebody is woken; and again whenever he was killed, since a
    page that is left open may be all that looks."""
    wake = face.service.wake
    while True:
        try:
            await wake()
        except BatchprocError as error:
            log.warning("%s", error)
        wake = face.service.wake_after_a_kill
        await asyncio.sleep(LOOK_S)


async def _take_in_older_units(face: Face) -> None:
    """What an older batchproc left, or an index that broke forgot, is made searchable, a little at a time."""
    told = ""
    while True:
        try:
            is_whole, trouble = await face.service.take_in_older_units(TAKE_IN_S), ""
        except BatchprocError as error:
            is_whole, trouble = True, str(error)
        if trouble and trouble != told:  # once, not every few seconds for as long as it lasts
            log.warning("%s", trouble)
        told = trouble
        await asyncio.sleep(LOOK_S if is_whole else TAKE_IN_S)


def _person() -> str:
    """Whom events name for what is done in the dashboard."""
    try:
        return f"dashboard: {getpass.getuser()}"
    except (KeyError, OSError):
        return f"dashboard: {os.getuid()}"  # an account without a name


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m batchproc.interfaces.http_serving`: as others start it, detached. Its output is a log: no links."""
    parser = argparse.ArgumentParser(prog="batchproc dashboard")
    parser.add_argument("--port", type=int)
    parser.add_argument("--socket", type=Path)
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    where = Where(port=args.port, socket=args.socket)
    try:
        why = asyncio.run(serve(settings.load(), where, lambda link: log.info("serving %s", link.partition("#")[0])))
    except BatchprocError as error:
        log.error("%s", error)
        return 1
    log.info("ended: %s", why)
    return 0


if __name__ == "__main__":
    sys.exit(main())
