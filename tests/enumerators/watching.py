"""What a child process really does, as the kernel sees it."""

import contextlib
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path


class Watch(threading.Thread):
    """Looks at every process below us, many times a second: who it is, and of those that `counts(pid, status)` chooses
    also the sockets, the files open for writing and the memory."""

    def __init__(self, counts: Callable[[str, str], bool]) -> None:
        super().__init__(daemon=True)
        self._counts = counts
        self.known = self._below(os.getpid())
        self.seen: set[tuple[str, str]] = set()
        self.inside: set[str] = set()
        self.sockets = 0
        self.written: set[str] = set()
        self.memory = 0
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.01):
            for pid in self._below(os.getpid()) - self.known:
                with contextlib.suppress(OSError):
                    self._look(pid)

    def stop(self) -> None:
        self._over.set()
        self.join()

    def left(self, limit_s: float) -> list[str]:
        """Who is still there after `limit_s`."""
        until = time.monotonic() + limit_s
        while (found := self._left()) and time.monotonic() < until:
            time.sleep(0.01)
        return found

    def _left(self) -> list[str]:
        return [pid for pid, started in self.seen if started and started == _started(pid)]

    def _look(self, pid: str) -> None:
        self.seen.add((pid, _started(pid)))
        status = Path("/proc", pid, "status").read_text()
        if not self._counts(pid, status):
            return
        self.inside.add(pid)
        fds = [os.readlink(fd) for fd in Path("/proc", pid, "fd").iterdir()]
        self.sockets += sum(fd.startswith("socket:") for fd in fds)
        self.written |= {fd for fd in self._open_for_writing(pid) if not fd.endswith("(deleted)")}
        found = re.search(r"VmRSS:\s+(\d+)", status)
        self.memory = max(self.memory, int(found[1]) * 1024 if found else 0)

    def _open_for_writing(self, pid: str) -> set[str]:
        found: set[str] = set()
        for fd in Path("/proc", pid, "fd").iterdir():
            with contextlib.suppress(OSError):
                flags = re.search(r"flags:\s+(\d+)", Path("/proc", pid, "fdinfo", fd.name).read_text())
                name = os.readlink(fd)
                if (
                    flags
                    and int(flags[1], 8) & (os.O_WRONLY | os.O_RDWR)
                    and name.startswith("/")
                    and name != os.devnull
                ):
                    found.add(name)
        return found

    def _below(self, pid: int | str) -> set[str]:
        found: set[str] = set()
        with contextlib.suppress(OSError):
            for task in Path("/proc", str(pid), "task").iterdir():
                for child in (task / "children").read_text().split():
                    found |= {child, *self._below(child)}
        return found


def _started(pid: str) -> str:
    """When a process was started; empty if it is gone, or only its number is left for init to collect."""
    try:
        fields = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
