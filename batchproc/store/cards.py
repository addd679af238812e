"""A page of jobs for somebody who looks around: each with what it came to, at a few statements for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from batchproc.models import Job, JobStatus, UnitStatus
from batchproc.store import engine, events, jobs, rows, status

JOB_NUMBERS = r"""
SELECT number FROM jobs INDEXED BY jobs_listed WHERE deleting = 0 AND number < :before
    AND (:status IS NULL OR status = :status)
    AND (:like IS NULL OR name LIKE :like ESCAPE '\' OR job_id LIKE :like ESCAPE '\')
ORDER BY number DESC LIMIT :limit
"""
COUNT_JOBS = r"""
SELECT COUNT(*) FROM jobs INDEXED BY jobs_listed WHERE deleting = 0 AND (:status IS NULL OR status = :status)
    AND (:like IS NULL OR name LIKE :like ESCAPE '\' OR job_id LIKE :like ESCAPE '\')
"""
JOBS = f"""
SELECT {jobs.COLUMNS} FROM jobs WHERE number IN (SELECT value FROM json_each(:numbers)) ORDER BY number DESC
"""  # noqa: S608 - our own columns
LEDGERS = "SELECT job, status, n FROM counters WHERE job IN (SELECT value FROM json_each(:numbers))"
NEWEST = 100
"""Units that a forecast rests on, as for `status.look`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A job in a list. `finished` are the units that became final of late, if it runs."""

    job: Job
    counts: Mapping[str, int]
    finished: Sequence[status.Ended]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cards:
    cards: Sequence[Card]
    total: int
    last_event: int


def page(tx: engine.Tx, *, state: JobStatus | None, text: str | None, before: int, limit: int) -> Cards:
    """The next `limit` jobs older than number `before`, newest first, and how many match in all."""
    values = {"status": state, "like": rows.like(text), "before": before, "limit": limit}
    numbers = rows.dump([row["number"] for row in tx.execute(JOB_NUMBERS, values)])
    counts: dict[int, dict[str, int]] = {}
    for row in tx.execute(LEDGERS, {"numbers": numbers}):
        counts.setdefault(row["job"], dict.fromkeys(UnitStatus, 0))[row["status"]] = row["n"]
    found = [rows.job(row) for row in tx.execute(JOBS, {"numbers": numbers})]
    return Cards(
        cards=[Card(job=job, counts=counts[job.number], finished=_finished(tx, job)) for job in found],
        total=tx.execute(COUNT_JOBS, values).fetchone()[0],
        last_event=events.last(tx),
    )


def _finished(tx: engine.Tx, job: Job) -> Sequence[status.Ended]:
    return status.finished(tx, job, NEWEST) if job.status is JobStatus.RUNNING else ()
