"""What every format is given, and what it has to be able to do."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, ClassVar, Protocol

import orjson

from batchproc.columns import Column, Kind

MARK = "batchproc export"
"""Stands in every file that an export made: such a file may be replaced without asking, if it is as it was made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What an agent said or did: an event, in words."""

    at: str
    attempt: int | None
    kind: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Transcript:
    """The end of the conversation of a unit that failed or was flagged, oldest first."""

    key: str
    status: str
    error: str | None
    said: Sequence[Said]


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """What is to be written: `blocks` are some results at a time, for each column its values, as JSON has them.

    `ledger` is JSON: whose results these are, how many of what status, when. `scratch` is a folder of ours for what is
    not streamed. A format adds to `warnings` what it could not write as it is.
    """

    columns: Sequence[Column]
    blocks: Iterable[Sequence[Sequence[Any]]]
    ledger: Mapping[str, Any]
    transcripts: Callable[[], Iterable[Transcript]]
    scratch: Path
    warnings: list[str] = field(default_factory=list)


class Format(Protocol):
    """A kind of file. `most_rows` is how many results one may have; None: any number. `beside`: it has no room for a
    ledger, which goes into a file beside it. `logs`: how the names of files end that who opens it takes into it."""

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    most_rows: ClassVar[int | None]
    beside: ClassVar[bool]
    logs: ClassVar[tuple[str, ...]]

    def pages(self, export: Export) -> Iterator[bytes]:
        """The file, some bytes at a time, in memory that does not grow with it. Raises `InvalidJob`."""
        ...

    def is_ours(self, file: IO[bytes]) -> bool:
        """Whether an export made this file, and nobody changed it since. Not asked where the ledger is beside it: that
        says so."""
        ...


def sha256_of(file: IO[bytes], length: int) -> str:
    """The digest of the first `length` bytes, in hex."""
    digest = hashlib.sha256()
    file.seek(0)
    while length > 0 and (page := file.read(min(length, 1 << 20))):
        digest.update(page)
        length -= len(page)
    return digest.hexdigest()


def as_json(value: Any) -> str:
    """A value as JSON text."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # nested deeper than orjson writes
        import json

        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def json_texts(export: Export) -> Iterator[list[Sequence[Any]]]:
    """The blocks with the values of `Kind.JSON` as their JSON text."""
    for block in export.blocks:
        yield [
            [None if value is None else as_json(value) for value in values] if column.kind is Kind.JSON else values
            for column, values in zip(export.columns, block, strict=True)
        ]
