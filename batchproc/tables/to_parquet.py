"""The program that makes Parquet: reads blocks of values from stdin, and writes the file to stdout, part by part.

The first line is the order, {"columns": [[name, kind], …], "metadata": {…}, "sys_path": […]}; each line after it a
block, a list of values for each column; an empty line is the end. Each line is answered: `+` or `!`, eight bytes of
length, and that many bytes of the file (there may be none yet), or what went wrong. Started as a file, without `site`.
"""

import hashlib
import io
import json
import sys
from typing import IO, Any

ROWS = 1 << 16
BYTES = 16 << 20
"""A row group has about so many rows, or as many as came in so many bytes of JSON."""


def main() -> None:
    order = json.loads(sys.stdin.buffer.readline())
    sys.path[:] = order["sys_path"]
    out = sys.stdout.buffer
    try:
        _write(order, sys.stdin.buffer, out)
    except BrokenPipeError:
        return
    except Exception as error:
        _answer(out, b"!", (str(error) or repr(error)).encode("utf-8", "replace"))


def _write(order: dict[str, Any], lines: IO[bytes], out: IO[bytes]) -> None:
    import orjson
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(order)
    buffer = _Tail()
    with pq.ParquetWriter(buffer, schema, compression="zstd") as writer:
        waiting: list[Any] = []
        rows = size = 0
        while line := lines.readline().strip():
            made = [pa.array(values, column.type) for values, column in zip(orjson.loads(line), schema, strict=True)]
            waiting.append(pa.record_batch(made, schema=schema))
            rows, size = rows + waiting[-1].num_rows, size + len(line)
            if rows >= ROWS or size >= BYTES:
                writer.write_table(pa.Table.from_batches(waiting, schema), row_group_size=rows)
                waiting, rows, size = [], 0, 0
            _answer(out, b"+", buffer.taken())
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting, schema), row_group_size=rows)
        writer.add_key_value_metadata({"batchproc.content": f"{buffer.tell()}:{buffer.sha256}"})
    _answer(out, b"+", buffer.taken())


def _schema(order: dict[str, Any]) -> Any:
    import pyarrow as pa

    types = {"text": pa.string(), "integer": pa.int64(), "real": pa.float64(), "boolean": pa.bool_()}
    fields = [
        pa.field(name, types.get(kind, pa.string()), metadata={"json": "true"} if kind == "json" else None)
        for name, kind in order["columns"]
    ]
    return pa.schema(fields, metadata=order["metadata"])


def _answer(out: IO[bytes], kind: bytes, content: bytes) -> None:
    out.write(kind + len(content).to_bytes(8, "big"))
    out.write(content)
    out.flush()


class _Tail(io.RawIOBase):
    """A file of which only what was written last is kept; its length counts all."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        self._length += len(self._parts[-1])
        self._digest.update(self._parts[-1])
        return len(self._parts[-1])

    def tell(self) -> int:
        return self._length

    def close(self) -> None:
        """What is left is still to be taken."""

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


if __name__ == "__main__":
    main()
