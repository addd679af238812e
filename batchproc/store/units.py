"""Units: enumerated into the store, claimed, settled, read. Every write of a running unit passes its fence."""

import uuid
from typing import Any

from batchproc.errors import TakenOver
from batchproc.models import FINAL, Attempt, Claimed, Fence, Report, Settlement, Tokens, Unit, UnitStatus
from batchproc.store import engine, events, jobs, processes, rows

ADD = """
INSERT INTO units (job, key, payload, row) SELECT :job, value ->> 0, value -> 1, value ->> 2 FROM json_each(:chunk)
"""
WHERE_IS = "SELECT row FROM units WHERE job = :job AND key = :key"


class KeyTaken(Exception):
    """Two items of one source have the key `key`, at rows `first` and `second`."""

    def __init__(self, key: str, first: int, second: int) -> None:
        super().__init__(key, first, second)
        self.key, self.first, self.second = key, first, second


def add_many(tx: engine.Tx, job: int, reading: int, chunk: str) -> int:
    """Add the items of `chunk`, a JSON array of [key, payload, row]; nobody sees them until the reading is published.

    One statement for the whole chunk: SQLite takes it apart without Python's lock, so that reading goes on meanwhile.
    Returns how many were read so far. Raises `TakenOver` if another reading of this job began, `KeyTaken` on a
    duplicate.
    """
    jobs.require_reading(tx, job, reading)
    try:
        added = tx.execute(ADD, {"job": job, "chunk": chunk}).rowcount
    except engine.sqlite.IntegrityError:
        _find_duplicate(tx, job, chunk)
        raise
    return jobs.count_read(tx, job, added)


def _find_duplicate(tx: engine.Tx, job: int, chunk: str) -> None:
    seen: dict[str, int] = {}
    for key, _, row in rows.load(chunk):
        if key in seen:
            raise KeyTaken(key, seen[key], row) from None
        if (found := tx.execute(WHERE_IS, {"job": job, "key": key}).fetchone()) is not None:
            raise KeyTaken(key, found["row"], row) from None
        seen[key] = row


DUE = """
SELECT number, key, payload, attempt + 1 AS attempt, charged FROM units
WHERE job = :job AND status = 'pending' AND due_at <= :now ORDER BY due_at, number LIMIT {limit:d}
"""  # the limit is written out: bound as a parameter, the same step took 21 µs and not 7
CLAIM = """
UPDATE units SET status = 'running', attempt = attempt + 1, epoch = :epoch, started_at = :now, reason = NULL, due_at = 0
WHERE number = :unit
"""
OPEN_ATTEMPT = """
INSERT INTO attempts (unit, n, epoch, started_at, session_id) VALUES (:unit, :n, :epoch, :now, :session_id)
"""


def claim(tx: engine.Tx, job: int, *, epoch: int, limit: int, now: float) -> list[Claimed]:
    """Take up to `limit` units that are due, oldest first, and open an attempt for each.

    Takes none if the job is not running. Raises `TakenOver` if `epoch` is over.
    """
    processes.require_current(tx, epoch)
    start = jobs.running_start(tx, job)
    if start is None:
        return []
    # Two statements, half the price of one with a subquery; the write transaction that we are in makes them one step.
    due = tx.execute(DUE.format(limit=limit), {"job": job, "now": now}).fetchall()
    return [_open(tx, job, start, row, epoch, now) for row in due]


def _open(tx: engine.Tx, job: int, start: int, row: engine.Row, epoch: int, now: float) -> Claimed:
    fence = Fence(unit=row["number"], attempt=row["attempt"], epoch=epoch)
    session_id = str(uuid.uuid4())
    tx.execute(CLAIM, {"unit": fence.unit, "epoch": epoch, "now": now})
    tx.execute(
        OPEN_ATTEMPT,
        {"unit": fence.unit, "n": fence.attempt, "epoch": epoch, "now": now, "session_id": session_id},
    )
    events.append(tx, "unit.claimed", at=now, job=job, unit=fence.unit, attempt=fence.attempt)
    payload = rows.load(row["payload"])
    return Claimed(
        fence=fence, key=row["key"], payload=payload, charged=row["charged"], session_id=session_id, start=start
    )


SETTLE = """
UPDATE units SET status = :status, epoch = NULL, charged = charged + :charged, due_at = :due_at, reason = :reason,
    text = :text, output = :output, error = :error, signature = :signature, cost_usd = cost_usd + :cost_usd,
    tokens = tokens + :tokens, finished_at = :finished_at
WHERE number = :unit AND status = 'running' AND attempt = :attempt AND epoch = :epoch
    AND :epoch = (SELECT MAX(epoch) FROM supervisors)
RETURNING job
"""
CLOSE_ATTEMPT = """
UPDATE attempts SET finished_at = :now, outcome = :outcome, error = :error, cost_usd = :cost_usd,
    input_tokens = :input, output_tokens = :output_tokens, cache_read_tokens = :cache_read,
    cache_write_tokens = :cache_write, turns = :turns
WHERE unit = :unit AND n = :attempt AND finished_at IS NULL
"""


def settle(tx: engine.Tx, fence: Fence, end: Settlement, *, now: float) -> bool:
    """End an attempt: the unit's status, its result, the bill, the counters and the event, all or nothing.

    False, and nothing is changed, if the fence is stale: somebody else has the unit, or has ended it already. With the
    job's last unit the job is completed.
    """
    values = {**_licence(fence), **_result(end, now), **_bill(end.report), "now": now}
    won = tx.execute(SETTLE, values).fetchone()
    if won is None:
        return False
    tx.execute(CLOSE_ATTEMPT, values)
    jobs.add_bill(tx, won["job"], values["cost_usd"], values["tokens"])
    _tell(tx, won["job"], fence, end, values["cost_usd"], now)
    if end.pause is not None:
        jobs.pause(tx, won["job"], reason=end.pause, start=end.start, now=now)
    jobs.complete_if_drained(tx, won["job"], now=now)
    return True


def _licence(fence: Fence) -> dict[str, Any]:
    return {"unit": fence.unit, "attempt": fence.attempt, "epoch": fence.epoch}


def _result(end: Settlement, now: float) -> dict[str, Any]:
    return {
        "status": end.status,
        "outcome": end.outcome,
        "charged": int(end.charged),
        "due_at": end.due_at,
        "reason": end.reason,
        "text": rows.clean(end.text),
        "output": None if end.output is None else rows.dump(end.output),
        "error": rows.clean(end.error),
        "signature": rows.clean(end.signature),
        "finished_at": now if end.status in FINAL else None,
    }


def _bill(report: Report | None) -> dict[str, Any]:
    tokens = report.tokens if report else Tokens()
    return {
        "cost_usd": report.cost_usd if report else 0.0,
        "turns": report.turns if report else 0,
        "tokens": tokens.total,
        "input": tokens.input,
        "output_tokens": tokens.output,
        "cache_read": tokens.cache_read,
        "cache_write": tokens.cache_write,
    }


def _tell(tx: engine.Tx, job: int, fence: Fence, end: Settlement, cost: float, now: float) -> None:
    kind = "unit.retried" if end.status == UnitStatus.PENDING else f"unit.{end.status}"
    told = {"outcome": end.outcome, "error": end.error, "reason": end.reason, "cost_usd": cost, "charged": end.charged}
    told |= {"due_at": end.due_at or None}
    data = {key: value for key, value in told.items() if value is not None}
    events.append(tx, kind, at=now, job=job, unit=fence.unit, attempt=fence.attempt, data=data)


RUNNING = """
SELECT u.number, u.attempt, u.epoch, u.charged, j.options FROM jobs j JOIN units u ON u.job = j.number
WHERE j.published = 1 AND u.status = 'running'
"""


def running(tx: engine.Tx) -> list[tuple[Fence, int, int]]:
    """Every running unit, as (fence, charged, max_attempts)."""
    found = tx.execute(RUNNING).fetchall()
    return [
        (
            Fence(unit=row["number"], attempt=row["attempt"], epoch=row["epoch"]),
            row["charged"],
            rows.load(row["options"])["max_attempts"],
        )
        for row in found
    ]


ADOPT = "UPDATE units SET epoch = :epoch WHERE number = :unit AND status = 'running' AND attempt = :attempt"


def rescue(tx: engine.Tx, fence: Fence, end: Settlement, *, epoch: int, now: float) -> bool:
    """Settle a unit that nobody runs any more, in the name of the current supervisor."""
    processes.require_current(tx, epoch)
    if fence.epoch > epoch:
        raise TakenOver(f"unit {fence.unit} belongs to epoch {fence.epoch}, newer than {epoch}")
    tx.execute(ADOPT, {"epoch": epoch, "unit": fence.unit, "attempt": fence.attempt})
    return settle(tx, Fence(unit=fence.unit, attempt=fence.attempt, epoch=epoch), end, now=now)


NEXT_DUE = "SELECT MIN(due_at) FROM units WHERE job = :job AND status = 'pending'"


def next_due(tx: engine.Tx, job: int) -> float | None:
    """When the job's next pending unit may run (seconds since 1970); None if none is pending."""
    due = tx.execute(NEXT_DUE, {"job": job}).fetchone()[0]
    return None if due is None else float(due)


BRING_FORWARD = """
UPDATE units SET due_at = :now WHERE job = :job AND status = 'pending' AND due_at > :horizon
"""


def bring_forward(tx: engine.Tx, job: int, *, horizon: float, now: float) -> int:
    """Make units due that would wait beyond `horizon`, as after the clock was set back; returns how many."""
    return int(tx.execute(BRING_FORWARD, {"job": job, "horizon": horizon, "now": now}).rowcount)


BY_KEY = "SELECT * FROM units WHERE job = :job AND key = :key"


def by_key(tx: engine.Tx, job: int, key: str) -> Unit | None:
    row = tx.execute(BY_KEY, {"job": job, "key": key}).fetchone()
    return None if row is None else rows.unit(row)


FIRST_PENDING = """
SELECT * FROM units WHERE job = :job AND status = 'pending' ORDER BY due_at, number LIMIT :limit
"""


def first(tx: engine.Tx, job: int, *, limit: int) -> list[Unit]:
    """The job's first units that do not run now, in the order of its source."""
    pending = [rows.unit(row) for row in tx.execute(FIRST_PENDING, {"job": job, "limit": limit})]
    final = final_page(tx, job, status=None, after=0, limit=limit)
    return sorted([*pending, *final], key=lambda unit: unit.number)[:limit]


FINAL_PAGE = """
SELECT * FROM units WHERE job = :job AND number > :after AND finished_at IS NOT NULL ORDER BY number LIMIT :limit
"""
FINAL_PAGE_BY_STATUS = """
SELECT * FROM units WHERE job = :job AND status = :status AND number > :after AND finished_at IS NOT NULL
ORDER BY number LIMIT :limit
"""


def final_page(tx: engine.Tx, job: int, *, status: UnitStatus | None, after: int, limit: int) -> list[Unit]:
    """The next `limit` final units after number `after`, in the order of the source."""
    statement = FINAL_PAGE if status is None else FINAL_PAGE_BY_STATUS
    values = {"job": job, "after": after, "limit": limit} | ({} if status is None else {"status": status})
    return [rows.unit(row) for row in tx.execute(statement, values)]


ATTEMPTS = "SELECT * FROM attempts WHERE unit = :unit ORDER BY n"


def attempts(tx: engine.Tx, unit: int) -> list[Attempt]:
    return [rows.attempt(row) for row in tx.execute(ATTEMPTS, {"unit": unit})]
