"""review: 59 of 1,000,000 answers drawn by chance, and 20 for their risk, against the least that could be called one.

Ours is `review_units` as a face calls it: page by page, every answer gets its place in the random order, those that
could be among the risky ones are weighed, and the draw is kept in the store. The peer reads the same columns of the
same rows in one statement and keeps 59 of them (Algorithm R): no risk, nothing kept. Meanwhile somebody else reads the
store through the same connection, over and over: the longest that he waits is the second line.
"""

import asyncio
import json
import random
import time
from pathlib import Path

from batchproc import settings
from batchproc.models import JobSpec
from batchproc.service import BatchService
from batchproc.store import db, engine, jobs, readings, units
from benchmarks import house
from benchmarks.comparison import Row, in_turns

ANSWERS, CHUNK, DRAWN, ROUNDS = 1_000_000, 10_000, 59, 3
FINISH = """
UPDATE units SET status = CASE WHEN number % 50 = 0 THEN 'flagged' ELSE 'succeeded' END,
    attempt = 1 + (number % 20 = 0), signature = CASE WHEN number % 50 = 0 THEN 'x' END,
    error = CASE WHEN number % 50 = 0 THEN 'x' END, charged = 1, finished_at = 1.8e9 + number,
    cost_usd = 0.01 * (1 + number % 7), text = hex(zeroblob(100)),
    output = json_object('party', 'Vale ' || number, 'note', CASE WHEN number % 9 THEN hex(zeroblob(99)) END)
WHERE number > :after AND number <= :last
"""
ALL = "SELECT number, attempt, status, gone FROM units WHERE job = 1 AND finished_at IS NOT NULL ORDER BY number"
FORGET = ("DELETE FROM drawn_units", "DELETE FROM draws")


async def measure() -> list[Row]:
    waits: list[float] = []
    with house.folder() as place:
        environ = house.environment(place)
        home = settings.load(environ).home
        async with house.service(environ) as opened:
            job_id = await _answered(home)
            path = home / "batch.db"
            ours, peer = await in_turns(
                ROUNDS, lambda: _draw(opened, job_id, path, waits), lambda: asyncio.to_thread(_bare, path)
            )
    return [
        Row(name="review 1M", ours=ours, peer=peer, unit="s", floor=4, sense="≤"),
        Row(name="review 1M wait", ours=1000 * max(waits), peer=None, unit="ms", floor=500, sense="≤"),
    ]


async def _answered(home: Path) -> str:
    """A job all of whose units have ended."""
    async with db.Database(home) as store:
        spec = JobSpec(name="a job", instructions="Read it.", enumerator={"type": "list"})
        job, _ = await store.write(jobs.create, spec, house.OPTIONS, reader="benchmark", now=time.time())
        for first in range(1, ANSWERS + 1, CHUNK):
            rows = [(f"u{n}", {"value": n, "note": "x" * 300}, n) for n in range(first, first + CHUNK)]
            await store.write(units.add_many, job.number, jobs.FIRST_READING, json.dumps(rows))
        await store.write(readings.publish, job.number, jobs.FIRST_READING, now=time.time())
        for after in range(0, ANSWERS, CHUNK):
            await store.write(lambda tx, a: tx.execute(FINISH, {"after": a, "last": a + CHUNK}).rowcount, after)
    return job.job_id


async def _draw(opened: BatchService, job_id: str, path: Path, waits: list[float]) -> float:
    """Seconds of a first draw."""
    with engine.sqlite.connect(str(path)) as connection:
        for statement in FORGET:
            connection.execute(statement)
    asking = asyncio.create_task(_ask(opened, waits), name="somebody else")
    begun = time.perf_counter()
    page = await opened.review_units(job_id, DRAWN)
    took = time.perf_counter() - begun
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert page.review.drawn == DRAWN and page.review.population == ANSWERS - ANSWERS // 50
    return took


async def _ask(opened: BatchService, waits: list[float]) -> None:
    while True:
        begun = time.perf_counter()
        await opened.list_jobs()
        waits.append(time.perf_counter() - begun)
        await asyncio.sleep(0.02)


def _bare(path: Path) -> float:
    begun = time.perf_counter()
    kept: list[int] = []
    seen = 0
    with engine.sqlite.connect(f"{path.as_uri()}?mode=ro", uri=True) as connection:
        for number, _, status, gone in connection.execute(ALL):
            if status != "succeeded" or gone is not None:
                continue
            seen += 1
            if len(kept) < DRAWN:
                kept.append(number)
            elif (at := int(random.random() * seen)) < DRAWN:
                kept[at] = number
    assert len(kept) == DRAWN
    return time.perf_counter() - begun
