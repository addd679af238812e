"""The only place that knows that one table may be many files: `file_path` with a pattern in it."""

import re
from bisect import bisect_right
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, cast

from batchproc.enumerators import _common, _glob, _payload, file
from batchproc.enumerators.base import Enumerator
from batchproc.errors import InvalidJob, SourceError
from batchproc.models import Item

_MAGIC = re.compile(r"[*?]|\[[^\]/]+\]")


class Part(NamedTuple):
    """One of the files: its first row is the one after `after`."""

    after: int
    relative: str
    place: str


def is_pattern(path: str) -> bool:
    """Whether it may stand for several files. (If there is a file of that very name, it stands for that file.)"""
    return _MAGIC.search(path) is not None


class ManyFiles:
    """Reads every file that the pattern finds, in the order of their paths, each by its own kind.

    Without an id column or field a key is the file and the place in it: "2026-01.csv:17". Tables must have the same
    columns, in whatever order; JSON is as free as it is within one file. Rows are counted over all files.
    """

    def __init__(self, one: type[Enumerator], config: Any) -> None:
        self._one, self._config, self._path = one, config, str(config.file_path)
        self._first = one(config)
        self._place = self._first.place
        self.kind, self.about, self.config_model, self.example = one.kind, one.about, one.config_model, one.example
        self._has_id = any(getattr(config, name, None) is not None for name in ("id_column", "id_field"))
        self._parts: list[Part] = []
        self._notes: list[str] = []
        self._base, self._pattern = _split(self._path)

    @property
    def place(self) -> str:
        return self._place

    @property
    def source(self) -> str:
        return self._path

    def warnings(self) -> list[str]:
        return self._notes

    def at(self, row: int) -> str:
        """The place of an item in its own file: "row 3 of 2026-01.csv"."""
        n = bisect_right(self._parts, row - 1, key=lambda part: part.after)
        if n == 0:
            return f"{self._place} {row}"
        part = self._parts[n - 1]
        return f"{part.place} {row - part.after} of {part.relative}"

    def items(self) -> Generator[Item, None, None]:
        return _common.limited(self._items(), self._config.limit)

    def _items(self) -> Generator[Item, None, None]:
        self._parts, self._notes = [], []
        if Path(self._path).exists():
            yield from self._first.items()
            self._place, self._notes = self._first.place, self._first.warnings()
            return
        first: tuple[str, Item] | None = None
        after = 0
        for relative, path in self._files():
            one = self._one(self._config.model_copy(update={"file_path": path}))
            with closing(cast("Generator[Item, None, None]", one.items())) as items:
                item = next(items, None)
                if item is not None:
                    first = first or (path, item)
                    self._require_same_columns(*first, path, item)
                    self._place = one.place
                    self._parts.append(Part(after, relative, one.place))
                    after = yield from self._placed(chain([item], items), self._prefix(relative, path), after)
            self._notes += [f"{relative}: {note}" for note in one.warnings()]

    def _prefix(self, relative: str, path: str) -> str:
        """What goes before a key, which then is a number. Raises `SourceError` if it would be too long."""
        if self._has_id:
            return ""
        _common.key_text(f"{relative}:{2**63}", path, "file", 1, "file_path", "the path below the pattern's folder")
        return f"{relative}:"

    def _placed(self, items: Iterable[Item], prefix: str, after: int) -> Generator[Item, None, int]:
        """The hot loop. Returns the last row."""
        row = 0
        for key, payload, row in items:
            yield Item(prefix + key, payload, after + row)
        return after + row

    def _files(self) -> Iterator[tuple[str, str]]:
        """Relative and whole path of every file. Raises `SourceError` if there is none."""
        hidden = any(part.startswith(".") for part in self._pattern.split("/"))
        folder = file.FileEnumerator(
            file.FileConfig(base_directory=self._base, pattern=self._pattern, include_hidden=hidden)
        )
        found = 0
        for found, item in enumerate(folder.items(), 1):  # noqa: B007 - the last number counts
            yield item.payload["relative_path"], item.payload["file_path"]
        if not found:
            hint = next((note.partition("; ")[2] for note in folder.warnings() if "would match" in note), "")
            hint = f"; {hint}" if hint.startswith("'") else "; check the path and the pattern"
            raise SourceError(self._path, f"no file matches {self._pattern!r} in {self._base}{hint}")
        self._notes += folder.warnings()

    def _require_same_columns(self, first_path: str, first: Item, path: str, item: Item) -> None:
        known, names = first.payload.keys(), item.payload.keys()
        if known == names or "columns" not in self._one.config_model.model_fields:
            return
        parts = [f"lacks {_payload.names(n for n in known if n not in names)}"] if known - names else []
        parts += [f"has {_payload.names(n for n in names if n not in known)} besides"] if names - known else []
        way_out = "give all of them the same header, or choose the columns that all have with columns"
        raise SourceError(path, f"{' and '.join(parts)}, compared to {first_path}; {way_out}")


def _split(path: str) -> tuple[str, str]:
    """The folder before the pattern, and the pattern. Raises `InvalidJob`."""
    magic = _MAGIC.search(path)
    begins = path.rindex("/", 0, magic.start() if magic else None) + 1
    try:
        _glob.compile(path[begins:])
    except ValueError as error:
        raise InvalidJob("enumerator.file_path", path, f"as a pattern it cannot work: {error}") from None
    return path[: begins - 1] or "/", path[begins:]
