"""Carries attempts in the supervisor's own loop: it hands over the very generator that runs the agent."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

from batchproc.agents.base import Agent
from batchproc.models import AgentEvent, AttemptTask

Pays = Callable[[AttemptTask], Awaitable[Mapping[str, str]]]


class InlineWorkers:
    """`pays` gives the variables that a task's agent pays with: they are not part of the task."""

    def __init__(self, agent: Agent, *, slots: int, pays: Pays) -> None:
        self._agent, self._slots, self._pays = agent, slots, pays

    def slots(self) -> int:
        return self._slots

    async def run(self, task: AttemptTask) -> AsyncGenerator[AgentEvent, None]:
        running = self._agent.run(task, await self._pays(task))
        try:
            async for event in running:
                yield event
        finally:
            await running.aclose()

    def interrupt(self, session_id: str) -> None:
        self._agent.interrupt(session_id)

    async def __aenter__(self) -> Self:
        await self._agent.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._agent.__aexit__(kind, error, trace)
