"""What there is beside jobs: kinds of sources, the supervisor."""

from typing import Any

from pydantic import Field

from batchproc.answers.base import Answer


class EnumeratorAnswer(Answer):
    type: str
    about: str
    json_schema: dict[str, Any]
    example: dict[str, Any]


class EnumeratorList(Answer):
    enumerators: list[EnumeratorAnswer]


class SupervisorAnswer(Answer):
    alive: bool
    pid: int | None = None
    epoch: int | None = None
    since: str | None = None
    guard: str | None = Field(None, description="full: no agent outlives the supervisor, whatever kills it")
    jobs: int = 0
    agents: int = 0


class DashboardAnswer(Answer):
    url: str | None = Field(description="Opens the dashboard once, within ten minutes; null: none serves")
    port: int | None
    pid: int | None
    message: str
