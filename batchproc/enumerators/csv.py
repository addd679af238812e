"""The only place that knows CSV: one item a data row, every value the text that stands in the file."""

import codecs
import csv
from _csv import Reader
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from itertools import chain
from typing import IO, Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from batchproc.enumerators import _common, _payload
from batchproc.enumerators.base import Config
from batchproc.errors import SourceError
from batchproc.models import Item

NOT_FOR_FILES = {"utf-7", "unicode-escape", "raw-unicode-escape", "idna", "punycode", "undefined"}
"""Python's codecs that are no character set of a file; some give text that JSON cannot carry."""

SEPARATORS = ";\t|,"
NUL = 'holds NUL characters: set encoding, for example to "utf-16-le", or fetch the file again if it is damaged'


def one_character(delimiter: str) -> str:
    """The delimiter. Raises ValueError for what cannot be one."""
    delimiter = "\t" if delimiter == "\\t" else delimiter
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise ValueError("write one character, such as ',' or ';' or a tab")
    return delimiter


def character_set(encoding: str) -> str:
    """The encoding. Raises ValueError for one that Python cannot read files with."""
    try:
        found = codecs.lookup(encoding)
        codecs.getincrementaldecoder(encoding)().decode(b"")
    except (LookupError, ValueError, TypeError):
        found = None
    if found is None or found.name.replace("_", "-") in NOT_FOR_FILES or not getattr(found, "_is_text_encoding", True):
        raise ValueError("no such character set; known ones are utf-8, utf-16, cp1252, latin-1, shift_jis and others")
    return "utf-8-sig" if found.name == "utf-8" else encoding


class CsvConfig(Config):
    """Where the table is and how to read it."""

    file_path: _common.AbsolutePath = Field(
        description="Absolute path of the CSV or TSV file (.gz too), or a pattern: /abs/2026-*.csv"
    )
    id_column: str | None = Field(
        None, description="Column whose values are unique (default: the row number is the key)"
    )
    delimiter: Annotated[str, AfterValidator(one_character)] | None = Field(
        None, description="One character (default: tab for .tsv, else comma)"
    )
    has_header: bool = Field(True, description="Whether the first row names the columns; else column_1, column_2, ...")
    encoding: Annotated[str, AfterValidator(character_set)] | None = Field(
        None, description="Character set (default: by byte order mark, else utf-8)"
    )
    columns: list[str] | None = Field(None, min_length=1, description="Columns to keep (default: all)")
    limit: _common.Limit = None


class CsvEnumerator:
    """Reads a CSV file row by row."""

    kind: ClassVar[str] = "csv"
    place: ClassVar[str] = "row"
    about: ClassVar[str] = "Rows of a CSV or TSV file; one item per data row, its columns as fields"
    config_model: ClassVar[type[Config]] = CsvConfig
    example: ClassVar[Mapping[str, Any]] = {"file_path": "/home/me/customers.csv", "id_column": "customer_id"}

    def __init__(self, config: CsvConfig) -> None:
        self._config = config
        self._path = config.file_path
        self._delimiter = config.delimiter or ("\t" if self._path.lower().endswith((".tsv", ".tsv.gz")) else ",")
        self._notes = _common.Notes()

    @property
    def source(self) -> str:
        return self._path

    def warnings(self) -> list[str]:
        return self._notes.texts()

    def items(self) -> Generator[Item, None, None]:
        return _common.limited(self._items(), self._config.limit)

    def _items(self) -> Generator[Item, None, None]:
        self._notes = _common.Notes()
        found = _common.encoding_of(self._path)
        encoding = self._config.encoding or found
        with _common.open_text(self._path, encoding) as file, _common.whole(file, self._path):
            reader = self._reader(file)
            try:
                header, rows = self._header(reader)
                if header:
                    yield from self._rows(header, rows, reader)
            except UnicodeError as error:
                raise self._undecodable(error, encoding, found) from None
            except csv.Error as error:
                raise self._malformed(error, encoding) from None

    def _reader(self, file: IO[str]) -> Reader:
        # A process-wide setting, only ever raised.
        csv.field_size_limit(max(csv.field_size_limit(), _common.MAX_VALUE))
        return csv.reader(_lines(file), delimiter=self._delimiter, strict=True)

    def _header(self, reader: Reader) -> tuple[list[str], Iterator[list[str]]]:
        """The column names, and the data rows. No names if the file holds no row at all."""
        first = next(filter(None, reader), [])
        if any("\0" in name for name in first):
            raise SourceError(self._path, NUL, f"line {reader.line_num}")
        if self._config.has_header:
            self._check_header(first, reader.line_num)
            return _numbered(first), reader
        return [f"column_{n}" for n in range(1, len(first) + 1)], chain([first], reader)

    def _check_header(self, first: list[str], line: int) -> None:
        if first and not any(map(str.strip, first)):
            problem = "the header has no names in it; name the columns, or set has_header to false"
            raise SourceError(self._path, problem, f"line {line}")
        names = _numbered(first)
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            problem = f"the header has {_payload.names(twice)} more than once; give every column its own name"
            raise SourceError(self._path, problem, f"line {line}")
        if other := self._other_delimiter(names):
            self._notes.add(f"there is only one column, {names[0][:80]!r}: set delimiter to {other!r} if that is wrong")

    def _other_delimiter(self, names: list[str]) -> str | None:
        """What seems to separate the columns, if nothing was said about it and all are one."""
        seen = names[0] if len(names) == 1 and self._config.delimiter is None else ""
        return next((separator for separator in SEPARATORS if separator in seen), None)

    def _rows(self, header: list[str], rows: Iterator[list[str]], reader: Reader) -> Iterator[Item]:
        """The hot loop: everything that does not change is looked up before it."""
        width, number = len(header), 0
        make_item = _common.make_item
        keep = [(name, self._index(header, name, "columns")) for name in self._config.columns or ()]
        key_at = None if self._config.id_column is None else self._index(header, self._config.id_column, "id_column")
        for row in rows:
            if len(row) != width:
                if not row:
                    continue  # a blank line
                raise self._ragged(row, header, number + 1, reader.line_num)
            number += 1
            if key_at is None:
                key = str(number)
            else:
                key = _common.key_text(row[key_at], self._path, "row", number, "id_column", header[key_at])
            payload = {name: row[at] for name, at in keep} if keep else dict(zip(header, row))  # noqa: B905 - checked
            yield make_item((key, payload, number))

    def _index(self, header: list[str], name: str, setting: str) -> int:
        if name not in header:
            other = self._other_delimiter(header)
            way_out = f"set delimiter to {other!r}" if other else "name one of them"
            problem = f"{setting} names {name!r}, but the columns are {_payload.names(header)}; {way_out}"
            raise SourceError(self._path, problem)
        return header.index(name)

    def _ragged(self, row: list[str], header: list[str], number: int, line: int) -> SourceError:
        other = self._other_delimiter(header)
        way_out = f"mend it (a value with {self._delimiter!r} in it needs quotes around it), or set delimiter" + (
            f" to {other!r}" if other else ""
        )
        if any("\0" in value for value in row):
            way_out = "it holds NUL bytes, as a damaged file does; remove them, or fetch the file again"
        problem = f"has {len(row)} values where the first row has {len(header)}; {way_out}"
        return SourceError(self._path, problem, f"row {number}, line {line}")

    def _undecodable(self, error: UnicodeError, encoding: str, found: str) -> SourceError:
        """`found` is what the file itself seems to say."""
        likely = "cp1252" if found == encoding else found.removesuffix("-sig")
        way_out = f'set encoding to what the file is in, for example "{likely}"'
        name = encoding.removesuffix("-sig")
        problem = f"is not {name}"
        if isinstance(error, UnicodeDecodeError):
            problem = f"the byte 0x{error.object[error.start : error.start + 1].hex()} is not {name}"
            if error.reason in ("unexpected end of data", "truncated data"):
                way_out = f"it begins a character that is cut off: fetch the whole file again, or {way_out}"
        return SourceError(self._path, f"{problem}; {way_out}", _common.bad_bytes(self._path, encoding))

    def _malformed(self, error: csv.Error, encoding: str) -> SourceError:
        """Says where the broken record begins: a second pass, so that the first one can be fast."""
        row, line = 1 - self._config.has_header, 1
        with _common.open_text(self._path, encoding) as file:
            reader = self._reader(file)
            try:
                for values in reader:
                    row, line = row + bool(values), reader.line_num + 1
            except (csv.Error, UnicodeError):
                pass
        return SourceError(self._path, _in_words(error), f"row {row}, line {line}" if row else f"header, line {line}")


def _lines(file: IO[str]) -> Iterator[str]:
    """Never much more than a value may have: a binary file may have no end of line at all."""
    line = file.readline(_common.MAX_VALUE).removeprefix("\ufeff")
    while line:
        if len(line) == _common.MAX_VALUE:
            raise csv.Error("line limit")
        yield line
        line = file.readline(_common.MAX_VALUE)


def _numbered(names: list[str]) -> list[str]:
    return [name if name.strip() else f"column_{n}" for n, name in enumerate(names, 1)]


def _in_words(error: csv.Error) -> str:
    match str(error):
        case text if "end of data" in text:
            return "a quote is opened here and never closed; close it, or write a quote inside quotes twice"
        case text if "limit" in text:
            return (
                f"this row is larger than {_common.MAX_VALUE >> 20} MiB; if a quote is opened here by mistake, "
                "close it, or write a quote inside quotes twice"
            )
        case text if "expected after" in text:
            return "text follows a closing quote; write a quote inside quotes twice"
        case text:
            return text
