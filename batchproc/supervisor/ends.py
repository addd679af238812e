"""How an attempt's end becomes what is written: decided, stopped by somebody, or refused by the store."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from batchproc import judge, retry
from batchproc.errors import StoreError
from batchproc.models import MENDED, Cause, Hold, Intent, Outcome, Pause, Report, Settlement, UnitStatus, Verdict
from batchproc.redaction import Redactor
from batchproc.store import attempts, db
from batchproc.supervisor.ongoing import Ongoing

log = logging.getLogger(__name__)

RETRY_WRITE_S = 1.0
LOOKS_AGAIN_S = 30.0  # after an attempt that the disk refused
CARRIED_ON = frozenset({Cause.WORKER_LOST, Cause.QUOTA, Cause.RATE_LIMIT, Cause.OVERLOADED, Cause.AUTHENTICATION})
"""What takes an attempt away from an agent that did nothing wrong: its conversation may go on."""


def outcome(cause: Cause, message: str, verdict: Verdict = Verdict.FAILED) -> Outcome:
    """An end that no report tells of."""
    said = f"{cause.value.replace('_', ' ')}: {message}"
    return Outcome(verdict=verdict, cause=cause, message=said, signature=judge.signature(said))


def decided(
    attempt: Ongoing, report: Report | None, came: Outcome, decision: retry.Decision, hold: Hold | None, now: float
) -> Settlement:
    """The end of an attempt that came to its own end. `hold` is the breaker's reason to pause the job."""
    final = decision.status is not UnitStatus.PENDING
    doubted = decision.status in {UnitStatus.FAILED, UnitStatus.FLAGGED}
    return Settlement(
        status=decision.status,
        outcome="lost" if came.cause is Cause.WORKER_LOST else came.verdict,
        cause=came.cause,
        charged=decision.charged,
        report=report,
        started=attempt.is_started,
        text=(report.text or report.draft) if report and final and decision.status is not UnitStatus.FAILED else None,
        output=report.output if report and final else None,
        error=came.message or None if came.verdict is not Verdict.SUCCEEDED else None,
        signature=came.signature if doubted else None,
        due_at=0.0 if final or came.cause in MENDED else now + decision.delay_s,  # while it is in the cache
        reason=None if final else _reason(came, decision),
        hold=_hold(came, decision.pause, now) or hold,
        start=attempt.unit.start,
        resumable=_goes_on(attempt, report, came.cause),
    )


def _goes_on(attempt: Ongoing, report: Report | None, cause: Cause | None) -> bool:
    """Whether the conversation goes on: the agent was taken away from it, or its answer is to be mended in it."""
    if cause in MENDED:
        return report is not None and report.api_calls > 0
    return cause in CARRIED_ON and _may_go_on(attempt, report)


def _reason(came: Outcome, decision: retry.Decision) -> str:
    if decision.pause is not None:
        return decision.pause
    return f"backoff after {came.cause or came.verdict}" if decision.delay_s else str(came.cause or came.verdict)


def _hold(came: Outcome, pause: Pause | None, now: float) -> Hold | None:
    if pause is None:
        return None
    return Hold(reason=pause, detail=came.message, resume_at=now + LOOKS_AGAIN_S if pause is Pause.DISK else None)


def _may_go_on(attempt: Ongoing, report: Report | None) -> bool:
    return attempt.job.options.resume and report is not None and report.api_calls > 0


def stopped(attempt: Ongoing, report: Report | None, why: str = "released by a drain") -> Settlement:
    """Stopped from outside: cancelled, or back in the queue; charged only if the agent may have done something."""
    touched = attempt.tools_run > 0
    end = Settlement(
        status=UnitStatus.PENDING,
        outcome="released",
        charged=touched,
        report=report,
        started=attempt.is_started,
        reason=why,
        start=attempt.unit.start,
        resumable=_may_go_on(attempt, report),
    )
    if attempt.halt is Intent.CANCEL:
        said = "cancelled while it ran"
        return replace(end, status=UnitStatus.CANCELLED, outcome="cancelled", reason=None, error=said)
    if touched and attempt.unit.charged + 1 >= attempt.job.options.max_attempts:
        message = f"{why}, after a tool had run, on its last attempt"
        return replace(end, status=UnitStatus.FAILED, reason=None, error=message, signature=judge.signature(message))
    return end


def discreet(came: Outcome, redactor: Redactor) -> Outcome:
    """The outcome without secrets: it is logged, and may become the reason of a pause."""
    signature = None if came.signature is None else redactor.text(came.signature)
    return replace(came, message=redactor.text(came.message), signature=signature)


def redacted(end: Settlement, redactor: Redactor) -> Settlement:
    """Without the secrets that the agent may have come by."""

    def clean(text: str | None) -> str | None:
        return None if text is None else redactor.text(text)

    return replace(
        end,
        text=clean(end.text),
        error=clean(end.error),
        signature=clean(end.signature),
        output=redactor.data(end.output),
    )


Settle = Callable[..., bool]
"""A verb of the store that ends an attempt: `attempts.settle`, or that for an attempt whose files were promised."""


async def write(
    store: db.Database,
    attempt: Ongoing,
    end: Settlement,
    clock: Callable[[], float],
    settle: Settle = attempts.settle,
) -> None:
    """Write how it ended."""
    fence, key = attempt.unit.fence, attempt.unit.key
    try:
        won = await patiently(key, lambda: store.write(settle, fence, end, now=clock()))
    except Exception as error:  # the row refuses it: say so in the row, rather than leave the unit running
        log.exception("unit %s: its end cannot be recorded as it is", key, extra=attempt.about)
        refused = _refused(end, error)
        won = await patiently(key, lambda: store.write(settle, fence, refused, now=clock()))
    if not won:
        log.warning("unit %s was settled by somebody newer; this end is dropped", key, extra=attempt.about)


async def patiently(key: str, writing: Callable[[], Coroutine[Any, Any, bool]]) -> bool:
    """Again and again while the disk refuses: what an agent did is not thrown away."""
    complained = False
    while True:
        try:
            return await writing()
        except StoreError as error:
            if not complained:
                log.error("unit %s cannot be recorded yet; trying again: %s", key, error)
            complained = True
            await asyncio.sleep(RETRY_WRITE_S)


def _refused(end: Settlement, error: Exception) -> Settlement:
    message = f"the end of this attempt could not be recorded: {error!r}"
    return Settlement(
        status=UnitStatus.FAILED,
        outcome="failed",
        report=None if end.report is None else replace(end.report, text="", output=None),
        started=end.started,
        error=message,
        signature=judge.signature(message),
    )


async def to_the_end(writing: Coroutine[Any, Any, None]) -> None:
    """Await `writing` to its end even if we are cancelled meanwhile: a fact is recorded or it is not."""
    task = asyncio.ensure_future(writing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
