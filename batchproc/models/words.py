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
    PILOT = "pilot"  # the supervisor, with the last unit of the pilot: to `review`
    REVIEW = "review"  # a person: approves, changes or cancels what the pilot showed
    RUNNING = "running"  # the supervisor, with the last unit: to `completed`
    PAUSED = "paused"  # a person, or the supervisor itself where `resume_at` says when
    COMPLETED = "completed"  # every unit is final, whatever the mix; a person: retry_units
    FAILED = "failed"  # enumeration failed: nothing was run
    CANCELLED = "cancelled"  # by a person; by a person again: retry_units


class UnitStatus(StrEnum):
    """Where a unit is. The ledger is the count of each, and always adds up to the total."""

    PENDING = "pending"  # the supervisor: claim
    RUNNING = "running"  # its attempt: succeed, flag, fail, retry, release; a new supervisor: rescue
    SUCCEEDED = "succeeded"  # final
    FLAGGED = "flagged"  # final: the agent said it was done and we do not believe it
    FAILED = "failed"  # final: attempts used up, or a cause that no retry mends
    SKIPPED = "skipped"  # final: never run, for a reason that is stated
    CANCELLED = "cancelled"  # final: by a person


class Pause(StrEnum):
    """Why a job is paused. What ends the pause stands beside it."""

    USER = "user"  # a person: resume
    QUOTA = "quota"  # by itself, when the limit of the API is over
    BUDGET = "budget"  # a person: a higher budget
    CREDENTIAL = "credential"  # a person: start_job where a good credential is
    MODEL = "model"  # a person: the model's name is wrong
    MEMORY = "memory"  # by itself, when there is memory for an agent
    DISK = "disk"  # by itself, when there is room on the disk
    BREAKER = "breaker"  # a person: attempts end badly, all alike
    MACHINE = "machine"  # a person: this machine cannot start agents
    CLI = "cli"  # a person: the Claude Code CLI is missing
    SANDBOX = "sandbox"  # a person: the shell's sandbox does not work here
    APPROVAL = "approval"  # a person: the programs that the job names are not approved


class Intent(StrEnum):
    """What a person wants of a unit that runs; its supervisor reads it and stops the agent."""

    CANCEL = "cancel"  # to `cancelled`, never to be run again by itself
    RELEASE = "release"  # back to `pending`


class Workspace(StrEnum):
    """Where an agent works."""

    SCRATCH = "scratch"  # in a folder of its own, new for each attempt
    SHARED = "shared"  # in the job's working directory, with all others


FINAL = frozenset(UnitStatus) - {UnitStatus.PENDING, UnitStatus.RUNNING}
WORKING = frozenset({JobStatus.PILOT, JobStatus.RUNNING})
"""Jobs whose units run."""
ACTIVE_JOBS = WORKING | {JobStatus.ENUMERATING}
"""Jobs that need a supervisor now."""


class Profile(StrEnum):
    """What an agent may do. Chosen by name, the safest that serves."""

    ANSWER = "answer"  # no tools at all
    READ_ONLY = "read-only"  # reads its own file, or the working directory if one is named
    EDIT = "edit"  # also writes, in its scratch directory or the working directory
    FULL = "full"  # also a shell, in the CLI's sandbox; a person has to approve it


class Credential(StrEnum):
    """What pays for a job's agents."""

    ENVIRONMENT = "environment"  # variables of the client that called start_job; held in memory only
    LOGIN = "login"  # the CLI's own stored login
    REHEARSAL = "rehearsal"  # nobody: the rehearsal model is free
