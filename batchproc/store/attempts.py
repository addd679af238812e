"""Attempts: settled, rescued, read. Every write of a running unit passes its fence. They are opened in `claims`."""

from dataclasses import replace
from typing import Any

from batchproc.errors import TakenOver
from batchproc.models import FINAL, AgentOptions, Attempt, Cause, Fence, Settlement, UnitStatus
from batchproc.store import bills, engine, events, jobs, pilots, processes, rows, sharing

SETTLE = """
UPDATE units SET status = :status, epoch = NULL, intent = NULL, charged = charged + :charged, due_at = :due_at,
    reason = :reason, text = :text, output = :output, error = :error, signature = :signature,
    cost_usd = cost_usd + :cost_usd, tokens = tokens + :tokens, finished_at = :finished_at, resumes = :resumes,
    input = :input_digest, fingerprint = :fingerprint, shared_from = NULL
WHERE number = :unit AND status = 'running' AND attempt = :attempt AND epoch = :epoch
"""
CLOSE_ATTEMPT = """
UPDATE attempts SET finished_at = :now, outcome = :outcome, cause = :cause, error = :error, charged = :charged,
    cost_usd = :cost_usd, billed = :billed, input_tokens = :input, output_tokens = :output_tokens,
    cache_read_tokens = :cache_read, cache_write_tokens = :cache_write, turns = :turns
WHERE unit = :unit AND n = :attempt AND finished_at IS NULL
"""
FORGET_CLAIMS = "DELETE FROM publications WHERE unit = :unit AND sha256 IS NULL"
FORGET_PROMISE = "DELETE FROM promises WHERE unit = :unit"
LICENCE = """
SELECT u.job, u.intent, u.pilot, u.same, a.trial, j.trial AS trial_in_force, j.approved_at, j.status AS job_status,
    j.options, j.largest_request, a.reserved_usd, a.resumed_from,
    LENGTH(CAST(j.instructions AS BLOB)) AS shared
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
    stale = row["trial"] != row["trial_in_force"] and row["pilot"]
    end = _as_it_counts(end, row, stale=stale)
    resumed_from = None if stale else row["resumed_from"]
    bill = bills.of_attempt(end, row)
    values = {**licence, **_result(end, fence, resumed_from, now), **bill, "now": now}
    _write(tx, values, stale=stale)
    bills.add_up(tx, job, end, bill, before=bills.cost_before(tx, fence.unit, resumed_from, end))
    _tell(tx, job, fence, end, bill["cost_usd"], now)
    if end.hold is not None:
        jobs.pause(tx, job, end.hold, start=end.start, now=now)
    if row["same"] is not None:
        sharing.ended(tx, fence.unit, now)
    if end.status in FINAL:
        pilots.go_on_if_drained(tx, job, approved=row["approved_at"] is not None, now=now)
    return True


FORGET_CHARGE = "UPDATE units SET charged = 0 WHERE number = :unit"


def _write(tx: engine.Tx, values: dict[str, Any], *, stale: bool) -> None:
    tx.execute(SETTLE, values)
    tx.execute(CLOSE_ATTEMPT, values)
    unit = {"unit": values["unit"]}
    tx.execute(FORGET_CLAIMS, unit)
    tx.execute(FORGET_PROMISE, unit)
    if stale:
        tx.execute(FORGET_CHARGE, unit)


def _as_it_counts(end: Settlement, row: engine.Row, *, stale: bool) -> Settlement:
    """What is stale does not count; and what a person cancelled stays so, whatever was changed before or after."""
    if stale and end.status is not UnitStatus.CANCELLED:
        end = _stale(end)
    wanted = row["intent"] == "cancel" or row["job_status"] == "cancelled"
    return _cancelled(end) if wanted else end


def _stale(end: Settlement) -> Settlement:
    """The end of an attempt under a description of the job that was changed meanwhile: whatever it says, the unit is
    run again under the new one, with all its attempts."""
    said = {"text": None, "output": None, "signature": None, "error": None, "cause": None}
    changed = {"status": UnitStatus.PENDING, "outcome": "released", "reason": "the job was changed", "due_at": 0.0}
    return replace(end, resumable=False, **said, **changed)  # type: ignore[arg-type]


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


def _result(end: Settlement, fence: Fence, resumed_from: int | None, now: float) -> dict[str, Any]:
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
        "resumes": _goes_on(end, fence, resumed_from) if end.status not in FINAL else None,
        "input_digest": end.input if end.status in FINAL else None,
        "fingerprint": end.fingerprint if end.status in FINAL else None,
    }


def _goes_on(end: Settlement, fence: Fence, resumed_from: int | None) -> int | None:
    """The attempt whose conversation goes on in the next one. One that was to go on with another, and was stopped
    before it said anything, leaves that one's."""
    if end.resumable:
        return fence.attempt
    stopped = end.outcome in {"lost", "released", "unrun"} and end.cause is not Cause.NO_CONVERSATION
    return resumed_from if stopped else None


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
    ours = adopt(tx, fence, epoch=epoch)
    end = replace(end, resumable=end.resumable and _has_spoken(tx, fence))
    return settle(tx, ours, end, now=now)


def adopt(tx: engine.Tx, fence: Fence, *, epoch: int) -> Fence:
    """Take over the licence of a unit that nobody runs any more. Raises `TakenOver` if `epoch` is over."""
    processes.require_current(tx, epoch)
    if fence.epoch > epoch:
        raise TakenOver(f"unit {fence.unit} belongs to epoch {fence.epoch}, newer than {epoch}")
    tx.execute(ADOPT, {"epoch": epoch, "unit": fence.unit, "attempt": fence.attempt})
    return replace(fence, epoch=epoch)


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
