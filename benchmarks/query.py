"""query: a GROUP BY over 1,000,000 results through `query_results`, against the same statement in a bare connection.

Ours is the whole verb: columns looked for, a process started, the question run behind its walls, the answer presented.
The peer is written by hand over `units`, as somebody would who knows the store, and asked in this process with a
connection that is open already. The second peer asks through the very view of `query_results`. Five rounds in turns.

`query 60`: the same verb over 60 units, which is mostly the start of its process; the floor is in milliseconds.
"""

import time
from pathlib import Path

from batchproc import settings
from batchproc.models import Job
from batchproc.service import BatchService
from batchproc.store import db, engine, jobs, questions, readings, units
from benchmarks import house
from benchmarks.comparison import Row, in_turns

LARGE, SMALL = 1_000_000, 60
ROUNDS, STARTS = 5, 20
ASKED = "SELECT out_vendor, count(*) AS n FROM results GROUP BY 1 HAVING n > 5 ORDER BY 2 DESC LIMIT 8"
BARE = """
SELECT output ->> '$.vendor' AS out_vendor, count(*) AS n FROM units WHERE job = ? AND finished_at IS NOT NULL
GROUP BY 1 HAVING n > 5 ORDER BY 2 DESC LIMIT 8
"""
FILL = """
INSERT INTO units (job, key, payload, row, output, text, status, attempt, charged, cost_usd, started_at, finished_at)
WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < :count)
SELECT :job, printf('c-%07d', n),
    json_object('id', n, 'name', printf('Customer number %d', n), 'note', printf('seen in ward %d', n % 31)), n,
    json_object('vendor', printf('Vendor %d', n * 7919 % 2003), 'total', n % 977 + 0.5, 'tags', json_array('a', 'b')),
    'done', 'succeeded', 1, 1, 0.01, 1, 2
FROM c
"""
COUNT = """
UPDATE counters SET n = CASE status WHEN 'succeeded' THEN :count ELSE 0 END WHERE job = :job
"""


async def measure() -> list[Row]:
    with house.folder() as place:
        environ = house.environment(place)
        async with house.service(environ) as opened:
            home = settings.load(environ).home
            large, small = await _job(home, LARGE), await _job(home, SMALL)
            path = home / "batch.db"
            with_view = f"{path.as_uri()}?mode=ro"
            bare, viewed = (engine.sqlite.connect(with_view, uri=True) for _ in range(2))
            await _view(home, large, viewed)
            ours, peer, behind = await in_turns(
                ROUNDS,
                lambda: _ask(opened, large),
                lambda: _bare(bare, BARE, (large.number,)),
                lambda: _bare(viewed, ASKED, ()),
            )
            [start] = await in_turns(STARTS, lambda: _ask(opened, small))
    return [
        Row(name="query 1M : bare", ours=ours, peer=peer, unit="ms", floor=2, sense="≤"),
        Row(name="query 1M : bare view", ours=ours, peer=behind, unit="ms"),
        Row(name="query 60", ours=start, peer=None, unit="ms", floor=1000, sense="≤"),
    ]


async def _job(home: Path, count: int) -> Job:
    """A job with so many results. They are put there by one statement: how they came is not measured."""
    async with db.Database(home) as store:
        number = await house.empty_job(store)
        await store.write(units.add_many, number, jobs.FIRST_READING, "[]")
        await store.write(lambda tx: tx.execute(FILL, {"job": number, "count": count}).rowcount)
        await store.write(lambda tx: tx.execute("UPDATE jobs SET units_read = ? WHERE number = ?", (count, number)))
        job = await store.write(readings.publish, number, jobs.FIRST_READING, now=time.time())
        await store.write(lambda tx: tx.execute(COUNT, {"job": number, "count": count}).rowcount)
    return job


async def _view(home: Path, job: Job, connection: engine.Tx) -> None:
    async with db.Database(home) as store:
        known = await store.read(questions.sample, job)
    connection.execute(f"CREATE TEMP VIEW results AS {questions.view(job.number, known, 'main')}")


async def _ask(opened: BatchService, job: Job) -> float:
    begun = time.perf_counter()
    found = await opened.query_results(job.job_id, ASKED)
    assert len(found.rows) == 8 or job.total_units == SMALL
    return (time.perf_counter() - begun) * 1000


async def _bare(connection: engine.Tx, statement: str, values: tuple[int, ...]) -> float:
    begun = time.perf_counter()
    assert len(connection.execute(statement, values).fetchall()) == 8
    return (time.perf_counter() - begun) * 1000
