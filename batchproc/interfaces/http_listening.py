"""Where the dashboard listens, and the server that runs there: the only place that knows uvicorn."""

import asyncio
import contextlib
import errno
import logging
import os
import resource
import socket
import stat
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from batchproc.errors import InvalidJob

PORT_FILE = "dashboard.port"
GRACE_S = 0.3  # how long answers that are on their way get at the end
BACKLOG = 128  # as many are also accepted in one go, before any of them is counted
HEAD_S = 20.0  # whoever has not asked by then is let go
KEEP_S = 75.0  # and so is who asks nothing more for so long
MOST_CONNECTIONS = 500
FILES = 4_096
"""Open ones, where the system lets us: what is left by connections is the store's and the exports'."""


def at_port(home: Path, port: int | None) -> socket.socket:
    """A socket on loopback: at the port, or where the last server was, or anywhere. Raises `InvalidJob`."""
    remembered = home / PORT_FILE
    for wanted in [port] if port is not None else [_remembered(remembered), 0]:
        try:
            made = socket.create_server(("127.0.0.1", wanted or 0), backlog=BACKLOG)
        except OSError as error:
            if port is not None:
                raise _no_port(port, error) from None
            continue
        # Whatever it accepts has this, too; asyncio does not see to it here. Without it the body of an answer waits
        # 40 ms for the acknowledgement of the head.
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _remember(remembered, int(made.getsockname()[1]))
        return made
    raise InvalidJob("port", 0, "no port of 127.0.0.1 is free; end a program that holds many")


def _no_port(port: int, error: OSError) -> InvalidJob:
    way_out = {
        errno.EADDRINUSE: "another program listens there; name another port, or none for any that is free",
        errno.EACCES: "this user may not listen there; name a port of 1024 or more, or none",
    }.get(error.errno or 0, f"it cannot be had ({error.strerror}); name another port, or none for any that is free")
    return InvalidJob("port", port, way_out)


def _remembered(file: Path) -> int:
    with contextlib.suppress(OSError, ValueError):
        port = int(file.read_text("ascii"))
        return port if 1024 <= port < 65_536 else 0
    return 0


def _remember(file: Path, port: int) -> None:
    """So that links to pages of today are good tomorrow. Nothing is lost if it cannot be."""
    with contextlib.suppress(OSError):
        fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "w") as out:
            out.write(f"{port}\n")


@contextlib.contextmanager
def at_path(path: Path) -> Iterator[socket.socket]:
    """A Unix socket that only we may use. One that nobody listens at any more is replaced. Raises `InvalidJob`."""
    with _bound(path) as made:
        mine = path.lstat()
        try:
            yield made
        finally:
            with contextlib.suppress(OSError):
                if os.path.samestat(path.lstat(), mine):
                    path.unlink()


def _bound(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        _make_way(path)
        made.bind(str(path))
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise InvalidJob("socket", str(path), f"it cannot be had ({error}); name another path") from None
    finally:
        os.umask(before)
    return made


def _make_way(path: Path) -> None:
    """Raises `InvalidJob` if something is there that is not left over."""
    try:
        is_socket = stat.S_ISSOCK(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if not is_socket:
        raise InvalidJob("socket", str(path), "something else is there; name another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise InvalidJob("socket", str(path), "another program listens there; name another path")


def _take_files() -> None:
    """Some systems give a process 256 open files, unless it asks for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Connection(H11Protocol):
    """Ends when it asks nothing: every user of this machine may open some, and each is an open file of ours. If there
    are as many as may be, whoever has been silent for longest makes room."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._hush(HEAD_S)
        others = [one for one in self.connections if isinstance(one, _Connection) and not one.transport.is_closing()]
        if len(others) > MOST_CONNECTIONS:
            silent = (one for one in others if one.is_silent)
            min(silent, key=lambda one: one.silent_since, default=self).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._hush(KEEP_S)

    @property
    def is_silent(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _hush(self, patience_s: float) -> None:
        """From now on it has to ask something whole: bytes of a head that does not end are nothing."""
        if self._timer is not None:
            self._timer.cancel()
        self.silent_since = self.loop.time()
        self._timer = self.loop.call_later(patience_s, self._let_go)

    def _let_go(self) -> None:
        if self.is_silent:
            self.transport.abort()


class _Server(uvicorn.Server):
    """Runs in a loop of ours, which has its own ideas of signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def running(
    app: ASGIApp, sockets: Sequence[socket.socket], ending: asyncio.Event
) -> AsyncIterator[asyncio.Task[None]]:
    """Serve while the block runs. At its end `ending` is set, and what still streams after a moment is cut off."""
    _take_files()
    faults = logging.getLogger("uvicorn")
    faults.setLevel(logging.ERROR)
    server = _Server(_config(app))
    task = asyncio.create_task(server.serve(sockets=list(sockets)), name="http server")
    try:
        while not (server.started or task.done()):  # noqa: ASYNC110 - it has no event for that
            await asyncio.sleep(0.005)
        if task.done():
            task.result()
        yield task
    finally:
        ending.set()
        faults.setLevel(logging.CRITICAL)  # that somebody is cut off at the end is none
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.gather(*server.server_state.tasks, return_exceptions=True)
        for connection in list(server.server_state.connections):
            connection.transport.abort()


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_Connection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=int(KEEP_S),
        timeout_graceful_shutdown=GRACE_S,  # type: ignore[arg-type]
    )
