"""Runs attempts: one fresh CLI process each, ended within a second whatever happens."""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from types import TracebackType
from typing import Self

from batchproc.agents import frames
from batchproc.agents.claude.options import options_of
from batchproc.agents.claude.patience import Patience
from batchproc.agents.claude.process import End, Process, import_sdk
from batchproc.agents.guard import TAG, Guard
from batchproc.agents.sayings import Frame
from batchproc.models import AgentEvent, AttemptTask, Started
from batchproc.platform import processes

BY_REPORT = frozenset({"result", "refused"})
"""Ends that the report itself explains."""
POLITE = frozenset({"result", "interrupted", "refused"})
"""Ends after which a CLI gets a moment to write its conversation down: it may go on one day."""


class ClaudeAgent:
    """Runs attempts through the real CLI. At most `slots` between prompt and result, `spawn_gate` starting at a time,
    and `slots + spawn_gate` alive: what has given its result ends in the background.

    Every process carries `BATCHPROC_AGENT=<tag>:<session id>`, for `processes.sweep(TAG, f"{tag}:", prefix=True)`.
    A CLI that is missing is a report that died with the subtype `cli_missing`; a task that cannot run, `invalid_job`.
    """

    def __init__(self, *, guard: Guard, slots: int, tag: str, spawn_gate: int | None = None) -> None:
        self.guard, self.tag = guard, tag
        starting = spawn_gate or os.cpu_count() or 1
        self._slots = asyncio.Semaphore(slots)
        self._starting = asyncio.Semaphore(starting)
        self._alive = asyncio.Semaphore(slots + starting)
        self._running: dict[str, Process] = {}
        self._endings: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kills what still runs, and waits for the ends of all, at most five seconds."""
        for session_id in list(self._running):
            self._part(session_id, finished=False)
        if self._endings:
            await asyncio.wait(set(self._endings), timeout=5)
        await asyncio.to_thread(processes.sweep, TAG, f"{self.tag}:", prefix=True)

    async def warm_up(self) -> None:
        """Imports the SDK in a thread, so that the first attempt does not stop the loop for it."""
        await asyncio.to_thread(import_sdk)

    async def run(self, task: AttemptTask, environment: Mapping[str, str]) -> AsyncGenerator[AgentEvent, None]:
        """See `Agent`. Closing it early kills the whole process tree before anything else happens."""
        tally, died = frames.Tally(), End("")
        async with self._slots:
            await self._alive.acquire()
            process = Process(full=self.guard.level == "full", mark=f"{self.tag}:{task.session_id}")
            self._running[task.session_id] = process
            patience = Patience(timeout_s=task.options.timeout_s, stall_s=task.options.stall_s)
            try:
                options = options_of(task, environment, self.guard, process)
                async with self._starting:
                    patience = Patience(timeout_s=task.options.timeout_s, stall_s=task.options.stall_s)
                    await process.start(options, task.prompt, task.options.timeout_s)
                yield Started(pid=process.pid, guard=self.guard.name)
                async for frame in _listen(process, patience, tally):
                    for message in tally.add(frame):
                        yield message
            except End as end:
                died = end
            finally:
                self._part(task.session_id, finished=tally.bill is not None and patience.ended in POLITE)
        ended = died.ended or "result" if patience.ended in BY_REPORT else patience.ended
        yield tally.report(ended, duration_s=patience.seconds, detail=died.detail, subtype=died.subtype)

    def interrupt(self, session_id: str) -> None:
        """See `Agent`."""
        if (process := self._running.get(session_id)) is not None:
            process.stop()

    def _part(self, session_id: str, *, finished: bool) -> None:
        """Without an await, so that no cancellation comes in between: dead if unfinished, buried in the background."""
        process = self._running.pop(session_id, None)
        if process is None:
            return
        if not finished:
            process.kill()
        ending = asyncio.get_running_loop().create_task(process.end(finished=finished), name=f"end of {process.mark}")
        self._endings.add(ending)
        ending.add_done_callback(self._buried)

    def _buried(self, ending: asyncio.Task[None]) -> None:
        self._endings.discard(ending)
        self._alive.release()


async def _listen(process: Process, patience: Patience, tally: frames.Tally) -> AsyncGenerator[Frame, None]:
    """Every frame until the bill, or until there is no hope for one. Raises `End` when the CLI has ended."""
    while not tally.is_over:
        try:
            frame = await process.next_frame(patience)
        except TimeoutError:
            if patience.is_over:
                return
            patience.run_out()
            process.interrupt()
            continue
        yield frame
        if why := _why_stop(tally, patience):
            patience.stop(why)
            process.interrupt()
        if frame.get("subtype") != "api_retry":  # the CLI waits: that is no sign of life
            patience.heard(waits_for_tool=tally.waits_for_tool)


def _why_stop(tally: frames.Tally, patience: Patience) -> str | None:
    """Why an agent that goes on should not: it lacks a server that its job names, and nobody would know; or the API
    took its credential away in the middle, and its bill is still to be had."""
    if patience.ended != "result":
        return None
    return "no_server" if tally.lacks else "refused" if tally.refused and not tally.is_over else None
