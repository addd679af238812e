"""Runs attempts: one fresh CLI process each, ended within a second whatever happens."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Mapping
from types import TracebackType
from typing import Self

from batchproc.agents import frames
from batchproc.agents.claude.options import options_of
from batchproc.agents.claude.process import End, Process, import_sdk
from batchproc.agents.guard import TAG, Guard
from batchproc.models import AgentEvent, AttemptTask, Started
from batchproc.platform import processes

HARVEST_S = 3.0
"""How long an interrupted agent may take to say what it cost."""


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
        self._running: set[Process] = set()
        self._endings: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kills what still runs, and waits for the ends of all, at most five seconds."""
        for process in set(self._running):
            self._part(process, finished=False)
        if self._endings:
            await asyncio.wait(set(self._endings), timeout=5)
        await asyncio.to_thread(processes.sweep, TAG, f"{self.tag}:", prefix=True)

    async def warm_up(self) -> None:
        """Imports the SDK in a thread, so that the first attempt does not stop the loop for it."""
        await asyncio.to_thread(import_sdk)

    async def run(self, task: AttemptTask, environment: Mapping[str, str]) -> AsyncGenerator[AgentEvent, None]:
        """See `Agent`. Closing it early kills the whole process tree before anything else happens."""
        tally, end, began = frames.Tally(), End("result"), time.monotonic()
        async with self._slots:
            await self._alive.acquire()
            process = Process(full=self.guard.level == "full", mark=f"{self.tag}:{task.session_id}")
            self._running.add(process)
            try:
                options = options_of(task, environment, self.guard, process)
                async with self._starting:
                    began = time.monotonic()
                    await process.start(options, task.prompt, task.options.timeout_s)
                yield Started(pid=process.pid, guard=self.guard.name)
                until = began + task.options.timeout_s
                while tally.bill is None and not tally.refused:
                    try:
                        frame = await process.next_frame(until)
                    except TimeoutError:
                        end, until = end.later(), time.monotonic() + HARVEST_S
                        process.interrupt()
                        continue
                    for message in tally.add(frame):
                        yield message
            except End as sooner:
                end = end if end.ended == "timeout" else sooner
            finally:
                self._part(process, finished=tally.bill is not None and end.ended == "result")
        yield tally.report(end.ended, duration_s=time.monotonic() - began, detail=end.detail, subtype=end.subtype)

    def _part(self, process: Process, *, finished: bool) -> None:
        """Without an await, so that no cancellation comes in between: dead if unfinished, buried in the background."""
        if process not in self._running:
            return
        self._running.remove(process)
        if not finished:
            process.kill()
        ending = asyncio.get_running_loop().create_task(process.end(finished=finished), name=f"end of {process.mark}")
        self._endings.add(ending)
        ending.add_done_callback(self._buried)

    def _buried(self, ending: asyncio.Task[None]) -> None:
        self._endings.discard(ending)
        self._alive.release()
