"""What strangers send, validated once, at the door; and what it becomes with every default filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

from batchproc.models.words import Profile


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

    @field_validator("instructions")
    @classmethod
    def _say_something(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("say what to do with each unit")
        return text

    @field_validator("name")
    @classmethod
    def _in_one_line(cls, text: str) -> str:
        return " ".join(text.split()) or "unnamed"


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
