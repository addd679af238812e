"""What the files of a command hold, said in a few letters: whoever approved a command approved these contents of it."""

import errno
import hashlib
import stat
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/System"),
    *("/dev", "/proc", "/sys"),
    *(sys.prefix, sys.base_prefix),
)
"""Whose files are the machine's, and change with every update of it."""


NOTHING = ""


def of(command: Sequence[str]) -> dict[str, str]:
    """The SHA-256 of the file that each word of the command names by its absolute path, but the system's own; NOTHING
    where there is none, so that one that comes later is seen. Raises OSError for one that cannot be read; what its
    files read or start in turn is not looked at."""
    return {word: _of_word(word) for word in dict.fromkeys(command) if _is_own(word)}


def changes(known: Mapping[str, str]) -> list[str]:
    """The words that do not name the same contents any more."""
    return [word for word, was in known.items() if _now(word) != was]


def _now(word: str) -> str | None:
    try:
        return _of_word(word)
    except OSError:
        return None


def _is_own(word: str) -> bool:
    """Whether it is a path, and either it or what it leads to lies outside the system's folders."""
    path = Path(word)
    return path.is_absolute() and not all(_is_of_the_system(one) for one in (path, _resolved(path)))


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # it is too long for a name, or leads to itself
        return path


def _is_of_the_system(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in SYSTEM)


def _of_word(word: str) -> str:
    try:
        found = Path(word).stat()
    except OSError as error:
        if error.errno in NO_FILE:
            return NOTHING
        raise
    if not stat.S_ISREG(found.st_mode):
        return NOTHING
    return _digest(word, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))


NO_FILE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP})


@lru_cache(maxsize=256)
def _digest(word: str, _state: tuple[int, ...]) -> str:
    """Read again only when it was touched: every write moves `st_ctime`, which nobody sets."""
    with Path(word).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
