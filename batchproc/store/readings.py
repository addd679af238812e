"""Reading a source into the store: each reading has a token, and only the newest may add or delete units."""

from batchproc.errors import StoreError, TakenOver
from batchproc.models import Job
from batchproc.store import engine, events, jobs

BEGIN_READING = """
UPDATE jobs SET reading = reading + 1, reader = :reader, units_read = 0
WHERE number = :number AND status = 'enumerating' AND reader IS :previous RETURNING reading
"""


def begin_reading(tx: engine.Tx, number: int, *, reader: str, previous: str | None) -> int:
    """Become the one who reads the source, after `previous` (an identity, or None: nobody). Returns the token.

    Raises `TakenOver` if somebody else did so first.
    """
    row = tx.execute(BEGIN_READING, {"number": number, "reader": reader, "previous": previous}).fetchone()
    if row is None:
        raise TakenOver("the source of this job is being read by another process")
    return int(row["reading"])


READER = "SELECT reader FROM jobs WHERE number = :number AND status = 'enumerating'"


def reader(tx: engine.Tx, number: int) -> str | None:
    row = tx.execute(READER, {"number": number}).fetchone()
    return None if row is None else row["reader"]


REQUIRE_READING = "SELECT 1 FROM jobs WHERE number = :number AND reading = :reading AND status = 'enumerating'"


def require_reading(tx: engine.Tx, number: int, reading: int) -> None:
    if tx.execute(REQUIRE_READING, {"number": number, "reading": reading}).fetchone() is None:
        raise TakenOver("another reading of this source began, or the job was ended")


COUNT_READ = "UPDATE jobs SET units_read = units_read + :n WHERE number = :number RETURNING units_read"


def count_read(tx: engine.Tx, number: int, n: int) -> int:
    return int(tx.execute(COUNT_READ, {"number": number, "n": n}).fetchone()["units_read"])


HAND_OVER = "UPDATE jobs SET reader = NULL WHERE number = :number AND reading = :reading AND status = 'enumerating'"


def hand_over(tx: engine.Tx, number: int, reading: int) -> None:
    """Stop reading; the supervisor goes on with it, from the start."""
    tx.execute(HAND_OVER, {"number": number, "reading": reading})


DISCARD = """
DELETE FROM units WHERE number IN (SELECT u.number FROM units u JOIN jobs j ON j.number = u.job
                                   WHERE u.job = :number AND j.reading = :reading AND j.published = 0 LIMIT :limit)
"""


def discard_units(tx: engine.Tx, number: int, reading: int, *, limit: int) -> int:
    """Delete up to `limit` unpublished units in the name of the newest reading; returns how many there were."""
    return int(tx.execute(DISCARD, {"number": number, "reading": reading, "limit": limit}).rowcount)


PUBLISH = """
UPDATE jobs SET status = 'ready', published = 1, total_units = units_read, reader = NULL WHERE number = :number
RETURNING total_units
"""
COUNT_UNITS = "SELECT COUNT(*) FROM units WHERE job = :number"
COUNT_PENDING = "UPDATE counters SET n = :n WHERE job = :number AND status = 'pending'"


def publish(tx: engine.Tx, number: int, reading: int, *, now: float) -> Job:
    """The whole source is in: from here on its units are there, all at once. The ledger begins with what is there."""
    require_reading(tx, number, reading)
    total = tx.execute(PUBLISH, {"number": number}).fetchone()["total_units"]
    there = tx.execute(COUNT_UNITS, {"number": number}).fetchone()[0]
    if there != total:
        raise StoreError(f"{total} units were read, but the store holds {there}; nothing of it is published")
    tx.execute(COUNT_PENDING, {"number": number, "n": total})
    events.append(tx, "job.ready", at=now, job=number, data={"total_units": total})
    return jobs.by_number(tx, number)


FAIL_READING = """
UPDATE jobs SET status = 'failed', reason = :reason, reader = NULL, finished_at = :now, idempotency_key = NULL,
    units_read = 0
WHERE number = :number AND reading = :reading AND status = 'enumerating'
"""


def fail_reading(tx: engine.Tx, number: int, reading: int, *, reason: str, now: float) -> bool:
    """The source cannot be read: the job is failed, with no units. Its idempotency key is free for the next try."""
    if not tx.execute(FAIL_READING, {"number": number, "reading": reading, "reason": reason, "now": now}).rowcount:
        return False
    events.append(tx, "job.failed", at=now, job=number, data={"reason": reason})
    return True
