"""The only place that moves files where others may have laid links: every folder is held open, no link is followed.

A path is walked from `/` one name at a time, each opened in the folder before it (openat, O_NOFOLLOW), so that whoever
renames a folder or puts a link in its place meanwhile changes nothing of what is held.
"""

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

_SEARCH = getattr(os, "O_PATH", os.O_RDONLY)  # a folder that one may only pass through cannot be opened for reading
_FOLDER = _SEARCH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must not keep us waiting
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_BLOCK = 1 << 20


class NotAFile(OSError):
    """There is something, but no regular file of one name: a folder, a link, a pipe."""


class Folder:
    """A folder, held by its descriptor. A context manager. All names are of what lies directly in it."""

    def __init__(self, fd: int, path: Path) -> None:
        self._fd, self.path = fd, path

    @classmethod
    def open(cls, path: Path) -> Self:
        """An absolute path that leads through no link. Raises `OSError`."""
        here = cls(os.open("/", _FOLDER), Path("/"))
        for name in path.parts[1:]:
            with here:
                here = here.inner(name)
        return here

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    def inner(self, name: str, *, make: bool = False, mode: int = 0o777) -> Self:
        """A folder in it; with `make` it is made if there is none. Raises `OSError` for anything else of that name."""
        with self._saying(name):
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, mode, dir_fd=self._fd)
            return type(self)(os.open(name, _FOLDER, dir_fd=self._fd), self.path / name)

    def along(self, parts: tuple[str, ...], *, make: bool = False) -> Self:
        """The folder that these names lead to, one in the other."""
        here = type(self)(os.dup(self._fd), self.path)
        for name in parts:
            with here:
                here = here.inner(name, make=make)
        return here

    @contextlib.contextmanager
    def _saying(self, name: str) -> Iterator[None]:
        """An error names the whole path; a link in the place of a folder is called one."""
        try:
            yield
        except OSError as error:
            is_link = error.errno in {errno.ELOOP, errno.ENOTDIR} and self.kind(name) == stat.S_IFLNK
            said = "it is a link, and links are not followed" if is_link else os.strerror(error.errno or 0)
            raise OSError(error.errno, said, str(self.path / name)) from None

    def kind(self, name: str) -> int | None:
        """The type of what has this name, as `stat.S_IFREG`; None if nothing has."""
        try:
            return stat.S_IFMT(os.lstat(name, dir_fd=self._fd).st_mode)
        except FileNotFoundError:
            return None

    @property
    def device(self) -> int:
        """The file system that it lies on."""
        return os.fstat(self._fd).st_dev

    @property
    def is_private(self) -> bool:
        """Whether it is ours, and nobody else may put anything into it."""
        known = os.fstat(self._fd)
        return known.st_uid == os.geteuid() and not stat.S_IMODE(known.st_mode) & 0o022

    def can_take(self) -> bool:
        """Whether we may put something into it."""
        return os.access(".", os.W_OK | os.X_OK, dir_fd=self._fd, effective_ids=os.access in os.supports_effective_ids)

    def names(self) -> list[str]:
        with self._readable() as fd:
            return os.listdir(fd)  # noqa: PTH208 - of a descriptor

    def sync(self) -> None:
        """What it holds survives a power cut: its names, not the content of its files."""
        with self._readable() as fd:
            os.fsync(fd)

    @contextlib.contextmanager
    def _readable(self) -> Iterator[int]:
        fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._fd)
        try:
            yield fd
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def file(self, name: str, *, one_name: bool = False) -> Iterator[int]:
        """A regular file, open for reading; with `one_name`, one that no hard link leads to from elsewhere.

        Raises `FileNotFoundError`, `NotAFile`, `OSError`.
        """
        kind = self.kind(name)  # a device may do something when it is opened
        if kind is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.path / name))
        if kind != stat.S_IFREG:
            raise NotAFile(errno.EINVAL, f"it is {_KINDS.get(kind, 'no regular file')}", str(self.path / name))
        with self._saying(name):
            fd = os.open(name, _READ, dir_fd=self._fd)
        try:
            known = os.fstat(fd)
            if not stat.S_ISREG(known.st_mode) or (one_name and known.st_nlink != 1):
                raise NotAFile(errno.EINVAL, "it is no regular file with one name", str(self.path / name))
            yield fd
        finally:
            os.close(fd)

    def digest(self, name: str) -> str | None:
        """SHA-256 of a regular file; None if there is nothing of that name. Raises `NotAFile`."""
        try:
            with self.file(name) as fd, os.fdopen(fd, "rb", closefd=False) as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return None

    def take_copy(self, source: int, new: str) -> str:
        """A new file with what an open one holds, on the disk when this returns. Returns its SHA-256. Raises
        `FileExistsError`."""
        made = os.open(new, _NEW, 0o666, dir_fd=self._fd)
        try:
            return _copied(source, made)
        finally:
            os.close(made)

    def make_file(self, name: str) -> None:
        """An empty one. Raises `FileExistsError`."""
        os.close(os.open(name, _NEW, 0o600, dir_fd=self._fd))

    def link(self, name: str, target: "Folder", new: str) -> None:
        """One more name for the file, where nothing has that name. Raises `FileExistsError`."""
        os.link(name, new, src_dir_fd=self._fd, dst_dir_fd=target._fd, follow_symlinks=False)

    def move(self, name: str, target: "Folder", new: str) -> None:
        """Rename, over whatever file has the new name; a link of that name is replaced, not followed."""
        os.replace(name, new, src_dir_fd=self._fd, dst_dir_fd=target._fd)

    def is_same(self, name: str, other: "Folder", its: str) -> bool:
        """Whether both names are there and belong to one file."""
        try:
            one, two = os.lstat(name, dir_fd=self._fd), os.lstat(its, dir_fd=other._fd)
        except FileNotFoundError:
            return False
        return os.path.samestat(one, two)

    def remove(self, name: str) -> None:
        """A file, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._fd)

    def remove_folder(self, name: str) -> bool:
        """An empty one. False: it is not empty, or gone."""
        try:
            os.rmdir(name, dir_fd=self._fd)
        except OSError:
            return False
        return True

    def remove_tree(self, name: str) -> None:
        """A folder with everything in it, if it is there; links are removed, not followed."""
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(name, dir_fd=self._fd)


_KINDS = {stat.S_IFLNK: "a link", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}


def _copied(source: int, target: int) -> str:
    digest = hashlib.sha256()
    while block := os.read(source, _BLOCK):
        digest.update(block)
        left = memoryview(block)
        while left:
            left = left[os.write(target, left) :]
    os.fsync(target)
    return digest.hexdigest()
