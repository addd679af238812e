"""The only place that knows Parquet sources: one item a row, its columns as fields, with the types that they have."""

from collections.abc import Generator, Mapping
from contextlib import closing
from importlib.util import find_spec
from itertools import repeat
from typing import Any, ClassVar

from pydantic import Field

from batchproc.enumerators import _columns, _common, _program
from batchproc.enumerators.base import Config
from batchproc.errors import InvalidJob
from batchproc.models import Item

LIBRARY = "pyarrow"
MISSING = 'needs pyarrow, which is not installed here; install it with: pip install "batchproc[parquet]"'


class ParquetConfig(Config):
    """Which file, and which of its columns."""

    file_path: _common.AbsolutePath = Field(
        description="Absolute path of the Parquet file, or a pattern: /abs/part-*.parquet"
    )
    id_column: str | None = Field(
        None, description="Column whose values are unique (default: the row number is the key)"
    )
    columns: list[str] | None = Field(None, min_length=1, description="Columns to keep (default: all)")
    limit: _common.Limit = None


class ParquetEnumerator:
    """Reads a Parquet file row by row.

    Dates and times are ISO 8601 text, with a time zone in UTC; decimals are text, because JSON would round them; NaN is
    null, and a warning tells so. Raises `InvalidJob` if the library is not installed.
    """

    kind: ClassVar[str] = "parquet"
    place: ClassVar[str] = "row"
    about: ClassVar[str] = "Rows of a Parquet file (needs the extra batchproc[parquet]); one item per row"
    config_model: ClassVar[type[Config]] = ParquetConfig
    example: ClassVar[Mapping[str, Any]] = {"file_path": "/home/me/events.parquet", "id_column": "event_id"}

    def __init__(self, config: ParquetConfig) -> None:
        if find_spec(LIBRARY) is None:
            raise InvalidJob("enumerator.type", self.kind, MISSING)
        self._config = config
        self._path = config.file_path
        self._notes: list[str] = []

    @property
    def source(self) -> str:
        return self._path

    def warnings(self) -> list[str]:
        return self._notes

    def items(self) -> Generator[Item, None, None]:
        return _common.limited(self._items(), self._config.limit)

    def _items(self) -> Generator[Item, None, None]:
        self._notes = []
        config = self._config
        wanted = None if config.columns is None else [*config.columns, *filter(None, [config.id_column])]
        with closing(_program.parts(self._path, format="parquet", columns=wanted)) as parts:
            about = next(parts)
            _columns.choose(self._path, about["columns"], keep=config.columns, id_column=config.id_column)
            chosen = _columns.choose(self._path, about["read"], keep=config.columns, id_column=config.id_column)
            yield from self._rows(parts, chosen)

    def _rows(self, parts: Generator[Any, None, None], columns: _columns.Columns) -> Generator[Item, None, None]:
        (names, keep, key_at), number = columns, 1
        kept = [name for name, _ in keep] or names
        for part in parts:
            if type(part) is dict:
                self._notes.append(part["warning"])
                continue
            values = zip(*([part[at] for _, at in keep] or part))  # noqa: B905 - columns of one table
            payloads = list(map(dict, map(zip, repeat(kept), values)))
            keys = None if key_at is None else part[key_at]
            id_column = self._config.id_column or ""
            yield from _common.named_items(payloads, keys, number, self._path, "row", "id_column", id_column)
            number += len(payloads)
