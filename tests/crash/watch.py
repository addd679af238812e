"""What becomes of the names in a folder, as the kernel tells it: nothing is missed between two looks. Linux only."""

import ctypes
import os
import struct
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

CREATED, MOVED_IN, DELETED, MOVED_OUT, OVERFLOW = 0x100, 0x80, 0x200, 0x40, 0x4000
_HEAD = struct.Struct("iIII")


class Watch:
    """Of these folders, from now on. A context manager."""

    def __init__(self, folders: Sequence[Path]) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        mask = CREATED | MOVED_IN | DELETED | MOVED_OUT
        self._folders = {libc.inotify_add_watch(self._fd, os.fsencode(folder), mask): folder for folder in folders}
        assert self._fd >= 0 and min(self._folders) >= 0, os.strerror(ctypes.get_errno())
        self.came: Counter[Path] = Counter()
        self.went: Counter[Path] = Counter()

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def look(self) -> None:
        """Count what happened since the last look."""
        while True:
            try:
                told = os.read(self._fd, 1 << 16)
            except BlockingIOError:
                return
            while told:
                folder, mask, _, size = _HEAD.unpack_from(told)
                assert not mask & OVERFLOW, "too much happened between two looks"
                name = told[_HEAD.size : _HEAD.size + size].rstrip(b"\0")
                told = told[_HEAD.size + size :]
                path = self._folders[folder] / os.fsdecode(name)
                (self.came if mask & (CREATED | MOVED_IN) else self.went)[path] += 1
