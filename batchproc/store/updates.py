"""A source that is read once more. The job stays as it is: what was found is applied in `refresh`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchproc.errors import StoreError, TakenOver, WrongStatus
from batchproc.models import Job, JobStatus, Order, UnitStatus
from batchproc.store import engine, jobs, rows, update_items


class Changed(StoreError):
    """The job is not any more as it was when its source was read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """The newest reading. `is_current`: nothing of the job has changed since it began. `plan` has `counts` by kind, how
    many of those that do not run for it are `touched`, some `keys` of each, `warnings` of the source, and whether its
    items are named (`is_named`) or known by their rows."""

    reading: int
    reader: str | None
    state: str
    reason: str | None
    units_read: int
    plan: dict[str, Any] | None
    is_shown: bool
    is_current: bool

    @property
    def is_news(self) -> bool:
        """It came to its end, and nobody was told so far."""
        return not self.is_shown and (self.state == "failed" or (self.state == "ready" and self.is_current))


NEWEST_EVENT = "SELECT COALESCE(MAX(seq), 0) AS seq FROM events WHERE job = :job"


def newest_event(tx: engine.Tx, job: int) -> int:
    return int(tx.execute(NEWEST_EVENT, {"job": job}).fetchone()["seq"])


LOOK = """
SELECT reading, reader, state, reason, units_read, seen, plan, shown FROM source_updates WHERE job = :job
"""


def look(tx: engine.Tx, job: int) -> Update | None:
    row = tx.execute(LOOK, {"job": job}).fetchone()
    if row is None:
        return None
    known = {name: row[name] for name in ("reading", "reader", "state", "reason", "units_read")}
    current = row["seen"] == newest_event(tx, job)
    return Update(**known, plan=rows.load(row["plan"]), is_shown=bool(row["shown"]), is_current=current)


BEING_READ = "SELECT job, reader FROM source_updates WHERE state = 'reading' ORDER BY job"


def being_read(tx: engine.Tx) -> list[tuple[Job, str | None]]:
    """The jobs whose source somebody reads anew, or is to; and the identity of who does."""
    found = [(jobs.by_number(tx, row["job"]), row["reader"]) for row in tx.execute(BEING_READ).fetchall()]
    return [(job, reader) for job, reader in found if not is_deleted(tx, job.number)]


DELETED = "SELECT 1 FROM jobs WHERE number = :job AND deleting = 1"


def is_deleted(tx: engine.Tx, job: int) -> bool:
    return tx.execute(DELETED, {"job": job}).fetchone() is not None


# Whether it may be.

ORDERED = """
SELECT 1 FROM retries r JOIN jobs j ON j.number = r.job WHERE r.job = :job AND (r.stale = 0 OR j.status <> 'cancelled')
LIMIT 1
"""


def require_still(tx: engine.Tx, number: int) -> Job:
    """The job, if nothing of it runs or is about to. Raises `WrongStatus` with the way out."""
    job, counts = jobs.by_number(tx, number), jobs.ledger(tx, number)
    way_out = _way_out(tx, job, counts)
    if way_out is not None:
        raise WrongStatus(job.job_id, job.status, "take in what changed in its source", way_out)
    return job


def _way_out(tx: engine.Tx, job: Job, counts: dict[str, int]) -> str | None:
    never_approved = job.approved_at is None
    match job.status:
        case JobStatus.ENUMERATING:
            return "its source is still being read; wait with get_status(wait_s=45)"
        case JobStatus.FAILED:
            return "its source could not be read; create the job again"
        case JobStatus.RUNNING:
            return "wait for its end, or pause it first: control_job(action=pause)"
        case JobStatus.PILOT:
            return "its pilot runs; wait until it is in review: get_status(wait_s=45)"
        case JobStatus.REVIEW if job.approved_trial is not None:
            return (
                "a change of what it says is tried: approve that, or take it back with "
                'start_job(job_id, variant="before", confirmed=true), first'
            )
        case JobStatus.PAUSED if never_approved:
            return "its pilot is not through; let it go on with control_job(action=resume), until it is in review"
        case JobStatus.CANCELLED if never_approved:
            return "it was cancelled before all of it was to run; create the job again"
    if is_deleted(tx, job.number):
        return "it is being deleted"
    if counts[UnitStatus.RUNNING]:
        return "its last agents are ending; again in some seconds"
    is_ordered = tx.execute(ORDERED, {"job": job.number}).fetchone() is not None
    if is_ordered or (job.status is JobStatus.CANCELLED and counts[UnitStatus.PENDING]):
        return "what was ordered for its units is still being done; again in some seconds"
    return None


# Reading.

ASK = """
INSERT INTO source_updates (job, state, seen, asked_by, asked_at) VALUES (:job, 'reading', 0, :by, :now)
ON CONFLICT (job) DO UPDATE SET reading = reading + 1, reader = NULL, state = 'reading', reason = NULL, plan = NULL,
    shown = 0, asked_by = excluded.asked_by, asked_at = excluded.asked_at, ended_at = NULL
WHERE state <> 'reading' OR reader IS :previous
"""


def ask(tx: engine.Tx, number: int, order: Order, *, previous: str | None, now: float) -> bool:
    """Have the source read once more by whoever begins; what an earlier reading found is forgotten. `previous` is a
    reader who is gone, or None. False: somebody reads it already. Raises `WrongStatus`."""
    require_still(tx, number)
    return bool(tx.execute(ASK, {"job": number, "by": order.by, "previous": previous, "now": now}).rowcount)


BEGIN = """
UPDATE source_updates SET reading = reading + 1, reader = :reader, units_read = 0, seen = :seen
WHERE job = :job AND state = 'reading' AND reader IS :previous RETURNING reading
"""


def begin(tx: engine.Tx, number: int, *, reader: str, previous: str | None) -> int:
    """Become the one who reads it, after `previous`. Returns the token. Raises `TakenOver` if somebody was faster."""
    known = {"job": number, "reader": reader, "previous": previous, "seen": newest_event(tx, number)}
    row = tx.execute(BEGIN, known).fetchone()
    if row is None:
        raise TakenOver("the source of this job is being read by another process")
    return int(row["reading"])


REQUIRE = "SELECT 1 FROM source_updates WHERE job = :job AND reading = :reading AND state = 'reading'"


def require_reading(tx: engine.Tx, job: int, reading: int) -> None:
    if tx.execute(REQUIRE, {"job": job, "reading": reading}).fetchone() is None or is_deleted(tx, job):
        raise TakenOver("another reading of this source began, or the job was deleted")


COUNT_READ = "UPDATE source_updates SET units_read = units_read + :n WHERE job = :job RETURNING units_read"


def add_many(tx: engine.Tx, job: int, reading: int, chunk: str) -> int:
    """Lay a chunk of items beside the units (`update_items.add_many`). Returns how many were read so far."""
    require_reading(tx, job, reading)
    added = update_items.add_many(tx, job, chunk)
    return int(tx.execute(COUNT_READ, {"job": job, "n": added}).fetchone()["units_read"])


def miss(tx: engine.Tx, job: int, reading: int, *, after: str) -> str | None:
    """A step of finding which units have no item (`update_items.miss`)."""
    require_reading(tx, job, reading)
    return update_items.miss(tx, job, after=after)


HAND_OVER = "UPDATE source_updates SET reader = NULL WHERE job = :job AND reading = :reading AND state = 'reading'"


def hand_over(tx: engine.Tx, number: int, reading: int) -> None:
    """Stop reading; the supervisor goes on with it, from the start."""
    tx.execute(HAND_OVER, {"job": number, "reading": reading})


FINISH = """
UPDATE source_updates SET state = 'ready', reader = NULL, plan = :plan, ended_at = :now
WHERE job = :job AND reading = :reading AND seen = :seen
"""


def finish(tx: engine.Tx, job: int, reading: int, said: Mapping[str, Any], *, now: float) -> None:
    """All of it was read and laid beside; `said` goes into the plan. Raises `Changed` if the job is not any more as it
    was when that began."""
    require_reading(tx, job, reading)
    row = tx.execute(LOOK, {"job": job}).fetchone()
    plan = update_items.found(tx, job, row["units_read"])
    values = {"job": job, "reading": reading, "seen": newest_event(tx, job), "now": now}
    if not tx.execute(FINISH, {**values, "plan": rows.dump({**plan, **said})}).rowcount:
        raise Changed("the job was changed while its source was read")


FAIL = """
UPDATE source_updates SET state = 'failed', reader = NULL, reason = :reason, ended_at = :now
WHERE job = :job AND reading = :reading AND state = 'reading'
"""


def fail(tx: engine.Tx, number: int, reading: int, *, reason: str, now: float) -> bool:
    """The source cannot be read. The job is as it was."""
    values = {"job": number, "reading": reading, "reason": rows.clean(reason), "now": now}
    return bool(tx.execute(FAIL, values).rowcount)


SHOW = "UPDATE source_updates SET shown = 1 WHERE job = :job AND reading = :reading AND state IN ('ready', 'failed')"


def show(tx: engine.Tx, number: int, reading: int) -> None:
    """Somebody was told what it found."""
    tx.execute(SHOW, {"job": number, "reading": reading})
