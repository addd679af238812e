"""Where an export goes: a name in an open folder below an allowed root. Nothing is followed, nothing is half written.

The file is made under a name of its own in the same folder, locked as long as its maker lives, and takes its place by
one rename. A maker that was killed leaves such a file behind; the next export to that folder removes it.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Self

from batchproc.errors import InvalidJob

DRAFT = ".batchproc-export-"
LEDGER = ".ledger.json"
LONGEST_NAME = 255
"""Bytes; what usual file systems take."""
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A name in the folder that `folder` is open on; `path` is how users know it."""

    path: str
    folder: int
    name: str

    def beside(self) -> "Place":
        """That of the ledger."""
        return self.with_ending(LEDGER)

    def with_ending(self, ending: str) -> "Place":
        return Place(path=self.path + ending, folder=self.folder, name=self.name + ending)

    def look(self) -> os.stat_result | None:
        """What is there now; None: nothing."""
        with contextlib.suppress(FileNotFoundError):
            return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        return None

    @contextlib.contextmanager
    def read(self) -> Iterator[BufferedReader]:
        handle = os.open(self.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=self.folder)
        with os.fdopen(handle, "rb") as file:
            yield file


@contextlib.contextmanager
def opened(text: str, *, home: Path, roots: Sequence[Path], forbidden: Path) -> Iterator[Place]:
    """The place that `text` names, below one of `roots` and not below `forbidden`; ~ is `home`. Links on the way count
    as what they lead to. Raises `InvalidJob`."""
    path = _absolute(text, home)
    try:
        parent = Path(os.path.realpath(path.parent, strict=True))
        with contextlib.closing(_Folder(_root_of(text, parent, roots, forbidden), parent)) as folder:
            yield Place(path=str(parent / path.name), folder=folder.handle, name=path.name)
    except OSError as error:
        raise _in_words(text, error) from None


def _absolute(text: str, home: Path) -> Path:
    path = home / text[2:] if text.startswith("~/") else Path(text)
    if not path.is_absolute():
        raise InvalidJob("path", text, f"give an absolute path, like {home / 'results.csv'}")
    if path.name in {"", ".."} or text.endswith(("/", "/.")) or not text.isprintable():
        raise InvalidJob("path", text, f"end it with the name of a file, like {home / 'results.csv'}")
    if len(os.fsencode(path.name + LEDGER)) > LONGEST_NAME:
        raise InvalidJob("path", text, "choose a shorter name: file systems take 255 bytes, and the ledger's is longer")
    return path


def _root_of(text: str, parent: Path, roots: Sequence[Path], forbidden: Path) -> Path:
    real = [Path(os.path.realpath(root)) for root in roots]
    below = [root for root in real if parent.is_relative_to(root)]
    if parent.is_relative_to(os.path.realpath(forbidden)):
        raise InvalidJob("path", text, f"{forbidden} is batchproc's own; name another folder")
    if not below:
        allowed = ", ".join(map(str, real))
        raise InvalidJob(
            "path",
            text,
            f"it is in {parent}, and exports go below {allowed}; choose a place there, or let BATCHPROC_EXPORT_ROOTS "
            "name more folders",
        )
    return max(below, key=lambda root: len(root.parts))


class _Folder:
    """A folder that was reached from `root` step by step, and each step was a folder, not a link: whatever somebody
    puts in the way after the path was looked at."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.handle = os.open(root, FOLDER)
        try:
            for part in folder.relative_to(root).parts:
                below = os.open(part, FOLDER, dir_fd=self.handle)
                os.close(self.handle)
                self.handle = below
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        os.close(self.handle)


def _in_words(text: str, error: OSError) -> InvalidJob:
    match error.errno:
        case errno.ENOENT:
            way_out = "there is no such folder; make it, or name one that is there"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            way_out = f"it may not be written ({error.strerror}); name another folder"
        case errno.ELOOP | errno.ENOTDIR:
            way_out = "a part of it is no folder; name the folder itself, not a link or a file"
        case number if number in FULL:
            way_out = f"there is no room for it ({error.strerror}); free some, or name another folder"
        case _:
            way_out = f"it cannot be written ({error.strerror}); name another folder"
    return InvalidJob("path", text, way_out)


class Draft:
    """A file on its way to a place: written under another name, locked, for nobody else to read. A context manager;
    what was not published is gone afterwards."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._name = DRAFT + secrets.token_hex(8)
        self._digest = hashlib.sha256()
        self.size = 0

    def __enter__(self) -> Self:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        while True:
            self._handle = os.open(self._name, flags, 0o600, dir_fd=self._place.folder)
            fcntl.flock(self._handle, fcntl.LOCK_EX)
            if os.fstat(self._handle).st_nlink:
                return self
            os.close(self._handle)  # somebody who tidied up was faster than our lock

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._name, dir_fd=self._place.folder)
        os.close(self._handle)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, page: bytes) -> None:
        self._digest.update(page)
        self.size += len(page)
        rest = memoryview(page)
        while rest:
            rest = rest[os.write(self._handle, rest) :]

    def seal(self, mode: int) -> None:
        """All of it is written, and survives a power cut."""
        os.fchmod(self._handle, mode)
        os.fsync(self._handle)

    def publish(self, *, replace: bool) -> None:
        """Take the place. Raises FileExistsError if something is there that is not to be replaced."""
        folder, name = self._place.folder, self._place.name
        if not replace:
            try:
                os.link(self._name, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
                return
            except FileExistsError:
                raise
            except OSError:  # a file system without hard links
                if self._place.look() is not None:
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name) from None
        os.rename(self._name, name, src_dir_fd=folder, dst_dir_fd=folder)


def tidy(folder: int) -> None:
    """Remove what exports left in a folder that were killed: nobody holds its lock."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(DRAFT)]
    for name in names:
        with contextlib.suppress(OSError):
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(name, dir_fd=folder)
            finally:
                os.close(handle)


def mode_for(before: os.stat_result | None) -> int:
    """What a file may have that takes the place of `before`, or a new one."""
    return 0o666 & ~_umask() if before is None else stat.S_IMODE(before.st_mode) & 0o777


def _umask() -> int:
    """The process's, without changing it where the system tells."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Umask:")).split()[1], 8)
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
