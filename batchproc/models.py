"""The nouns of the house. Pydantic at the door (`JobSpec`), frozen dataclasses inside."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

REHEARSAL = "rehearsal"
"""The `model` that asks for the rehearsal model: our offline stand-in for the Messages API. It is not Claude."""

Json = Any
"""A JSON value: what `json.loads` gives."""


class JobStatus(StrEnum):
    """Where a job is; the comment says who moves it on. See docs/statuses.md."""

    ENUMERATING = "enumerating"  # whoever reads the source: to `ready` or `failed`
    READY = "ready"  # the user: start_job
    RUNNING = "running"  # the supervisor, with the last unit: to `completed`
    PAUSED = "paused"  # start_job, once the reason is gone
    COMPLETED = "completed"  # every unit is final, whatever the mix
    FAILED = "failed"  # enumeration failed: nothing was run
    CANCELLED = "cancelled"  # by a person


class UnitStatus(StrEnum):
    """Where a unit is. The ledger is the count of each, and always adds up to the total."""

    PENDING = "pending"  # the supervisor: claim
    RUNNING = "running"  # its attempt: succeed, flag, fail, retry, release; a new supervisor: rescue
    SUCCEEDED = "succeeded"  # final
    FLAGGED = "flagged"  # final: the agent said it was done and we do not believe it
    FAILED = "failed"  # final: attempts used up, or a cause that no retry mends
    SKIPPED = "skipped"  # final: never run, for a reason that is stated
    CANCELLED = "cancelled"  # final: by a person


FINAL = frozenset(UnitStatus) - {UnitStatus.PENDING, UnitStatus.RUNNING}
ACTIVE_JOBS = frozenset({JobStatus.ENUMERATING, JobStatus.RUNNING})
"""Jobs that need a supervisor now."""


class Profile(StrEnum):
    """What an agent may do. Chosen by name, the safest that serves."""

    ANSWER = "answer"  # no tools at all
    READ_ONLY = "read-only"  # reads its own file, or the working directory if one is named
    EDIT = "edit"  # also writes, in its scratch directory or the working directory
    FULL = "full"  # also a shell, in the CLI's sandbox; off unless the settings allow it


class Credential(StrEnum):
    """What pays for a job's agents."""

    ENVIRONMENT = "environment"  # variables of the client that called start_job; held in memory only
    LOGIN = "login"  # the CLI's own stored login
    REHEARSAL = "rehearsal"  # nobody: the rehearsal model is free


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class JobOptions(_Strict):
    """Options of a job. What is left out takes the default of the settings."""

    model: str | None = Field(None, min_length=1, description='Model alias or id; "rehearsal" is free and not Claude')
    profile: Profile = Field(
        Profile.READ_ONLY, description="answer: no tools; read-only: its own file; edit: may write; full: shell"
    )
    max_concurrency: int | None = Field(None, ge=1, le=256, description="Agents at a time for this job (default 4)")
    max_attempts: int | None = Field(None, ge=1, le=20, description="Charged attempts for each unit (default 4)")
    timeout_s: float | None = Field(None, ge=1, le=86_400, description="Seconds one attempt may take (default 600)")
    max_turns: int | None = Field(None, ge=1, le=1000, description="Turns one attempt may take (default: no limit)")
    working_directory: str | None = Field(
        None, min_length=1, description="Absolute folder that agents may read (and with profile edit, write)"
    )
    system_prompt: str | None = Field(None, description="System prompt for every agent of the job")


class JobSpec(_Strict):
    """What a user asks for, validated once, at the door."""

    name: str = Field(min_length=1, max_length=200)
    instructions: str = Field(min_length=1, max_length=200_000)
    enumerator: dict[str, Any]
    options: JobOptions = JobOptions()
    idempotency_key: str | None = Field(None, min_length=1, max_length=200)


class Item(NamedTuple):
    """What an enumerator yields.

    `key` is stable: the same thing in the same source has the same key at every reading. `payload` is a JSON object.
    `row` is the item's place in its source, counted from 1 in the enumerator's own unit (`Enumerator.place`).
    """

    key: str
    payload: Mapping[str, Any]
    row: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentOptions:
    """Options of a job with every default filled in. Plain data: it travels to a worker as JSON."""

    model: str | None
    profile: Profile
    max_concurrency: int
    max_attempts: int
    timeout_s: float
    max_turns: int | None
    working_directory: str | None
    system_prompt: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A job as its row says. `number` is its place in the store; `job_id` is what users see."""

    number: int
    job_id: str
    name: str
    instructions: str
    enumerator: Mapping[str, Any]
    options: AgentOptions
    status: JobStatus
    reason: str | None
    credential: Credential | None
    total_units: int
    units_read: int
    cost_usd: float
    tokens: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """A unit as its row says. `attempt` counts starts and fences writes; `charged` counts those that used one up."""

    number: int
    key: str
    payload: Mapping[str, Any]
    row: int
    status: UnitStatus
    attempt: int
    charged: int
    due_at: datetime | None
    reason: str | None
    text: str | None
    output: Json
    error: str | None
    cost_usd: float
    tokens: int
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """Tokens of one attempt, as the CLI's final bill counts them."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    @property
    def total(self) -> int:
        return self.input + self.output + self.cache_read + self.cache_write


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptTask:
    """One attempt, ready to run. Plain data: no credentials, no handles.

    `file` is the one file of a file unit, absolute. `directory` is the attempt's own place below the store: its scratch
    directory and configuration live there. `output_schema` is JSON Schema for a structured answer.
    """

    job_id: str
    unit: int
    key: str
    attempt: int
    prompt: str
    options: AgentOptions
    session_id: str
    directory: str
    file: str | None = None
    output_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """The agent's process is up and the prompt is on its way."""

    pid: int
    guard: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """Something the agent said or did, as it happened. `kind` is one of `text`, `thinking`, `tool_use`, `tool_result`,
    `init`, `api_retry`, `permission_denied`, `rate_limit`, `result`, `stderr`, `system`."""

    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """How an agent says its run ended. The judge decides what to believe.

    `ended` is `result` (the CLI gave its final bill), `timeout` (we stopped it), or `died` (its process ended without
    one: `detail` says what is known, `subtype` is `cli_missing` or `invalid_job` if it never began). `api_calls` counts
    model answers; `api_retries` the CLI's own repeats, as (HTTP status or None, text). `cost_usd` is the CLI's
    client-side estimate.
    """

    ended: str
    text: str = ""
    output: Json = None
    subtype: str = ""
    is_error: bool = False
    api_error_status: int | None = None
    api_error: str | None = None
    terminal_reason: str | None = None
    stop_reason: str | None = None
    cost_usd: float = 0.0
    tokens: Tokens = Tokens()
    turns: int = 0
    api_calls: int = 0
    api_retries: tuple[tuple[int | None, str], ...] = ()
    tools_run: int = 0
    denied_tools: tuple[str, ...] = ()
    session_id: str | None = None
    duration_s: float = 0.0
    detail: str = ""


AgentEvent = Started | Message | Report
"""What running an attempt yields: one Started, any number of Messages, exactly one Report."""


class Verdict(StrEnum):
    """What the judge makes of a report."""

    SUCCEEDED = "succeeded"  # believed
    FLAGGED = "flagged"  # it said it was done and we do not believe it
    EMPTY = "empty"  # nothing there to believe: worth another attempt, then flagged
    FAILED = "failed"  # it did not do it, for `cause`
    UNRUN = "unrun"  # it never got to run, and no tool of it ran: costs no attempt


class Cause(StrEnum):
    """Why an attempt failed: the rows of the retry table."""

    RATE_LIMIT = "rate_limit"
    OVERLOADED = "overloaded"
    SERVER = "server"
    NETWORK = "network"
    TIMEOUT = "timeout"
    AUTHENTICATION = "authentication"
    MODEL = "model"
    INVALID_REQUEST = "invalid_request"
    CONTEXT_TOO_LONG = "context_too_long"
    REFUSAL = "refusal"
    MAX_TURNS = "max_turns"
    CRASHED = "agent_crashed"
    WORKER_LOST = "worker_lost"
    CLI_MISSING = "cli_missing"
    PROMPT = "prompt"
    EMPTY = "empty_answer"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How an attempt ended, in our words. `signature` is `message` with its variable parts taken out."""

    verdict: Verdict
    cause: Cause | None = None
    message: str = ""
    signature: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fence:
    """The licence to finish one attempt. Only its holder changes the unit; a stale one changes 0 rows."""

    unit: int
    attempt: int
    epoch: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """A unit that was claimed for an attempt."""

    fence: Fence
    key: str
    payload: Mapping[str, Any]
    charged: int
    session_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """What becomes of a unit when an attempt ends, written in one transaction.

    `status` is final, or `pending` with `due_at` (seconds since 1970) and `reason`. `charged` says whether the attempt
    counts against `max_attempts`. `signature` goes with `failed` and `flagged`, and with these only. `pause` is the
    reason for which the whole job is paused with it.
    """

    status: UnitStatus
    outcome: str
    charged: bool = True
    report: Report | None = None
    text: str | None = None
    output: Json = None
    error: str | None = None
    signature: str | None = None
    due_at: float = 0.0
    reason: str | None = None
    pause: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One agent run for one unit, as its row says."""

    n: int
    epoch: int
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    error: str | None
    cost_usd: float
    tokens: int
    turns: int
    session_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """A fact, already true. `seq` only grows; a reader resumes from any number and sees each once, in order."""

    seq: int
    at: datetime
    kind: str
    job_id: str | None = None
    key: str | None = None
    attempt: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
