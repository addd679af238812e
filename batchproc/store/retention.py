"""How a job leaves the store: marked first, then emptied in small transactions, so that nobody waits for it."""

from batchproc.errors import WrongStatus
from batchproc.models import Job, JobStatus, Order
from batchproc.store import engine, events, jobs, rows
from batchproc.store.db import Database

ROWS = 5_000  # of each kind, in one transaction


async def delete_job(store: Database, job: Job, *, now: float, order: Order | None = None) -> None:
    """Delete a job and everything of it: units, attempts, results, events, logs. Its event numbers are not used again.

    Raises `WrongStatus` while something of it runs. A crash in between leaves it hidden; `finish_deletions` goes on.
    """
    await store.write(mark_deleted, job, now=now, order=order)
    await _erase(store, job.number)


async def delete_older_than(store: Database, *, before: float, now: float) -> int:
    """Delete every job that ended before the moment `before` (seconds since 1970); returns how many."""
    old = await store.read(finished_before, before=before)
    for job in old:
        await delete_job(store, job, now=now)
    return len(old)


async def finish_deletions(store: Database) -> None:
    """Go on with deletions that a crash interrupted."""
    for number in await store.read(marked):
        await _erase(store, number)


async def _erase(store: Database, number: int) -> None:
    while not await store.write(erase_some, number, limit=ROWS):
        pass


DELETABLE = frozenset(JobStatus) - {JobStatus.ENUMERATING, JobStatus.RUNNING}

MARK = "UPDATE jobs SET deleting = 1, idempotency_key = NULL WHERE number = :number AND deleting = 0"
RUNNING_UNITS = "SELECT 1 FROM units WHERE job = :number AND status = 'running' LIMIT 1"


def mark_deleted(tx: engine.Tx, job: Job, *, now: float, order: Order | None = None) -> None:
    """Hide the job from every face. Raises `WrongStatus` while something of it still runs."""
    job = jobs.by_number(tx, job.number)
    busy = tx.execute(RUNNING_UNITS, {"number": job.number}).fetchone() is not None
    if job.status not in DELETABLE or busy:
        ending = job.status in DELETABLE
        way_out = "its last agents are ending; again in some seconds" if ending else "cancel_job first"
        raise WrongStatus(job.job_id, job.status, "be deleted", way_out)
    if tx.execute(MARK, {"number": job.number}).rowcount:
        events.append(tx, "job.deleted", at=now, data={"job_id": job.job_id, "name": job.name, **jobs.told(order)})


MARKED = "SELECT number FROM jobs WHERE deleting = 1 ORDER BY number"


def marked(tx: engine.Tx) -> list[int]:
    """Numbers of jobs whose deletion has begun."""
    return [row["number"] for row in tx.execute(MARKED)]


STEPS = (
    "DELETE FROM attempts WHERE unit IN (SELECT number FROM units WHERE job = :number LIMIT :limit)",
    "DELETE FROM units WHERE number IN (SELECT number FROM units WHERE job = :number LIMIT :limit)",
    "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE job = :number LIMIT :limit)",
    "DELETE FROM logs WHERE number IN (SELECT number FROM logs WHERE job = :number LIMIT :limit)",
)
LAST_STEPS = (
    "DELETE FROM counters WHERE job = :number",
    "DELETE FROM failure_groups WHERE job = :number",
    "DELETE FROM sources WHERE job = :number",
    "DELETE FROM jobs WHERE number = :number AND deleting = 1",
)


def erase_some(tx: engine.Tx, number: int, *, limit: int) -> bool:
    """Delete up to `limit` rows of each kind of a marked job; True once nothing of it is left."""
    deleted = sum(tx.execute(step, {"number": number, "limit": limit}).rowcount for step in STEPS)
    if deleted:
        return False
    for step in LAST_STEPS:
        tx.execute(step, {"number": number})
    return True


OLDER_THAN = f"""
SELECT {jobs.COLUMNS} FROM jobs WHERE finished_at < :before AND deleting = 0 ORDER BY number
"""  # noqa: S608


def finished_before(tx: engine.Tx, *, before: float) -> list[Job]:
    """Jobs that ended before the moment `before` (seconds since 1970)."""
    return [rows.job(row) for row in tx.execute(OLDER_THAN, {"before": before})]
