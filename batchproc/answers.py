"""What every face shows: the results of the service's verbs, as pydantic models with one meaning everywhere."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Output = dict[str, Any] | None
"""A structured answer: a JSON object."""


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Sample(_Answer):
    key: str
    payload: dict[str, Any]
    prompt: str = Field(description="The unit's own part of what its agent will be sent (cut after 2,000 characters)")


class CreatedJob(_Answer):
    job_id: str | None = Field(description="null for a preview: nothing was kept")
    status: str
    total_units: int = Field(description="Units found; while status is enumerating, or the preview partial, so far")
    shared_prompt: str | None = Field(
        description="The system prompt, the same for all units: the instructions are in it, unless they are a template "
        "(cut after 2,000 characters)"
    )
    sample: list[Sample] = Field(description="The first units, at most 3, with the prompts as they will be sent")
    warnings: list[str]
    next: str = Field(description="What to do next")


class StartedJob(_Answer):
    ledger: str
    job_id: str
    status: str
    message: str = Field(description="What happens now; in review the plan, in words, and how to approve it")


class Range(_Answer):
    low: float
    mid: float
    high: float


class Reality(_Answer):
    """What the rest came to, and whether that fell inside what was said of it."""

    cost_usd: float
    time_s: float
    tokens: int
    held: dict[str, bool] = Field(description="cost_usd, time_s, tokens: inside the interval or not")
    words: str


class QuoteAnswer(_Answer):
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


class Earlier(_Answer):
    """What the same unit came to in the round before."""

    status: str
    text: str | None
    output: Output
    error: str | None
    cost_usd: float


class PilotResult(_Answer):
    key: str
    status: str
    text: str | None
    output: Output
    error: str | None
    cost_usd: float
    tokens: int
    seconds: float = Field(description="Of all its attempts")
    before: Earlier | None = Field(description="The round before, if there was one: old beside new")


class VariantAnswer(_Answer):
    name: str
    model: str
    instructions: str
    units: int
    flagged: float = Field(description="Part of its units, of 1")
    failed: float
    cost_usd: float
    seconds: float = Field(description="Median of its units")
    quote: QuoteAnswer | None


class FieldDisagreement(_Answer):
    key: str
    field: str
    values: dict[str, Any] = Field(description="What each variant says")


class VariantTable(_Answer):
    variants: list[VariantAnswer]
    agreement: dict[str, float] = Field(description="By field: the part of the units on which all variants agree, of 1")
    disagreements: list[FieldDisagreement] = Field(description="At most 100")
    disagreements_in_all: int


class PilotAnswer(_Answer):
    round: int
    keys: list[str] = Field(description="Units that run before the rest: the same in each round")
    results: list[PilotResult] = Field(description="In review: what they came to, old beside new")
    variants: VariantTable | None = Field(description="Several variants on the same units; results are the last one's")


class Running(_Answer):
    key: str
    attempt: int
    last_event: str | None = Field(description="The newest thing its agent did")


class Failure(_Answer):
    signature: str = Field(description="What failures that are alike have in common")
    count: int
    example_key: str
    message: str


class Spending(_Answer):
    """Dollars, as the CLI estimates them."""

    budget_usd: float = Field(description="The job pauses before it passes this")
    reserved_usd: float = Field(description="The most that running agents may still cost")
    wasted_usd: float = Field(description="Spent on attempts that came to nothing")
    saved_usd: float = Field(description="Spent on lost attempts whose conversation went on in the next one")


class Cache(_Answer):
    """Of the tokens: read from the API's cache at a tenth of their price, and written to it."""

    read_tokens: int
    written_tokens: int


class Change(_Answer):
    """What somebody did with a job."""

    at: str
    kind: str
    by: str
    why: str | None


class JobStatusAnswer(_Answer):
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
    cache: Cache
    running: list[Running]
    failures: list[Failure] = Field(description="The largest groups of failed and flagged units, at most 5")
    changes: list[Change] = Field(description="What somebody did with it of late, newest first, at most 3")
    model: str = Field(description="The model asked for; says so plainly if it is the rehearsal model")
    next: str


class ControlledJob(_Answer):
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


class DeletedJob(_Answer):
    ledger: str = Field(description="What there was")
    job_id: str
    status: str
    counts: dict[str, int]
    message: str


class Result(_Answer):
    key: str
    status: str
    text: str | None
    output: Output = Field(description="The structured answer, if one was asked for")
    cost_usd: float
    attempts: int
    error: str | None


class Results(_Answer):
    results: list[Result]
    next_cursor: str | None = Field(description="Pass it as cursor for the next page; null on the last")
    total: int = Field(description="Final units that match")
    model: str


class AttemptAnswer(_Answer):
    n: int
    started_at: str
    finished_at: str | None
    outcome: str | None
    cause: str | None
    error: str | None
    charged: bool = Field(description="Whether it used up one of max_attempts")
    cost_usd: float
    billed: bool = Field(description="false: no bill came; cost_usd is the most that it can have cost")
    tokens: int
    cache_read_tokens: int = Field(description="Of tokens: read from the API's cache, at a tenth of the price or less")
    cache_write_tokens: int = Field(description="Of tokens: written to it, at a quarter more")
    turns: int
    session_id: str | None
    resumed_from: int | None = Field(description="The attempt whose conversation it went on with")


class EventAnswer(_Answer):
    seq: int
    at: str
    kind: str
    attempt: int | None
    data: dict[str, Any]


class UnitAnswer(_Answer):
    job_id: str
    key: str
    status: str
    reason: str | None
    payload: dict[str, Any]
    system_prompt: str | None = Field(description="The part of its prompt that all units share")
    prompt: str = Field(description="Its own part")
    text: str | None
    output: Output
    error: str | None
    cost_usd: float
    requests: int = Field(description="How often it was asked for; each time it has max_attempts")
    attempts: list[AttemptAnswer]
    events: list[EventAnswer] = Field(description="The newest events of the unit, oldest first")


class JobLine(_Answer):
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


class JobList(_Answer):
    jobs: list[JobLine]
    next_cursor: str | None


class EnumeratorAnswer(_Answer):
    type: str
    about: str
    json_schema: dict[str, Any]
    example: dict[str, Any]


class EnumeratorList(_Answer):
    enumerators: list[EnumeratorAnswer]


class SupervisorAnswer(_Answer):
    alive: bool
    pid: int | None = None
    epoch: int | None = None
    since: str | None = None
    guard: str | None = Field(None, description="full: no agent outlives the supervisor, whatever kills it")
    jobs: int = 0
    agents: int = 0
