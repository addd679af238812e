"""What was ordered and is not all done yet: retries, cancellations, deletions; a few thousand rows a step.

An order is a row, so that whoever gave it may go away: a face works it off for a while, the supervisor does the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from batchproc import staleness
from batchproc.errors import StoreError
from batchproc.models import Credential, Job, JobStatus, Order, UnitStatus
from batchproc.store import control, earlier, engine, events, jobs, pilots, retention, rows

STEP = 5_000
"""Units of one step: it takes a fraction of a second, and nobody waits longer for the writer."""
ENDED = {JobStatus.COMPLETED, JobStatus.CANCELLED, JobStatus.FAILED}


class HasEnded(StoreError):
    """The job has ended meanwhile: to run again it needs somebody who pays."""


class StillCancelling(StoreError):
    """Units of the job wait for their cancellation: they would run if it were opened again before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which final units are meant: by status, by the signature of their failure, or by their keys. One of them."""

    status: UnitStatus | None = None
    signature: str | None = None
    keys: Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Again:
    """How units are asked for again: with `note` beside the instructions, in their old conversation or a new one. A job
    that has ended is paid with `credential`."""

    note: str | None = None
    resume: bool = False
    credential: Credential | None = None


COUNT_BY_STATUS = "SELECT n FROM counters WHERE job = :job AND status = :status"
COUNT_BY_SIGNATURE = "SELECT n FROM failure_groups WHERE job = :job AND signature = :signature"
COUNT_BY_KEYS = """
SELECT COUNT(*) AS n FROM (SELECT DISTINCT value AS key FROM json_each(:keys)) k
JOIN units u ON u.job = :job AND u.key = k.key WHERE u.finished_at IS NOT NULL
"""


def count(tx: engine.Tx, job: int, which: Selection) -> int:
    """How many final units are meant."""
    statement = COUNT_BY_STATUS if which.status else COUNT_BY_SIGNATURE if which.signature else COUNT_BY_KEYS
    row = tx.execute(statement, {"job": job, **_values(which)}).fetchone()
    return int(row["n"]) if row else 0


def _values(which: Selection) -> dict[str, Any]:
    keys = None if which.keys is None else rows.dump(list(dict.fromkeys(which.keys)))
    return {"status": which.status, "signature": which.signature, "keys": keys}


ASK = """
INSERT INTO retries (job, status, signature, keys, stale, note, resume, asked_by, why)
VALUES (:job, :status, :signature, :keys, :stale, :note, :resume, :by, :why)
"""


def ask_again(tx: engine.Tx, job: Job, which: Selection, how: Again, order: Order, *, now: float) -> None:
    """Order final units to be run again; the first step of it is done at once. A job that has ended runs again.

    Raises `HasEnded` if it has, and `how.credential` says nothing; `StillCancelling` before its cancellation is done.
    """
    status = jobs.by_number(tx, job.number).status
    has_ended = status in ENDED
    if has_ended and jobs.ledger(tx, job.number)[UnitStatus.PENDING]:
        raise StillCancelling(f"job {job.job_id} is still being cancelled; try again in some seconds")
    if has_ended and (
        how.credential is None or not jobs.reopen(tx, job.number, credential=how.credential, now=now, order=order)
    ):
        raise HasEnded(f"job {job.job_id} has ended meanwhile; try again")
    if status is JobStatus.REVIEW and how.credential is None:
        raise HasEnded(f"the pilot of job {job.job_id} has ended meanwhile; try again")
    said = {"note": rows.clean(how.note), "resume": int(how.resume), "by": order.by, "why": order.why, "stale": 0}
    tx.execute(ASK, {"job": job.number, **_values(which), **said})
    if status is JobStatus.REVIEW and how.credential is not None:
        pilots.resume(tx, job.number, credential=how.credential, order=order, now=now)
    told = {name: value for name, value in _values(which).items() if value is not None and name != "keys"}
    events.append(tx, "job.retried", at=now, job=job.number, data={**told, **jobs.told(order)})
    step(tx, job=job.number, now=now)


def order_stale(tx: engine.Tx, job: int, order: Order) -> None:
    """Order what has an answer from another description of the job to be run again."""
    which = {"status": None, "signature": None, "keys": None, "stale": 1}
    tx.execute(ASK, {"job": job, **which, "note": None, "resume": 0, "by": order.by, "why": order.why})


NEXT_RETRY = """
SELECT r.* FROM retries r JOIN jobs j ON j.number = r.job WHERE j.status <> 'cancelled' ORDER BY r.number LIMIT 1
"""
NEXT_RETRY_OF = """
SELECT r.* FROM retries r JOIN jobs j ON j.number = r.job WHERE r.job = :job AND j.status <> 'cancelled'
ORDER BY r.number LIMIT 1
"""
"""What is stale waits as long as its job is cancelled; nothing else is left of it then."""
NEXT_HALTING = """
SELECT number FROM jobs WHERE status = 'cancelled' AND published = 1 AND deleting = 0 AND EXISTS
    (SELECT 1 FROM counters WHERE job = jobs.number AND status = 'pending' AND n > 0) LIMIT 1
"""
NEXT_ABANDONED = """
SELECT number FROM jobs WHERE status = 'cancelled' AND published = 0 AND deleting = 0 AND EXISTS
    (SELECT 1 FROM units WHERE job = jobs.number) LIMIT 1
"""
NEXT_DELETED = "SELECT number FROM jobs WHERE deleting = 1 LIMIT 1"


def step(tx: engine.Tx, *, job: int | None = None, now: float) -> bool:
    """Do a few thousand rows of what is to be done, of one job or of whichever is first. False: there is nothing."""
    retry = tx.execute(NEXT_RETRY if job is None else NEXT_RETRY_OF, {"job": job} if job else {}).fetchone()
    if retry is not None:
        _put_back(tx, retry, now)
        return True
    number = job if job is not None else _first(tx, NEXT_HALTING)
    if number is not None and cancel_pending(tx, number, now=now):
        return True
    if (number := _first(tx, NEXT_ABANDONED)) is not None:
        tx.execute(DISCARD, {"job": number, "limit": STEP})
        return True
    number = job if job is not None else _first(tx, NEXT_DELETED)
    return number is not None and retention.erase_some(tx, number)


def is_empty(tx: engine.Tx) -> bool:
    """Whether everything that was ordered is done."""
    return not any(tx.execute(look).fetchone() for look in (NEXT_RETRY, NEXT_HALTING, NEXT_ABANDONED, NEXT_DELETED))


def _first(tx: engine.Tx, look: str) -> int | None:
    row = tx.execute(look).fetchone()
    return None if row is None else int(row["number"])


DISCARD = """
DELETE FROM units WHERE number IN (SELECT number FROM units WHERE job = :job LIMIT :limit)
"""
"""Units of a job that was cancelled while its source was read: nobody ever saw them."""

BY_STATUS = """
SELECT number FROM units WHERE job = :job AND status = :status AND finished_at IS NOT NULL AND number > :after
    AND gone IS NULL ORDER BY number LIMIT :limit
"""
BY_SIGNATURE = """
SELECT number FROM units WHERE job = :job AND signature = :signature AND number > :after AND gone IS NULL
ORDER BY number LIMIT :limit
"""
ANSWERED = """
SELECT number, key, payload, note, input, fingerprint FROM units
WHERE job = :job AND status IN ('succeeded', 'flagged', 'failed') AND finished_at IS NOT NULL AND gone IS NULL
    AND number > :after ORDER BY number LIMIT :limit
"""
BY_KEYS = """
SELECT u.number FROM json_each(:keys) k JOIN units u ON u.job = :job AND u.key = k.value
WHERE u.finished_at IS NOT NULL AND u.number > :after ORDER BY u.number LIMIT :limit
"""
PUT_BACK = """
UPDATE units SET status = 'pending', requests = requests + 1, charged = 0, due_at = 0, finished_at = NULL, text = NULL,
    output = NULL, error = NULL, signature = NULL, reason = CASE WHEN :stale THEN 'stale' ELSE 'retry' END,
    note = CASE WHEN :stale THEN note ELSE :note END, same = CASE WHEN :stale THEN same END,
    resumes = CASE WHEN :resume THEN (SELECT MAX(n) FROM attempts
        WHERE unit = units.number AND trial = (SELECT trial FROM jobs WHERE number = units.job)) END
WHERE number IN (SELECT value FROM json_each(:units))
"""
"""A conversation under another description than the one in force does not go on. Whom a person asks for again runs for
himself, and is like no other from then on."""
GET_ON = "UPDATE retries SET after = :after WHERE number = :number"
BE_THROUGH = "DELETE FROM retries WHERE number = :number"


def _put_back(tx: engine.Tx, retry: engine.Row, now: float) -> None:
    """Put a step of final units back into the queue, with all their attempts before them. Their earlier answers stay in
    the events."""
    seen, meant = _stale(tx, retry) if retry["stale"] else _named(tx, retry)
    if meant:
        if retry["stale"]:
            earlier.keep(tx, meant, why="description", now=now)
        again = {name: retry[name] for name in ("note", "resume", "stale")}
        tx.execute(PUT_BACK, {"units": rows.dump(meant), **again})
        told = jobs.told(Order(by=retry["asked_by"], why=retry["why"]))
        told |= {"note": retry["note"]} if retry["note"] else {}
        control.tell_units(tx, retry["job"], meant, "unit.reopened", told, now)
    if len(seen) == STEP:
        tx.execute(GET_ON, {"number": retry["number"], "after": seen[-1]})
        return
    tx.execute(BE_THROUGH, {"number": retry["number"]})
    if (job := jobs.by_number(tx, retry["job"])).status in control.UNDER_WAY:
        pilots.go_on_if_drained(tx, job.number, approved=job.approved_at is not None, now=now)


def _named(tx: engine.Tx, retry: engine.Row) -> tuple[list[int], list[int]]:
    """A step of the units that were looked at, and those of them that are meant."""
    statement = BY_STATUS if retry["status"] else BY_SIGNATURE if retry["signature"] else BY_KEYS
    values = {name: retry[name] for name in ("job", "status", "signature", "keys", "after")}
    found = [row["number"] for row in tx.execute(statement, {**values, "limit": STEP})]
    return found, found


def _stale(tx: engine.Tx, retry: engine.Row) -> tuple[list[int], list[int]]:
    """The same, where those are meant whose answer was given for something else than what the job says now."""
    known = staleness.Fingerprints(jobs.by_number(tx, retry["job"]))
    values = {"job": retry["job"], "after": retry["after"], "limit": STEP}
    found = tx.execute(ANSWERED, values).fetchall()
    return [row["number"] for row in found], [row["number"] for row in found if not _is_fresh(known, row)]


def _is_fresh(known: staleness.Fingerprints, row: engine.Row) -> bool:
    if row["fingerprint"] is None or row["input"] is None:
        return False
    now = known.of(row["key"], rows.load(row["payload"]), input=row["input"], note=row["note"])
    return bool(now == row["fingerprint"])


PENDING_OF_CANCELLED = """
SELECT number FROM units WHERE job = :job AND status = 'pending'
    AND EXISTS (SELECT 1 FROM jobs WHERE number = :job AND status = 'cancelled') LIMIT :limit
"""


def cancel_pending(tx: engine.Tx, number: int, *, now: float) -> bool:
    """Cancel a step of the pending units of a job that was cancelled and still is. False: there are none."""
    found = [row["number"] for row in tx.execute(PENDING_OF_CANCELLED, {"job": number, "limit": STEP})]
    control.cancel_units(tx, number, found, {}, now)
    return bool(found)
