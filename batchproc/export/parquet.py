"""Parquet: typed columns in row groups; the ledger in its metadata. The program `tables.to_parquet` makes it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import IO, ClassVar

import orjson

import batchproc
from batchproc import tables
from batchproc.errors import InvalidJob, StoreError
from batchproc.export.base import Export, as_json, json_texts, sha256_of
from batchproc.platform import processes

MISSING = 'needs pyarrow, which is not installed here; install it with: pip install "batchproc[parquet]"'
PROGRAM = Path(tables.__file__).with_name("to_parquet.py")
LEDGER = "batchproc.ledger"
"""The key of the ledger in the metadata."""
CONTENT = re.compile(rb"batchproc\.content\x18.(\d{1,15}):([0-9a-f]{64})", re.DOTALL)
"""The length and the SHA-256 of all before the metadata, as these have it: between them the name and the value of an
entry have one byte for its kind and one for its length. Who edits a file may keep the entry, but not what it says."""
FOOTER = 64 << 20


class Parquet:
    name: ClassVar[str] = "parquet"
    suffixes: ClassVar[tuple[str, ...]] = (".parquet",)
    most_rows: ClassVar[int | None] = None
    beside: ClassVar[bool] = False
    logs: ClassVar[tuple[str, ...]] = ()

    def pages(self, export: Export) -> Iterator[bytes]:
        if find_spec("pyarrow") is None:
            raise InvalidJob("format", self.name, MISSING)
        child = _start()
        assert child.stdin and child.stdout  # noqa: S101 - both are pipes
        try:
            child.stdin.write(_order(export))
            for made in json_texts(export):
                yield _answered(child.stdin, child.stdout, orjson.dumps(made) + b"\n")
            yield _answered(child.stdin, child.stdout, b"\n")
        except BrokenPipeError:
            raise StoreError("the program that makes Parquet files ended without a word; try again") from None
        finally:
            child.kill()
            child.wait()
            child.stdout.close()
            _close(child.stdin)

    def is_ours(self, file: IO[bytes]) -> bool:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 8))
        tail = file.read(8)
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != b"PAR1" or not length < min(size, FOOTER):
            return False
        file.seek(size - 8 - length)
        found = CONTENT.search(file.read(length))
        return found is not None and sha256_of(file, int(found[1])).encode() == found[2]


def _order(export: Export) -> bytes:
    folders = [*sys.path, str(Path(batchproc.__file__).parents[1])]
    order = {
        "columns": [[column.name, column.kind] for column in export.columns],
        "metadata": {LEDGER: as_json(export.ledger)},
        "sys_path": [path for path in folders if Path(path).is_absolute()],
    }
    return orjson.dumps(order) + b"\n"


def _answered(stdin: IO[bytes], stdout: IO[bytes], line: bytes) -> bytes:
    """Send a line; what of the file comes back. The other side reads all of it before it writes: neither waits."""
    stdin.write(line)
    stdin.flush()
    head = stdout.read(9)
    content = stdout.read(int.from_bytes(head[1:], "big")) if len(head) == 9 else b""
    if head[:1] != b"+":
        raise StoreError(f"the program that makes Parquet files failed: {content.decode() or 'it ended'}; try again")
    return content


def _start() -> subprocess.Popen[bytes]:
    try:
        return processes.start_python(PROGRAM)
    except OSError as error:
        raise StoreError(f"the program that makes Parquet files did not start: {error}; try again") from None


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return
