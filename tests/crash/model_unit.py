"""A pure model of a unit, and of what it came to in a trial."""

from dataclasses import dataclass, field

FINAL = {"succeeded", "flagged", "failed", "skipped", "cancelled"}
DUST = 1e-9


@dataclass
class Unit:
    """`reserved` is what its open attempt may cost; `paid` what the ended ones did, by trial. `value` is its payload;
    `answered` the one that it came to its end for, None if nobody knows; `gone`: its source does not have it."""

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
    pilot: bool = False
    trial: int = 0  # under which its last attempt runs, or ran
    asked: str = ""  # what the job says when it is claimed
    said: str | None = None  # what the job said for its answer; None: not known
    paid: dict[int, float] = field(default_factory=dict)
    value: int = 0
    answered: int | None = None
    gone: bool = False

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def cost(self) -> float:
        return sum(self.paid.values())

    def claim(self, reserve: float, trial: int) -> None:
        self.status, self.due_at, self.reserved, self.trial = "running", 0.0, reserve, trial
        self.attempt += 1
        self.said = None

    def end(
        self,
        status: str,
        *,
        charged: bool,
        cost: float,
        due_at: float = 0.0,
        text: str | None = None,
        answered: int | None = None,
    ) -> None:
        self.status, self.due_at, self.intent, self.reserved = status, due_at, None, 0.0
        self.charged += charged
        self.paid[self.trial] = self.paid.get(self.trial, 0.0) + cost
        self.text, self.answered = text, answered
        self.signature = "known" if status in {"failed", "flagged"} else None

    def is_fresh(self, instructions: str) -> bool:
        """Whether its answer was given for what it is, by what the job says."""
        return self.said == instructions and self.answered == self.value

    def cancel(self) -> None:
        self.end("cancelled", charged=False, cost=0.0)

    def ask_again(self) -> None:
        self.requests += self.is_final
        self.status, self.due_at, self.charged, self.text, self.signature = "pending", 0.0, 0, None, None

    def result(self, trial: int) -> "Result":
        doubted = self.signature is not None
        return Result(self.status, self.text, doubted, self.paid.get(trial, 0.0), self.said, self.answered)

    def be(self, result: "Result") -> None:
        self.status, self.text, self.signature = result.status, result.text, "known" if result.doubted else None
        self.said, self.answered = result.said, result.answered


@dataclass(frozen=True)
class Result:
    status: str
    text: str | None
    doubted: bool
    cost: float
    said: str | None = None
    answered: int | None = None


@dataclass
class Trial:
    """Has ended without `results` if somebody began another round before it was through."""

    n: int
    round: int
    variant: str | None
    instructions: str
    has_ended: bool = False
    results: dict[str, Result] = field(default_factory=dict)


@dataclass
class Retry:
    """Units of this status are asked for again, or those that are `stale`; those after the place `after`; a few at a
    time."""

    status: str
    after: int = -1
