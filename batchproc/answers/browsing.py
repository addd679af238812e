"""What a page of many things shows of each: jobs as cards, units as lines, events, log lines. Long values are cut."""

from typing import Any

from pydantic import Field

from batchproc.answers.base import Answer, Output
from batchproc.answers.jobs import JobLine, JobStatusAnswer
from batchproc.answers.pilot import Range
from batchproc.answers.units import UnitAnswer


class JobCard(JobLine):
    """A job in a list that is watched."""

    detail: str | None = Field(description="The reason in words")
    counts: dict[str, int] = Field(description="The ledger: units by status; adds up to total_units")
    budget_usd: float
    model: str
    time_s: Range | None = Field(description="While it runs: seconds until the rest is done")
    finished_at: str | None


class Limits(Answer):
    """What a job may use, with the defaults filled in; null: no cap."""

    max_concurrency: int
    priority: int
    budget_usd: float
    unit_budget_usd: float | None
    max_total_tokens: int | None
    max_units: int | None
    max_wall_s: float | None
    breaker: int


class JobDetail(JobStatusAnswer):
    """A job as a page of its own shows it."""

    limits: Limits
    is_trying: bool = Field(description="A change of what has run is being tried; variant before takes it back")
    needs_approval: bool = Field(description="A person has to allow what it names before it may run")
    trouble: str | None = Field(description="Why nobody works on it")
    last_event: int = Field(description="The number of the newest event that this is as of")


class JobCards(Answer):
    jobs: list[JobCard]
    next_cursor: str | None
    total: int = Field(description="Jobs that match")
    last_event: int = Field(description="The number of the newest event that this is as of")


class UnitLine(Answer):
    """A unit in a table. Texts, and those in payload and output, are cut after 240 characters."""

    key: str
    row: int = Field(description="Its place in the source")
    status: str
    reason: str | None = Field(description="Why it waits")
    attempts: int
    cost_usd: float
    tokens: int
    seconds: float | None = Field(description="Between its last start and its end")
    text: str | None
    output: Output
    payload: dict[str, Any]
    error: str | None
    signature: str | None
    verdict: str | None
    gone: bool = Field(description="The newest reading of the source did not find it")
    last_event: str | None = Field(description="Of a running unit: the newest thing its agent did")


class UnitPage(Answer):
    units: list[UnitLine]
    offset: int = Field(description="How many that match come before the first")
    total: int = Field(description="Units that match")
    caveat: str | None = Field(None, description="With text: why there may be more; null: these are all")
    next_cursor: str | None
    last_event: int


class EventLine(Answer):
    seq: int
    at: str
    kind: str
    job_id: str | None
    key: str | None
    attempt: int | None
    data: dict[str, Any]
    html: str | None = Field(None, description="What an agent said, as HTML that is safe to show")


class EventPage(Answer):
    """Events of one unit, oldest first."""

    events: list[EventLine]
    before: int | None = Field(description="Pass it as before for older ones; null: there are none")
    after: int = Field(description="Pass it as after for newer ones")


class EventBatch(Answer):
    """The next events of all that somebody listens to, oldest first."""

    events: list[EventLine]
    after: int = Field(description="How far was looked: pass it as after for the next ones")
    more: bool = Field(description="There may be more already")


class Changes(Answer):
    """Which jobs something happened to."""

    seq: int = Field(description="The newest event's number: pass it as after the next time")
    jobs: list[str] = Field(description="Their ids; also of jobs that were deleted")


class LogLine(Answer):
    number: int
    at: str
    source: str
    level: str
    job_id: str | None
    key: str | None
    text: str


class LogPage(Answer):
    """Newest first."""

    lines: list[LogLine]
    next_cursor: str | None = Field(description="Pass it as cursor for older ones")


class UnitDetail(UnitAnswer):
    """A unit as a page of its own shows it; its conversation is a list of its own."""

    text_html: str | None = Field(description="Its answer as HTML that is safe to show")
    signature: str | None
    previous_key: str | None = Field(description="The unit before it in the source")
    next_key: str | None
    last_event: int
