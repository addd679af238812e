"""What a source holds now, beside the units of its job."""

from pydantic import Field

from batchproc.answers.base import Answer
from batchproc.answers.pilot import QuoteAnswer


class SourceCounts(Answer):
    """Items of the source. They add up to `read`."""

    new: int
    changed: int = Field(description="Ran for something else than they are now: they run again")
    reusable: int = Field(description="Have an answer for just what they are: untouched")
    unanswered: int = Field(description="Unchanged, failed, flagged, skipped or cancelled: they stay so")
    waiting: int = Field(description="Are to run anyhow")


class SourceUpdate(Answer):
    ledger: str
    job_id: str
    status: str
    state: str = Field(description="reading: call again; same: nothing to do; plan: nothing is changed yet; applied")
    message: str = Field(description="What was found, or done, in words")
    read: int = Field(description="Items of the source; while it is read, so far")
    counts: SourceCounts | None
    gone: int = Field(description="Units that the source does not have any more: their answers stay, marked")
    keys: dict[str, list[str]] = Field(description="Of each kind the first keys, at most 5")
    estimate: QuoteAnswer | None = Field(description="What new and changed units will cost; null: not known, or none")
    budget_left_usd: float
    warnings: list[str]
    reading: int = Field(description="The number of this plan: only a plan that was shown is applied")
    next: str
