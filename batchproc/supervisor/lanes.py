"""The API's limits, as all jobs of the store share them: one lane for each credential and model.

A lane says how many agents may be at work in it. It starts low, widens while all goes well, narrows once for each
episode of rate limits (AIMD, as TCP has it: RFC 5681; start and factor as in inspect_ai's adaptive concurrency), and
closes when the API says so; then one agent probes it. Pure: the time is a parameter, and monotonic.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

START = 4
NARROWER = 0.8
UNKNOWN_QUOTA_S = 900.0
"""How long a lane is closed for a quota that does not say when it ends."""


@dataclass(slots=True)
class Lane:
    """How many agents may be at work for one credential and one model. `cap` is the store's own limit.

    `closed_until`, `cut_at` and `refused_at` are monotonic seconds.
    """

    cap: int
    ceiling: float = float(START)
    closed_until: float | None = None
    reason: str | None = None
    is_probing: bool = False
    was_limited: bool = False
    strikes: int = 0
    cut_at: float = float("-inf")
    refused_at: float = float("-inf")
    starts: dict[int, int] = field(default_factory=dict)  # of the jobs that wait for it, by their number

    def __post_init__(self) -> None:
        self.ceiling = max(1.0, min(self.ceiling, float(self.cap)))

    def allows(self, now: float) -> int:
        """How many agents may be at work in it at a time."""
        if self.closed_until is not None:
            if now < self.closed_until:
                return 0
            self.open_a_crack()
        return 1 if self.is_probing else int(self.ceiling)

    def open_a_crack(self) -> None:
        """The limit should be over: one agent finds out."""
        self.closed_until = self.reason = None
        self.is_probing = True

    def went_well(self, began: float, at_work: int) -> None:
        """An attempt got its answers. `at_work` counts it too: a lane that is not full learns nothing of its width, and
        none from what began before the last refusal."""
        if began <= self.refused_at:
            return
        self.strikes = 0
        if self.is_probing:
            self.is_probing, self.ceiling = False, min(2.0, float(self.cap))
        elif at_work >= int(self.ceiling):
            self.ceiling = min(float(self.cap), self.ceiling + (1 / self.ceiling if self.was_limited else 1.0))

    def heard_of_limit(self, began: float, now: float) -> bool:
        """The API turned a request away, and the agent asks again. Once for each episode: what began before the last
        cut says nothing new. Says whether this was news."""
        if began <= self.cut_at:
            return False
        self.ceiling, self.cut_at, self.was_limited = max(1.0, self.ceiling * NARROWER), now, True
        return True

    def refused(
        self, began: float, now: float, wait_s: float | None, backoff: Callable[[int], float], why: str
    ) -> bool:
        """An attempt could not run for a limit. `wait_s` is what the API said; `backoff(n)` what to wait after the n-th
        refusal in a row, and at least. Says whether this was news: of many that were under way, the first one is."""
        is_news = began > self.refused_at
        if not is_news and (self.closed_until is None or wait_s is None):
            return False
        if is_news:
            self.strikes += 1
            self.refused_at = now
        self._close(max(wait_s or 0.0, backoff(self.strikes)), now, why)
        return True

    def _close(self, wait_s: float, now: float, why: str) -> None:
        """Nobody starts for so long. A longer wait than the one that is known replaces it."""
        until = now + wait_s
        if self.closed_until is None or until > self.closed_until:
            self.closed_until, self.reason = until, why
        self.is_probing = False
