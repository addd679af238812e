"""What requests may say: queries and bodies, validated at the door. Names and meanings are the service's."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from batchproc.models import JobOptions, JobStatus, UnitStatus, Variant

WHOLE = (int, int | None)
NUMBER = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,16})?")
IDEMPOTENCY_KEY = "^[!-~]{1,200}$"
LARGEST = (1 << 53) - 1
"""Numbers that every reader of JSON has whole."""


Cursor = Annotated[str | None, Field(max_length=200, description="next_cursor of the page before")]
Limit = Annotated[int, Field(ge=1, le=200, description="At most so many")]
Search = Annotated[str | None, Field(max_length=500, description="Words that have to be in it")]
Seq = Annotated[int | None, Field(ge=0, le=LARGEST)]
Time = Annotated[str | None, Field(max_length=40, description="A time, ISO 8601; UTC where it says no zone")]
Why = Annotated[str | None, Field(max_length=500, description="Why, in a few words; kept with the change")]
Keys = Annotated[list[str], Field(min_length=1, max_length=10_000, description="Units by their keys")]
FinalStatus = Literal["succeeded", "flagged", "failed", "skipped", "cancelled"]
Limited = Literal["unit_budget_usd", "max_total_tokens", "max_units", "max_wall_s"]
Format = Literal["csv", "jsonl", "parquet", "sqlite", "html"]


class Query(BaseModel):
    """What stands after the question mark. What is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _exactly(cls, value: object, info: ValidationInfo) -> object:
        """A number is digits, yes or no is true or false: there are no other ways to write them."""
        kind = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, str) and kind in WHOLE and not re.fullmatch(r"-?[0-9]{1,16}", value):
            raise ValueError("write a whole number")
        if isinstance(value, str) and kind is float and not NUMBER.fullmatch(value):
            raise ValueError("write a number, like 7 or 7.5")
        if isinstance(value, str) and kind is bool and value not in {"true", "false"}:
            raise ValueError("write true or false")
        return value


class Body(BaseModel):
    """What a request brings. What is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class JobsQuery(Query):
    status: JobStatus | None = None
    text: Search = None
    cursor: Cursor = None
    limit: Limit = 50


class StatusQuery(Query):
    wait_s: float = Field(0, ge=0, le=45, description="Wait up to so many seconds for a change")


class PlanQuery(Query):
    skip_pilot: bool = False
    variant: Annotated[str | None, Field(max_length=60)] = None


class UnitsQuery(Query):
    status: UnitStatus | None = None
    signature: Annotated[str | None, Field(max_length=2_000, description="Of one group of failures")] = None
    text: Search = None
    cursor: Cursor = None
    offset: Annotated[int | None, Field(ge=0, le=LARGEST, description="Skip so many, instead of a cursor")] = None
    limit: Limit = 50


class EventsQuery(Query):
    after: Annotated[Seq, Field(description="Those after this event, oldest first")] = None
    before: Annotated[Seq, Field(description="Those before it; without both, the newest")] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 200


Kind = Annotated[str, Field(min_length=1, max_length=100)]


class JobStreamQuery(Query):
    key: Annotated[str | None, Field(max_length=10_000, description="Only of this unit")] = None
    kind: Annotated[list[Kind], Field(max_length=50, description="Only these; `unit.` is all that begin so")] = []
    after: Annotated[Seq, Field(description="From there; without it and Last-Event-ID, from now")] = None
    ticks: bool = Field(False, description="Only the numbers of events, and the jobs that they are of")


class StreamQuery(JobStreamQuery):
    job_id: Annotated[str | None, Field(max_length=200, description="Only of this job")] = None


class ResultsQuery(Query):
    status: FinalStatus | None = None
    cursor: Cursor = None
    limit: Limit = 20


class DownloadQuery(Query):
    format: Format
    status: FinalStatus | None = None


class LogsQuery(Query):
    job_id: Annotated[str | None, Field(max_length=200)] = None
    key: Annotated[str | None, Field(max_length=10_000, description="Of a unit; goes with job_id")] = None
    level: Literal["debug", "info", "warning", "error"] | None = Field(None, description="Of this level, or worse")
    source: Annotated[str | None, Field(max_length=200)] = None
    text: Search = None
    since: Time = None
    cursor: Cursor = None
    limit: Limit = 100


class StatsQuery(Query):
    job_id: Annotated[str | None, Field(max_length=200, description="Left out: of the whole store")] = None
    since: Time = None


class Nothing(Body):
    """Nothing at all, or an empty object."""


class Reason(Body):
    why: Why = None


class Update(Body):
    instructions: Annotated[
        str | None, Field(min_length=1, max_length=200_000, description="In the place of the job's own")
    ] = None
    output_schema: dict[str, Any] | None = None
    options: JobOptions | None = Field(None, description="Those named take the place of the job's own")
    why: Why = None


class Start(Body):
    confirmed: bool = Field(False, description="A person has agreed to the plan (see /plan)")
    plan: Annotated[str | None, Field(max_length=100, description="Refused if /plan says another one by now")] = None
    skip_pilot: bool = Field(False, description="Run all units at once; needs confirmed as well")
    variant: Annotated[str | None, Field(max_length=60, description="In review: which variant is to run")] = None
    variants: Annotated[
        list[Variant] | None, Field(max_length=6, description="2 to 6 descriptions that the pilot tries")
    ] = None
    why: Why = None


class Pause(Body):
    drain: bool = Field(True, description="true lets running units finish, false stops them")
    why: Why = None


class Settable(Body):
    max_concurrency: Annotated[int | None, Field(ge=1, le=256, description="Agents at a time")] = None
    priority: Annotated[int | None, Field(ge=-100, le=100, description="Higher ones get free slots first")] = None
    budget_usd: Annotated[float | None, Field(gt=0, le=1_000_000, description="Dollars the whole job may cost")] = None
    unit_budget_usd: Annotated[float | None, Field(gt=0, le=10_000, description="Dollars one attempt may cost")] = None
    max_total_tokens: Annotated[int | None, Field(ge=1, le=LARGEST, description="Tokens of the whole job")] = None
    max_units: Annotated[int | None, Field(ge=1, le=LARGEST, description="Units that may be started at all")] = None
    max_wall_s: Annotated[float | None, Field(ge=1, le=1e9, description="Seconds of running")] = None
    breaker: Annotated[int | None, Field(ge=0, le=20, description="As in options; 0: never")] = None
    remove: Annotated[list[Limited] | None, Field(max_length=4, description="To take away (null changes none)")] = None
    why: Why = None


class Retry(Body):
    status: Literal["failed", "flagged", "cancelled", "skipped"] | None = Field(None, description="Default: failed")
    signature: Annotated[str | None, Field(max_length=2_000, description="Of one group of failures")] = None
    keys: Keys | None = None
    instructions: Annotated[
        str | None, Field(min_length=1, max_length=50_000, description="Added to the job's own for these units")
    ] = None
    continue_session: bool = Field(False, description="Go on in each unit's last conversation")
    why: Why = None


class RetryUnit(Body):
    instructions: Annotated[
        str | None, Field(min_length=1, max_length=50_000, description="Added to the job's own for this unit")
    ] = None
    continue_session: bool = Field(False, description="Go on in its last conversation")
    why: Why = None


class CancelUnits(Body):
    keys: Keys
    why: Why = None


class Verdict(Body):
    verdict: Literal["accept", "reject", "correct"]
    correction: dict[str, Any] | str | None = Field(None, description="correct: the whole right answer")
    note: Annotated[str | None, Field(max_length=2_000)] = None
    attempt: Annotated[
        int | None, Field(ge=0, le=LARGEST, description="Of the answer that was shown; refused if it changed")
    ] = None


class Export(Body):
    path: str = Field(min_length=1, max_length=4_096, description="Absolute, or ~/…, on the machine of the server")
    format: Format | None = Field(None, description="Default: by the path's ending")
    status: FinalStatus | None = None
    overwrite: bool = Field(False, description="Replace a file that no export made")


class Question(Body):
    sql: str | None = Field(None, description="One SELECT (SQLite) FROM results; left out: the columns, with types")
    limit: int = Field(200, ge=1, le=10_000, description="Rows")
    timeout_s: float = Field(20, ge=1, le=60)
    limit_bytes: int = Field(1_000_000, ge=1_000, le=16_000_000, description="Of the rows, as JSON")


class Draw(Body):
    n: int = Field(20, ge=1, le=1000, description="How many by chance; 59 right ones prove 5 %")


class Source(Body):
    confirmed: bool = Field(False, description="Apply the plan that was answered before")
    agreed: Annotated[int | None, Field(ge=0, le=LARGEST, description="`reading` of that plan")] = None
    why: Why = None


class Hash(Body):
    hash: Annotated[str, Field(min_length=1, max_length=200, description="Of the text that was read")]


class Link(Body):
    code: Annotated[str, Field(min_length=1, max_length=200, description="Of a one-time link, after #code=")]


class SignedIn(BaseModel):
    """A session: its cookie came with the answer, its key goes with every request."""

    key: str = Field(description="Send it as X-Batchproc-Key")
    until: str = Field(description="When the session ends (UTC)")


class Done(BaseModel):
    done: bool = Field(description="false: there was nothing to do")
    message: str
