"""Reads that take long: each on a thread and a connection of its own, beside everything else, until it is cancelled."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

from batchproc.store import engine

T = TypeVar("T")


async def run(connect: Callable[[], engine.Tx], look: Callable[[engine.Tx], T]) -> T:
    """What `look` makes of a connection. Cancelled, it interrupts what is read there, and waits until `look` ended."""
    connections: list[engine.Tx] = []
    running = asyncio.ensure_future(asyncio.to_thread(_look, connect, look, connections))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await _interrupted(running, connections)
        raise


def _look(connect: Callable[[], engine.Tx], look: Callable[[engine.Tx], T], connections: list[engine.Tx]) -> T:
    with contextlib.closing(connect()) as connection:
        connections.append(connection)
        return look(connection)


async def _interrupted(running: "asyncio.Future[Any]", connections: list[engine.Tx]) -> None:
    """Until it has ended: a statement that begins right after an interrupt has not heard of it."""
    while not running.done():
        for connection in connections:
            with contextlib.suppress(engine.sqlite.ProgrammingError):  # closed just now
                connection.interrupt()
        await asyncio.wait([running], timeout=0.05)
    if not running.cancelled():
        running.exception()  # looked at: it ended as it was told to
