"""Facts, in the order in which they became true. Written with the change they tell of, in its transaction."""

from collections.abc import Mapping
from typing import Any

from batchproc.models import Event
from batchproc.store import engine, rows

APPEND = """
INSERT INTO events (at, kind, job, unit, attempt, data) VALUES (:at, :kind, :job, :unit, :attempt, :data)
"""


def append(
    tx: engine.Tx,
    kind: str,
    *,
    at: float,
    job: int | None = None,
    unit: int | None = None,
    attempt: int | None = None,
    data: Mapping[str, Any] | None = None,
) -> int:
    """Record a fact; returns its sequence number."""
    values = {"at": at, "kind": kind, "job": job, "unit": unit, "attempt": attempt, "data": rows.dump(data or {})}
    return int(tx.execute(APPEND, values).lastrowid)


EVENT = """
SELECT e.seq, e.at, e.kind, e.attempt, e.data, j.job_id AS job_id, u.key AS key
FROM events e LEFT JOIN jobs j ON j.number = e.job LEFT JOIN units u ON u.number = e.unit
"""

AFTER = EVENT + "WHERE e.seq > :after ORDER BY e.seq LIMIT :limit"


def after(tx: engine.Tx, seq: int, *, limit: int) -> list[Event]:
    """The next `limit` events after number `seq`, oldest first. 0 is before the first."""
    return [rows.event(row) for row in tx.execute(AFTER, {"after": seq, "limit": limit})]


OF_JOB = EVENT + "WHERE e.job = :job AND e.seq > :after ORDER BY e.seq LIMIT :limit"


def of_job(tx: engine.Tx, job: int, seq: int, *, limit: int) -> list[Event]:
    """The next `limit` events of one job after number `seq`, oldest first."""
    return [rows.event(row) for row in tx.execute(OF_JOB, {"job": job, "after": seq, "limit": limit})]


TAIL_OF_UNIT = EVENT + "WHERE e.unit = :unit ORDER BY e.seq DESC LIMIT :limit"


def tail_of_unit(tx: engine.Tx, unit: int, *, limit: int) -> list[Event]:
    """The last `limit` events of one unit, oldest first."""
    return [rows.event(row) for row in tx.execute(TAIL_OF_UNIT, {"unit": unit, "limit": limit})][::-1]


OF_UNIT = EVENT + "WHERE e.unit = :unit AND e.seq > :after ORDER BY e.seq LIMIT :limit"
BEFORE_OF_UNIT = EVENT + "WHERE e.unit = :unit AND e.seq < :before ORDER BY e.seq DESC LIMIT :limit"


def of_unit(tx: engine.Tx, unit: int, seq: int, *, limit: int) -> list[Event]:
    """The next `limit` events of one unit after number `seq`, oldest first."""
    return [rows.event(row) for row in tx.execute(OF_UNIT, {"unit": unit, "after": seq, "limit": limit})]


def of_unit_before(tx: engine.Tx, unit: int, seq: int, *, limit: int) -> list[Event]:
    """The last `limit` events of one unit before number `seq`, oldest first."""
    return [rows.event(row) for row in tx.execute(BEFORE_OF_UNIT, {"unit": unit, "before": seq, "limit": limit})][::-1]


OF_TOOLS = (
    EVENT
    + """
WHERE e.unit = :unit AND e.seq > :after AND e.kind IN ('agent.tool_use', 'agent.tool_result')
ORDER BY e.seq LIMIT :limit
"""
)


def of_tools(tx: engine.Tx, unit: int, seq: int, *, limit: int) -> list[Event]:
    """The next `limit` events after number `seq` that tell of a unit's tools, oldest first."""
    return [rows.event(row) for row in tx.execute(OF_TOOLS, {"unit": unit, "after": seq, "limit": limit})]


LAST = "SELECT COALESCE(MAX(seq), 0) FROM events"


def last(tx: engine.Tx) -> int:
    """The number of the newest event; 0 if there is none."""
    return int(tx.execute(LAST).fetchone()[0])


NEWEST = EVENT + "WHERE e.seq = (SELECT MAX(seq) FROM events)"  # noqa: S608 - our own columns


def newest(tx: engine.Tx) -> Event | None:
    row = tx.execute(NEWEST).fetchone()
    return None if row is None else rows.event(row)


FEW = 2_000
"""Events that are looked through for their jobs; where there are more, each job is asked for its newest."""
JOBS_OF_FEW = """
SELECT job_id FROM jobs WHERE number IN (SELECT job FROM events WHERE seq > :after AND seq <= :last)
"""
JOBS_OF_MANY = """
SELECT job_id FROM jobs INDEXED BY jobs_listed
WHERE deleting = 0 AND EXISTS (SELECT 1 FROM events WHERE job = jobs.number AND seq > :after)
"""
DELETED_JOBS = """
SELECT data ->> '$.job_id' AS job_id FROM events WHERE job IS NULL AND seq > :after AND kind = 'job.deleted'
"""


def changed_jobs(tx: engine.Tx, seq: int) -> tuple[int, list[str]]:
    """The number of the newest event, and the ids of the jobs that events after number `seq` tell of."""
    newest = last(tx)
    statement = JOBS_OF_FEW if newest - seq <= FEW else JOBS_OF_MANY
    values = {"after": seq, "last": newest}
    found = [row["job_id"] for sql in (statement, DELETED_JOBS) for row in tx.execute(sql, values)]
    return newest, sorted(set(found))
