"""export: 1,000,000 results from the store to a file, against the least a Python program can do with it.

Ours is the whole call, as a face makes it: the job is looked up, the fields of all results and their types are found,
every text is looked at for formulas (CSV), the file is written beside its place, hashed, synced to the disk and
renamed, and its ledger written. The peer is a bare loop over the same rows of the same store: the payload and the
answer through orjson, `csv.writer` or `orjson.dumps`, into a file. It knows the fields and checks nothing; it neither
syncs nor renames. Parquet and SQLite are told for the picture, with no peer.

Each run is a process of its own. Its memory is what it holds at its peak above what it held right before the call, as
in `enumerate`; making Parquet takes place in a child, which is not in it.
"""

import asyncio
import csv
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import orjson

from batchproc import settings
from batchproc.store import db, jobs, readings, units
from benchmarks import house, table
from benchmarks.comparison import Row, in_turns
from benchmarks.enumerate import memory

ROWS = 1_000_000
CHUNK = 10_000
ROUNDS = 3
ANSWER = """
UPDATE units SET status = 'succeeded', attempt = 1, charged = 1, finished_at = 1, cost_usd = 0.0123, tokens = 1000,
    text = '{"party": "Customer ' || number || '"}', output = json_object('party', 'Customer ' || number,
    'amount', number * 1.5, 'risk', iif(number % 3, 'low', 'high'), 'tags', json_array('a', 'b'))
"""
RESULTS = """
SELECT key, status, text, cost_usd, attempt, error, payload, output FROM units
WHERE job = 1 AND finished_at IS NOT NULL ORDER BY number
"""


async def measure() -> list[Row]:
    with house.folder() as place:
        environ = house.environment(place)
        await _fill(environ)
        growths: dict[str, list[float]] = {}

        async def contend(who: str, form: str) -> float:
            command = (sys.executable, "-m", "benchmarks.export", who, form)
            told = json.loads(await house.run(*command, environ=environ))
            growths.setdefault(f"{who} {form}", []).append(told["grown_mb"])
            return ROWS / float(told["seconds"])

        rows = []
        for form in ("csv", "jsonl"):
            ours, peer = await in_turns(ROUNDS, lambda f=form: contend("ours", f), lambda f=form: contend("peer", f))
            most = max(growths[f"ours {form}"])
            rows += [
                Row(name=f"export {form}", ours=ours, peer=peer, unit="rows/s", floor=0.3),
                Row(name=f"export {form} memory", ours=most, peer=None, unit="MB", floor=64, sense="≤"),
            ]
        return rows + [
            Row(name=f"export {form}", ours=await contend("ours", form), peer=None, unit="rows/s")
            for form in ("parquet", "sqlite")
        ]


async def _fill(environ: dict[str, str]) -> None:
    async with db.Database(settings.load(environ).home) as store:
        number, chunk = await house.empty_job(store), []
        for n, row in enumerate(table.rows(ROWS), 1):
            chunk.append((row["id"], row, n))
            if len(chunk) == CHUNK:
                text = orjson.dumps(chunk).decode()
                await store.write(units.add_many, number, jobs.FIRST_READING, text)
                chunk = []
        await store.write(readings.publish, number, jobs.FIRST_READING, now=time.time())
        await store.write(lambda tx: tx.execute(ANSWER).rowcount)


async def ours(form: str) -> tuple[float, float]:
    """Seconds and megabytes of one `export_results`."""
    async with house.service(os.environ) as opened:
        job = (await opened.list_jobs()).jobs[0].job_id
        before, begun = memory("VmRSS"), time.perf_counter()
        made = await opened.export_results(job, form, f"~/ours.{form}")
        seconds, grown = time.perf_counter() - begun, memory("VmHWM") - before
        assert made.rows == ROWS, made
        return seconds, grown


def bare_loop(form: str) -> tuple[float, float]:
    """Seconds and megabytes of the peer."""
    connection = db._reader(settings.load().home / "batch.db")
    connection.row_factory = None
    path = Path("~/peer").expanduser()
    before, begun = memory("VmRSS"), time.perf_counter()
    written = PEERS[form](connection.execute(RESULTS), path)
    seconds, grown = time.perf_counter() - begun, memory("VmHWM") - before
    assert written == ROWS, written
    return seconds, grown


def _csv(results: Any, path: Path) -> int:
    written = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for key, status, text, cost, attempts, error, payload, output in results:
            given, answer = orjson.loads(payload), orjson.loads(output)
            writer.writerow([key, status, text, cost, attempts, error, *given.values(), *answer.values()])
            written += 1
    return written


def _jsonl(results: Any, path: Path) -> int:
    written = 0
    with path.open("wb") as file:
        for key, status, text, cost, attempts, error, payload, output in results:
            record = {"key": key, "status": status, "text": text, "cost_usd": cost, "attempts": attempts}
            record |= {"error": error, **orjson.loads(payload), **orjson.loads(output)}
            file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
            written += 1
    return written


PEERS = {"csv": _csv, "jsonl": _jsonl}


def main(who: str, form: str) -> None:
    """One run, in this process; prints its seconds and megabytes as JSON."""
    seconds, grown = asyncio.run(ours(form)) if who == "ours" else bare_loop(form)
    print(json.dumps({"seconds": seconds, "grown_mb": grown}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
