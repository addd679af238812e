"""What an agent is: it runs one prompt, and says what happened as it happens."""

from collections.abc import AsyncGenerator, Mapping
from types import TracebackType
from typing import Protocol, Self

from batchproc.models import AgentEvent, AttemptTask


class Agent(Protocol):
    """Runs attempts. An async context manager: leaving it waits, within a limit, until none of its processes is alive.

    `run` yields one Started (unless the agent could not even start), any number of Messages, exactly one Report, and
    ends. `environment` holds what the job pays with; it is empty for a stored login. Closing the generator before its
    Report stops the attempt at once. `interrupt` asks the attempt with that session id for its Report, `interrupted`
    with what it cost so far, within seconds; one that is not at work yet is not disturbed.
    """

    def run(self, task: AttemptTask, environment: Mapping[str, str]) -> AsyncGenerator[AgentEvent, None]: ...

    def interrupt(self, session_id: str) -> None: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
