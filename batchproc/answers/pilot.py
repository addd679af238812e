"""What a job's pilot showed, and what it says of the rest."""

from typing import Any

from pydantic import Field

from batchproc.answers.base import Answer, Output
from batchproc.answers.review import GoldAnswer


class Range(Answer):
    low: float
    mid: float
    high: float


class Reality(Answer):
    """What the rest came to, and whether that fell inside what was said of it."""

    cost_usd: float
    time_s: float
    tokens: int
    held: dict[str, bool] = Field(description="cost_usd, time_s, tokens: inside the interval or not")
    words: str


class QuoteAnswer(Answer):
    """What the rest will cost and take: an estimate, not a promise."""

    level: float = Field(description="The part of such intervals that is meant to hold the truth")
    units: int = Field(description="Units it is about: those that are not final")
    based_on: int = Field(description="Units it rests on")
    cost_usd: Range
    time_s: Range
    tokens: Range
    basis: str
    budget_usd: float | None = Field(None, description="What an approval sets the budget to")
    reality: Reality | None = Field(None, description="When the job has ended: what it came to")


class Earlier(Answer):
    """What the same unit came to in the round before."""

    status: str
    text: str | None
    output: Output
    error: str | None
    cost_usd: float


class PilotResult(Answer):
    key: str
    status: str
    text: str | None
    output: Output
    error: str | None
    cost_usd: float
    tokens: int
    seconds: float = Field(description="Of all its attempts")
    before: Earlier | None = Field(description="The round before, if there was one: old beside new")


class VariantAnswer(Answer):
    name: str
    model: str
    instructions: str
    units: int
    flagged: float = Field(description="Part of its units, of 1")
    failed: float
    cost_usd: float
    seconds: float = Field(description="Median of its units")
    quote: QuoteAnswer | None
    gold: str | None = Field(None, description="What became of answers that persons had judged")


class FieldDisagreement(Answer):
    key: str
    field: str
    values: dict[str, Any] = Field(description="What each variant says")


class VariantTable(Answer):
    variants: list[VariantAnswer]
    agreement: dict[str, float] = Field(description="By field: the part of the units on which all variants agree, of 1")
    disagreements: list[FieldDisagreement] = Field(description="At most 100")
    disagreements_in_all: int


class ChangedField(Answer):
    """Of a long text only what differs and a little around it."""

    field: str = Field(description="As update_job names it: instructions, output_schema, options.model")
    before: str | None = Field(description="A text as it is, all else as JSON; null: not set")
    after: str | None


class ChangedAnswer(Answer):
    """What the job says otherwise than in the round whose answers stand beside the new ones."""

    since: int = Field(description="That round")
    words: str
    differences: list[ChangedField] = Field(description="In review: what may change answers, old beside new")


class PilotAnswer(Answer):
    round: int
    keys: list[str] = Field(description="Units that run before the rest: the same in each round")
    results: list[PilotResult] = Field(description="In review: what they came to, old beside new")
    changed: ChangedAnswer | None = Field(
        None, description="Until it is approved; null in the first round, and where variants are tried"
    )
    variants: VariantTable | None = Field(description="Several variants on the same units; results are the last one's")
    gold: GoldAnswer | None = Field(
        None, description="In review: answers that persons had judged, and what they are now"
    )
