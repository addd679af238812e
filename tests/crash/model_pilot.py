"""A pure model of a job's pilot: rounds of trials on the same few units, and what a person makes of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from tests.crash.model_unit import Retry, Trial, Unit


@dataclass
class Pilot:
    """What a job has, and what of it a pilot moves. `room` is the most that may be spent and reserved: the budget,
    unless that was lowered below what was already."""

    budget: float
    max_attempts: int
    max_units: int | None = None
    units: list[Unit] = field(default_factory=list)
    status: str = "ready"
    reason: str | None = None
    paused_from: str | None = None
    starts: int = 0
    room: float = 0.0
    retries: list[Retry] = field(default_factory=list)
    is_approved: bool = False
    instructions: str = "do"
    round: int = 0
    trial: int = 0
    tried: list[Trial] = field(default_factory=list)
    approved_trial: int | None = None

    def __post_init__(self) -> None:
        self.room = self.budget

    @property
    def spent(self) -> float:
        return sum(unit.cost for unit in self.units)

    @property
    def held(self) -> float:
        return self.spent + sum(unit.reserved for unit in self.units)

    def go(self, status: str) -> None:
        self.status, self.reason, self.paused_from = status, None, None
        self.starts += 1

    def take_budget(self, budget: float) -> None:
        if budget != self.budget:
            self.budget, self.room = budget, max(budget, self.held)

    def paid(self, trial: int, key: str) -> float:
        return self.tried[trial - 1].results[key].cost

    # A round.

    @property
    def in_pilot(self) -> list[Unit]:
        return [unit for unit in self.units if unit.pilot]

    @property
    def of_round(self) -> list[Trial]:
        return [one for one in self.tried if one.round == self.round]

    def begin(self, tried: Sequence[tuple[str, str | None]], chosen: Collection[str], budget: float) -> bool:
        """`tried`: instructions and the name of the variant. `chosen`: keys, for the first round."""
        if self.is_approved or self.status not in {"ready", "pilot", "review", "paused"}:
            return False
        self.go("pilot")
        self.round += 1
        for one in self.tried:
            one.has_ended = True
        first = len(self.tried) + 1
        self.tried += [Trial(n, self.round, name, said) for n, (said, name) in enumerate(tried, first)]
        for unit in self.units:
            unit.pilot |= unit.key in chosen
        self.take_budget(budget)
        self._take_up(first)
        self.drain_pilot()
        return True

    def revise(self, said: str, meant: Collection[str]) -> bool:
        """Describe a job anew that has run; `meant`: keys of the units that run first."""
        may = self.status == "completed" or (self.status, self.paused_from) == ("paused", "running")
        if not may or self.retries or any(unit.status == "running" for unit in self.units):
            return False
        if not self.trial:
            self.tried.append(Trial(1, 1, None, self.instructions, has_ended=True))
            self.round = 1
        before = self.approved_trial = self.trial or 1
        for one in self.tried:
            one.has_ended = True
        for unit in self.units:
            unit.pilot = unit.key in meant
            if unit.pilot and unit.is_final:
                self.tried[before - 1].results[unit.key] = unit.result(self.trial)
        self.go("pilot")
        self.is_approved = False
        self.round += 1
        self.tried.append(Trial(len(self.tried) + 1, self.round, None, said))
        self._take_up(len(self.tried))
        self.drain_pilot()
        return True

    def _take_up(self, n: int) -> None:
        self.trial, self.instructions = n, self.tried[n - 1].instructions
        for unit in self.in_pilot:
            if unit.status == "running":
                unit.intent = unit.intent or "release"
            elif unit.status != "cancelled":
                unit.ask_again()

    def resume(self) -> bool:
        waits = self.status == "paused" or (self.status == "review" and self.retries)
        if self.is_approved or not self.trial or not waits:
            return False
        self.go("pilot")
        self.drain_pilot()
        return True

    def drain_pilot(self) -> None:
        if self.is_approved or self.status not in {"pilot", "paused"} or self.retries:
            return
        if all(unit.is_final for unit in self.in_pilot):
            now = self.tried[self.trial - 1]
            now.has_ended, now.results = True, {unit.key: unit.result(now.n) for unit in self.in_pilot}
            if following := [one.n for one in self.tried if not one.has_ended]:
                self._take_up(following[0])
                self.drain_pilot()
            else:
                self.status, self.reason, self.paused_from = "review", None, None

    def drain(self) -> None:
        raise NotImplementedError

    def restore(self, n: int) -> None:
        """Trial `n` is the one in force: what the pilot's units came to in it counts."""
        if n != self.trial:
            for unit in self.in_pilot:
                result = self.tried[n - 1].results.get(unit.key)
                if unit.status != "cancelled" and (result is None or result.status == "cancelled"):
                    unit.ask_again()
                elif unit.status != "cancelled" and result is not None:
                    unit.be(result)
        self.trial, self.instructions = n, self.tried[n - 1].instructions
