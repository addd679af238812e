"""The server of the rehearsal model: loopback only, stops at once. The only place that knows uvicorn."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

KEEP_ALIVE_S = 3600  # a server that hung up on an idle CLI would look like a network fault to it


def listen(port: int) -> socket.socket:
    """A listening socket on loopback; 0 takes any free port. Who connects before the server runs, waits."""
    listening = socket.create_server(("127.0.0.1", port), backlog=512)
    # What it accepts has this, too; asyncio sees to it only where a socket says that it is TCP, and this one does not.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


class Connections:
    """The open connections, by the client's address, so that a fault can close one and the end can close all."""

    def __init__(self) -> None:
        self._open: dict[object, asyncio.Transport] = {}
        self._closing = False

    def made(self, transport: asyncio.Transport) -> None:
        self._open[transport.get_extra_info("peername")] = transport
        if self._closing:
            transport.abort()

    def lost(self, transport: asyncio.Transport) -> None:
        self._open.pop(transport.get_extra_info("peername"), None)

    def close(self, client: object) -> None:
        """What was already written still reaches the client."""
        if transport := self._open.get(client):
            transport.close()

    def close_all(self) -> None:
        self._closing = True
        for transport in list(self._open.values()):
            transport.abort()


class Server(uvicorn.Server):
    """Serves an app inside a running loop: leaves the signals alone, and stops without waiting for anybody."""

    def __init__(self, app: Any, connections: Connections) -> None:
        config = uvicorn.Config(
            app,
            http=_watched(connections),
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            timeout_keep_alive=KEEP_ALIVE_S,
        )
        super().__init__(config)
        self._connections = connections

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        self.should_exit = True
        self._connections.close_all()


def _watched(connections: Connections) -> type[asyncio.Protocol]:
    class Watched(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            connections.made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.lost(self.transport)
            super().connection_lost(exc)

    return Watched
