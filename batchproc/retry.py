"""Pure: an outcome → what happens next. One table says what each cause deserves."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from batchproc.models import Cause, Outcome, UnitStatus, Verdict


class Policy(StrEnum):
    """What a cause deserves."""

    RETRY = "retry"  # after a back-off, while attempts remain
    PAUSE = "pause"  # the job waits for a person; the unit waits with it, uncharged if no tool ran
    GIVE_UP = "give_up"  # no retry mends it


POLICY = {
    Cause.RATE_LIMIT: Policy.RETRY,
    Cause.OVERLOADED: Policy.RETRY,
    Cause.SERVER: Policy.RETRY,
    Cause.NETWORK: Policy.RETRY,
    Cause.TIMEOUT: Policy.RETRY,
    Cause.CRASHED: Policy.RETRY,
    Cause.WORKER_LOST: Policy.RETRY,
    Cause.EMPTY: Policy.RETRY,
    Cause.AUTHENTICATION: Policy.PAUSE,
    Cause.MODEL: Policy.PAUSE,
    Cause.CLI_MISSING: Policy.PAUSE,
    Cause.MACHINE: Policy.PAUSE,
    Cause.INVALID_REQUEST: Policy.GIVE_UP,
    Cause.CONTEXT_TOO_LONG: Policy.GIVE_UP,
    Cause.REFUSAL: Policy.GIVE_UP,
    Cause.MAX_TURNS: Policy.GIVE_UP,
    Cause.PROMPT: Policy.GIVE_UP,
}

PAUSE_REASON = {
    Cause.AUTHENTICATION: "credential",
    Cause.MODEL: "model",
    Cause.CLI_MISSING: "cli",
    Cause.MACHINE: "machine",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What becomes of the unit. `delay_s` goes with `pending`; `pause` is the reason for which the whole job stops."""

    status: UnitStatus
    charged: bool = True
    delay_s: float = 0.0
    pause: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """Exponential: `first_s` doubled after each attempt, at most `max_s`, then spread over [0.5, 1) of it."""

    first_s: float
    max_s: float

    def delay_s(self, attempt: int, jitter: Callable[[], float]) -> float:
        return float(min(self.max_s, self.first_s * 2 ** min(attempt - 1, 30)) * (0.5 + jitter() / 2))


def decide(
    outcome: Outcome, *, attempt: int, charged: int, max_attempts: int, backoff: Backoff, jitter: Callable[[], float]
) -> Decision:
    """What happens after `outcome` of attempt number `attempt`, for a unit that was charged `charged` times before.

    `jitter` gives a number in [0, 1). An attempt that did not run is not charged, so it is retried without end: what
    stops that is the job's pause, not the unit's failure.
    """
    match outcome.verdict:
        case Verdict.SUCCEEDED:
            return Decision(status=UnitStatus.SUCCEEDED)
        case Verdict.FLAGGED:
            return Decision(status=UnitStatus.FLAGGED)
        case Verdict.EMPTY | Verdict.FAILED | Verdict.UNRUN:
            return _after_failure(outcome, charged, max_attempts, backoff.delay_s(attempt, jitter))


def _after_failure(outcome: Outcome, charged: int, max_attempts: int, delay_s: float) -> Decision:
    cost = outcome.verdict is not Verdict.UNRUN
    policy = POLICY[outcome.cause] if outcome.cause else Policy.GIVE_UP
    if policy is Policy.PAUSE:
        spent = charged + cost >= max_attempts
        status = UnitStatus.FAILED if spent else UnitStatus.PENDING
        return Decision(status=status, charged=cost, pause=PAUSE_REASON[Cause(outcome.cause or "")])
    if policy is Policy.RETRY and charged + cost < max_attempts:
        return Decision(status=UnitStatus.PENDING, charged=cost, delay_s=delay_s)
    return Decision(status=UnitStatus.FLAGGED if outcome.verdict is Verdict.EMPTY else UnitStatus.FAILED, charged=cost)
