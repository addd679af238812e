"""Jobs: made, found, started, paused, completed. The caller passes the time; the store has no clock."""

import secrets
from typing import Any

from batchproc.models import AgentOptions, Credential, Hold, Job, JobSpec, JobStatus, Order, Pause, UnitStatus
from batchproc.store import engine, events, rows

FIRST_READING = 1
"""The token of a new job's first reading of its source; see `readings`."""

CREATE = """
INSERT INTO jobs (job_id, name, instructions, source, options, idempotency_key, digest, status, reading, reader,
    priority, created_at)
VALUES (:job_id, :name, :instructions, :source, :options, :idempotency_key, :digest, 'enumerating', :reading,
    :reader, :priority, :now)
"""
KEEP_SOURCE = "INSERT INTO sources (job, enumerator) VALUES (:job, :enumerator)"
COUNT_FROM_ZERO = "INSERT INTO counters (job, status, n) VALUES (?, ?, 0)"


def create(tx: engine.Tx, spec: JobSpec, options: AgentOptions, *, reader: str, now: float) -> tuple[Job, bool]:
    """A new job, `enumerating`, whose first reading is `reader`'s (an identity); or the one that has the idempotency
    key, and False."""
    if spec.idempotency_key is not None:
        row = tx.execute(BY_IDEMPOTENCY_KEY, {"key": spec.idempotency_key}).fetchone()
        if row is not None:
            return rows.job(row), False
    values = {
        "job_id": f"job-{secrets.token_hex(5)}",
        "name": spec.name,
        "instructions": spec.instructions,
        "source": str(spec.enumerator.get("type")),
        "reading": FIRST_READING,
        "reader": reader,
        "options": rows.dump_options(options),
        "idempotency_key": spec.idempotency_key,
        "digest": spec.digest,
        "priority": spec.options.priority,
        "now": now,
    }
    number = int(tx.execute(CREATE, values).lastrowid)
    tx.execute(KEEP_SOURCE, {"job": number, "enumerator": rows.dump(spec.enumerator)})
    tx.executemany(COUNT_FROM_ZERO, [(number, status) for status in UnitStatus])
    events.append(tx, "job.created", at=now, job=number, data={"name": spec.name})
    return by_number(tx, number), True


COLUMNS = """number, job_id, name, instructions, source, options, status, reason, detail, resume_at, priority,
    credential, total_units, units_read, cost_usd, tokens, wasted_usd, saved_usd, begun, largest_request, measured,
    active_s, cache_read, cache_write, approved_at, round, trial, quote, approved_trial, source_version,
    created_at, started_at, resumed_at, starts, finished_at"""
BY_NUMBER = f"SELECT {COLUMNS} FROM jobs WHERE number = :number"  # noqa: S608 - our own columns
BY_ID = f"SELECT {COLUMNS} FROM jobs WHERE job_id = :job_id AND deleting = 0"  # noqa: S608
BY_IDEMPOTENCY_KEY = f"SELECT {COLUMNS} FROM jobs WHERE idempotency_key = :key AND deleting = 0"  # noqa: S608


def by_number(tx: engine.Tx, number: int) -> Job:
    return rows.job(tx.execute(BY_NUMBER, {"number": number}).fetchone())


def by_id(tx: engine.Tx, job_id: str) -> Job | None:
    row = tx.execute(BY_ID, {"job_id": job_id}).fetchone()
    return None if row is None else rows.job(row)


DIGEST = "SELECT digest FROM jobs WHERE number = :number"


def digest(tx: engine.Tx, number: int) -> str | None:
    """Of the description that the job was made from; None for a job of an older batchproc."""
    found: str | None = tx.execute(DIGEST, {"number": number}).fetchone()["digest"]
    return found


ENUMERATOR = "SELECT enumerator FROM sources WHERE job = :number"


def enumerator(tx: engine.Tx, number: int) -> dict[str, Any]:
    """What the user wrote of the source. May be large."""
    spec: dict[str, Any] = rows.load(tx.execute(ENUMERATOR, {"number": number}).fetchone()["enumerator"])
    return spec


PAGE = f"""
SELECT {COLUMNS} FROM jobs WHERE number < :before AND deleting = 0 ORDER BY number DESC LIMIT :limit
"""  # noqa: S608
PAGE_BY_STATUS = f"""
SELECT {COLUMNS} FROM jobs WHERE status = :status AND number < :before AND deleting = 0
ORDER BY number DESC LIMIT :limit
"""  # noqa: S608


def page(tx: engine.Tx, *, status: JobStatus | None, before: int, limit: int) -> list[Job]:
    """The next `limit` jobs older than number `before`, newest first."""
    statement = PAGE if status is None else PAGE_BY_STATUS
    values = {"before": before, "limit": limit} | ({} if status is None else {"status": status})
    return [rows.job(row) for row in tx.execute(statement, values)]


ACTIVE = f"""
SELECT {COLUMNS} FROM jobs WHERE status IN ('enumerating', 'pilot', 'running') AND deleting = 0
UNION ALL SELECT {COLUMNS} FROM jobs WHERE resume_at IS NOT NULL AND deleting = 0
"""  # noqa: S608


def active(tx: engine.Tx) -> list[Job]:
    """Jobs that need a supervisor now or at their `resume_at`; those of higher priority first, then the older ones."""
    found = [rows.job(row) for row in tx.execute(ACTIVE)]
    return sorted(found, key=lambda job: (-job.priority, job.number))


# Running.

START = """
UPDATE jobs SET status = 'running', reason = NULL, detail = NULL, paused_from = NULL, resume_at = NULL,
    credential = :credential, started_at = COALESCE(started_at, :now), resumed_at = :now, starts = starts + 1,
    approved_at = COALESCE(approved_at, :now)
WHERE number = :number AND deleting = 0 AND published = 1 AND status IN ('ready', 'pilot', 'review', 'paused')
"""


def start(tx: engine.Tx, number: int, *, credential: Credential, now: float, order: Order | None = None) -> bool:
    """Let all of the job run, the first time or again after a pause: whoever calls this approves of it. False: its
    status does not allow it."""
    if not tx.execute(START, {"number": number, "credential": credential, "now": now}).rowcount:
        return False
    events.append(tx, "job.started", at=now, job=number, data={"credential": credential, **told(order)})
    complete_if_drained(tx, number, now=now)
    return True


REOPEN = """
UPDATE jobs SET status = CASE WHEN approved_at IS NOT NULL THEN 'running' WHEN trial > 0 THEN 'pilot' ELSE 'ready' END,
    reason = NULL, detail = NULL, credential = :credential, resumed_at = :now, starts = starts + 1, finished_at = NULL,
    started_at = CASE WHEN approved_at IS NOT NULL OR trial > 0 THEN COALESCE(started_at, :now) END
WHERE number = :number AND deleting = 0 AND published = 1 AND status IN ('completed', 'cancelled', 'failed')
"""


def reopen(tx: engine.Tx, number: int, *, credential: Credential, now: float, order: Order | None = None) -> bool:
    """Let a job go on that has ended, for units that are asked for again in this very transaction. One that was never
    approved goes back to where that is decided."""
    if not tx.execute(REOPEN, {"number": number, "credential": credential, "now": now}).rowcount:
        return False
    kind = "job.ready" if by_number(tx, number).status is JobStatus.READY else "job.started"
    events.append(tx, kind, at=now, job=number, data={"credential": credential, **told(order)})
    return True


GO_ON = """
UPDATE jobs SET status = paused_from, reason = NULL, detail = NULL, paused_from = NULL, resume_at = NULL,
    resumed_at = :now, starts = starts + 1
WHERE number = :number AND deleting = 0 AND status = 'paused' AND reason = :reason
"""


def go_on(tx: engine.Tx, number: int, *, reason: Pause, now: float) -> bool:
    """End a pause whose `reason` is over. False: the job is not paused for that reason (any more)."""
    if not tx.execute(GO_ON, {"number": number, "reason": reason, "now": now}).rowcount:
        return False
    events.append(tx, "job.resumed", at=now, job=number, data={"reason": reason})
    complete_if_drained(tx, number, now=now)
    return True


def told(order: Order | None) -> dict[str, str]:
    """Who and why, for an event."""
    return {} if order is None else {"by": order.by} | ({"why": order.why} if order.why else {})


PAUSE = """
UPDATE jobs SET paused_from = status, status = 'paused', reason = :reason, detail = :detail, resume_at = :resume_at
WHERE number = :number AND status IN ('pilot', 'running') AND starts <= :start
"""


def pause(
    tx: engine.Tx, number: int, hold: Hold, *, start: int = 1 << 60, now: float, order: Order | None = None
) -> bool:
    """Claim nothing more of this job until it is started or goes on by itself. Running units finish.

    `start` is the number of the start under which the reason arose: a later one has answered it, and the job goes on.
    """
    values = {"reason": hold.reason, "detail": rows.clean(hold.detail), "resume_at": hold.resume_at}
    if not tx.execute(PAUSE, {"number": number, "start": start, **values}).rowcount:
        return False
    events.append(tx, "job.paused", at=now, job=number, data={**_given(values), **told(order)})
    return True


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


PUT_OFF = """
UPDATE jobs SET resume_at = :resume_at, detail = :detail
WHERE number = :number AND status = 'paused' AND reason = :reason AND resume_at IS NOT NULL
"""


def put_off(tx: engine.Tx, number: int, hold: Hold) -> None:
    """A pause that ends by itself lasts longer than was thought."""
    values = {"resume_at": hold.resume_at, "detail": rows.clean(hold.detail), "reason": hold.reason}
    tx.execute(PUT_OFF, {"number": number, **values})


COMPLETE = """
UPDATE jobs SET status = 'completed', finished_at = :now, reason = NULL, detail = NULL, paused_from = NULL,
    resume_at = NULL
WHERE number = :number AND status IN ('running', 'paused') AND approved_at IS NOT NULL
"""
UNDONE = """
SELECT 1 FROM counters WHERE job = :number AND status IN ('pending', 'running') AND n > 0
UNION ALL SELECT 1 FROM retries WHERE job = :number LIMIT 1
"""


def complete_if_drained(tx: engine.Tx, number: int, *, now: float) -> bool:
    """Complete a job whose units are all final: there is nothing left to run, or to be paused."""
    if tx.execute(UNDONE, {"number": number}).fetchone() is not None:
        return False
    if not tx.execute(COMPLETE, {"number": number, "now": now}).rowcount:
        return False
    events.append(tx, "job.completed", at=now, job=number, data=ledger(tx, number))
    return True


LEDGER = "SELECT status, n FROM counters WHERE job = :number"


def ledger(tx: engine.Tx, number: int) -> dict[str, int]:
    """The counts by status, every status named. They always add up to the total."""
    counts = {row["status"]: int(row["n"]) for row in tx.execute(LEDGER, {"number": number})}
    return {status.value: counts.get(status.value, 0) for status in UnitStatus}
