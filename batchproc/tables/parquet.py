"""The only place that knows pyarrow: the rows of a Parquet file, some at a time, as values that JSON has."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from batchproc.tables.talk import Refused, duration

ROWS = 500
BATCH = 2 << 20
"""At most so many rows, and about so many bytes, in one line of JSON."""

READ = 1 << 16
"""Bytes read at once from a column, instead of all that a row group has of it."""


def parts(order: dict[str, Any]) -> Iterator[dict[str, Any] | list[Any]]:
    """First {"columns", "read"}: all names, and those whose values follow, a list for each column, some rows at a time.
    {"warning"} may come between."""
    with _opened(order["path"]) as table:
        schema = table.schema_arrow
        wanted = order["columns"]
        places = [n for n, name in enumerate(schema.names) if wanted is None or name in wanted]
        yield {"columns": schema.names, "read": [schema.names[n] for n in places]}
        if wanted is None or set(wanted) <= set(schema.names):
            yield from _rows(table, places, [_Column(schema.field(n)) for n in places])


def plain(value: Any) -> Any:
    """Of what stands in lists and objects, that which JSON does not have."""
    match value:
        case timedelta():
            return duration(value)
        case Decimal():
            return str(value)
        case bytes():
            return value.decode()
        case _:
            raise TypeError


def _opened(path: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=READ)
    except pa.ArrowInvalid as error:
        raise Refused(f"is no Parquet file, or only a part of one ({_first_line(error)})") from None
    except OSError as error:
        if "encrypted" in str(error):
            raise Refused("is encrypted; save a copy that is not and name that") from None
        raise Refused(f"is damaged ({_first_line(error)}); copy or download it again") from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(". ")


def _rows(table: pq.ParquetFile, places: list[int], columns: list["_Column"]) -> Iterator[dict[str, Any] | list[Any]]:
    row = 0
    # A name with a dot would be taken for a path: then everything is read.
    names = [column.name for column in columns]
    some = len(names) < len(table.schema_arrow.names) and not any("." in name for name in names)
    try:
        batches = table.iter_batches(_batch_rows(table), columns=names if some else None, use_threads=False)
        for batch in batches:
            values = [batch.column(n if some else at) for n, at in enumerate(places)]
            lists = [column.values(each, row) for column, each in zip(columns, values, strict=True)]
            yield from ({"warning": column.warning.pop()} for column in columns if column.warning)
            yield lists
            row += batch.num_rows
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise Refused(f"is damaged ({_first_line(error)}); copy or download it again", f"after row {row}") from None


def _batch_rows(table: pq.ParquetFile) -> int:
    meta = table.metadata
    size: int = sum(meta.row_group(n).total_byte_size for n in range(meta.num_row_groups))
    rows: int = BATCH * max(meta.num_rows, 1) // max(size, 1)
    return max(1, min(ROWS, rows))


class _Column:
    """How a column's values become such that JSON has."""

    def __init__(self, field: pa.Field) -> None:
        self.name: str = field.name
        self.warning: list[str] = []
        self._warned = False
        self._type = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        self._convert = self._converter(self._type)

    def values(self, column: pa.Array, row: int) -> list[Any]:
        """`row` is how many rows came before. Raises `Refused` with the row."""
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        try:
            return self._convert(column, row)
        except (pa.ArrowInvalid, UnicodeDecodeError):
            raise self._unfit("holds binary data", row) from None
        except ValueError:
            raise self._unfit("holds times with nanoseconds in lists or objects", row) from None

    def _unfit(self, problem: str, row: int) -> Refused:
        way_out = "leave it out by naming the others with columns, or write it as text"
        return Refused(f"column {self.name!r} {problem}, which JSON does not have; {way_out}", f"after row {row}")

    def _converter(self, kind: pa.DataType) -> Callable[[pa.Array, int], list[Any]]:
        types = pa.types
        if types.is_floating(kind):
            return self._numbers
        if types.is_timestamp(kind) or types.is_time(kind) or types.is_date(kind):
            return _times
        if types.is_decimal(kind) or types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind):
            return lambda column, _: column.cast(pa.string()).to_pylist()
        if types.is_duration(kind):
            return lambda column, _: column.cast(pa.duration("us"), safe=False).to_pylist()
        if types.is_nested(kind):
            return self._nested
        return lambda column, _: column.to_pylist()

    def _numbers(self, column: pa.Array, row: int) -> list[Any]:
        column = column.cast(pa.float64())
        if not pc.all(pc.is_finite(column), skip_nulls=True).as_py():
            infinite = pc.index(pc.is_inf(column), True).as_py()
            if infinite >= 0:
                raise self._infinite(row + infinite + 1)
            missing = pc.is_nan(column)
            self._warn(row + pc.index(missing, True).as_py() + 1)
            column = pc.if_else(missing, None, column)
        return column.to_pylist()  # type: ignore[no-any-return]

    def _nested(self, column: pa.Array, row: int) -> list[Any]:
        values: list[Any] = column.to_pylist()
        if any(word in str(self._type) for word in ("float", "double")):
            for at, value in enumerate(values, row + 1):
                if not _is_finite(value):
                    raise self._infinite(at)
        return values

    def _infinite(self, row: int) -> Refused:
        problem = f"column {self.name!r} holds a number that is infinite or none, which JSON does not have"
        return Refused(
            f"{problem}; write null in its place, or leave the column out by naming the others with columns",
            f"row {row}",
        )

    def _warn(self, row: int) -> None:
        if not self._warned:
            self._warned = True
            self.warning.append(f"NaN in column {self.name!r} was read as null, first in row {row}")


def _times(column: pa.Array, _: int) -> list[Any]:
    """ISO 8601; with a time zone as UTC. As text from the start: Python knows no nanoseconds."""
    utc = pa.types.is_timestamp(column.type) and column.type.tz is not None
    if utc:
        column = column.cast(pa.int64()).cast(pa.timestamp(column.type.unit))
    text = pc.replace_substring(column.cast(pa.string()), " ", "T")
    text = pc.replace_substring_regex(text, r"\.0+$|(\.\d*[1-9])0+$", r"\1")
    return [None if each is None else each + "Z" for each in text.to_pylist()] if utc else text.to_pylist()


def _is_finite(value: Any) -> bool:
    match value:
        case float():
            return isfinite(value)
        case dict():
            return all(map(_is_finite, value.values()))
        case list() | tuple():
            return all(map(_is_finite, value))
        case _:
            return True
