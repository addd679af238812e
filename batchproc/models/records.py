"""What the store's rows say: jobs, units, attempts, events; and what is written when an attempt ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from batchproc.models.runs import Cause, Report
from batchproc.models.spec import AgentOptions
from batchproc.models.words import Credential, Intent, JobStatus, Json, Pause, UnitStatus


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
class Fence:
    """The licence to finish one attempt. Only its holder changes the unit; a stale one changes 0 rows."""

    unit: int
    attempt: int
    epoch: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """A unit that was claimed for an attempt. `start` is the number of the job's start under which it was. `resumes` is
    the session of an earlier attempt whose conversation goes on; `note` what a person added to the instructions.
    `mends` is why the answer that was given in that conversation was not taken, if that is why it goes on."""

    fence: Fence
    key: str
    payload: Mapping[str, Any]
    charged: int
    session_id: str
    start: int
    note: str | None = None
    resumes: str | None = None
    mends: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """Units that were claimed; or the cap of the job that stood in the way, and whether `others` wait for their time
    that it does not hold back."""

    units: list[Claimed]
    reached: str | None = None
    others: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """Why a whole job is paused: `detail` says it in words, `resume_at` when it goes on by itself (seconds since
    1970)."""

    reason: Pause
    detail: str | None = None
    resume_at: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """Who asked for a change, and why if he said so. Goes into the event that tells of it."""

    by: str
    why: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """What becomes of a unit when an attempt ends, written in one transaction.

    `status` is final, or `pending` with `due_at` (seconds since 1970) and `reason`. `charged` says whether the attempt
    counts against `max_attempts`. `signature` goes with `failed` and `flagged`, and with these only. `hold` pauses the
    whole job with it, unless it was started again after its start number `start`. An attempt that was `started` and
    brought no bill costs what was reserved for it. Its conversation may go on in the next one if it is `resumable`.
    `input` and `fingerprint` say what it was done for (see `staleness`).
    """

    status: UnitStatus
    outcome: str
    cause: Cause | None = None
    charged: bool = True
    report: Report | None = None
    started: bool = True
    text: str | None = None
    output: Json = None
    error: str | None = None
    signature: str | None = None
    due_at: float = 0.0
    reason: str | None = None
    hold: Hold | None = None
    start: int = 0
    resumable: bool = False
    input: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PromisedFile:
    """A file of an accepted attempt. It waits in the staging folder under the name `staged`, and is put to `path` below
    the promise's base, where nothing may be; but what `replaces` is the hash of, or with `overwrites` any file."""

    path: str
    staged: str
    sha256: str
    replaces: str | None = None
    overwrites: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Promise:
    """Files that are put to their places, and what becomes of their unit then."""

    job: int
    job_id: str
    unit: int
    attempt: int
    base: str
    files: tuple[PromisedFile, ...]
    end: Settlement


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
