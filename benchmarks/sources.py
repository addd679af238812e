"""sources: reading each kind of source, against the fastest well-kept library that reads the same one.

Ours is `items()` consumed to its end: every item as a key, a payload and a row, checked (rows as wide as the header,
keys that are keys, no field twice, nothing that JSON cannot carry) and in a stable order, in constant memory. A peer
makes the same product, key, dict and row, and checks nothing beyond what its library does; it may take what memory it
likes and, for files, whatever order. All candidates take turns in one run; the fastest is the peer, and its name is in
the table. They differ in how they get at the dicts: a bare loop over a parser, or a column store that is asked for them
as quickly as it can give them.

`… in the store` is the rate of a whole `create_job` of that source, held against the same peer, for the picture only:
the peer keeps nothing (`enumerate` compares like with like).

Each run is a process of its own, and its memory is what it holds at its peak above what it held right before (as in
`enumerate`). Imports and the making of the sources count for neither.
"""

import asyncio
import json
import os
import sqlite3
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from batchproc import enumerators
from benchmarks import house, readers, table
from benchmarks.comparison import Row, in_turns
from benchmarks.enumerate import memory

ROWS = 1_000_000
FILES = 200_000
ROUNDS = 3


async def measure() -> list[Row]:
    rows = []
    with house.folder() as place:
        for kind, make in SOURCES.items():
            rows += await _measure(kind, make(place / kind))
    return rows


async def _measure(kind: str, source: Path) -> list[Row]:
    growths: list[float] = []

    async def contend(who: str) -> float:
        with house.folder() as own:
            command = (sys.executable, "-m", "benchmarks.sources", who, kind, str(source))
            told = json.loads(await house.run(*command, environ=house.environment(own)))
        if who == "ours":
            growths.append(told["grown_mb"])
        return float(told["rate"])

    names = list(readers.PEERS[kind])
    ours, *peers = await in_turns(ROUNDS, *(lambda who=who: contend(who) for who in ("ours", *names)))
    peer, name = max(zip(peers, names, strict=True))
    return [
        Row(name=f"{kind} : {name}", ours=ours, peer=peer, unit="rows/s", floor=0.5),
        Row(name=f"{kind} memory", ours=max(growths), peer=None, unit="MB", floor=64, sense="≤"),
        Row(name=f"{kind} in the store", ours=await contend("job"), peer=peer, unit="rows/s"),
    ]


def _a_table(place: Path) -> Path:
    return table.write(place.with_suffix(".csv"), ROWS)


def _an_array(place: Path) -> Path:
    return _joined(place.with_suffix(".json"), "[", ",\n", "]\n")


def _lines(place: Path) -> Path:
    return _joined(place.with_suffix(".jsonl"), "", "\n", "\n")


def _joined(path: Path, begin: str, between: str, end: str) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.write(begin)
        for n, row in enumerate(table.rows(ROWS)):
            file.write((between if n else "") + json.dumps(row, ensure_ascii=False))
        file.write(end)
    return path


def _a_database(place: Path) -> Path:
    connection = sqlite3.connect(path := place.with_suffix(".db"))
    connection.execute("CREATE TABLE t (id TEXT PRIMARY KEY, name TEXT, amount REAL, note TEXT) STRICT")
    connection.executemany("INSERT INTO t VALUES (:id, :name, :amount, :note)", table.rows(ROWS))
    connection.commit()
    connection.close()
    return path


def _a_folder(place: Path) -> Path:
    for n in range(FILES):
        if n % 1000 == 0:
            (folder := place / f"ward {n // 1000 % 20}" / f"town {n // 1000}").mkdir(parents=True)
        (folder / f"customer {n:07d}.txt").write_bytes(b"x" * (n % 100))
    return place


SOURCES: dict[str, Callable[[Path], Path]] = {
    "csv": _a_table,
    "jsonl": _lines,
    "json": _an_array,
    "sqlite": _a_database,
    "files": _a_folder,
}


def spec(kind: str, source: Path) -> dict[str, Any]:
    """What a user would write."""
    match kind:
        case "files":
            return {"type": "file", "base_directory": str(source)}
        case "sqlite":
            return {"type": "sql", "connection_string": str(source), "query": readers.QUERY, "id_column": "id"}
        case "csv":
            return table.enumerator(source)
        case _:
            return {"type": "json", "file_path": str(source), "id_field": "id"}


def reader(who: str, kind: str, source: Path) -> Callable[[], Iterator[Any]]:
    """Imports what it needs; nothing is read yet."""
    if who != "ours":
        return readers.PEERS[kind][who](source)
    items = enumerators.build(spec(kind, source)).items
    next(enumerators.build({**spec(kind, source), "limit": 1}).items())  # what is imported at the first item
    return items


def consume(read: Callable[[], Iterator[Any]]) -> tuple[int, float]:
    """Items read, and seconds."""
    begun = time.perf_counter()
    last = deque(read(), maxlen=1)[0]
    return last[2], time.perf_counter() - begun


async def job(kind: str, source: Path) -> tuple[int, float]:
    async with house.service(os.environ) as opened:
        begun = time.perf_counter()
        created = await house.create(opened, "Write one line.", spec(kind, source))
        return created.total_units, time.perf_counter() - begun


def main(who: str, kind: str, source: Path) -> None:
    """One run, in this process; prints its rate and megabytes as JSON."""
    if who == "job":
        read, seconds = asyncio.run(job(kind, source))
        before = 0.0
    else:
        ready = reader(who, kind, source)
        before = memory("VmRSS")
        read, seconds = consume(ready)
    assert read == (FILES if kind == "files" else ROWS), read
    print(json.dumps({"rate": read / seconds, "grown_mb": memory("VmHWM") - before}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
