"""Pure: an outcome → what happens next. One table says what each cause deserves."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from batchproc.models import Cause, Outcome, Pause, UnitStatus, Verdict


class Policy(StrEnum):
    """What a cause deserves."""

    RETRY = "retry"  # after a back-off, while attempts remain
    WAIT = "wait"  # for the limit that all jobs share: the limiter says when; uncharged if no tool ran
    PAUSE = "pause"  # the whole job; the unit waits with it, uncharged if no tool ran
    GIVE_UP = "give_up"  # no retry mends it


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """`slower` multiplies the back-off: what hits many units at once needs longer to pass. `pause` is the reason."""

    policy: Policy
    slower: float = 1.0
    pause: Pause | None = None


RETRY, WAIT, GIVE_UP = Rule(policy=Policy.RETRY), Rule(policy=Policy.WAIT), Rule(policy=Policy.GIVE_UP)
OUTAGE = Rule(policy=Policy.RETRY, slower=3.0)

TABLE = {
    Cause.QUOTA: WAIT,
    Cause.RATE_LIMIT: WAIT,
    Cause.OVERLOADED: WAIT,
    Cause.SERVER: OUTAGE,
    Cause.NETWORK: OUTAGE,
    Cause.TIMEOUT: RETRY,
    Cause.STALLED: RETRY,
    Cause.CRASHED: RETRY,
    Cause.WORKER_LOST: RETRY,
    Cause.EMPTY: RETRY,
    Cause.OUTPUT_LIMIT: RETRY,
    Cause.SCHEMA: Rule(policy=Policy.RETRY, slower=0.0),
    Cause.UNWRITTEN: Rule(policy=Policy.RETRY, slower=0.0),
    Cause.NO_CONVERSATION: Rule(policy=Policy.RETRY, slower=0.0),
    Cause.AUTHENTICATION: Rule(policy=Policy.PAUSE, pause=Pause.CREDENTIAL),
    Cause.MODEL: Rule(policy=Policy.PAUSE, pause=Pause.MODEL),
    Cause.CLI_MISSING: Rule(policy=Policy.PAUSE, pause=Pause.CLI),
    Cause.MACHINE: Rule(policy=Policy.PAUSE, pause=Pause.MACHINE),
    Cause.DISK: Rule(policy=Policy.PAUSE, pause=Pause.DISK),
    Cause.CHECK: Rule(policy=Policy.GIVE_UP, pause=Pause.MACHINE),
    Cause.CHECK_CHANGED: Rule(policy=Policy.GIVE_UP, pause=Pause.APPROVAL),
    Cause.INVALID_REQUEST: GIVE_UP,
    Cause.CONTEXT_TOO_LONG: GIVE_UP,
    Cause.REFUSAL: GIVE_UP,
    Cause.MAX_TURNS: GIVE_UP,
    Cause.UNIT_BUDGET: GIVE_UP,
    Cause.PROMPT: GIVE_UP,
    Cause.PUBLISHING: GIVE_UP,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What becomes of the unit. `delay_s` goes with `pending`; `pause` is the reason for which the whole job stops."""

    status: UnitStatus
    charged: bool = True
    delay_s: float = 0.0
    pause: Pause | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """Exponential: `first_s` doubled after each attempt, at most `max_s`, then spread over [0.5, 1) of it."""

    first_s: float
    max_s: float

    def delay_s(self, attempt: int, jitter: Callable[[], float], slower: float = 1.0) -> float:
        delay_s = min(self.max_s, slower * self.first_s * 2 ** min(attempt - 1, 30))
        return float(delay_s * (0.5 + jitter() / 2))


def decide(
    outcome: Outcome, *, attempt: int, charged: int, max_attempts: int, backoff: Backoff, jitter: Callable[[], float]
) -> Decision:
    """What happens after `outcome` of attempt number `attempt`, for a unit that was charged `charged` times before.

    `jitter` gives a number in [0, 1). An attempt that did not run is not charged, so it is retried without end: what
    stops that is the limiter or the job's pause, not the unit's failure.
    """
    match outcome.verdict:
        case Verdict.SUCCEEDED:
            return Decision(status=UnitStatus.SUCCEEDED)
        case Verdict.FLAGGED:
            return Decision(status=UnitStatus.FLAGGED, pause=TABLE[outcome.cause].pause if outcome.cause else None)
        case Verdict.EMPTY | Verdict.FAILED | Verdict.UNRUN:
            rule = TABLE[outcome.cause] if outcome.cause else GIVE_UP
            return _after_failure(outcome, rule, charged, max_attempts, backoff.delay_s(attempt, jitter, rule.slower))


def _after_failure(outcome: Outcome, rule: Rule, charged: int, max_attempts: int, delay_s: float) -> Decision:
    cost = outcome.verdict is not Verdict.UNRUN
    spent = charged + cost >= max_attempts or rule.policy is Policy.GIVE_UP
    if spent and (cost or rule.policy is Policy.GIVE_UP):
        status = UnitStatus.FLAGGED if outcome.verdict is Verdict.EMPTY else UnitStatus.FAILED
        return Decision(status=status, charged=cost, pause=rule.pause)
    waits = delay_s if rule.policy is Policy.RETRY else 0.0
    return Decision(status=UnitStatus.PENDING, charged=cost, delay_s=waits, pause=rule.pause)
