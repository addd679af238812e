"""What the whole store comes to: jobs and units by status, what ended when, what waits, what runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from batchproc.models import Event, Job, JobStatus, UnitStatus
from batchproc.store import engine, events, jobs, rows

JOBS = "SELECT status, COUNT(*) AS n FROM jobs INDEXED BY jobs_listed WHERE deleting = 0 GROUP BY status"
UNITS = """
SELECT c.status, SUM(c.n) AS n FROM jobs j INDEXED BY jobs_listed JOIN counters c ON c.job = j.number
WHERE j.deleting = 0 GROUP BY c.status
"""
SPENT = """
SELECT COALESCE(SUM(cost_usd), 0.0), COALESCE(SUM(wasted_usd), 0.0), COALESCE(SUM(tokens), 0) FROM jobs
WHERE deleting = 0
"""
SPENT_BY = "SELECT cost_usd, wasted_usd, tokens FROM jobs WHERE number = :job"
SIZE = "SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size"


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """What ended in one span of time; `at` is its beginning."""

    at: datetime
    succeeded: int
    flagged: int
    failed: int
    other: int
    cost_usd: float
    tokens: int
    cache_read: int
    cache_write: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    jobs: Mapping[str, int]
    units: Mapping[str, int]
    cost_usd: float
    wasted_usd: float
    tokens: int
    database_bytes: int
    series: Sequence[Span]


SERIES = """
SELECT minute / :span * :span AS at, SUM(succeeded) AS succeeded, SUM(flagged) AS flagged, SUM(failed) AS failed,
    SUM(other) AS other, SUM(cost_usd) AS cost_usd, SUM(tokens) AS tokens, SUM(cache_read) AS cache_read,
    SUM(cache_write) AS cache_write
FROM job_minutes {index} WHERE {narrowed} AND minute >= :first GROUP BY at ORDER BY at
"""
OF_ALL = {
    "index": "INDEXED BY job_minutes_in_order",
    "narrowed": "job NOT IN (SELECT number FROM jobs WHERE deleting = 1)",
}
OF_JOB = {"index": "", "narrowed": "job = :job"}


def totals(tx: engine.Tx, job: Job | None, *, since: float, span_s: int) -> Totals:
    """Of a job or of the whole store; what ended since a time, in spans of whole minutes."""
    spent = tx.execute(SPENT if job is None else SPENT_BY, {} if job is None else {"job": job.number}).fetchone()
    return Totals(
        jobs=_jobs(tx, job),
        units=_units(tx, job),
        cost_usd=spent[0],
        wasted_usd=max(0.0, spent[1]),
        tokens=spent[2],
        database_bytes=tx.execute(SIZE).fetchone()["bytes"],
        series=_series(tx, job, since, span_s // 60),
    )


def _jobs(tx: engine.Tx, job: Job | None) -> dict[str, int]:
    none = dict.fromkeys(map(str, JobStatus), 0)
    return none | ({row["status"]: row["n"] for row in tx.execute(JOBS)} if job is None else {str(job.status): 1})


def _units(tx: engine.Tx, job: Job | None) -> dict[str, int]:
    if job is not None:
        return jobs.ledger(tx, job.number)
    return dict.fromkeys(map(str, UnitStatus), 0) | {row["status"]: row["n"] for row in tx.execute(UNITS)}


def _series(tx: engine.Tx, job: Job | None, since: float, minutes: int) -> list[Span]:
    values = {"span": minutes, "first": int(since // 60) // minutes * minutes, "job": job.number if job else None}
    found = tx.execute(SERIES.format(**(OF_ALL if job is None else OF_JOB)), values)
    names = ("succeeded", "flagged", "failed", "other", "cost_usd", "tokens", "cache_read", "cache_write")
    return [Span(at=rows.certain(row["at"] * 60), **{name: row[name] for name in names}) for row in found]


# What waits and what runs.


@dataclass(frozen=True, kw_only=True, slots=True)
class Busy:
    """A unit that runs."""

    job_id: str
    job: str
    key: str
    attempt: int
    since: datetime
    last_event: Event | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulse:
    """`due` of the `pending` units of jobs that run may be started now. `guard` is that of the newest supervisor."""

    active_jobs: int
    pending: int
    running: int
    due: int
    epoch: int | None
    guard: str | None
    last: Event | None


NEWEST_SUPERVISOR = "SELECT epoch, guard FROM supervisors ORDER BY epoch DESC LIMIT 1"
LATER = "SELECT COUNT(*) FROM units WHERE job = :job AND status = 'pending' AND due_at > :now"
PILOT_DUE = "SELECT COUNT(*) FROM units WHERE job = :job AND pilot = 1 AND status = 'pending' AND due_at <= :now"
RUNNING = "SELECT COUNT(*) FROM units WHERE status = 'running'"


def pulse(tx: engine.Tx, *, now: float) -> Pulse:
    """How it goes, without counting what is counted."""
    active = jobs.active(tx)
    working = [job for job in active if job.status in {JobStatus.PILOT, JobStatus.RUNNING}]
    supervisor = tx.execute(NEWEST_SUPERVISOR).fetchone()
    return Pulse(
        active_jobs=len(active),
        pending=sum(jobs.ledger(tx, job.number)["pending"] for job in working),
        running=tx.execute(RUNNING).fetchone()[0],
        due=sum(_due(tx, job, now) for job in working),
        epoch=supervisor["epoch"] if supervisor else None,
        guard=supervisor["guard"] if supervisor else None,
        last=events.newest(tx),
    )


def _due(tx: engine.Tx, job: Job, now: float) -> int:
    """Those that wait for a time are few."""
    values = {"job": job.number, "now": now}
    if job.status is JobStatus.PILOT:
        return int(tx.execute(PILOT_DUE, values).fetchone()[0])
    return int(jobs.ledger(tx, job.number)["pending"] - tx.execute(LATER, values).fetchone()[0])


BUSY = """
SELECT u.number, u.key, u.attempt, u.started_at, j.job_id, j.name FROM units u JOIN jobs j ON j.number = u.job
WHERE u.status = 'running'
"""


def busy(tx: engine.Tx) -> list[Busy]:
    """Every unit that runs, those that run longest first."""
    found = [
        Busy(
            job_id=row["job_id"],
            job=row["name"],
            key=row["key"],
            attempt=row["attempt"],
            since=rows.certain(row["started_at"]),
            last_event=next(iter(events.tail_of_unit(tx, row["number"], limit=1)), None),
        )
        for row in tx.execute(BUSY).fetchall()
    ]
    return sorted(found, key=lambda one: one.since)


def look(tx: engine.Tx, *, now: float) -> tuple[Pulse, list[Busy]]:
    """Both, of one moment."""
    return pulse(tx, now=now), busy(tx)
