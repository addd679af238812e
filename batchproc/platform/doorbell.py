"""The sockets between a store's faces and its supervisor or dashboard: JSON lines, readable by the owner only.

A request is answered with one line. The request `{"watch": true}` is answered with a line `{"seq": N}` at once and
after every commit, N being the number of the last event; a slow watcher gets the newest number only. One that asks with
`"aside"` looks on for as long as somebody works, and keeps nobody up.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import socket
import stat
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

LONGEST_ADDRESS = 100  # bytes; the kernel's limit is 108 on Linux, 104 on macOS
LINE_LIMIT = 1 << 20

Answer = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


def address(home: Path, name: str = "supervisor") -> Path:
    """Where a server of the store in `home` listens; elsewhere if the path is too long for a socket."""
    beside = home / f"{name}.sock"
    if len(os.fsencode(beside)) <= LONGEST_ADDRESS:
        return beside
    digest = hashlib.sha256(os.fsencode(beside if name != "supervisor" else home)).hexdigest()[:16]
    return _own_folder(Path(f"/tmp/batchproc-{os.getuid()}")) / f"{digest}.sock"  # noqa: S108 - checked to be ours


def _own_folder(folder: Path) -> Path:
    """A folder that only we may enter. Raises `PermissionError` if somebody else made it first."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != 0o700:
        raise PermissionError(f"{folder} is not ours alone; remove it, or set BATCHPROC_HOME to a shorter path")
    return folder


class Doorbell:
    """The server's side. An async context manager; `answer` gets each request and returns its reply."""

    def __init__(self, where: Path, answer: Answer) -> None:
        self._where, self._answer = where, answer
        self._seq = 0
        self._rang = asyncio.Condition()
        self._connections: set[asyncio.Task[None]] = set()
        self.watchers = 0

    async def __aenter__(self) -> "Doorbell":
        self._where.unlink(missing_ok=True)  # we hold the store's lock: whoever left it is dead
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._where, limit=LINE_LIMIT)
        finally:
            os.umask(before)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._where.unlink(missing_ok=True)

    async def announce(self, seq: int) -> None:
        """Tell every watcher that events up to `seq` are committed."""
        async with self._rang:
            self._seq = max(self._seq, seq)
            self._rang.notify_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - the server runs us in a task
        self._connections.add(task)
        try:
            if _is_ours(writer):
                await self._converse(reader, writer)
        except (ConnectionError, ValueError, asyncio.CancelledError):
            pass  # the peer is gone, or talks nonsense: hang up
        finally:
            self._connections.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            request = json.loads(line)
            if request.get("watch"):
                await self._stream(reader, writer, counts=not request.get("aside"))
                return
            await _send(writer, await self._answer(request))

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counts: bool) -> None:
        self.watchers += counts
        gone = asyncio.create_task(reader.read(1), name="watcher gone")
        told = -1
        try:
            while not gone.done():
                if self._seq > told:
                    told = self._seq
                    await _send(writer, {"seq": told})
                    continue
                news = asyncio.create_task(self._wait_for_more_than(told), name="watcher news")
                await asyncio.wait({news, gone}, return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
        finally:
            gone.cancel()
            self.watchers -= counts

    async def _wait_for_more_than(self, told: int) -> None:
        async with self._rang:
            await self._rang.wait_for(lambda: self._seq > told)


async def ask(where: Path, request: Mapping[str, Any], *, timeout_s: float) -> Mapping[str, Any]:
    """One request, one reply. Raises `OSError` (nobody there) or `TimeoutError`."""
    async with asyncio.timeout(timeout_s):
        reader, writer = await _connect(where)
        try:
            await _send(writer, request)
            line = await reader.readline()
        finally:
            await _close(writer)
    if not line:
        raise ConnectionResetError("it hung up")
    reply: Mapping[str, Any] = json.loads(line)
    return reply


async def watch(where: Path, *, aside: bool = False) -> AsyncGenerator[int, None]:
    """The number of the last committed event, now and whenever it grows. Ends when the supervisor does, which does not
    stay for who stands `aside`."""
    reader, writer = await _connect(where)
    try:
        await _send(writer, {"watch": True, "aside": aside})
        while line := await reader.readline():
            yield int(json.loads(line)["seq"])
    finally:
        await _close(writer)


async def _send(writer: asyncio.StreamWriter, message: Mapping[str, Any]) -> None:
    writer.write(json.dumps(message).encode() + b"\n")
    await writer.drain()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _connect(where: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Raises `PermissionError` if another user listens there: what we send may be secret."""
    reader, writer = await asyncio.open_unix_connection(where, limit=LINE_LIMIT)
    if not _is_ours(writer):
        await _close(writer)
        raise PermissionError(f"another user listens at {where}")
    return reader, writer


def _is_ours(writer: asyncio.StreamWriter) -> bool:
    """Whether the peer is our own user. The file's mode says so too; this holds where sockets ignore modes."""
    peer: socket.socket = writer.get_extra_info("socket")
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    _, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return bool(uid == os.getuid())
