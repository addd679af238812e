"""Attempts that end badly, all alike, stop a job before they stop each of its units. Pure."""

from collections import deque
from dataclasses import dataclass, field

from batchproc.models import Hold, Outcome, Pause, Verdict

WINDOW = 20


@dataclass(slots=True)
class Breaker:
    """The last attempts of one start of one job; a later start begins anew: a person has looked."""

    start: int
    last: deque[str | None] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def ended(self, outcome: Outcome, most: int) -> Hold | None:
        """An attempt has ended so; the reason to pause if `most` of the last ended badly alike. 0: never.

        What did not run (a limit, a refused credential) says nothing of the job.
        """
        if outcome.verdict is Verdict.UNRUN:
            return None
        bad = None if outcome.verdict is Verdict.SUCCEEDED else outcome.signature
        self.last.append(bad)
        alike = self.last.count(bad) if bad is not None else 0
        if not most or alike < most:
            return None
        said = f"{alike} of the last {len(self.last)} attempts ended alike: {outcome.message[:500]}"
        return Hold(reason=Pause.BREAKER, detail=said)
