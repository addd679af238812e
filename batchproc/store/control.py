"""What a person does with a job: changes it, cancels it or some of its units, asks for units again.

What does not run is changed here. What runs gets an intent, which its supervisor reads. Many units are changed a few
thousand at a time, so that nobody waits; each such step is whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from batchproc.models import AgentOptions, Credential, Intent, Job, JobStatus, Order, Pause, UnitStatus
from batchproc.store import engine, events, jobs, rows

HOLD = """
UPDATE jobs SET paused_from = COALESCE(paused_from, status), status = 'paused', reason = 'user', detail = NULL,
    resume_at = NULL
WHERE number = :number AND (status = 'running' OR (status = 'paused' AND reason <> 'user'))
"""


def hold(tx: engine.Tx, number: int, order: Order, *, release: bool, now: float) -> bool:
    """Pause by a person's wish; takes the place of any other reason. `release`: running units go back to the queue.
    False: it was so already, or its status does not allow it."""
    changed = bool(tx.execute(HOLD, {"number": number}).rowcount)
    if changed:
        data = {"reason": Pause.USER, "release": release, **jobs.told(order)}
        events.append(tx, "job.paused", at=now, job=number, data=data)
    if release:
        _intend_all(tx, number, Intent.RELEASE)
    return changed


SET_OPTIONS = "UPDATE jobs SET options = :options, priority = :priority WHERE number = :number"


def change(tx: engine.Tx, job: Job, order: Order, *, changes: dict[str, float], now: float) -> Job:
    """Set options (by their names) and `priority`. A budget or cap that is raised ends a pause that it caused."""
    known = jobs.by_number(tx, job.number)
    priority = int(changes.get("priority", known.priority))
    given = {name: value for name, value in changes.items() if name != "priority"}
    options: AgentOptions = replace(known.options, **given)  # type: ignore[arg-type]
    if (options, priority) == (known.options, known.priority):
        return known
    values = {"number": job.number, "options": rows.dump_options(options), "priority": priority}
    tx.execute(SET_OPTIONS, values)
    events.append(tx, "job.changed", at=now, job=job.number, data={**changes, **jobs.told(order)})
    if given.keys() & CAPS:
        jobs.go_on(tx, job.number, reason=Pause.BUDGET, now=now)
    return jobs.by_number(tx, job.number)


CAPS = {"budget_usd", "unit_budget_usd", "max_total_tokens", "max_units", "max_wall_s"}

CANCEL = """
UPDATE jobs SET status = 'cancelled', reason = NULL, detail = NULL, paused_from = NULL, resume_at = NULL,
    finished_at = :now, reader = NULL, idempotency_key = NULL
WHERE number = :number AND status IN ('enumerating', 'ready', 'running', 'paused')
"""


def cancel(tx: engine.Tx, number: int, order: Order, *, now: float) -> bool:
    """End the job for good: nothing of it is claimed any more, and what runs is to be stopped. False: it has ended."""
    if not tx.execute(CANCEL, {"number": number, "now": now}).rowcount:
        return False
    _intend_all(tx, number, Intent.CANCEL)
    events.append(tx, "job.cancelled", at=now, job=number, data={**jobs.told(order), **jobs.ledger(tx, number)})
    return True


PENDING = "SELECT number FROM units WHERE job = :job AND status = 'pending' LIMIT :limit"
CANCEL_UNITS = """
UPDATE units SET status = 'cancelled', finished_at = :now, reason = NULL, due_at = 0, resumes = NULL, error = :error
WHERE number IN (SELECT value FROM json_each(:units)) AND status = 'pending'
"""
TELL_UNITS = """
INSERT INTO events (at, kind, job, unit, data) SELECT :now, :kind, :job, value, :data FROM json_each(:units)
"""


def cancel_pending(tx: engine.Tx, number: int, order: Order | None, *, limit: int, now: float) -> int:
    """Cancel up to `limit` pending units of a cancelled job; returns how many there were."""
    found = [row["number"] for row in tx.execute(PENDING, {"job": number, "limit": limit})]
    _cancel_units(tx, number, found, order, now)
    return len(found)


def _cancel_units(tx: engine.Tx, job: int, units: Sequence[int], order: Order | None, now: float) -> None:
    if units:
        listed = {"units": rows.dump(units), "now": now}
        tx.execute(CANCEL_UNITS, {**listed, "error": "cancelled before it ran"})
        tx.execute(TELL_UNITS, {**listed, "kind": "unit.cancelled", "job": job, "data": rows.dump(jobs.told(order))})


BY_KEYS = """
SELECT u.number, u.key, u.status FROM json_each(:keys) k JOIN units u ON u.job = :job AND u.key = k.value
"""
INTEND = """
UPDATE units SET intent = :intent WHERE number IN (SELECT value FROM json_each(:units)) AND status = 'running'
    AND intent IS NOT 'cancel'
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancelled:
    """What became of units that were to be cancelled: how many are, how many still run, how many had ended before."""

    cancelled: int
    cancelling: int
    final: int


def cancel_keys(tx: engine.Tx, number: int, keys: Sequence[str], order: Order, *, now: float) -> Cancelled:
    """Cancel units by their keys. What is final stays as it is. The job completes if nothing is left to run."""
    found = tx.execute(BY_KEYS, {"job": number, "keys": rows.dump(list(dict.fromkeys(keys)))}).fetchall()
    pending = [row["number"] for row in found if row["status"] == UnitStatus.PENDING]
    running = [row["number"] for row in found if row["status"] == UnitStatus.RUNNING]
    _cancel_units(tx, number, pending, order, now)
    if tx.execute(INTEND, {"intent": Intent.CANCEL, "units": rows.dump(running)}).rowcount:
        events.append(tx, "units.cancelling", at=now, job=number, data={"units": len(running), **jobs.told(order)})
    if jobs.by_number(tx, number).status in {JobStatus.RUNNING, JobStatus.PAUSED}:
        jobs.complete_if_drained(tx, number, now=now)
    return Cancelled(
        cancelled=len(pending),
        cancelling=len(running),
        final=len(found) - len(pending) - len(running),
    )


UNKNOWN_KEYS = """
SELECT k.value AS key FROM json_each(:keys) k WHERE NOT EXISTS (SELECT 1 FROM units WHERE job = :job AND key = k.value)
"""


def unknown_keys(tx: engine.Tx, number: int, keys: Sequence[str]) -> list[str]:
    """Those of `keys` that no unit of the job has."""
    return [row["key"] for row in tx.execute(UNKNOWN_KEYS, {"job": number, "keys": rows.dump(list(keys))})]


DISCARD = """
DELETE FROM units WHERE number IN (SELECT u.number FROM units u JOIN jobs j ON j.number = u.job
    WHERE u.job = :number AND j.published = 0 AND j.status = 'cancelled' LIMIT :limit)
"""


def discard_unpublished(tx: engine.Tx, number: int, *, limit: int) -> int:
    """Delete up to `limit` units that a cancelled job had read and nobody ever saw; returns how many there were."""
    return int(tx.execute(DISCARD, {"number": number, "limit": limit}).rowcount)


RUNNING = "SELECT number FROM units WHERE job = :job AND status = 'running'"


def _intend_all(tx: engine.Tx, job: int, intent: Intent) -> None:
    running = [row["number"] for row in tx.execute(RUNNING, {"job": job})]
    tx.execute(INTEND, {"intent": intent, "units": rows.dump(running)})


INTENDED = "SELECT number, intent FROM units WHERE intent IS NOT NULL"


def intended(tx: engine.Tx) -> dict[int, Intent]:
    """What is wanted of units that run, by the unit's number."""
    return {row["number"]: Intent(row["intent"]) for row in tx.execute(INTENDED)}


RETRIED_BY_STATUS = """
SELECT number FROM units WHERE job = :job AND status = :status AND finished_at IS NOT NULL AND number > :after
ORDER BY number LIMIT :limit
"""
RETRIED_BY_SIGNATURE = """
SELECT number FROM units WHERE job = :job AND signature = :signature AND number > :after ORDER BY number LIMIT :limit
"""
RETRIED_BY_KEYS = """
SELECT u.number FROM json_each(:keys) k JOIN units u ON u.job = :job AND u.key = k.value
WHERE u.finished_at IS NOT NULL AND u.number > :after ORDER BY u.number LIMIT :limit
"""
ASK_AGAIN = """
UPDATE units SET status = 'pending', requests = requests + 1, charged = 0, due_at = 0, finished_at = NULL, text = NULL,
    output = NULL, error = NULL, signature = NULL, reason = 'retry', note = :note,
    resumes = CASE WHEN :resume THEN NULLIF(attempt, 0) END
WHERE number IN (SELECT value FROM json_each(:units))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which final units are meant: by status, by the signature of their failure, or by their keys. One of them."""

    status: UnitStatus | None = None
    signature: str | None = None
    keys: Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Again:
    """How units are asked for again: with `note` beside the instructions, in their old conversation or a new one."""

    note: str | None = None
    resume: bool = False
    credential: Credential | None = None


ENDED = {JobStatus.COMPLETED, JobStatus.CANCELLED, JobStatus.FAILED}


def ask_again(
    tx: engine.Tx, job: Job, which: Selection, how: Again, order: Order, *, after: int, limit: int, now: float
) -> tuple[int, int]:
    """Put up to `limit` final units after unit number `after` back into the queue, with all their attempts before
    them. Returns how many, and the last one's number. Their earlier answers stay in the events.

    A job that has ended runs again, paid by `how.credential`, in the same transaction.
    """
    number = job.number
    found = [row["number"] for row in _selected(tx, number, which, after, limit)]
    if not found:
        return 0, after
    listed = rows.dump(found)
    tx.execute(ASK_AGAIN, {"units": listed, "note": rows.clean(how.note), "resume": int(how.resume)})
    told = jobs.told(order) | ({"note": how.note} if how.note else {})
    tx.execute(
        TELL_UNITS, {"units": listed, "now": now, "kind": "unit.reopened", "job": number, "data": rows.dump(told)}
    )
    if how.credential is not None and jobs.by_number(tx, number).status in ENDED:
        jobs.start(tx, number, credential=how.credential, now=now, order=order, again=True)
    return len(found), found[-1]


def _selected(tx: engine.Tx, number: int, which: Selection, after: int, limit: int) -> list[engine.Row]:
    values = {"job": number, "after": after, "limit": limit}
    if which.keys is not None:
        return list(tx.execute(RETRIED_BY_KEYS, {**values, "keys": rows.dump(list(which.keys))}))
    if which.signature is not None:
        return list(tx.execute(RETRIED_BY_SIGNATURE, {**values, "signature": which.signature}))
    return list(tx.execute(RETRIED_BY_STATUS, {**values, "status": which.status}))
