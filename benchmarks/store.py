"""store: claim and settle 20,000 units from 8 tasks, every step durable before the next, three ways.

Ours is what the supervisor does with a unit: `claims.claim` of one, then `attempts.settle` with its text and bill,
each awaited until it is on the disk (WAL, synchronous=FULL). A claim also opens the attempt and tells an event; a
settle closes the attempt, adds the bill to the job, tells an event, keeps the counters, and completes the job with the
last one.

huey: 8 threads, as its consumer has by default, each in the loop `dequeue`, then `put_data` of the result, on
`SqliteStorage(fsync=True)` in its default WAL mode: the same durability. Only the two storage calls are timed; what
huey's consumer does around them (unpickling, a third transaction for the revocation flag, logging) is left out in its
favour, and so is enqueueing. It has no attempts, events, fencing or counters. It runs on the standard library's SQLite,
as its users have it.

bare: the machine's limit with our own group commit. The same tasks call the same `Database.write`, so the batches are
of the same sizes, but each verb is one bare UPDATE, on a table with the same unique constraint and the index that
claims need, and nothing else.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
from huey.storage import SqliteStorage  # type: ignore[import-untyped]

from batchproc.models import Credential, Report, Settlement, Tokens, UnitStatus
from batchproc.store import attempts, claims, db, engine, jobs, processes, readings, units
from benchmarks import house
from benchmarks.comparison import Row, in_turns

UNITS = 20_000
TASKS = 8
ROUNDS = 5
TEXT = "RESULT: the customer was seen twice and wants to be called on Monday."
PAYLOAD = {"id": "c-0000001", "name": "Customer number 1", "amount": "17.03", "note": "seen in ward 3"}


async def measure() -> list[Row]:
    ours, bare, huey = await in_turns(ROUNDS, _ours, _bare, _huey)
    return [
        Row(name="store : huey", ours=ours, peer=huey, unit="units/s", floor=4),
        Row(name="store : bare updates", ours=ours, peer=bare, unit="units/s", floor=0.4),
    ]


async def _ours() -> float:
    with house.folder() as place:
        async with db.Database(place / "home") as store:
            number, epoch = await _running_job(store)

            async def one_unit() -> bool:
                claimed = (await store.write(claims.claim, number, epoch=epoch, limit=1, now=time.time())).units
                for unit in claimed:
                    assert await store.write(attempts.settle, unit.fence, _end(), now=time.time())
                return bool(claimed)

            rate = await _rate(one_unit)
            job = await store.read(jobs.by_number, number)
            ledger = await store.read(jobs.ledger, number)
            assert (job.status, ledger["succeeded"]) == ("completed", UNITS), (job, ledger)
            return rate


async def _running_job(store: db.Database) -> tuple[int, int]:
    """Its number and the epoch that owns the store."""
    now = time.time()
    epoch = await store.write(processes.take_over, process="benchmark", guard="full", now=now)
    number = await house.empty_job(store)
    chunk = orjson.dumps([(f"u{n}", PAYLOAD, n) for n in range(1, UNITS + 1)]).decode()
    await store.write(units.add_many, number, jobs.FIRST_READING, chunk)
    await store.write(readings.publish, number, jobs.FIRST_READING, now=now)
    await store.write(jobs.start, number, credential=Credential.REHEARSAL, now=now)
    return number, epoch


def _end() -> Settlement:
    bill = Tokens(input=900, output=30, cache_read=1200)
    report = Report(ended="result", text=TEXT, cost_usd=0.01, tokens=bill, turns=1, api_calls=1)
    return Settlement(status=UnitStatus.SUCCEEDED, outcome="succeeded", report=report, text=TEXT)


async def _rate(one_unit: Callable[[], Awaitable[bool]]) -> float:
    """Units a second, from 8 tasks that go on until there is none left."""

    async def work() -> None:
        while await one_unit():
            pass

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for n in range(TASKS):
            group.create_task(work(), name=f"task {n}")
    return UNITS / (time.perf_counter() - begun)


BARE_TABLE = """
CREATE TABLE bare (
    number INTEGER PRIMARY KEY, job INTEGER NOT NULL, key TEXT NOT NULL, payload TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending', due_at REAL NOT NULL DEFAULT 0, attempt INTEGER NOT NULL DEFAULT 0,
    text TEXT, started_at REAL, finished_at REAL, UNIQUE (job, key)
) STRICT
"""
BARE_INDEX = "CREATE INDEX bare_due ON bare (job, due_at, number) WHERE status = 'pending'"
BARE_CLAIM = """
UPDATE bare SET status = 'running', attempt = attempt + 1, started_at = :now
WHERE number = (SELECT number FROM bare WHERE job = 1 AND status = 'pending' AND due_at <= :now
                ORDER BY due_at, number LIMIT 1)
RETURNING number, payload
"""
BARE_SETTLE = "UPDATE bare SET status = 'succeeded', text = :text, finished_at = :now WHERE number = :number"


async def _bare() -> float:
    with house.folder() as place:
        async with db.Database(place / "home") as store:
            await store.write(_make_bare)

            async def one_unit() -> bool:
                row = await store.write(_claim_bare, time.time())
                if row is not None:
                    await store.write(_settle_bare, row["number"], time.time())
                return row is not None

            rate = await _rate(one_unit)
            assert await store.read(_count_bare) == UNITS
            return rate


def _make_bare(tx: engine.Tx) -> None:
    tx.execute(BARE_TABLE)
    tx.execute(BARE_INDEX)
    payload = orjson.dumps(PAYLOAD).decode()
    insert = "INSERT INTO bare (job, key, payload) VALUES (1, ?, ?)"
    tx.executemany(insert, [(f"u{n}", payload) for n in range(1, UNITS + 1)])


def _claim_bare(tx: engine.Tx, now: float) -> engine.Row | None:
    return tx.execute(BARE_CLAIM, {"now": now}).fetchone()


def _settle_bare(tx: engine.Tx, number: int, now: float) -> None:
    tx.execute(BARE_SETTLE, {"number": number, "text": TEXT, "now": now})


def _count_bare(tx: engine.Tx) -> int:
    return int(tx.execute("SELECT COUNT(*) FROM bare WHERE status = 'succeeded'").fetchone()[0])


async def _huey() -> float:
    with house.folder() as place:
        return await asyncio.to_thread(_huey_rate, place / "huey.db")


def _huey_rate(path: Path) -> float:
    storage = SqliteStorage("benchmark", filename=str(path), fsync=True)
    message = orjson.dumps(PAYLOAD)
    with storage.db(commit=True) as cursor:  # enqueued at once, uncounted
        insert = "insert into task (queue, data, priority) values (?, ?, 0)"
        cursor.executemany(insert, [("benchmark", message)] * UNITS)
    numbers = iter(range(UNITS + TASKS))

    def consume() -> None:
        while storage.dequeue() is not None:
            storage.put_data(f"task-{next(numbers)}", TEXT.encode(), is_result=True)

    threads = [threading.Thread(target=consume, name=f"huey {n}") for n in range(TASKS)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = UNITS / (time.perf_counter() - begun)
    assert (storage.queue_size(), storage.result_store_size()) == (0, UNITS)
    storage.close()
    return rate
