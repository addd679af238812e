"""How a job stands, and what became of an order."""

from pydantic import Field

from batchproc.answers.base import Answer
from batchproc.answers.pilot import PilotAnswer, QuoteAnswer
from batchproc.answers.review import ReviewAnswer


class Running(Answer):
    key: str
    attempt: int
    last_event: str | None = Field(description="The newest thing its agent did")


class Failure(Answer):
    signature: str = Field(description="What failures that are alike have in common")
    count: int
    example_key: str
    message: str


class Spending(Answer):
    """Dollars, as the CLI estimates them."""

    budget_usd: float = Field(description="The job pauses before it passes this")
    reserved_usd: float = Field(description="The most that running agents may still cost")
    wasted_usd: float = Field(description="Spent on attempts that came to nothing")
    saved_usd: float = Field(description="Spent on lost attempts whose conversation went on in the next one")


class Cache(Answer):
    """Of the tokens: read from the API's cache at a tenth of their price, and written to it."""

    read_tokens: int
    written_tokens: int


class Change(Answer):
    """What somebody did with a job."""

    at: str
    kind: str
    by: str
    why: str | None


class JobStatusAnswer(Answer):
    ledger: str = Field(description="The counts in words; they always add up to total_units")
    job_id: str
    name: str
    status: str
    reason: str | None
    detail: str | None = Field(description="The reason in words")
    resume_at: str | None = Field(description="When a paused job looks again by itself (UTC); null: a person decides")
    total_units: int
    counts: dict[str, int] = Field(description="The ledger: units by status; adds up to total_units")
    percent: float = Field(description="Units that are final, of 100")
    cost_usd: float = Field(description="Estimated by the client, not a bill")
    spending: Spending
    tokens: int
    eta_s: float | None = Field(description="Seconds until the rest is done; null under 5 finished units")
    rate_per_min: float | None
    forecast: QuoteAnswer | None = Field(description="While it runs: what the rest will cost and take")
    pilot: PilotAnswer | None = Field(description="What ran before the rest; null before the first round")
    quote: QuoteAnswer | None = Field(description="What the pilot says, or said when it was approved, of the rest")
    review: ReviewAnswer | None = Field(None, description="What persons found; null: review_units was never asked for")
    cache: Cache
    running: list[Running]
    failures: list[Failure] = Field(description="The largest groups of failed and flagged units, at most 5")
    changes: list[Change] = Field(description="What somebody did with it of late, newest first, at most 3")
    model: str = Field(description="The model asked for; says so plainly if it is the rehearsal model")
    next: str


class ControlledJob(Answer):
    ledger: str
    job_id: str
    status: str
    reason: str | None
    detail: str | None
    counts: dict[str, int] = Field(description="The ledger: units by status; adds up to total_units")
    cancelling: int = Field(description="Running units that are being stopped")
    max_concurrency: int
    budget_usd: float
    priority: int
    message: str


class DeletedJob(Answer):
    ledger: str = Field(description="What there was")
    job_id: str
    status: str
    counts: dict[str, int]
    message: str


class JobLine(Answer):
    ledger: str
    job_id: str
    name: str
    status: str
    reason: str | None
    priority: int
    total_units: int
    percent: float
    cost_usd: float
    created_at: str


class JobList(Answer):
    jobs: list[JobLine]
    next_cursor: str | None
