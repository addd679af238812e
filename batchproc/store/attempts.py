"""Attempts: claimed, settled, rescued. Every write of a running unit passes its fence."""

import uuid
from dataclasses import replace
from typing import Any

from batchproc import budget
from batchproc.errors import TakenOver
from batchproc.models import (
    FINAL,
    AgentOptions,
    Attempt,
    Cause,
    Claim,
    Claimed,
    Fence,
    Report,
    Settlement,
    Tokens,
    UnitStatus,
)
from batchproc.store import engine, events, jobs, processes, rows

DUE = """
SELECT number, key, payload, attempt, charged, note, resumes FROM units
WHERE job = :job AND status = 'pending' AND due_at <= :now ORDER BY due_at, number LIMIT {limit:d}
"""  # the limit is written out: bound as a parameter, the same step took 21 µs and not 7
DUE_AGAIN = """
SELECT number, key, payload, attempt, charged, note, resumes FROM units
WHERE job = :job AND status = 'pending' AND attempt > 0 AND due_at <= :now ORDER BY due_at, number LIMIT {limit:d}
"""
CLAIM = """
UPDATE units SET status = 'running', attempt = attempt + 1, epoch = :epoch, started_at = :now, reason = NULL,
    due_at = 0, resumes = NULL
WHERE number = :unit
"""
OPEN_ATTEMPT = """
INSERT INTO attempts (unit, n, epoch, started_at, session_id, reserved_usd, resumed_from)
VALUES (:unit, :n, :epoch, :now, :session_id, :reserved_usd, :resumed_from)
"""
BEGIN_UNITS = "UPDATE jobs SET begun = begun + :n WHERE number = :job"


def claim(tx: engine.Tx, job: int, *, epoch: int, limit: int, now: float, reserve_usd: float = 0.0) -> Claim:
    """Take up to `limit` units that are due, oldest first, and open an attempt for each, with `reserve_usd` reserved.

    Takes none if the job is not running, and no more than its caps allow. Raises `TakenOver` if `epoch` is over.
    """
    processes.require_current(tx, epoch)
    row = tx.execute(SPENT, {"job": job}).fetchone()
    if row["status"] != "running":
        return Claim(units=[])
    options, spending = _spending(row, _reserved(tx, job) if reserve_usd else 0.0)
    room = budget.room(options, spending, want=limit, reserve_usd=reserve_usd)
    due = _due(tx, job, room, now)
    spent_up = not due and (room.attempts <= 0 or not _any_again(tx, job))
    begun = sum(one["attempt"] == 0 for one in due)
    if begun:
        tx.execute(BEGIN_UNITS, {"job": job, "n": begun})
    units = [_open(tx, job, row["starts"], one, epoch, now, reserve_usd) for one in due]
    return Claim(units=units, reached=room.reached if spent_up else None)


AGAIN = "SELECT 1 FROM units WHERE job = :job AND status = 'pending' AND attempt > 0 LIMIT 1"


def _any_again(tx: engine.Tx, job: int) -> bool:
    """Whether a unit waits that was started before: no cap for new units holds it back."""
    return tx.execute(AGAIN, {"job": job}).fetchone() is not None


def _due(tx: engine.Tx, job: int, room: budget.Room, now: float) -> list[engine.Row]:
    """Units that may start. A look and then an update, at half the price of one with a subquery; the write transaction
    that we are in makes them one step."""
    values = {"job": job, "now": now}
    if room.attempts <= 0:
        return []
    if room.fresh >= room.attempts:
        return list(tx.execute(DUE.format(limit=room.attempts), values))
    again = list(tx.execute(DUE_AGAIN.format(limit=room.attempts), values))
    if again or room.fresh <= 0:
        return again
    return list(tx.execute(DUE.format(limit=room.fresh), values))


def _open(tx: engine.Tx, job: int, start: int, row: engine.Row, epoch: int, now: float, reserve_usd: float) -> Claimed:
    fence = Fence(unit=row["number"], attempt=row["attempt"] + 1, epoch=epoch)
    session_id = str(uuid.uuid4())
    tx.execute(CLAIM, {"unit": fence.unit, "epoch": epoch, "now": now})
    opened = {"unit": fence.unit, "n": fence.attempt, "epoch": epoch, "now": now, "session_id": session_id}
    tx.execute(OPEN_ATTEMPT, {**opened, "reserved_usd": reserve_usd, "resumed_from": row["resumes"]})
    told = {} if row["resumes"] is None else {"resumes": row["resumes"]}
    events.append(tx, "unit.claimed", at=now, job=job, unit=fence.unit, attempt=fence.attempt, data=told)
    return Claimed(
        fence=fence,
        key=row["key"],
        payload=rows.load(row["payload"]),
        charged=row["charged"],
        session_id=session_id,
        start=start,
        note=row["note"],
        resumes=None if row["resumes"] is None else _session(tx, fence.unit, row["resumes"]),
    )


SESSION = "SELECT session_id FROM attempts WHERE unit = :unit AND n = :n"


def _session(tx: engine.Tx, unit: int, n: int) -> str | None:
    row = tx.execute(SESSION, {"unit": unit, "n": n}).fetchone()
    return None if row is None else row["session_id"]


SPENT = "SELECT status, starts, options, cost_usd, tokens, begun, active_s FROM jobs WHERE number = :job"
RESERVED = """
SELECT COALESCE(SUM(a.reserved_usd), 0.0) FROM units u JOIN attempts a ON a.unit = u.number AND a.n = u.attempt
WHERE u.job = :job AND u.status = 'running'
"""


def spent(tx: engine.Tx, job: int) -> tuple[AgentOptions, budget.Spending]:
    """A job's options as they are now, and what it has spent and reserved under them."""
    return _spending(tx.execute(SPENT, {"job": job}).fetchone(), _reserved(tx, job))


def _reserved(tx: engine.Tx, job: int) -> float:
    return float(tx.execute(RESERVED, {"job": job}).fetchone()[0])


def _spending(row: engine.Row, reserved_usd: float) -> tuple[AgentOptions, budget.Spending]:
    known = {name: row[name] for name in ("cost_usd", "tokens", "begun", "active_s")}
    return rows.load_options(row["options"]), budget.Spending(reserved_usd=reserved_usd, **known)


SETTLE = """
UPDATE units SET status = :status, epoch = NULL, intent = NULL, charged = charged + :charged, due_at = :due_at,
    reason = :reason, text = :text, output = :output, error = :error, signature = :signature,
    cost_usd = cost_usd + :cost_usd, tokens = tokens + :tokens, finished_at = :finished_at, resumes = :resumes
WHERE number = :unit AND status = 'running' AND attempt = :attempt AND epoch = :epoch
"""
CLOSE_ATTEMPT = """
UPDATE attempts SET finished_at = :now, outcome = :outcome, cause = :cause, error = :error, charged = :charged,
    cost_usd = :cost_usd, billed = :billed, input_tokens = :input, output_tokens = :output_tokens,
    cache_read_tokens = :cache_read, cache_write_tokens = :cache_write, turns = :turns
WHERE unit = :unit AND n = :attempt AND finished_at IS NULL
"""
LICENCE = """
SELECT u.job, u.intent, j.status AS job_status, a.reserved_usd, a.resumed_from
FROM units u JOIN jobs j ON j.number = u.job JOIN attempts a ON a.unit = u.number AND a.n = u.attempt
WHERE u.number = :unit AND u.status = 'running' AND u.attempt = :attempt AND u.epoch = :epoch
    AND :epoch = (SELECT MAX(epoch) FROM supervisors)
"""


def settle(tx: engine.Tx, fence: Fence, end: Settlement, *, now: float) -> bool:
    """End an attempt: the unit's status, its result, the bill, the counters and the event, all or nothing.

    False, and nothing is changed, if the fence is stale: somebody else has the unit, or has ended it already. What was
    to be cancelled does not go back to the queue. With the job's last unit the job is completed.
    """
    licence = {"unit": fence.unit, "attempt": fence.attempt, "epoch": fence.epoch}
    row = tx.execute(LICENCE, licence).fetchone()
    if row is None:
        return False
    job = row["job"]
    if row["intent"] == "cancel" or row["job_status"] == "cancelled":
        end = _cancelled(end)
    bill = _bill(end, row["reserved_usd"])
    values = {**licence, **_result(end, fence, now), **bill, "now": now}
    tx.execute(SETTLE, values)
    tx.execute(CLOSE_ATTEMPT, values)
    largest = end.report.largest_request if end.report else 0
    before = _cost_before(tx, fence.unit, row["resumed_from"], end)
    wasted = bill["cost_usd"] if end.status not in FINAL else 0.0
    jobs.add_bill(
        tx,
        job,
        bill["cost_usd"],
        bill["tokens"],
        wasted_usd=wasted - before,
        saved_usd=before,
        largest_request=largest,
    )
    _tell(tx, job, fence, end, bill["cost_usd"], now)
    if end.hold is not None:
        jobs.pause(tx, job, end.hold, start=end.start, now=now)
    if end.status in FINAL:
        jobs.complete_if_drained(tx, job, now=now)
    return True


def _cancelled(end: Settlement) -> Settlement:
    """The end of an attempt that somebody wanted to cancel: what was final by then stays, everything else is not run
    again."""
    if end.status in FINAL and end.outcome not in {"lost", "released"}:
        return end
    outcome = "cancelled" if end.outcome in {"released", "cancelled"} else end.outcome
    return replace(
        end,
        status=UnitStatus.CANCELLED,
        outcome=outcome,
        error=end.error or "cancelled while it ran",
        signature=None,
        reason=None,
        due_at=0.0,
        resumable=False,
    )


COST_OF = "SELECT cost_usd FROM attempts WHERE unit = :unit AND n = :n"


def _cost_before(tx: engine.Tx, unit: int, resumed_from: int | None, end: Settlement) -> float:
    """What the attempt whose conversation went on had cost: it was not wasted after all."""
    if resumed_from is None or end.cause is Cause.NO_CONVERSATION or end.report is None or not end.report.api_calls:
        return 0.0
    return float(tx.execute(COST_OF, {"unit": unit, "n": resumed_from}).fetchone()[0])


def _result(end: Settlement, fence: Fence, now: float) -> dict[str, Any]:
    return {
        "status": end.status,
        "outcome": end.outcome,
        "cause": end.cause,
        "charged": int(end.charged),
        "due_at": end.due_at,
        "reason": end.reason,
        "text": rows.clean(end.text),
        "output": None if end.output is None else rows.dump(end.output),
        "error": rows.clean(end.error),
        "signature": rows.clean(end.signature),
        "finished_at": now if end.status in FINAL else None,
        "resumes": fence.attempt if end.resumable and end.status not in FINAL else None,
    }


def _bill(end: Settlement, reserved_usd: float) -> dict[str, Any]:
    """What is known of the cost; where no bill came, what was reserved for it."""
    report, tokens = end.report, end.report.tokens if end.report else Tokens()
    billed = not end.started or (report is not None and report.billed)
    cost = (report.cost_usd if report else 0.0) if billed else max(reserved_usd, _known_cost(report))
    return {
        "cost_usd": cost,
        "billed": int(billed),
        "turns": report.turns if report else 0,
        "tokens": tokens.total,
        "input": tokens.input,
        "output_tokens": tokens.output,
        "cache_read": tokens.cache_read,
        "cache_write": tokens.cache_write,
    }


def _known_cost(report: Report | None) -> float:
    return report.cost_usd if report else 0.0


def _tell(tx: engine.Tx, job: int, fence: Fence, end: Settlement, cost: float, now: float) -> None:
    kind = "unit.retried" if end.status == UnitStatus.PENDING else f"unit.{end.status}"
    told = {"outcome": end.outcome, "error": end.error, "reason": end.reason, "cost_usd": cost, "charged": end.charged}
    told |= {"due_at": end.due_at or None, "cause": end.cause}
    data = {key: value for key, value in told.items() if value is not None}
    events.append(tx, kind, at=now, job=job, unit=fence.unit, attempt=fence.attempt, data=data)


RUNNING = """
SELECT u.number, u.attempt, u.epoch, u.charged, j.options FROM jobs j JOIN units u ON u.job = j.number
WHERE j.published = 1 AND u.status = 'running'
"""


def running(tx: engine.Tx) -> list[tuple[Fence, int, AgentOptions]]:
    """Every running unit, as (fence, charged, options of its job)."""
    found = tx.execute(RUNNING).fetchall()
    return [
        (
            Fence(unit=row["number"], attempt=row["attempt"], epoch=row["epoch"]),
            row["charged"],
            rows.load_options(row["options"]),
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
    end = replace(end, resumable=end.resumable and _has_spoken(tx, fence))
    return settle(tx, Fence(unit=fence.unit, attempt=fence.attempt, epoch=epoch), end, now=now)


SPOKEN = """
SELECT 1 FROM events WHERE unit = :unit AND attempt = :attempt AND kind IN ('agent.text', 'agent.tool_use') LIMIT 1
"""


def _has_spoken(tx: engine.Tx, fence: Fence) -> bool:
    """Whether the attempt's conversation holds anything that would be worth going on with."""
    return tx.execute(SPOKEN, {"unit": fence.unit, "attempt": fence.attempt}).fetchone() is not None


MAY_GO_ON = """
SELECT 1 FROM units WHERE number = :unit
    AND (status IN ('running', 'failed', 'flagged', 'cancelled') OR resumes IS NOT NULL)
"""


def may_go_on(tx: engine.Tx, unit: int) -> bool:
    """Whether a conversation of the unit may be gone on with: it runs, was lost, or did not end well."""
    return tx.execute(MAY_GO_ON, {"unit": unit}).fetchone() is not None


OF_UNIT = "SELECT * FROM attempts WHERE unit = :unit ORDER BY n"


def of_unit(tx: engine.Tx, unit: int) -> list[Attempt]:
    return [rows.attempt(row) for row in tx.execute(OF_UNIT, {"unit": unit})]
