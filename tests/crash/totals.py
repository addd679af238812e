"""What all harnesses of one run have found, in one line of JSON: the judges add to it, the end of the run prints it."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field


class Broken(AssertionError):
    """A promise was broken: what a judge raises, and what a negative control must bring about."""


@dataclass(kw_only=True)
class Findings:
    """What one judge found. `wrong` tells of everything that has no number of its own."""

    lost: int = 0
    doubled: int = 0
    orphans: int = 0
    calls_after_death: int = 0
    overspend_usd: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def require(self) -> None:
        found = {name: value for name, value in vars(self).items() if value}
        if found:
            raise Broken(json.dumps(found, indent=1))


@dataclass(kw_only=True)
class Totals:
    """Of one run. `lost` to `overspend_usd` must be 0, and every control must have failed."""

    kills: int = 0
    units: int = 0
    lost: int = 0
    doubled: int = 0
    orphans: int = 0
    calls_after_death: int = 0
    overspend_usd: float = 0.0
    controls: int = 0
    controls_failed: int = 0
    examples: int = 0  # of the state machine
    at_points: int = 0  # kills that came at a named point
    slowest_death_s: float = 0.0

    def add(self, found: Findings) -> None:
        """Count what a judge found. Raises `Broken` if it is anything at all."""
        for name in ("lost", "doubled", "orphans", "calls_after_death", "overspend_usd"):
            setattr(self, name, getattr(self, name) + getattr(found, name))
        found.require()

    @contextlib.contextmanager
    def control(self, what: str) -> Iterator[None]:
        """Around a judge that looks at a house which was broken on purpose: it must raise `Broken`."""
        self.controls += 1
        try:
            yield
        except Broken:
            self.controls_failed += 1
            return
        raise AssertionError(f"negative control: with {what} nothing was found, so that this suite proves nothing")

    def merge(self, other: "Totals") -> None:
        """What another run has found, beside this one."""
        for name, value in vars(other).items():
            mine = getattr(self, name)
            setattr(self, name, max(mine, value) if name == "slowest_death_s" else mine + value)

    @property
    def is_clean(self) -> bool:
        found = (self.lost, self.doubled, self.orphans, self.calls_after_death, self.overspend_usd)
        return not any(found) and self.controls == self.controls_failed

    def line(self) -> str:
        told = vars(self) | {
            "overspend_usd": round(self.overspend_usd, 6),
            "slowest_death_s": round(self.slowest_death_s, 3),
        }
        return json.dumps(told)
