"""The only place that knows JSON sources: the elements of an array, or the lines of JSON Lines."""

import math
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from typing import IO, Any, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from batchproc.enumerators import _common, _jsonfast, _jsonstream, _payload
from batchproc.enumerators.base import Config
from batchproc.errors import SourceError
from batchproc.models import Item

LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
NESTED = "is nested too deep; flatten it"

Found = tuple[int, list[Any], bool]
"""The place of the first of these values, the values, and whether it is known that JSON can carry them."""


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
        path, place, id_field = self._path, self._place, self._config.id_field
        for first, values, sound in self._lines() if place == "line" else self._elements():
            if sound:
                yield from _common.sound_items(values, first, path, place, "id_field", id_field)
            else:
                yield _common.json_item(values[0], first, path, place, "id_field", id_field)

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
        on_one_line, alone = False, True
        with self._reader(_common.MAX_VALUE) as reader, suppress(_jsonstream.TooFar):  # no line is that long
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
        """Those that begin near the beginning of the file."""
        found: list[str] = []
        with suppress(SourceError, _jsonstream.TooFar), self._reader(_common.MAX_VALUE) as reader:
            for path in islice(_array_paths(reader), 10):
                found.append(path)
        return found

    def _elements(self) -> Iterator[Found]:
        path = self._config.items_path
        with self._reader() as reader:
            for values, sound in self._along(reader, path.split(".") if path else []):
                yield reader.elements_read - len(values) + 1, values, sound
            reader.end()

    def _along(self, reader: _jsonstream.Reader, path: list[str]) -> Iterator[tuple[list[Any], bool]]:
        """The elements of the array that `path` leads to; what stands beside the path is read over."""
        if not path:
            if reader.peek() != "[":
                raise self._misled("leads to something that is not an array")
            yield from reader.batches()
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

    def _twice(self, name: str) -> Iterator[tuple[list[Any], bool]]:
        raise SourceError(self._path, f"the field {name!r} of items_path is there twice; remove one of them")

    def _lines(self) -> Iterator[Found]:
        row = 1
        for block in self._blocks():
            values = _jsonfast.lines(block) if len(block) <= _common.MAX_VALUE else None
            if values is not None:
                yield row, values, True
                row += len(values)
            else:
                for row, line in enumerate(block.removesuffix(b"\n").split(b"\n"), row):  # noqa: B020 - goes on
                    if line and not line.isspace():
                        yield row, [self._value(line, row)], False
                row += 1

    def _blocks(self) -> Iterator[bytes]:
        """Some thousand lines at a time, as UTF-8. A line that is larger than a value may be is cut."""
        with self._text(newline="\n") as file:
            while block := file.read(_jsonstream.CHUNK):
                yield (block + file.readline(_common.MAX_VALUE + 1)).encode()

    def _value(self, line: bytes, row: int) -> Any:
        if len(line) > _common.MAX_VALUE:
            raise SourceError(self._path, f"is larger than {_common.MAX_VALUE >> 20} MiB; split it", f"line {row}")
        text = line.decode()
        try:
            return _jsonstream.parse(text)
        except _jsonstream.Malformed as error:
            raise SourceError(self._path, f"{error}; mend the line{_hint(text, row)}", f"line {row}") from None
        except RecursionError:
            raise SourceError(self._path, NESTED, f"line {row}") from None

    @contextmanager
    def _reader(self, reach: float = math.inf) -> Iterator[_jsonstream.Reader]:
        """The file from its beginning. What goes wrong inside is told with its place."""
        with self._text() as file:
            reader = _jsonstream.Reader(file, reach)
            try:
                yield reader
            except _jsonstream.Malformed as error:
                after = f", after element {reader.elements_read}" if reader.elements_read else ""
                raise SourceError(self._path, f"{error}; mend the file", f"line {error.line}{after}") from None
            except RecursionError:
                raise SourceError(self._path, NESTED, f"line {reader.line}") from None

    @contextmanager
    def _text(self, newline: str = "") -> Iterator[IO[str]]:
        """The file as text; all of it, or an error that says where it is none."""
        encoding = _common.encoding_of(self._path)
        with _common.open_text(self._path, encoding, newline) as file, _common.whole(file, self._path):
            try:
                yield file
            except UnicodeError:
                problem = f"is not {encoding.removesuffix('-sig').upper()}"
                way_out = "save it as UTF-8, or fetch it again if it is cut off"
                place = _common.bad_bytes(self._path, encoding)
                raise SourceError(self._path, f"{problem}; {way_out}", place) from None


def _array_paths(reader: _jsonstream.Reader, depth: int = 3, before: str = "") -> Iterator[str]:
    """Dotted paths of the arrays in the object that begins here, for a person to choose from."""
    for name in reader.fields():
        opening = reader.peek()
        if opening == "{" and depth > 1:
            yield from _array_paths(reader, depth - 1, f"{before}{name}.")
        else:
            if opening == "[":
                yield before + name
            reader.skip()


def _hint(text: str, row: int) -> str:
    """A JSON array under the name of JSON Lines is the usual mistake."""
    return ", or name the file .json if it is one array" if row == 1 and text.lstrip()[:1] == "[" else ""
