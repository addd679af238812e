"""Units that end badly, all alike, stop a job before all of it has ended so. Pure."""

from dataclasses import dataclass, field

from batchproc.models import Hold, Outcome, Pause, Verdict

WINDOW = 20


@dataclass(slots=True)
class Breaker:
    """How the last units ended of one start of one job; a later start begins anew: a person has looked.

    A unit counts once, with its last attempt: a few bad ones that are tried again and again do not stop the others.
    """

    start: int
    last: dict[int, str | None] = field(default_factory=dict)  # signature by unit, the newest last

    def ended(self, unit: int, outcome: Outcome, most: int) -> Hold | None:
        """An attempt of a unit has ended so; the reason to pause if `most` of the last ended badly alike. 0: never.

        What did not run (a limit, a refused credential) says nothing of the job.
        """
        if outcome.verdict is Verdict.UNRUN:
            return None
        bad = None if outcome.verdict is Verdict.SUCCEEDED else outcome.signature
        self.last.pop(unit, None)
        self.last[unit] = bad
        if len(self.last) > WINDOW:
            del self.last[next(iter(self.last))]
        alike = 0 if bad is None else sum(one == bad for one in self.last.values())
        if not most or alike < most:
            return None
        said = f"{alike} of the last {len(self.last)} units ended alike: {outcome.message[:500]}"
        return Hold(reason=Pause.BREAKER, detail=said)
