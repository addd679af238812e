"""One look at a job, from one snapshot: the same rows for every face, at the same cost however many units there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from batchproc.models import Event, Gold, Job, Trial, TrialResult
from batchproc.store import claims, draws, engine, events, jobs, revisions, rows, trials, verdicts


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningUnit:
    key: str
    attempt: int
    last_event: Event | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FailureGroup:
    """Units that failed or were flagged alike."""

    signature: str
    count: int
    example_key: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PilotLook:
    """The pilot's units by their keys, what was tried (newest first), and what it came to in the newest round and
    in the one before, by the trial's number. `gold` is what persons said of the job's answers."""

    keys: Sequence[str]
    trials: Sequence[Trial]
    results: Mapping[int, Sequence[TrialResult]]
    gold: Sequence[Gold] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A unit that became final: when, and what it came to; `seconds` is its last attempt's time; it never `ran` if it
    was cancelled before."""

    at: datetime
    ran: bool
    cost_usd: float
    tokens: int
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """`cancelling` counts running units that are being stopped. `waits_until` and `waits_for` are of the next pending
    unit. `changes` are what persons did of late. `finished` are the units that became final of late, newest first.
    `pilot` is there from the first round on, `review` from the first draw. `run_again` counts final units that an
    approval would run again: their answers are from before a change that is tried; `run_back` those that would run if
    it were taken back."""

    job: Job
    counts: Mapping[str, int]
    running: list[RunningUnit]
    failures: list[FailureGroup]
    finished: list[Ended]
    last_event: int
    reserved_usd: float
    cancelling: int
    waits_until: datetime | None
    waits_for: str | None
    changes: list[Event]
    pilot: PilotLook | None
    run_again: int = 0
    run_back: int = 0
    review: draws.ReviewLook | None = None


def look(tx: engine.Tx, job_id: str, *, running: int = 20, failures: int = 5, ended: int = 100) -> Snapshot | None:
    """The job as it stands; the numbers limit how many of each are listed. None: no such job."""
    job = jobs.by_id(tx, job_id)
    if job is None:
        return None
    return Snapshot(
        job=job,
        counts=jobs.ledger(tx, job.number),
        running=_running(tx, job.number, running),
        failures=_failures(tx, job.number, failures),
        finished=finished(tx, job, ended),
        last_event=events.last(tx),
        **_waiting(tx, job.number),
        changes=_changes(tx, job.number, 3),
        cancelling=tx.execute(CANCELLING, {"job": job.number}).fetchone()[0],
        pilot=_pilot(tx, job) if job.trial else None,
        run_again=revisions.run_again(tx, job),
        run_back=trials.run_back(tx, job),
        review=draws.look(tx, job.number),
        reserved_usd=claims.spent(tx, job.number)[1].reserved_usd,
    )


CANCELLING = "SELECT COUNT(*) FROM units WHERE job = :job AND intent = 'cancel'"

WAITING = """
SELECT due_at, reason FROM units WHERE job = :job AND status = 'pending' ORDER BY due_at, number LIMIT 1
"""


def _waiting(tx: engine.Tx, job: int) -> dict[str, Any]:
    """Until when the next pending unit waits, and for what."""
    row = tx.execute(WAITING, {"job": job}).fetchone()
    waits = row is not None and row["due_at"] > 0
    return {
        "waits_until": rows.certain(row["due_at"]) if waits else None,
        "waits_for": row["reason"] if waits else None,
    }


CHANGES = events.EVENT + "WHERE e.job = :job AND e.unit IS NULL ORDER BY e.seq DESC LIMIT :limit"


def _changes(tx: engine.Tx, job: int, limit: int) -> list[Event]:
    """What somebody did with the job of late, newest first."""
    found = [rows.event(row) for row in tx.execute(CHANGES, {"job": job, "limit": 10 * limit})]
    return [event for event in found if "by" in event.data][:limit]


RUNNING = "SELECT number, key, attempt FROM units WHERE job = :job AND status = 'running' ORDER BY number LIMIT :limit"


def _running(tx: engine.Tx, job: int, limit: int) -> list[RunningUnit]:
    found = tx.execute(RUNNING, {"job": job, "limit": limit}).fetchall()
    return [
        RunningUnit(
            key=row["key"],
            attempt=row["attempt"],
            last_event=next(iter(events.tail_of_unit(tx, row["number"], limit=1)), None),
        )
        for row in found
    ]


LARGEST_GROUPS = """
SELECT signature, n FROM failure_groups WHERE job = :job AND n > 0 ORDER BY n DESC LIMIT :limit
"""
EXAMPLE = """
SELECT key, error FROM units WHERE job = :job AND signature = :signature ORDER BY number LIMIT 1
"""


def _failures(tx: engine.Tx, job: int, limit: int) -> list[FailureGroup]:
    groups = []
    for row in tx.execute(LARGEST_GROUPS, {"job": job, "limit": limit}).fetchall():
        example = tx.execute(EXAMPLE, {"job": job, "signature": row["signature"]}).fetchone()
        groups.append(
            FailureGroup(
                signature=row["signature"], count=row["n"], example_key=example["key"], message=example["error"] or ""
            )
        )
    return groups


def _pilot(tx: engine.Tx, job: Job) -> PilotLook:
    if job.approved_at is not None:
        return PilotLook(keys=trials.keys(tx, job.number), trials=[], results={})
    tried = trials.trials(tx, job.number)
    shown = [one.n for one in tried if one.round == job.round or one.n == job.approved_trial]
    found = _before(tx, job, tried) | {n: trials.results(tx, job.number, n) for n in shown}
    known = verdicts.gold(tx, job.number)
    return PilotLook(keys=trials.keys(tx, job.number), trials=tried, results=found, gold=known)


def _before(tx: engine.Tx, job: Job, tried: Sequence[Trial]) -> dict[int, list[TrialResult]]:
    """What the newest round before came to; of one that was given up there is nothing."""
    for number in sorted({one.round for one in tried if one.round < job.round}, reverse=True):
        found = {one.n: trials.results(tx, job.number, one.n) for one in tried if one.round == number}
        if any(found.values()):
            return found
    return {}


FINISHED = """
SELECT u.finished_at, u.started_at, u.attempt,
    (SELECT SUM(a.cost_usd) FROM attempts a WHERE a.unit = u.number AND a.trial = :trial AND a.n > COALESCE(
        (SELECT MAX(attempt) FROM earlier_answers WHERE unit = u.number), 0)) AS cost_usd,
    (SELECT SUM(a.input_tokens + a.output_tokens + a.cache_read_tokens + a.cache_write_tokens) FROM attempts a
     WHERE a.unit = u.number AND a.trial = :trial AND a.n > COALESCE(
        (SELECT MAX(attempt) FROM earlier_answers WHERE unit = u.number), 0)) AS tokens
FROM units u WHERE u.job = :job AND u.finished_at IS NOT NULL ORDER BY u.finished_at DESC LIMIT :limit
"""


def finished(tx: engine.Tx, job: Job, limit: int) -> list[Ended]:
    """What an older description of the job, or an older payload, came to does not count."""
    return [
        Ended(
            at=rows.certain(row["finished_at"]),
            ran=row["attempt"] > 0,
            cost_usd=row["cost_usd"] or 0.0,
            tokens=row["tokens"] or 0,
            seconds=max(0.0, row["finished_at"] - (row["started_at"] or row["finished_at"])),
        )
        for row in tx.execute(FINISHED, {"job": job.number, "trial": job.trial, "limit": limit})
    ]
