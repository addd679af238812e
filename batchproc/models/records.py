"""What the store's rows say: jobs, units, attempts, events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from batchproc.models.spec import AgentOptions
from batchproc.models.words import Credential, Intent, JobStatus, Json, UnitStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A job as its row says. `number` is its place in the store; `job_id` is what users see; `source` the enumerator's
    type; `starts` how often it was started. A paused job has a `reason` (a `Pause`), its `detail` in words, and goes on
    by itself where it has `resume_at`. `begun` counts units that were ever started; `active_s` is how long it ran.
    `approved_at` is when somebody let all of it run; `round` counts pilots, and `trial` is the description that is in
    force (see `Trial`); `quote` is what was said of the rest when it was approved. While a change of an
    approved job is tried, `approved_trial` is the description that its answers are from. `source_version` counts how
    often its source was read in."""

    number: int
    job_id: str
    name: str
    instructions: str
    source: str
    options: AgentOptions
    status: JobStatus
    reason: str | None
    detail: str | None
    resume_at: datetime | None
    priority: int
    credential: Credential | None
    total_units: int
    units_read: int
    cost_usd: float
    tokens: int
    wasted_usd: float
    saved_usd: float
    begun: int
    largest_request: int
    measured: int
    active_s: float
    cache_read: int
    cache_write: int
    approved_at: datetime | None
    round: int
    trial: int
    quote: Mapping[str, Any] | None
    approved_trial: int | None
    source_version: int
    created_at: datetime
    started_at: datetime | None
    resumed_at: datetime | None
    starts: int
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """A unit as its row says. `attempt` counts starts and fences writes; `charged` counts those that used one up since
    it was last asked for; `requests` how often it was asked for, `note` what was added when it was. Its payload came in
    with the reading `source_version` of its source; the reading `gone` did not find it any more. `shared_from` is the
    identical unit whose answer it has."""

    number: int
    key: str
    payload: Mapping[str, Any]
    row: int
    status: UnitStatus
    attempt: int
    charged: int
    requests: int
    note: str | None
    intent: Intent | None
    due_at: datetime | None
    reason: str | None
    text: str | None
    output: Json
    error: str | None
    cost_usd: float
    tokens: int
    started_at: datetime | None
    finished_at: datetime | None
    source_version: int = 1
    gone: int | None = None
    shared_from: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlierAnswer:
    """What a unit came to before it was run again, since its description or its source was another one (`why`):
    `payload` is what it was given for, None where the unit still has it. `attempt` was its last start then."""

    at: datetime
    why: str
    attempt: int
    source_version: int
    payload: Mapping[str, Any] | None
    status: UnitStatus
    text: str | None
    output: Json
    error: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A description of a job that its pilot tries, on the same units as all others. A `round` has one trial, or one for
    each `variant`."""

    n: int
    round: int
    variant: str | None
    instructions: str
    options: AgentOptions
    has_ended: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialResult:
    """What a unit of the pilot came to in one trial; cost, tokens and seconds are those of all its attempts in it."""

    trial: int
    unit: int
    key: str
    status: UnitStatus
    text: str | None
    output: Json
    error: str | None
    cost_usd: float
    tokens: int
    seconds: float
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One agent run for one unit, as its row says. Of its `tokens`, `cache_read` came out of the API's prompt cache and
    `cache_write` went into it. Without a bill (`billed` is False) `cost_usd` is what was reserved:
    the most that it can have cost. `resumed_from` is the attempt whose conversation it went on with."""

    n: int
    epoch: int
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    cause: str | None
    error: str | None
    charged: bool
    reserved_usd: float
    cost_usd: float
    billed: bool
    tokens: int
    cache_read: int
    cache_write: int
    turns: int
    session_id: str | None
    resumed_from: int | None
    trial: int = 0


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


@dataclass(frozen=True, kw_only=True, slots=True)
class RawEvent:
    """An event for those who pass it on: its `data` is the JSON text that it is kept as. What tells of a job that is
    deleted names it, too."""

    seq: int
    at: datetime
    kind: str
    job_id: str | None
    key: str | None
    attempt: int | None
    data: str
