"""How others read a source: by kind and name, a function that imports its library and gives the reading.

A reading yields (key, payload, row), as our enumerators do.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Item = tuple[str, Mapping[str, Any], int]
Reading = Callable[[], Iterator[Item]]

QUERY = "SELECT id, name, amount, note FROM t"
BATCH = 10_000


def _dicts(payloads: Iterable[Any]) -> Iterator[Item]:
    for row, payload in enumerate(payloads, 1):
        yield payload["id"], payload, row


def _records(names: Sequence[str], records: Iterable[Sequence[Any]]) -> Iterator[Item]:
    for row, record in enumerate(records, 1):
        yield record[0], dict(zip(names, record)), row  # noqa: B905 - bare


def _csv_reader(source: Path) -> Reading:
    import csv

    def read() -> Iterator[Item]:
        with source.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            yield from _records(next(rows), rows)

    return read


def _csv_polars(source: Path) -> Reading:
    import polars

    return lambda: _dicts(polars.read_csv(source, infer_schema=False).iter_rows(named=True))


def _csv_pyarrow(source: Path) -> Reading:
    import pyarrow.csv

    def read() -> Iterator[Item]:
        texts = pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(("id", "name", "amount", "note"), pyarrow.string())
        )
        with pyarrow.csv.open_csv(source, convert_options=texts) as batches:
            yield from _dicts(row for batch in batches for row in batch.to_pylist())

    return read


def _csv_duckdb(source: Path) -> Reading:
    import duckdb

    def read() -> Iterator[Item]:
        found = duckdb.connect().execute("SELECT * FROM read_csv(?, all_varchar = true)", [str(source)])
        names = [column[0] for column in found.description]
        yield from _records(names, (row for batch in iter(lambda: found.fetchmany(BATCH), []) for row in batch))

    return read


def _lines_orjson(source: Path) -> Reading:
    import orjson

    return lambda: _each_line(source, orjson.loads)


def _lines_msgspec(source: Path) -> Reading:
    import msgspec

    return lambda: _each_line(source, msgspec.json.Decoder().decode)


def _each_line(source: Path, parse: Callable[[bytes], Any]) -> Iterator[Item]:
    with source.open("rb") as file:
        yield from _dicts(map(parse, file))


def _lines_polars(source: Path) -> Reading:
    import polars

    return lambda: _dicts(polars.read_ndjson(source).iter_rows(named=True))


def _array_ijson(source: Path) -> Reading:
    import ijson

    def read() -> Iterator[Item]:
        with source.open("rb") as file:
            yield from _dicts(ijson.items(file, "item", use_float=True))

    return read


def _array_orjson(source: Path) -> Reading:
    import orjson

    return lambda: _dicts(orjson.loads(source.read_bytes()))


def _array_msgspec(source: Path) -> Reading:
    import msgspec

    return lambda: _dicts(msgspec.json.decode(source.read_bytes()))


def _sqlite3(source: Path) -> Reading:
    import sqlite3

    def read() -> Iterator[Item]:
        found = sqlite3.connect(source).execute(QUERY)
        yield from _records([column[0] for column in found.description], found)

    return read


def _scandir(source: Path) -> Reading:
    def walk(folder: str, relative: str) -> Iterator[tuple[str, str, str, int]]:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from walk(entry.path, f"{relative}{entry.name}/")
                else:
                    yield entry.path, relative + entry.name, entry.name, entry.stat().st_size

    def read() -> Iterator[Item]:
        for row, (path, relative, name, size) in enumerate(walk(str(source), ""), 1):
            payload = {"file_path": path, "relative_path": relative, "file_name": name}
            payload |= {"file_extension": os.path.splitext(name)[1].lower(), "file_size": size}
            yield relative, payload, row

    return read


PEERS: dict[str, dict[str, Callable[[Path], Reading]]] = {
    "csv": {"csv.reader": _csv_reader, "polars": _csv_polars, "pyarrow": _csv_pyarrow, "duckdb": _csv_duckdb},
    "jsonl": {"orjson": _lines_orjson, "msgspec": _lines_msgspec, "polars": _lines_polars},
    "json": {"ijson": _array_ijson, "orjson": _array_orjson, "msgspec": _array_msgspec},
    "sqlite": {"sqlite3": _sqlite3},
    "files": {"os.scandir": _scandir},
}
