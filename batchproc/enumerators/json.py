"""The only place that knows JSON sources: the elements of an array, or the lines of JSON Lines."""

import codecs
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from batchproc.enumerators import _common, _jsonstream, _payload
from batchproc.enumerators.base import Config
from batchproc.errors import SourceError
from batchproc.models import Item

LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
NOT_UTF8 = "is not UTF-8, as JSON has to be; save it as UTF-8"
NESTED = "is nested too deep; flatten it"


class JsonConfig(Config):
    """Where the values are."""

    file_path: _common.AbsolutePath = Field(
        description="Absolute path of the JSON (.json) or JSON Lines (.jsonl) file (.gz too), or a pattern: /abs/*.json"
    )
    items_path: str | None = Field(
        None, min_length=1, description='Where the array is, if not at the top: field names with dots, "data.items"'
    )
    id_field: str | None = Field(
        None, description="Field whose values are unique (default: the element's or line's number)"
    )
    limit: _common.Limit = None

    @field_validator("items_path")
    @classmethod
    def goes_with_the_file(cls, items_path: str | None, known: ValidationInfo) -> str | None:
        if items_path is not None and known.data.get("file_path", "").lower().endswith(LINES):
            raise ValueError("leave it out: in JSON Lines each line is an item")
        return items_path


class JsonEnumerator:
    """Reads a JSON array or JSON Lines, value by value."""

    kind: ClassVar[str] = "json"
    about: ClassVar[str] = "Elements of a JSON array, or lines of a JSON Lines file; one item each"
    config_model: ClassVar[type[Config]] = JsonConfig
    example: ClassVar[Mapping[str, Any]] = {
        "file_path": "/home/me/tickets.json",
        "items_path": "data.tickets",
        "id_field": "ticket_id",
    }

    def __init__(self, config: JsonConfig) -> None:
        self._config = config
        self._path = config.file_path
        self._place = "line" if self._path.lower().endswith(LINES) else "element"

    @property
    def place(self) -> str:
        return self._place

    @property
    def source(self) -> str:
        return self._path

    def warnings(self) -> list[str]:
        return []

    def items(self) -> Generator[Item, None, None]:
        return _common.limited(self._items(), self._config.limit)

    def _items(self) -> Generator[Item, None, None]:
        self._place = "line" if self._is_lines() else "element"
        values = self._lines() if self._place == "line" else self._elements()
        config, place = self._config, self._place
        for row, value in values:
            yield _common.json_item(value, row, self._path, place, "id_field", config.id_field)

    def _is_lines(self) -> bool:
        """By its name; else by its first character, if no path leads to an array."""
        if self._path.lower().endswith(LINES):
            return True
        with self._reader() as reader:
            first = reader.peek()
        if first == "":
            raise SourceError(self._path, "is empty; an array with nothing in it is written []")
        if first == "[" and self._config.items_path is not None:
            raise SourceError(self._path, "is itself an array; leave items_path out")
        if first not in ("[", "{"):
            raise SourceError(self._path, "holds neither an array nor JSON Lines; put its values in [ ]")
        return first == "{" and self._config.items_path is None and self._begins_with_lines()

    def _begins_with_lines(self) -> bool:
        """Whether the object that begins the file is one line of many. Raises `SourceError` for a single object."""
        with self._reader() as reader:
            reader.peek()
            begins = reader.line
            reader.skip()
            on_one_line, alone = reader.line == begins, reader.peek() == ""
        arrays = self._arrays() if alone else []
        if on_one_line and not arrays:
            return True
        if not alone:
            raise SourceError(self._path, "holds several values, each on several lines; put them in [ ] with commas")
        way_out = f"set items_path to one of its arrays: {_payload.names(arrays)}" if arrays else "put it in [ ]"
        raise SourceError(self._path, f"is one single object, not an array; {way_out}")

    def _arrays(self) -> list[str]:
        try:
            with self._reader() as reader:
                return list(islice(_jsonstream.array_paths(reader), 10))
        except SourceError:
            return []

    def _elements(self) -> Iterator[tuple[int, Any]]:
        path = self._config.items_path
        with self._reader() as reader:
            yield from enumerate(self._along(reader, path.split(".") if path else []), 1)
            reader.end()

    def _along(self, reader: _jsonstream.Reader, path: list[str]) -> Iterator[Any]:
        """The elements of the array that `path` leads to; what stands beside the path is read over."""
        if not path:
            if reader.peek() != "[":
                raise self._misled("leads to something that is not an array")
            yield from reader.elements()
            return
        if reader.peek() != "{":
            raise self._misled(f"asks for {path[0]!r} of something that is not an object")
        found = 0
        for name in reader.fields():
            if name == path[0]:
                found += 1
                yield from self._along(reader, path[1:]) if found == 1 else self._twice(name)
            else:
                reader.skip()
        if not found:
            raise self._misled(f"asks for {path[0]!r}, which is not there")

    def _misled(self, problem: str) -> SourceError:
        known = _payload.names(self._arrays())
        return SourceError(self._path, f"items_path {self._config.items_path!r} {problem}; arrays in it: {known}")

    def _twice(self, name: str) -> Iterator[Any]:
        raise SourceError(self._path, f"the field {name!r} of items_path is there twice; remove one of them")

    def _lines(self) -> Iterator[tuple[int, Any]]:
        with _common.open_binary(self._path) as file:
            lines = iter(partial(file.readline, _common.MAX_VALUE + 1), b"")
            for row, line in enumerate(lines, 1):
                text = self._text(line, row)
                if not text or text.isspace():
                    continue
                try:
                    yield row, _jsonstream.parse(text)
                except _jsonstream.Malformed as error:
                    raise SourceError(self._path, f"{error}; mend the line{_hint(text, row)}", f"line {row}") from None
                except RecursionError:
                    raise SourceError(self._path, NESTED, f"line {row}") from None

    def _text(self, line: bytes, row: int) -> str:
        if len(line) > _common.MAX_VALUE:
            raise SourceError(self._path, f"is larger than {_common.MAX_VALUE >> 20} MiB; split it", f"line {row}")
        try:
            return line.removeprefix(codecs.BOM_UTF8 if row == 1 else b"").decode()
        except UnicodeDecodeError:
            raise SourceError(self._path, NOT_UTF8, f"line {row}") from None

    @contextmanager
    def _reader(self) -> Iterator[_jsonstream.Reader]:
        """The file from its beginning. What goes wrong inside is told with its place."""
        with _common.open_text(self._path, "utf-8-sig") as file:
            reader = _jsonstream.Reader(file)
            try:
                yield reader
            except _jsonstream.Malformed as error:
                after = f", after element {reader.elements_read}" if reader.elements_read else ""
                raise SourceError(self._path, f"{error}; mend the file", f"line {error.line}{after}") from None
            except UnicodeDecodeError:
                raise SourceError(self._path, NOT_UTF8, _common.bad_bytes(self._path, "utf-8-sig")) from None
            except RecursionError:
                raise SourceError(self._path, NESTED, f"line {reader.line}") from None


def _hint(text: str, row: int) -> str:
    """A JSON array under the name of JSON Lines is the usual mistake."""
    return ", or name the file .json if it is one array" if row == 1 and text.lstrip()[:1] == "[" else ""
