"""What the tests of all kinds share: read a source, and ask what is said about a broken one."""

import gc
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from batchproc.enumerators import build
from batchproc.errors import BatchprocError, InvalidJob, SourceError
from batchproc.models import Item

NOBODY = 65534


def read(kind: str, **config: Any) -> list[Item]:
    return list(build({"type": kind, **config}).items())


def payloads(kind: str, **config: Any) -> list[Any]:
    return [item.payload for item in read(kind, **config)]


def keys(kind: str, **config: Any) -> list[str]:
    return [item.key for item in read(kind, **config)]


def complaint(kind: str, error: type[BatchprocError] = SourceError, **config: Any) -> str:
    """What the user is told; it always names a way out, so it never is just a code."""
    with pytest.raises(error) as told:
        read(kind, **config)
    return str(told.value)


def refusal(kind: str, **config: Any) -> str:
    """What the user is told before anything is read."""
    with pytest.raises(InvalidJob) as told:
        build({"type": kind, **config})
    return str(told.value)


@contextmanager
def folder_of_a_stranger() -> Iterator[Path]:
    """A folder in which permissions count, even if the tests run as root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root reads everything: for a moment, be someone who does not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def open_files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def children() -> set[str]:
    """Processes that are ours, zombies too."""
    found: set[str] = set()
    for thread in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended since
            found.update((thread / "children").read_text().split())
    return found


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder, and a hash of what is in it."""
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}
