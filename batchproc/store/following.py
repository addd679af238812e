"""What became true after a number, for one who follows from there."""

from collections.abc import Sequence

from batchproc.models import RawEvent
from batchproc.store import engine, events, rows

CHARACTERS = 1 << 20  # of data, that a page holds before its last event

NUMBERS = "SELECT number FROM jobs WHERE job_id = :job_id AND deleting = 0"
UNIT_NUMBERS = "SELECT number FROM units WHERE job = :job AND key = :key"

OF_JOB = f"""
{events.EVENT} WHERE e.job = :job AND e.seq > :after UNION ALL
{events.EVENT} WHERE e.job IS NULL AND e.seq > :after ORDER BY seq LIMIT :limit
"""  # what is of no job may tell that this one was deleted

OF_UNIT = events.EVENT + "WHERE e.unit = :unit AND e.seq > :after ORDER BY e.seq LIMIT :limit"


def follow(
    tx: engine.Tx, after: int, *, limit: int, job_id: str | None = None, key: str | None = None
) -> tuple[Sequence[RawEvent], int]:
    """The next events after number `after`, oldest first, at most `limit`, fewer where they are large; and the number
    up to which there is no other one that matters. With a job, or a unit of it,
    those of others may be left out, and need not be."""
    known = {"after": after, "limit": limit, **_narrowed(tx, job_id, key)}
    statement = OF_UNIT if "unit" in known else OF_JOB if "job" in known else events.AFTER
    found: list[RawEvent] = []
    size = 0
    for row in tx.execute(statement, known):
        found.append(_raw(row))
        size += len(found[-1].data)
        if len(found) == limit or size >= CHARACTERS:
            return found, found[-1].seq
    return found, max(after, events.last(tx))


def _narrowed(tx: engine.Tx, job_id: str | None, key: str | None) -> dict[str, int]:
    """By what there is an index to look with; nothing of a job that is not there (any more)."""
    if job_id is None or (job := tx.execute(NUMBERS, {"job_id": job_id}).fetchone()) is None:
        return {}
    if key is None:
        return {"job": job["number"]}
    unit = tx.execute(UNIT_NUMBERS, {"job": job["number"], "key": key}).fetchone()
    return {"job": job["number"]} if unit is None else {"unit": unit["number"]}


def _raw(row: engine.Row) -> RawEvent:
    job_id = rows.load(row["data"]).get("job_id") if row["kind"] == "job.deleted" else row["job_id"]
    return RawEvent(
        seq=row["seq"],
        at=rows.certain(row["at"]),
        kind=row["kind"],
        job_id=job_id,
        key=row["key"],
        attempt=row["attempt"],
        data=row["data"],
    )
