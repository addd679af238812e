"""A pure model of the store: what a job and its units must be after any history of orders, claims, ends and crashes."""

from dataclasses import dataclass, field

FINAL = {"succeeded", "flagged", "failed", "cancelled"}
DUST = 1e-9


@dataclass
class Unit:
    """`costs` has what each of its ended attempts came to; `reserved` what the open one may."""

    key: str
    status: str = "pending"
    attempt: int = 0
    charged: int = 0
    requests: int = 1
    due_at: float = 0.0
    intent: str | None = None
    text: str | None = None
    signature: str | None = None
    reserved: float = 0.0
    cost: float = 0.0

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def claim(self, reserve: float) -> None:
        self.status, self.due_at, self.reserved = "running", 0.0, reserve
        self.attempt += 1

    def end(self, status: str, *, charged: bool, cost: float, due_at: float = 0.0, text: str | None = None) -> None:
        self.status, self.due_at, self.intent, self.reserved = status, due_at, None, 0.0
        self.charged += charged
        self.cost += cost
        self.text = text
        self.signature = "known" if status in {"failed", "flagged"} else None

    def ask_again(self) -> None:
        self.status, self.due_at, self.charged, self.text, self.signature = "pending", 0.0, 0, None, None
        self.requests += 1


@dataclass
class Retry:
    """Units of this status are asked for again, those after the place `after`; a few at a time."""

    status: str
    after: int = -1


@dataclass
class Job:
    """`room` is the most that may be spent and reserved: the budget, unless that was lowered below what was already."""

    budget: float
    max_attempts: int
    units: list[Unit] = field(default_factory=list)
    status: str = "ready"
    reason: str | None = None
    starts: int = 0
    room: float = 0.0
    retries: list[Retry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.room = self.budget

    @property
    def spent(self) -> float:
        return sum(unit.cost for unit in self.units)

    @property
    def held(self) -> float:
        return self.spent + sum(unit.reserved for unit in self.units)

    def of(self, status: str) -> list[Unit]:
        return [unit for unit in self.units if unit.status == status]

    def due(self, now: float) -> list[Unit]:
        """In the order in which they are to be claimed."""
        found = [(unit.due_at, n, unit) for n, unit in enumerate(self.units) if unit.status == "pending"]
        return [unit for due_at, _, unit in sorted(found, key=lambda one: one[:2]) if due_at <= now]

    def claim(self, now: float, limit: int, reserve: float) -> list[Unit]:
        if self.status != "running":
            return []
        fits = int((self.budget - self.held + DUST) // reserve) if reserve > 0 else limit
        claimed = self.due(now)[: max(0, min(limit, fits))]
        for unit in claimed:
            unit.claim(reserve)
        return claimed

    def start(self) -> bool:
        if self.status not in {"ready", "paused"}:
            return False
        self._run()
        self.drain()
        return True

    def _run(self) -> None:
        self.status, self.reason = "running", None
        self.starts += 1

    def pause(self, reason: str) -> bool:
        if self.status != "running":
            return False
        self.status, self.reason = "paused", reason
        return True

    def hold(self, *, release: bool) -> bool:
        changed = self.status == "running" or (self.status == "paused" and self.reason != "user")
        if changed:
            self.status, self.reason = "paused", "user"
        if release:
            self.intend("release", self.of("running"))
        return changed

    def go_on(self, reason: str) -> bool:
        return self.status == "paused" and self.reason == reason and self.start()

    def cancel(self) -> bool:
        if self.status not in {"ready", "running", "paused"}:
            return False
        self.status, self.reason = "cancelled", None
        self.retries.clear()
        self.intend("cancel", self.of("running"))
        return True

    def cancel_pending(self) -> None:
        for unit in self.of("pending"):
            unit.end("cancelled", charged=False, cost=0.0)

    def cancel_keys(self, keys: set[str]) -> None:
        meant = [unit for unit in self.units if unit.key in keys]
        for unit in meant:
            if unit.status == "pending":
                unit.end("cancelled", charged=False, cost=0.0)
        self.intend("cancel", [unit for unit in meant if unit.status == "running"])
        if self.status in {"running", "paused"}:
            self.drain()

    def intend(self, intent: str, units: list[Unit]) -> None:
        for unit in units:
            if unit.intent != "cancel":
                unit.intent = intent

    def set_budget(self, budget: float) -> None:
        if budget == self.budget:
            return
        self.room = max(budget, self.held)
        self.budget = budget
        self.go_on("budget")

    def ask_again(self, status: str, step: int) -> None:
        if self.status in {"completed", "cancelled"}:
            self._run()
        self.retries.append(Retry(status))
        self.put_back(step)

    def put_back(self, step: int) -> None:
        """A step of the oldest order to run units again."""
        retry = self.retries[0]
        meant = [n for n, unit in enumerate(self.units) if n > retry.after and unit.status == retry.status][:step]
        for n in meant:
            self.units[n].ask_again()
        if len(meant) == step:
            retry.after = meant[-1]
            return
        self.retries.pop(0)
        self.drain()

    def drain(self) -> None:
        is_through = all(unit.is_final for unit in self.units) and not self.retries
        if self.status in {"running", "paused"} and is_through:
            self.status, self.reason = "completed", None
