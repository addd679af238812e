"""Jobs: made, read in, started, paused, completed, deleted. The caller passes the time; the store has no clock."""

import secrets
from typing import Any

from batchproc.errors import StoreError, TakenOver
from batchproc.models import AgentOptions, Credential, Job, JobSpec, JobStatus, UnitStatus
from batchproc.store import engine, events, rows

CREATE = """
INSERT INTO jobs (job_id, name, instructions, source, enumerator, options, idempotency_key, status, reading, reader,
    created_at)
VALUES (:job_id, :name, :instructions, :source, :enumerator, :options, :idempotency_key, 'enumerating', :reading,
    :reader, :now)
"""
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
        "enumerator": rows.dump(spec.enumerator),
        "reading": FIRST_READING,
        "reader": reader,
        "options": rows.dump_options(options),
        "idempotency_key": spec.idempotency_key,
        "now": now,
    }
    number = int(tx.execute(CREATE, values).lastrowid)
    tx.executemany(COUNT_FROM_ZERO, [(number, status) for status in UnitStatus])
    events.append(tx, "job.created", at=now, job=number, data={"name": spec.name})
    return by_number(tx, number), True


COLUMNS = """number, job_id, name, instructions, source, options, status, reason, credential, total_units, units_read,
    cost_usd, tokens, created_at, started_at, resumed_at, starts, finished_at"""
BY_NUMBER = f"SELECT {COLUMNS} FROM jobs WHERE number = :number"  # noqa: S608 - our own columns
BY_ID = f"SELECT {COLUMNS} FROM jobs WHERE job_id = :job_id AND deleting = 0"  # noqa: S608
BY_IDEMPOTENCY_KEY = f"SELECT {COLUMNS} FROM jobs WHERE idempotency_key = :key AND deleting = 0"  # noqa: S608


def by_number(tx: engine.Tx, number: int) -> Job:
    return rows.job(tx.execute(BY_NUMBER, {"number": number}).fetchone())


def by_id(tx: engine.Tx, job_id: str) -> Job | None:
    row = tx.execute(BY_ID, {"job_id": job_id}).fetchone()
    return None if row is None else rows.job(row)


ENUMERATOR = "SELECT enumerator FROM jobs WHERE number = :number"


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
SELECT {COLUMNS} FROM jobs WHERE status IN ('enumerating', 'running') AND deleting = 0
"""  # noqa: S608


def active(tx: engine.Tx) -> list[Job]:
    """Jobs that need a supervisor now, oldest first."""
    return sorted((rows.job(row) for row in tx.execute(ACTIVE)), key=lambda job: job.number)


# Reading the source: each reading has a token, and only the newest may add or delete units.

FIRST_READING = 1

BEGIN_READING = """
UPDATE jobs SET reading = reading + 1, reader = :reader, units_read = 0
WHERE number = :number AND status = 'enumerating' AND reader IS :previous RETURNING reading
"""


def begin_reading(tx: engine.Tx, number: int, *, reader: str, previous: str | None) -> int:
    """Become the one who reads the source, after `previous` (an identity, or None: nobody). Returns the token.

    Raises `TakenOver` if somebody else did so first.
    """
    row = tx.execute(BEGIN_READING, {"number": number, "reader": reader, "previous": previous}).fetchone()
    if row is None:
        raise TakenOver("the source of this job is being read by another process")
    return int(row["reading"])


READER = "SELECT reader FROM jobs WHERE number = :number AND status = 'enumerating'"


def reader(tx: engine.Tx, number: int) -> str | None:
    row = tx.execute(READER, {"number": number}).fetchone()
    return None if row is None else row["reader"]


REQUIRE_READING = "SELECT 1 FROM jobs WHERE number = :number AND reading = :reading AND status = 'enumerating'"


def require_reading(tx: engine.Tx, number: int, reading: int) -> None:
    if tx.execute(REQUIRE_READING, {"number": number, "reading": reading}).fetchone() is None:
        raise TakenOver("another reading of this source began, or the job was ended")


COUNT_READ = "UPDATE jobs SET units_read = units_read + :n WHERE number = :number RETURNING units_read"


def count_read(tx: engine.Tx, number: int, n: int) -> int:
    return int(tx.execute(COUNT_READ, {"number": number, "n": n}).fetchone()["units_read"])


HAND_OVER = "UPDATE jobs SET reader = NULL WHERE number = :number AND reading = :reading AND status = 'enumerating'"


def hand_over(tx: engine.Tx, number: int, reading: int) -> None:
    """Stop reading; the supervisor goes on with it, from the start."""
    tx.execute(HAND_OVER, {"number": number, "reading": reading})


DISCARD = """
DELETE FROM units WHERE number IN (SELECT u.number FROM units u JOIN jobs j ON j.number = u.job
                                   WHERE u.job = :number AND j.reading = :reading AND j.published = 0 LIMIT :limit)
"""


def discard_units(tx: engine.Tx, number: int, reading: int, *, limit: int) -> int:
    """Delete up to `limit` unpublished units in the name of the newest reading; returns how many there were."""
    return int(tx.execute(DISCARD, {"number": number, "reading": reading, "limit": limit}).rowcount)


PUBLISH = """
UPDATE jobs SET status = 'ready', published = 1, total_units = units_read, reader = NULL WHERE number = :number
RETURNING total_units
"""
COUNT_UNITS = "SELECT COUNT(*) FROM units WHERE job = :number"
COUNT_PENDING = "UPDATE counters SET n = :n WHERE job = :number AND status = 'pending'"


def publish(tx: engine.Tx, number: int, reading: int, *, now: float) -> Job:
    """The whole source is in: from here on its units are there, all at once. The ledger begins with what is there."""
    require_reading(tx, number, reading)
    total = tx.execute(PUBLISH, {"number": number}).fetchone()["total_units"]
    there = tx.execute(COUNT_UNITS, {"number": number}).fetchone()[0]
    if there != total:
        raise StoreError(f"{total} units were read, but the store holds {there}; nothing of it is published")
    tx.execute(COUNT_PENDING, {"number": number, "n": total})
    events.append(tx, "job.ready", at=now, job=number, data={"total_units": total})
    return by_number(tx, number)


FAIL_READING = """
UPDATE jobs SET status = 'failed', reason = :reason, reader = NULL, finished_at = :now, idempotency_key = NULL,
    units_read = 0
WHERE number = :number AND reading = :reading AND status = 'enumerating'
"""


def fail_reading(tx: engine.Tx, number: int, reading: int, *, reason: str, now: float) -> bool:
    """The source cannot be read: the job is failed, with no units. Its idempotency key is free for the next try."""
    if not tx.execute(FAIL_READING, {"number": number, "reading": reading, "reason": reason, "now": now}).rowcount:
        return False
    events.append(tx, "job.failed", at=now, job=number, data={"reason": reason})
    return True


# Running.

START = """
UPDATE jobs SET status = 'running', reason = NULL, paused_from = NULL, credential = :credential,
    started_at = COALESCE(started_at, :now), resumed_at = :now, starts = starts + 1
WHERE number = :number AND status IN ('ready', 'paused')
"""


def start(tx: engine.Tx, number: int, *, credential: Credential, now: float) -> bool:
    """Let the job run, the first time or again after a pause. False: its status does not allow it."""
    if not tx.execute(START, {"number": number, "credential": credential, "now": now}).rowcount:
        return False
    events.append(tx, "job.started", at=now, job=number, data={"credential": credential})
    complete_if_drained(tx, number, now=now)
    return True


RUNNING_START = "SELECT starts FROM jobs WHERE number = :number AND status = 'running'"


def running_start(tx: engine.Tx, number: int) -> int | None:
    """The number of the start under which the job runs; None if it does not."""
    row = tx.execute(RUNNING_START, {"number": number}).fetchone()
    return None if row is None else int(row["starts"])


PAUSE = """
UPDATE jobs SET paused_from = status, status = 'paused', reason = :reason
WHERE number = :number AND status = 'running' AND starts <= :start
"""


def pause(tx: engine.Tx, number: int, *, reason: str, start: int, now: float) -> bool:
    """Claim nothing more of this job until it is started. Running units finish.

    `start` is the number of the start under which the reason arose: a later one has answered it, and the job goes on.
    """
    if not tx.execute(PAUSE, {"number": number, "reason": reason, "start": start}).rowcount:
        return False
    events.append(tx, "job.paused", at=now, job=number, data={"reason": reason})
    return True


ADD_BILL = "UPDATE jobs SET cost_usd = cost_usd + :cost_usd, tokens = tokens + :tokens WHERE number = :number"


def add_bill(tx: engine.Tx, number: int, cost_usd: float, tokens: int) -> None:
    if cost_usd or tokens:
        tx.execute(ADD_BILL, {"number": number, "cost_usd": cost_usd, "tokens": tokens})


COMPLETE = """
UPDATE jobs SET status = 'completed', finished_at = :now WHERE number = :number AND status = 'running'
"""
UNDONE = "SELECT 1 FROM counters WHERE job = :number AND status IN ('pending', 'running') AND n > 0 LIMIT 1"


def complete_if_drained(tx: engine.Tx, number: int, *, now: float) -> bool:
    """Complete a running job whose units are all final."""
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
