"""enumerate: `create_job` over a CSV file of 1,000,000 rows against the least a Python program can do with it.

Ours is the whole call, as a face makes it: the description is checked, every row is checked (width, key, the
template's fields, text that JSON can carry), the units become visible all at once, and the first samples are read back.
The peer is a bare loop: `csv.reader`, `dict(zip(header, row))` through orjson, `executemany` in transactions of 10,000,
into the same schema with the same constraints, indexes and pragmas (WAL, synchronous=FULL, foreign keys), by the same
SQLite. It checks nothing beyond what the schema checks. Imports and the making of the file and the schema count for
neither.

Each run is a process of its own. Its memory is what it holds at its peak above what it held right before the call (on
Linux VmHWM and VmRSS: `ru_maxrss` survives exec, so a child starts with its parent's peak and hides its own growth).
"""

import asyncio
import csv
import json
import os
import resource
import sys
import time
from pathlib import Path

import orjson

from batchproc import settings
from batchproc.store import db, engine
from benchmarks import house, table
from benchmarks.comparison import Row, in_turns

ROWS = 1_000_000
CHUNK = 10_000
ROUNDS = 3


async def measure() -> list[Row]:
    with house.folder() as place:
        source = table.write(place / "customers.csv", ROWS)
        growths: list[float] = []

        async def contend(who: str) -> float:
            with house.folder() as own:
                command = (sys.executable, "-m", "benchmarks.enumerate", who, str(source))
                told = json.loads(await house.run(*command, environ=house.environment(own)))
            if who == "ours":
                growths.append(told["grown_mb"])
            return ROWS / float(told["seconds"])

        ours, peer = await in_turns(ROUNDS, lambda: contend("ours"), lambda: contend("peer"))
        return [
            Row(name="enumerate", ours=ours, peer=peer, unit="rows/s", floor=0.5),
            Row(name="enumerate memory", ours=max(growths), peer=None, unit="MB", floor=64, sense="≤"),
        ]


async def ours(source: Path) -> tuple[float, float]:
    """Seconds and megabytes of one `create_job`."""
    async with house.service(os.environ) as opened:
        before, begun = memory("VmRSS"), time.perf_counter()
        created = await house.create(opened, table.INSTRUCTIONS, table.enumerator(source))
        seconds, grown = time.perf_counter() - begun, memory("VmHWM") - before
        assert created.status == "ready" and created.total_units == ROWS, created
        return seconds, grown


async def bare_loop(source: Path) -> tuple[float, float]:
    """Seconds and megabytes of the peer."""
    home = settings.load().home
    async with db.Database(home) as store:
        number = await house.empty_job(store)
    connection = db._writer(home / "batch.db")  # with the pragmas that batchproc writes with
    before, begun = memory("VmRSS"), time.perf_counter()
    read = _insert_all(connection, number, source)
    seconds, grown = time.perf_counter() - begun, memory("VmHWM") - before
    kept = int(connection.execute("SELECT COUNT(*) FROM units").fetchone()[0])
    assert read == kept == ROWS, (read, kept)
    connection.close()
    return seconds, grown


def _insert_all(connection: engine.Tx, job: int, source: Path) -> int:
    insert = "INSERT INTO units (job, key, payload, row) VALUES (?, ?, ?, ?)"
    with source.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        chunk: list[tuple[int, str, str, int]] = []
        read = 0
        for read, row in enumerate(reader, 1):
            chunk.append((job, row[0], orjson.dumps(dict(zip(header, row))).decode(), read))  # noqa: B905 - bare
            if len(chunk) == CHUNK:
                _commit(connection, insert, chunk)
                chunk = []
        _commit(connection, insert, chunk)
    return read


def _commit(connection: engine.Tx, insert: str, chunk: list[tuple[int, str, str, int]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(insert, chunk)
    connection.execute("COMMIT")


def memory(field: str) -> float:
    """Megabytes of this process: `VmRSS` held now, `VmHWM` held at most. Elsewhere than on Linux the peak for both."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) / 1024


def main(who: str, source: Path) -> None:
    """One run, in this process; prints its seconds and megabytes as JSON."""
    seconds, grown = asyncio.run(ours(source) if who == "ours" else bare_loop(source))
    print(json.dumps({"seconds": seconds, "grown_mb": grown}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
