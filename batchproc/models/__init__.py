"""The nouns of the house. Pydantic at the door (`spec`), frozen dataclasses inside, closed sets in `words`."""

from batchproc.models.records import Attempt, Claimed, Event, Fence, Job, Settlement, Unit
from batchproc.models.runs import AgentEvent, AttemptTask, Cause, Message, Outcome, Report, Started, Tokens, Verdict
from batchproc.models.spec import AgentOptions, Item, JobOptions, JobSpec
from batchproc.models.words import ACTIVE_JOBS, FINAL, REHEARSAL, Credential, JobStatus, Json, Profile, UnitStatus

__all__ = [
    "ACTIVE_JOBS",
    "FINAL",
    "REHEARSAL",
    "AgentEvent",
    "AgentOptions",
    "Attempt",
    "AttemptTask",
    "Cause",
    "Claimed",
    "Credential",
    "Event",
    "Fence",
    "Item",
    "Job",
    "JobOptions",
    "JobSpec",
    "JobStatus",
    "Json",
    "Message",
    "Outcome",
    "Profile",
    "Report",
    "Settlement",
    "Started",
    "Tokens",
    "Unit",
    "UnitStatus",
    "Verdict",
]
