"""What a benchmark tells, and how two things are timed against each other so that noise cancels."""

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One line of the table. `ratio` is ours ÷ peer; without a peer, `ours` itself is held against the floor."""

    name: str
    ours: float
    peer: float | None
    unit: str
    floor: float | None = None
    sense: Literal["≥", "≤"] = "≥"

    @property
    def ratio(self) -> float | None:
        return None if self.peer is None else self.ours / self.peer

    @property
    def verdict(self) -> str:
        """`ok`, `MISSED`, or `-` where there is no floor."""
        if self.floor is None:
            return "-"
        measured = self.ours if self.ratio is None else self.ratio
        return "ok" if (measured >= self.floor if self.sense == "≥" else measured <= self.floor) else "MISSED"

    def line(self) -> str:
        floor = "none" if self.floor is None else f"{self.sense} {self.floor:g}"
        ratio = "-" if self.ratio is None else f"{self.ratio:.2f}"
        peer = "-" if self.peer is None else number(self.peer)
        return f"{self.name:<24}{number(self.ours):>10}{peer:>10} {self.unit:<8}{ratio:>6}  {floor:<7} {self.verdict}"

    def facts(self) -> dict[str, Any]:
        """The same for a program: full precision, None where there is nothing."""
        own = {"name": self.name, "ours": self.ours, "peer": self.peer, "unit": self.unit, "ratio": self.ratio}
        return own | {"floor": self.floor, "sense": self.sense, "verdict": self.verdict}


HEADER = f"{'name':<24}{'ours':>10}{'peer':>10} {'unit':<8}{'ratio':>6}  {'floor':<7} verdict"


def number(value: float) -> str:
    """Three digits that matter."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


async def in_turns(rounds: int, *contenders: Callable[[], Awaitable[float]]) -> Sequence[float]:
    """Run them one after the other, round after round, so that a busy machine hits all alike. The median of each."""
    runs = [[await contender() for contender in contenders] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*runs, strict=True)]
