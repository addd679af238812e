"""A lock that the kernel gives back when its holder dies, whatever killed it."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path


class FileLock:
    """An exclusive `flock` on a file. Held flock = alive. The descriptor is not inherited by children."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def acquire(self, patience_s: float = 0.0) -> bool:
        """Take the lock, trying for `patience_s` seconds. False: somebody else holds it. True also if we do already."""
        if self._fd is not None:
            return True
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(fd)
                    return False
                time.sleep(0.02)
            else:
                self._fd = fd
                return True

    def is_in_place(self) -> bool:
        """Whether the file that we hold is still the one at its path: not moved, not deleted."""
        try:
            return self._fd is not None and os.path.samestat(os.fstat(self._fd), self._path.stat())
        except OSError:
            return False

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def is_held(path: Path) -> bool:
    """Whether another process holds the exclusive lock. Takes a shared one for an instant, so starters retry."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(fd)


@contextlib.contextmanager
def exclusive(path: Path, patience_s: float) -> Iterator[None]:
    """Hold the lock for a block. Raises `TimeoutError` after `patience_s` seconds."""
    lock = FileLock(path)
    if not lock.acquire(patience_s):
        raise TimeoutError(f"{path} has been locked by another process for {patience_s:g} s")
    try:
        yield
    finally:
        lock.release()
