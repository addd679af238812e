"""The only place that starts a user's Python, listens to it, and ends it when its time is up."""

import contextlib
import json
import math
import os
import selectors
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from batchproc.errors import InvalidJob, SourceError
from batchproc.platform import jail, processes

CHILD = Path(__file__).with_name("_dynamic_child.py")
PAYLOADS = Path(__file__).with_name("_payload.py")
INSIDE = "/batchproc"

MEMORY = 1024 * 1024 * 1024
FILE_BYTES = 16 * 1024 * 1024
LINE = 17 * 1024 * 1024
"""Bytes of one line that the code's process may send: a little more than an item may have."""

LOG_LINES, LOG_CHARACTERS = 1000, 2000
GRACE_S = 1.0
"""Seconds between the kill and giving up on the pipes."""

WAY_OUT = (
    "this machine has no sandbox for it; install bubblewrap (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf "
    "install bubblewrap) and see that users may make namespaces, or write the items to a file and name that"
)


class Run:
    """One run of the code. A context manager: leaving it ends every process of it."""

    def __init__(self, source: str, order: Mapping[str, Any], *, read: Sequence[str], timeout_s: float) -> None:
        self._source, self._order, self._read, self._timeout_s = source, order, read, timeout_s
        self.logs: list[str] = []
        self._dropped = 0
        self._broken_line = b""

    def __enter__(self) -> "Run":
        name = jail.best()
        if name is None:
            raise InvalidJob("enumerator.type", "dynamic", WAY_OUT)
        self._until = time.monotonic() + self._timeout_s
        try:
            self._child = jail.start(name, self._program(), read=self._visible())
        except OSError as error:
            raise SourceError(self._source, f"the program that runs it did not start: {error}; try again") from None
        self._alarm = threading.Timer(self._timeout_s, self._child.kill)
        self._alarm.daemon = True
        self._alarm.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._alarm.cancel()
        self._child.kill()
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._child.wait()
        if self._dropped:
            self.logs.append(f"... and {self._dropped} more lines, which were dropped")

    def lines(self) -> Iterator[bytes]:
        """Every line of the code's process but the first; ends with its last or raises `SourceError`."""
        assert self._child.stdin  # noqa: S101
        self._send(self._child.stdin)
        heard = False
        for line in self._heard():
            if heard:
                yield line
            heard = True
        self.listen_out()
        raise SourceError(self._source, self._end(heard))

    def _program(self) -> list[str]:
        """The interpreter without its virtual environment: `sys_path` says what of that it may import."""
        return [str(Path(sys.executable).resolve()), *processes.ISOLATED, f"{INSIDE}/{CHILD.name}"]

    def _visible(self) -> dict[str, str]:
        ours = {str(path): f"{INSIDE}/{path.name}" for path in (CHILD, PAYLOADS)}
        return {**{path: path for path in (*_interpreter(), *self._read)}, **ours}

    def _send(self, stdin: Any) -> None:
        order = {
            **self._order,
            "sys_path": [os.path.realpath(path) for path in sys.path if _is_shown(path)],
            "payloads": f"{INSIDE}/{PAYLOADS.name}",
            "memory": MEMORY,
            "file_bytes": FILE_BYTES,
            "cpu_s": math.ceil(self._timeout_s) + 1,
        }
        with contextlib.suppress(BrokenPipeError):  # what it said before it ended is told below
            stdin.write(json.dumps(order).encode())
            stdin.close()

    def _heard(self) -> Iterator[bytes]:
        """Lines as they come, while what is printed is kept aside. Ends when nothing more can come."""
        assert self._child.stdout and self._child.stderr  # noqa: S101
        rest = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(self._child.stdout, selectors.EVENT_READ)
            selector.register(self._child.stderr, selectors.EVENT_READ)
            while ready := selector.select(self._until + GRACE_S - time.monotonic()):
                for key, _ in ready:
                    data = os.read(key.fd, 1 << 16)
                    if key.fileobj is self._child.stderr:
                        self._keep(data)
                        if not data:
                            selector.unregister(key.fileobj)
                        continue
                    if not data:
                        return
                    rest += data
                    if b"\n" in data:
                        *whole, tail = bytes(rest).split(b"\n")
                        rest = bytearray(tail)
                        yield from whole
                    if len(rest) > LINE:
                        raise SourceError(self._source, f"an item is larger than {LINE >> 20} MiB; split it")

    def _keep(self, data: bytes) -> None:
        *whole, self._broken_line = (self._broken_line + data).split(b"\n")
        if not data or len(self._broken_line) > 4 * LOG_CHARACTERS:
            whole, self._broken_line = [*whole, *filter(None, [self._broken_line])], b""
        for line in whole:
            if len(self.logs) < LOG_LINES:
                self.logs.append(line.decode(errors="backslashreplace")[:LOG_CHARACTERS])
            else:
                self._dropped += 1

    def listen_out(self) -> None:
        """Keep what was printed and not read yet; the code has ended, or is ended here."""
        assert self._child.stderr  # noqa: S101
        self._child.kill()
        with selectors.DefaultSelector() as selector:
            selector.register(self._child.stderr, selectors.EVENT_READ)
            until = time.monotonic() + GRACE_S
            while selector.select(until - time.monotonic()):
                data = os.read(self._child.stderr.fileno(), 1 << 16)
                self._keep(data)
                if not data:
                    return

    def _end(self, heard: bool) -> str:
        if time.monotonic() >= self._until:
            limit = f"{self._timeout_s:g} s"
            return f"the code took longer than {limit} and was ended; give it less to do, or a larger timeout_s"
        last = f" (it said last: {self.logs[-1]!r})" if self.logs else ""
        if not heard:
            return f"the sandbox did not start{last}; try again, or see `batchproc doctor`"
        ended = f"the code ended its own process, or ran out of its {MEMORY >> 20} MiB, before it was done"
        return f"{ended}{last}; return from enumerate_items instead, and hold less at a time"


def _interpreter() -> list[str]:
    """The folders of Python and of what is installed beside it, by their real paths."""
    found = [sys.base_prefix, *(path for path in sys.path if _is_packages(path))]
    real = dict.fromkeys(os.path.realpath(path) for path in found)
    return [path for path in real if not path.startswith("/usr/") and path != "/usr" and not jail.forbidden(path)]


def _is_packages(path: str) -> bool:
    return Path(path).name in ("site-packages", "dist-packages") and Path(path).is_dir()


def _is_shown(path: str) -> bool:
    return _is_packages(path) or (os.path.isabs(path) and Path(sys.base_prefix) in Path(path).parents)  # noqa: PTH117
