"""The only place that knows gzip: compressed text reads as if it were not. Its first bytes tell, not its name."""

import io
import zlib
from typing import IO

from batchproc.errors import SourceError

MAGIC = b"\x1f\x8b"
CHUNK = 1 << 16
GZIP = zlib.MAX_WBITS | 16

FREE = 64 << 20
"""Bytes of text up to which no ratio is suspicious: a small file of equal rows shrinks to a thousandth."""

RATIO = 250
"""Text beyond `FREE` may be so many times as large as its compressed form. Deflate ends at 1,032; tables stay below 50,
logs that repeat themselves below 200."""

TOTAL = 64 << 30
"""Bytes of text in one file: more is not read from one source."""


def opened(file: io.BufferedReader, path: str) -> IO[bytes]:
    """The text of `file`, whether it is compressed or not."""
    if file.peek(len(MAGIC))[: len(MAGIC)] != MAGIC:
        return file
    return io.BufferedReader(Inflated(file, path), CHUNK)


class Inflated(io.RawIOBase):
    """The text of a gzip file, as a stream. Raises `SourceError` with the last line that was whole."""

    def __init__(self, file: IO[bytes], path: str) -> None:
        self._file, self._path = file, path
        self._member = zlib.decompressobj(GZIP)
        self._text = memoryview(b"")
        self._taken = self._given = self._lines = 0

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._file.fileno()

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override] # as BufferedReader calls it
        if not self._text:
            self._text = memoryview(self._next())
        given = min(len(buffer), len(self._text))
        buffer[:given] = self._text[:given]
        self._text = self._text[given:]
        return given

    def close(self) -> None:
        self._file.close()
        super().close()

    def _next(self) -> bytes:
        """Some text, or nothing at the end."""
        while True:
            data = self._following() if self._member.eof else self._member.unconsumed_tail or self._read()
            if not data and self._member.eof:
                return b""
            try:
                text = self._member.decompress(data, CHUNK)
            except zlib.error as error:
                raise self._broken(f"the gzip data is damaged ({error}); copy or download the file again") from None
            if text:
                return self._counted(text)
            if not data:
                raise self._broken("the gzip data ends in the middle; copy or download the file again")

    def _following(self) -> bytes:
        """The next of several files that were compressed into one; nothing but zeros may follow the last."""
        data = self._member.unused_data or self._read()
        while data and not (data := data.lstrip(b"\0")):
            data = self._read()
        if data:
            self._member = zlib.decompressobj(GZIP)
        return data

    def _read(self) -> bytes:
        data = self._file.read(CHUNK)
        self._taken += len(data)
        return data

    def _counted(self, text: bytes) -> bytes:
        self._given += len(text)
        if self._given > FREE and self._given > RATIO * (self._taken - len(self._member.unconsumed_tail)):
            times = f"it grows to more than {RATIO} times its size"
            raise self._broken(f"{times}, as no table does; if it is sound, decompress it and name that file")
        if self._given > TOTAL:
            raise self._broken(f"holds more than {TOTAL >> 30} GiB of text; split it")
        self._lines += text.count(b"\n")
        return text

    def _broken(self, problem: str) -> SourceError:
        return SourceError(self._path, problem, f"after line {self._lines}")
