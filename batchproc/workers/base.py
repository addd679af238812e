"""What carries attempts: the seam between the supervisor and whatever runs agents."""

from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Protocol, Self

from batchproc.models import AgentEvent, AttemptTask


class Workers(Protocol):
    """Carries attempts, one per slot. An async context manager: leaving it ends every attempt it still carries."""

    def slots(self) -> int:
        """Attempts it can carry at a time, now. May change."""
        ...

    def run(self, task: AttemptTask) -> AsyncGenerator[AgentEvent, None]:
        """Carry one attempt: at most one Started, any Messages, exactly one Report; or raises `WorkerLost`.

        Closing the generator stops the attempt where it runs.
        """
        ...

    def interrupt(self, session_id: str) -> None:
        """Ask an attempt for its Report, `interrupted`, with what it cost so far. Does nothing if it is not at work."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
