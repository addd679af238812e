"""What the store's rows say: jobs, units, attempts, events; and what is written when an attempt ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from batchproc.models.runs import Report
from batchproc.models.spec import AgentOptions
from batchproc.models.words import Credential, JobStatus, Json, UnitStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A job as its row says. `number` is its place in the store; `job_id` is what users see; `source` the enumerator's
    type; `starts` how often it was started."""

    number: int
    job_id: str
    name: str
    instructions: str
    source: str
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
    resumed_at: datetime | None
    starts: int
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
class Fence:
    """The licence to finish one attempt. Only its holder changes the unit; a stale one changes 0 rows."""

    unit: int
    attempt: int
    epoch: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """A unit that was claimed for an attempt. `start` is the number of the job's start under which it was."""

    fence: Fence
    key: str
    payload: Mapping[str, Any]
    charged: int
    session_id: str
    start: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """What becomes of a unit when an attempt ends, written in one transaction.

    `status` is final, or `pending` with `due_at` (seconds since 1970) and `reason`. `charged` says whether the attempt
    counts against `max_attempts`. `signature` goes with `failed` and `flagged`, and with these only. `pause` is the
    reason for which the whole job is paused with it, unless it was started again after its start number `start`.
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
    start: int = 0


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
