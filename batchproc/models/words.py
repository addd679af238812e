"""The closed sets: statuses, profiles, credentials. Each member says who moves it on, or what it allows."""

from enum import StrEnum
from typing import Any

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
