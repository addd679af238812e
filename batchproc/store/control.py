"""What a person does with a job: holds it, changes it, cancels it or some of its units.

What does not run is changed here. What runs gets an intent, which its supervisor reads. What concerns more units than
one step takes is ordered here, and worked off in `backlog`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from batchproc.models import WORKING, AgentOptions, Intent, Job, JobStatus, Order, Pause, UnitStatus
from batchproc.store import engine, events, jobs, pilots, rows

UNDER_WAY = WORKING | {JobStatus.PAUSED}

HOLD = """
UPDATE jobs SET paused_from = COALESCE(paused_from, status), status = 'paused', reason = 'user', detail = NULL,
    resume_at = NULL
WHERE number = :number AND deleting = 0 AND (status IN ('pilot', 'running') OR (status = 'paused' AND reason <> 'user'))
"""


def hold(tx: engine.Tx, number: int, order: Order, *, release: bool, now: float) -> bool:
    """Pause by a person's wish; takes the place of any other reason. `release`: running units go back to the queue.
    False: it was so already, or its status does not allow it."""
    changed = bool(tx.execute(HOLD, {"number": number}).rowcount)
    if changed:
        data = {"reason": Pause.USER, "release": release, **jobs.told(order)}
        events.append(tx, "job.paused", at=now, job=number, data=data)
    if release and (stopped := _intend_all(tx, number, Intent.RELEASE)) and not changed:
        events.append(tx, "units.releasing", at=now, job=number, data={"units": stopped, **jobs.told(order)})
    return changed


SET_OPTIONS = "UPDATE jobs SET options = :options, priority = :priority WHERE number = :number"


def change(tx: engine.Tx, job: Job, order: Order, *, changes: Mapping[str, float | None], now: float) -> Job:
    """Set options (by their names; None takes a limit away) and `priority`. A budget or cap that is raised ends a pause
    that it caused."""
    known = jobs.by_number(tx, job.number)
    given_priority = changes.get("priority")
    priority = known.priority if given_priority is None else int(given_priority)
    given = {name: value for name, value in changes.items() if name != "priority"}
    given |= {"budget_given": True} if "budget_usd" in given else {}
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

FORGET_RETRIES = "DELETE FROM retries WHERE job = :job AND stale = 0"
"""What is stale stays so: if the job goes on it is run again."""
CANCEL = """
UPDATE jobs SET status = 'cancelled', reason = NULL, detail = NULL, paused_from = NULL, resume_at = NULL,
    finished_at = :now, reader = NULL, idempotency_key = NULL
WHERE number = :number AND deleting = 0 AND approved_trial IS NULL
    AND status IN ('enumerating', 'ready', 'pilot', 'review', 'running', 'paused')
"""


def cancel(tx: engine.Tx, number: int, order: Order, *, now: float) -> bool:
    """End the job for good: nothing of it is claimed any more, and what runs is to be stopped. False: it has ended,
    or tries a change of what all of it ran under, which is to be taken back first."""
    if not tx.execute(CANCEL, {"number": number, "now": now}).rowcount:
        return False
    tx.execute(FORGET_RETRIES, {"job": number})
    _intend_all(tx, number, Intent.CANCEL)
    events.append(tx, "job.cancelled", at=now, job=number, data={**jobs.told(order), **jobs.ledger(tx, number)})
    return True


CANCEL_UNITS = """
UPDATE units SET status = 'cancelled', finished_at = :now, reason = NULL, due_at = 0, resumes = NULL, error = :error
WHERE number IN (SELECT value FROM json_each(:units)) AND status = 'pending'
"""
TELL_UNITS = """
INSERT INTO events (at, kind, job, unit, data) SELECT :now, :kind, :job, value, :data FROM json_each(:units)
"""


def cancel_units(tx: engine.Tx, job: int, units: Sequence[int], told: Mapping[str, str], now: float) -> None:
    """Make pending units, by their numbers, final."""
    if units:
        error = "cancelled before it ran"
        tx.execute(CANCEL_UNITS, {"units": rows.dump(units), "now": now, "error": error})
        tell_units(tx, job, units, "unit.cancelled", told, now)


def tell_units(tx: engine.Tx, job: int, units: Sequence[int], kind: str, told: Mapping[str, str], now: float) -> None:
    """One event for each of many units."""
    values = {"units": rows.dump(units), "kind": kind, "job": job, "data": rows.dump(told), "now": now}
    tx.execute(TELL_UNITS, values)


BY_KEYS = """
SELECT u.number, u.key, u.status FROM json_each(:keys) k JOIN units u ON u.job = :job AND u.key = k.value
"""
INTEND = """
UPDATE units SET intent = :intent WHERE number IN (SELECT value FROM json_each(:units)) AND status = 'running'
    AND intent IS NOT 'cancel' AND intent IS NOT :intent
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
    cancel_units(tx, number, pending, jobs.told(order), now)
    if tx.execute(INTEND, {"intent": Intent.CANCEL, "units": rows.dump(running)}).rowcount:
        events.append(tx, "units.cancelling", at=now, job=number, data={"units": len(running), **jobs.told(order)})
    if (job := jobs.by_number(tx, number)).status in UNDER_WAY:
        pilots.go_on_if_drained(tx, number, approved=job.approved_at is not None, now=now)
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


RUNNING = "SELECT number FROM units WHERE job = :job AND status = 'running'"


def _intend_all(tx: engine.Tx, job: int, intent: Intent) -> int:
    running = [row["number"] for row in tx.execute(RUNNING, {"job": job})]
    return int(tx.execute(INTEND, {"intent": intent, "units": rows.dump(running)}).rowcount)


INTENDED = "SELECT number, intent FROM units WHERE intent IS NOT NULL"


def intended(tx: engine.Tx) -> dict[int, Intent]:
    """What is wanted of units that run, by the unit's number."""
    return {row["number"]: Intent(row["intent"]) for row in tx.execute(INTENDED)}
