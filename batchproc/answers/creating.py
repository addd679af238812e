"""What defining and starting a job answers."""

from typing import Any

from pydantic import Field

from batchproc.answers.base import Answer


class Sample(Answer):
    key: str
    payload: dict[str, Any]
    prompt: str = Field(description="The unit's own part of what its agent will be sent (cut after 2,000 characters)")


class CreatedJob(Answer):
    job_id: str | None = Field(description="null for a preview: nothing was kept")
    status: str
    total_units: int = Field(description="Units found; while status is enumerating, or the preview partial, so far")
    shared_prompt: str | None = Field(
        description="The system prompt, the same for all units: the instructions are in it, unless they are a template "
        "(cut after 2,000 characters)"
    )
    sample: list[Sample] = Field(description="The first units, at most 3, with the prompts as they will be sent")
    warnings: list[str]
    next: str = Field(description="What to do next")


class StartedJob(Answer):
    ledger: str
    job_id: str
    status: str
    message: str = Field(description="What happens now; in review the plan, in words, and how to approve it")
