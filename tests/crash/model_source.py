"""A pure model of a source that is read once more: what it holds now beside the units of its job, and what follows."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tests.crash.model_pilot import Pilot
from tests.crash.model_unit import Unit

ENDED = {"completed", "cancelled"}


@dataclass
class Sourced(Pilot):
    """Its source is a value for each key."""

    source_version: int = 1

    def may_refresh(self) -> bool:
        """Whether nothing of it runs, or is about to."""
        is_at_rest = self.status == "ready" or (self.status == "review" and self.approved_trial is None)
        is_at_rest = is_at_rest or (self.is_approved and self.status in {"paused", *ENDED})
        waits = self.status == "cancelled" and any(unit.status == "pending" for unit in self.units)
        orders = [one for one in self.retries if one.status != "stale" or self.status != "cancelled"]
        return is_at_rest and not waits and not orders and all(unit.status != "running" for unit in self.units)

    def kind(self, unit: Unit, value: int) -> str:
        if unit.status == "pending":
            return "waiting"
        if unit.status == "skipped" and unit.gone:
            return "back"
        if unit.status not in {"succeeded", "failed", "flagged"}:
            return "unanswered"
        if unit.answered is None and unit.status != "succeeded":
            return "changed" if value != unit.value else "unanswered"
        if unit.answered is None:
            return "unknown"
        if unit.answered != value or unit.said != self.instructions:
            return "changed"
        return "same" if unit.status == "succeeded" else "unanswered"

    def kinds(self, source: Mapping[str, int]) -> Counter[str]:
        known = {unit.key: unit for unit in self.units}
        missed = [unit for key, unit in known.items() if key not in source]
        found = Counter(self.kind(known[key], value) if key in known else "new" for key, value in source.items())
        found["gone"] = sum(not unit.gone or unit.status == "pending" for unit in missed)
        return +found

    def refresh(self, source: Mapping[str, int]) -> None:
        kinds = {unit.key: self.kind(unit, source[unit.key]) for unit in self.units if unit.key in source}
        new = [Unit(key, value=value) for key, value in source.items() if key not in {unit.key for unit in self.units}]
        changed = [unit for unit in self.units if kinds.get(unit.key) in {"changed", "unknown"}]
        runs = new or changed or "back" in kinds.values()
        if self.status in ENDED and runs:
            self.go("running")
        for unit in self.units:
            if unit.key in source:
                self._take(unit, source[unit.key], kinds[unit.key])
            else:
                self._miss(unit)
        self.units += new
        self.source_version += 1
        if self.status == "review" and changed:
            self._try_again(changed)
        if self.status == "paused":
            self.drain()

    def _take(self, unit: Unit, value: int, kind: str) -> None:
        if kind in {"changed", "unknown"}:
            unit.ask_again()
        elif value != unit.value and kind != "same":
            unit.requests += unit.charged > 0
            unit.charged = 0
        if kind == "back":
            unit.status = "pending"
        unit.value, unit.gone = value, False

    def _miss(self, unit: Unit) -> None:
        unit.gone = True
        if unit.status == "pending":
            unit.status, unit.due_at = "skipped", 0.0

    def _try_again(self, changed: list[Unit]) -> None:
        """Units of the pilot: what they came to before says nothing any more, in whatever trial."""
        self.go("pilot")
        for one in self.tried:
            for unit in changed:
                if unit.key in one.results:
                    before = one.results[unit.key]
                    one.results[unit.key] = replace(
                        before, status="cancelled", text=None, doubted=False, said=None, answered=None
                    )
