"""The only place that walks folders: one item a file, in the order of their paths."""

import math
import os
import stat
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from batchproc.enumerators import _common, _glob, _ignore
from batchproc.enumerators.base import Config
from batchproc.errors import SourceError
from batchproc.models import Item

HINT_S = 1.0
"""How long to look for what a pattern that matched nothing could have meant."""


def glob(text: str) -> str:
    """The pattern. Raises ValueError."""
    _glob.compile(text)
    return text


def exclude_pattern(text: str) -> str:
    """The pattern. Raises ValueError."""
    _ignore.compile([text])
    return text


class FileConfig(Config):
    """Which files of which folder."""

    base_directory: _common.AbsolutePath = Field(description="Absolute path of the folder")
    pattern: Annotated[str, AfterValidator(glob)] = Field(
        "**/*", description="Glob from base_directory: *.md only at the top, **/*.md at every level"
    )
    exclude_patterns: list[Annotated[str, AfterValidator(exclude_pattern)]] = Field(
        default_factory=list, description='What to leave out, in the style of .gitignore: "*.log", "node_modules/"'
    )
    include_hidden: bool = Field(False, description="Also files and folders whose name begins with a dot")
    respect_gitignore: bool = Field(False, description="Leave out what .gitignore files leave out")
    limit: _common.Limit = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """A folder on the way: `relative` is "" for the base, else ends in "/"."""

    path: str
    relative: str = ""
    level: int = 0
    rules: tuple[_ignore.Rules, ...] = ()


class FileEnumerator:
    """Finds the files below a folder."""

    kind: ClassVar[str] = "file"
    place: ClassVar[str] = "file"
    about: ClassVar[str] = "Files below a folder that match a pattern; one item per file, with its path, name and size"
    config_model: ClassVar[type[Config]] = FileConfig
    example: ClassVar[Mapping[str, Any]] = {"base_directory": "/home/me/contracts", "pattern": "**/*.pdf"}

    def __init__(self, config: FileConfig) -> None:
        self._config = config
        self._base = config.base_directory.rstrip("/") or "/"
        self._glob = _glob.compile(config.pattern)
        self._excluded: tuple[_ignore.Rules, ...] = ()
        self._real_base = ""
        self._notes = _common.Notes()
        self._until = math.inf

    @property
    def source(self) -> str:
        return self._base

    def warnings(self) -> list[str]:
        return self._notes.texts()

    def items(self) -> Generator[Item, None, None]:
        return _common.limited(self._items(), self._config.limit)

    def _items(self) -> Generator[Item, None, None]:
        base = self._prepare()
        row = 0
        for row, (relative, path, size) in enumerate(self._files(base), 1):
            name = relative.rpartition("/")[2]
            extension = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a Path costs ten times as much
            payload = {
                "file_path": path,
                "relative_path": relative,
                "file_name": name,
                "file_extension": "" if extension == "." else extension,
                "file_size": size,
            }
            yield Item(self._key(relative, row), payload, row)
        if row == 0:
            self._notes.add(f"0 files match {self._config.pattern!r} in {self._base}{self._hint()}")

    def _prepare(self) -> Folder:
        self._notes = _common.Notes()
        self._real_base = os.path.join(os.path.realpath(self._base), "")  # noqa: PTH118
        if self._config.exclude_patterns:
            self._excluded = (_ignore.Rules(spec=_ignore.compile(self._config.exclude_patterns)),)
        try:
            if not stat.S_ISDIR(os.stat(self._base).st_mode):  # noqa: PTH116
                raise SourceError(self._base, "is a file; name its folder as base_directory and the file as pattern")
            rules = _ignore.above(self._base) if self._config.respect_gitignore else ()
        except OSError as error:
            raise _common.unreadable(error.filename or self._base, error, "folder") from None
        return Folder(path=self._base, rules=rules)

    def _files(self, base: Folder) -> Iterator[tuple[str, str, int]]:
        """Relative path, path and size of every file, depth first: this is the order of the parts of their paths."""
        way = [iter(self._entries(base))]
        while way and time.monotonic() < self._until:
            found = next(way[-1], None)
            if found is None:
                way.pop()
                continue
            entry, folder = found
            if entry.is_dir(follow_symlinks=False):
                way.append(iter(self._entries(_inside(folder, entry))))
            elif (size := self._size(entry, folder)) is not None:
                yield folder.relative + entry.name, entry.path, size

    def _entries(self, folder: Folder) -> list[tuple["os.DirEntry[str]", Folder]]:
        """What is wanted of a folder, sorted."""
        try:
            with os.scandir(folder.path) as entries:
                everything = list(entries)
            folder = self._with_rules(folder, everything)
            wanted = [(entry, folder) for entry in everything if self._wanted(entry, folder)]
        except FileNotFoundError:
            self._notes.add("folders vanished while they were being listed, first", folder.relative)
            return []
        except OSError as error:
            raise self._unreadable(error, folder.path) from None
        wanted.sort(key=lambda each: each[0].name)
        return wanted

    def _with_rules(self, folder: Folder, everything: list["os.DirEntry[str]"]) -> Folder:
        if not self._config.respect_gitignore:
            return folder
        found = next((entry for entry in everything if entry.name == _ignore.NAME), None)
        if found is None or not found.is_file(follow_symlinks=False):
            return folder
        rules = _ignore.Rules(spec=_ignore.read(found.path), cut=len(folder.relative))
        return Folder(path=folder.path, relative=folder.relative, level=folder.level, rules=(*folder.rules, rules))

    def _wanted(self, entry: "os.DirEntry[str]", folder: Folder) -> bool:
        config, relative = self._config, folder.relative + entry.name
        if entry.name[0] == "." and not config.include_hidden:
            return False
        if entry.is_dir(follow_symlinks=False) or _links_to_folder(entry):
            if not self._glob.may_hold(entry.name, folder.level) or (config.respect_gitignore and entry.name == ".git"):
                return False
            relative += "/"
        elif not self._glob.matches(relative):
            return False
        return not _ignore.ignored(self._excluded, relative) and not _ignore.ignored(folder.rules, relative)

    def _size(self, entry: "os.DirEntry[str]", folder: Folder) -> int | None:
        """Bytes of a file that counts; None, and a warning, for what only looks like one."""
        relative, linked = folder.relative + entry.name, entry.is_symlink()
        leaves = linked and not os.path.realpath(entry.path).startswith(self._real_base)
        try:
            found = entry.stat()
        except OSError as error:
            if isinstance(error, PermissionError) and not linked:
                raise self._unreadable(error, entry.path) from None
            self._notes.add("links that lead nowhere or files that vanished were passed over, first", relative)
            return None
        if stat.S_ISDIR(found.st_mode):
            self._notes.add("linked folders were not followed, first", relative)
        elif leaves:
            self._notes.add("links that leave base_directory were passed over, first", relative)
        elif not stat.S_ISREG(found.st_mode):
            self._notes.add(
                "things that are not regular files (pipes, sockets, devices) were passed over, first", relative
            )
        else:
            return found.st_size
        return None

    def _key(self, relative: str, row: int) -> str:
        try:
            relative.encode()
        except UnicodeEncodeError:
            problem = "its name is not valid UTF-8; rename it, or exclude it with exclude_patterns"
            raise SourceError(self._base, problem, f"file {os.fsencode(relative)!r}") from None
        return _common.key_text(relative, self._base, "file", row, "pattern", "relative_path")

    def _unreadable(self, error: OSError, path: str) -> SourceError:
        refused = isinstance(error, PermissionError)
        way_out = f"{'give this user read access to it, or ' if refused else ''}exclude it with exclude_patterns"
        return SourceError(self._base, f"{error.strerror or error}; {way_out}", repr(path))

    def _hint(self) -> str:
        """What would match, if a second look finds something in short time."""
        text, until = self._config.pattern, time.monotonic() + HINT_S
        for guess in (f"**/{text}", f"{text}/**/*"):
            if self._would_match({"pattern": guess}, until):
                return f"; {guess!r} would match some"
        if self._would_match({"include_hidden": True}, until):
            return "; with include_hidden it would match some"
        return "; braces stand for themselves, not for alternatives" if "{" in text else ""

    def _would_match(self, change: dict[str, Any], until: float) -> bool:
        other = FileEnumerator(self._config.model_copy(update=change))
        other._until = until
        try:
            return next(other._files(other._prepare()), None) is not None
        except SourceError:
            return False


def _inside(folder: Folder, entry: "os.DirEntry[str]") -> Folder:
    relative = f"{folder.relative}{entry.name}/"
    return Folder(path=entry.path, relative=relative, level=folder.level + 1, rules=folder.rules)


def _links_to_folder(entry: "os.DirEntry[str]") -> bool:
    """Such a link is wanted like a folder, so that the warning tells what is not followed."""
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:  # a link to itself
        return False
