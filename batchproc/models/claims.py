"""What is taken and what is written: claims, the ends of attempts, and what persons order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchproc.models.runs import Cause, Report
from batchproc.models.words import Json, Pause, UnitStatus


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
