"""Pure: what has finished → how fast it goes and when the rest will be done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

WINDOW = 100
"""How many of the newest finishes are looked at."""
ENOUGH = 5
"""Under this many finished units nothing is said: it would be a guess."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """`rate_per_min` and `eta_s` are None where too little is known to say."""

    rate_per_min: float | None
    eta_s: float | None


def pace(finished: Sequence[datetime], *, started_at: datetime | None, remaining: int, now: datetime) -> Pace:
    """The pace of the last finishes, newest first.

    The window runs from the oldest finish given (or the last start, if all since then is given) to now, so that a job
    that stands still is seen to slow down, and a pause does not count.
    """
    if len(finished) < ENOUGH or started_at is None:
        return Pace(rate_per_min=None, eta_s=0.0 if remaining == 0 else None)
    recent = [moment for moment in finished if moment > started_at]
    if len(recent) < ENOUGH:
        return Pace(rate_per_min=None, eta_s=0.0 if remaining == 0 else None)
    whole = len(recent) < len(finished) or len(finished) < WINDOW
    window_s = (now - (started_at if whole else recent[-1])).total_seconds()
    counted = len(recent) - (not whole)
    if window_s <= 0 or counted <= 0:
        return Pace(rate_per_min=None, eta_s=0.0 if remaining == 0 else None)
    rate_s = counted / window_s
    return Pace(rate_per_min=round(rate_s * 60, 2), eta_s=round(remaining / rate_s, 1))
