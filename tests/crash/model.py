"""A pure model of the store: what a job and its units must be after any history of orders, claims, ends and crashes."""

from dataclasses import dataclass

from tests.crash.model_source import Sourced
from tests.crash.model_unit import DUST, Retry, Unit

UNDER_WAY = {"pilot", "running", "paused"}


@dataclass
class Job(Sourced):
    """What people do with it, and what becomes of it."""

    def of(self, status: str) -> list[Unit]:
        return [unit for unit in self.units if unit.status == status]

    def due(self, now: float) -> list[Unit]:
        """In the order in which they are to be claimed: in a pilot, its units alone."""
        allowed = self.in_pilot if self.status == "pilot" else self.units
        found = [(unit.due_at, n, unit) for n, unit in enumerate(allowed) if unit.status == "pending"]
        return [unit for due_at, _, unit in sorted(found, key=lambda one: one[:2]) if due_at <= now]

    def _may_start(self, now: float, limit: int) -> list[Unit]:
        """Under the cap on units: those that were started before come first where it stands in the way."""
        due = self.due(now)
        fresh = limit if self.max_units is None else self.max_units - sum(unit.attempt > 0 for unit in self.units)
        if fresh >= limit:
            return due[:limit]
        return [unit for unit in due if unit.attempt][:limit] or due[: max(0, fresh)]

    def claim(self, now: float, limit: int, reserve: float) -> list[Unit]:
        if self.status not in {"pilot", "running"}:
            return []
        fits = int((self.budget - self.held + DUST) // reserve) if reserve > 0 else limit
        claimed = self._may_start(now, limit)[: max(0, fits)]
        for unit in claimed:
            unit.claim(reserve, self.trial)
            unit.asked = self.instructions
        return claimed

    def start(self, step: int) -> bool:
        """All of it, whoever approved of it."""
        if self.status not in {"ready", "pilot", "review", "paused"}:
            return False
        self.is_approved = True
        is_change = self.approved_trial not in {None, self.trial}
        self.approved_trial = None
        self.go("running")
        if is_change:
            self.retries.append(Retry("stale"))
        self.drain()
        self.put_back(step) if is_change else None
        return True

    def approve(self, n: int, budget: float, step: int) -> bool:
        is_back = (self.status, self.paused_from, self.approved_trial) == ("paused", "pilot", n)
        if self.status != "review" and (not is_back or self.of("running")):
            return False
        self.take_budget(budget)
        self.restore(n)
        return self.start(step)

    def pause(self, reason: str) -> bool:
        if self.status not in {"pilot", "running"}:
            return False
        self.status, self.reason, self.paused_from = "paused", reason, self.status
        return True

    def hold(self, *, release: bool) -> bool:
        changed = self.pause("user") or (self.status == "paused" and self.reason != "user")
        if changed:
            self.reason = "user"
        if release:
            self.intend("release", self.of("running"))
        return changed

    def go_on(self, reason: str) -> bool:
        if (self.status, self.reason) != ("paused", reason):
            return False
        self.go(str(self.paused_from))
        self.drain()
        return True

    def cancel(self) -> bool:
        if self.status not in {"ready", "review"} | UNDER_WAY or self.approved_trial is not None:
            return False
        self.status, self.reason, self.paused_from = "cancelled", None, None
        self.retries = [one for one in self.retries if one.status == "stale"]
        self.intend("cancel", self.of("running"))
        return True

    def cancel_pending(self) -> None:
        for unit in self.of("pending"):
            unit.cancel()

    def cancel_keys(self, keys: set[str]) -> None:
        meant = [unit for unit in self.units if unit.key in keys]
        for unit in meant:
            if unit.status == "pending":
                unit.cancel()
        self.intend("cancel", [unit for unit in meant if unit.status == "running"])
        self.drain()

    def intend(self, intent: str, units: list[Unit]) -> None:
        for unit in units:
            if unit.intent != "cancel":
                unit.intent = intent

    def set_budget(self, budget: float) -> None:
        if budget != self.budget:
            self.take_budget(budget)
            self.go_on("budget")

    def ask_again(self, status: str, step: int) -> None:
        if self.status in {"completed", "cancelled"}:
            self.go("running" if self.is_approved else "pilot" if self.trial else "ready")
        self.retries.append(Retry(status))
        self.resume() if self.status == "review" else None
        self.put_back(step)

    def put_back(self, step: int) -> None:
        """A step of the oldest order to run units again."""
        retry = self.retries[0]
        wanted = {"succeeded", "flagged", "failed"} if retry.status == "stale" else {retry.status}
        meant = [n for n, unit in enumerate(self.units) if n > retry.after and unit.status in wanted and not unit.gone][
            :step
        ]
        for n in meant:
            if retry.status != "stale" or not self.units[n].is_fresh(self.instructions):
                self.units[n].ask_again()
        if len(meant) == step:
            retry.after = meant[-1]
            return
        self.retries.pop(0)
        self.drain()

    def is_stale(self, unit: Unit) -> bool:
        """Whether its attempt ran under a description that is in force no more."""
        return unit.pilot and unit.trial != self.trial

    def lose(self, unit: Unit) -> None:
        """Its supervisor died."""
        cancelled = unit.intent == "cancel" or self.status == "cancelled"
        last = "failed" if unit.charged + 1 >= self.max_attempts and not self.is_stale(unit) else "pending"
        unit.end("cancelled" if cancelled else last, charged=True, cost=unit.reserved)
        if self.is_stale(unit):
            unit.charged = 0

    def drain(self) -> None:
        self.drain_pilot()
        is_through = all(unit.is_final for unit in self.units) and not self.retries
        if self.is_approved and self.status in UNDER_WAY and is_through:
            self.status, self.reason, self.paused_from = "completed", None, None
