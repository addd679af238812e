"""CSV as RFC 4180 has it, in UTF-8: safe to open in a spreadsheet, whatever units and agents wrote.

A text that a spreadsheet would take for a formula gets a ' in front, as OWASP (CSV Injection) and ASVS 1.2.10 advise; a
text that is a number stays as it is. Every text is quoted, so that no other separator cuts it into cells.
"""

import csv
import io
import re
import string
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, ClassVar

from batchproc.columns import Kind
from batchproc.export.base import Export, as_json

HARMLESS = frozenset(string.ascii_letters + string.digits + "\"'([{<#*_/.:!?$") | {""}
"""How most texts begin: none of this begins a formula. Everything else is looked at."""
FORMULA = re.compile(
    "[\t\r\n]|[\\s\x00-\x20\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]*"
    "[=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b]"
)
"""Its sign, narrow, wide or small, maybe behind what is not seen; and the characters that are dropped at the start."""
NUMBER = re.compile(
    r" *[+-]?(?:(?:\d{1,3}(?:,\d{3})+|\d{1,3}(?:\.\d{3})+|\d+)(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?%? *", re.ASCII
)
UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Control characters that no spreadsheet takes."""
LONGEST_CELL = 32_767
"""Characters of one cell that Excel keeps."""


class Csv:
    name: ClassVar[str] = "csv"
    suffixes: ClassVar[tuple[str, ...]] = (".csv",)
    most_rows: ClassVar[int | None] = None
    beside: ClassVar[bool] = True
    logs: ClassVar[tuple[str, ...]] = ()

    def pages(self, export: Export) -> Iterator[bytes]:
        buffer = io.StringIO()
        writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow([column.name for column in export.columns])
        makers = [CELLS[column.kind] for column in export.columns]
        texts = [n for n, column in enumerate(export.columns) if column.kind is Kind.TEXT]
        longest = 0
        for block in export.blocks:
            made = [make(values) for make, values in zip(makers, block, strict=True)]
            longest = max([longest, *(max(map(len, filter(None, made[n])), default=0) for n in texts)])
            writer.writerows(zip(*made, strict=True))
            yield _taken(buffer)
        yield _taken(buffer)
        if longest > LONGEST_CELL:
            export.warnings.append(
                f"a cell has {longest:,} characters, and Excel keeps {LONGEST_CELL:,}; jsonl, parquet and sqlite have "
                "no such bound"
            )

    def is_ours(self, file: IO[bytes]) -> bool:
        return False


def _taken(buffer: io.StringIO) -> bytes:
    """What is in the buffer, which is empty then."""
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return UNSEEN.sub("\ufffd", text).encode("utf-8", "replace")


def neutral(text: str) -> str:
    """The text as no spreadsheet takes it for a formula; the same if it is none, or a number."""
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def _texts(values: Sequence[Any]) -> Sequence[Any]:
    return [text if text is None or text[:1] in HARMLESS else neutral(text) for text in values]


def _truths(values: Sequence[Any]) -> Sequence[Any]:
    return [None if value is None else "true" if value else "false" for value in values]


def _any(values: Sequence[Any]) -> Sequence[Any]:
    return [_cell(value) for value in values]


def _cell(value: Any) -> Any:
    """A value of a column that has several types: a text and a number as they are, everything else as JSON."""
    match value:
        case None:
            return None
        case str():
            return neutral(value)
        case bool() | list() | dict():
            return as_json(value)
        case _:
            return value


CELLS: dict[Kind, Callable[[Sequence[Any]], Sequence[Any]]] = {
    Kind.TEXT: _texts,
    Kind.INTEGER: lambda values: values,
    Kind.REAL: lambda values: values,
    Kind.BOOLEAN: _truths,
    Kind.JSON: _any,
}
