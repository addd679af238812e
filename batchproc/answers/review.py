"""What a person is shown to judge, what he said of it, and what that proves."""

from typing import Any

from pydantic import Field

from batchproc.answers.base import Answer, Output


class VerdictAnswer(Answer):
    """What a person made of an answer."""

    verdict: str
    correction: dict[str, Any] | str | None
    note: str | None
    by: str
    at: str
    holds: bool = Field(description="false: the unit has another answer by now, of which this says nothing")
    judged: dict[str, Any] | str | None = Field(None, description="Where it does not hold: the answer that was judged")


class RiskyAnswer(Answer):
    """Of the units drawn for their risk. They prove nothing of the rest."""

    drawn: int
    judged: int
    wrong: int


class ReviewAnswer(Answer):
    """What the verdicts on a random sample prove of all succeeded answers."""

    words: str
    drawn: int = Field(description="Answers drawn by chance")
    judged: int
    accepted: int
    rejected: int
    corrected: int
    population: int = Field(description="Succeeded answers that they were drawn from")
    is_current: bool = Field(description="false: answers came or went since; review_units draws anew")
    upper_bound: float | None = Field(
        description="At most this part of 1 is wrong, with 95 % confidence (Clopper-Pearson); what nobody judged "
        "counts as wrong"
    )
    if_rest_is_right: float | None = Field(description="The same, if all that is left to judge turns out right")
    low: float | None = Field(description="Two-sided, 95 %")
    high: float | None
    risky: RiskyAnswer


class Evidence(Answer):
    field: str
    quote: str


class ReviewUnit(Answer):
    key: str
    kind: str = Field(description="random: by chance; risk: because of why")
    why: str | None
    status: str
    error: str | None
    attempt: int = Field(description="Pass it to record_verdict: another one says that it was run again")
    payload: dict[str, Any]
    text: str | None
    output: Output
    evidence: list[Evidence]
    earlier: VerdictAnswer | None = Field(description="A verdict on an older answer of it")


class ReviewUnits(Answer):
    ledger: str
    job_id: str
    units: list[ReviewUnit] = Field(description="The next ones that nobody has judged")
    left: int = Field(description="More of them; call again when these are judged")
    review: ReviewAnswer
    next: str


class JudgedUnit(Answer):
    ledger: str
    job_id: str
    key: str
    status: str
    verdict: str
    message: str
    review: ReviewAnswer | None


class GoldDifference(Answer):
    key: str
    standing: str = Field(description="regressed or still_wrong")
    field: str | None
    expected: str | None = Field(description="As JSON; null where there is no field")
    got: str | None = Field(description="As JSON")


class GoldAnswer(Answer):
    """Units that persons had judged, beside what they come to now."""

    words: str
    units: int
    counts: dict[str, int] = Field(description="regressed, still_wrong, changed (nobody knows), mended, held")
    differences: list[GoldDifference] = Field(description="Regressions first, at most 20")
