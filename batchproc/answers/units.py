"""Units, their results, attempts and conversations."""

from typing import Any

from pydantic import Field

from batchproc.answers.base import Answer, Output
from batchproc.answers.review import VerdictAnswer


class Result(Answer):
    key: str
    status: str
    text: str | None
    output: Output = Field(description="The structured answer, if one was asked for")
    cost_usd: float
    attempts: int
    error: str | None
    verdict: str | None = Field(None, description="What a person said of it: accept, reject or correct")
    corrected_from: dict[str, Any] | str | None = Field(
        None, description="What the agent said, where a person's correction has taken its place"
    )
    files: list[str] | None = Field(None, description="Published, if the job has outputs")


class Results(Answer):
    results: list[Result]
    next_cursor: str | None = Field(description="Pass it as cursor for the next page; null on the last")
    total: int = Field(description="Final units that match")
    model: str


class AttemptAnswer(Answer):
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


class EventAnswer(Answer):
    seq: int
    at: str
    kind: str
    attempt: int | None
    data: dict[str, Any]


class EarlierAnswer(Answer):
    """What it came to before its description or its source was another one."""

    at: str
    why: str = Field(description="description or source: what was changed")
    attempt: int
    source_version: int
    payload: dict[str, Any] | None = Field(description="What it was given for; null: the payload is still the same")
    status: str
    text: str | None
    output: Output
    error: str | None


class UnitAnswer(Answer):
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
    files: list[str] | None = Field(None, description="Published, if the job has outputs")
    cost_usd: float
    verdict: VerdictAnswer | None = Field(None, description="A person's newest; text and output are the agent's own")
    requests: int = Field(description="How often it was asked for; each time it has max_attempts")
    lineage: str = Field(description="From which reading of the source and which attempt its answer is")
    earlier: list[EarlierAnswer] = Field(description="Answers that gave way to this one, newest first, at most 20")
    attempts: list[AttemptAnswer]
    events: list[EventAnswer] = Field(description="The newest events of the unit, oldest first")
