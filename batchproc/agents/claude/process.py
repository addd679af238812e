"""One CLI process: the SDK's client over a transport in our hands, which keeps the raw frames for us."""

import asyncio
import contextlib
import logging
import shutil
import time
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from batchproc.agents.claude.patience import Patience
from batchproc.agents.guard import TAG
from batchproc.agents.sayings import Frame
from batchproc.platform import processes

if TYPE_CHECKING:
    from claude_agent_sdk import ClaudeAgentOptions, Transport

FAREWELL_S = 1.0
"""How long a finished CLI may take to end by itself: it has its conversation to flush."""
MOST_STDERR = 500
"""Lines of stderr that are kept of one attempt: a flood of them must not fill the disk."""
NO_CONVERSATION = "No conversation found with session ID"
"""What the CLI says on stderr when the session that it is to go on with was not kept."""
CONTROL = frozenset({"control_request", "control_response", "control_cancel_request"})


class End(Exception):
    """How an attempt ended without a bill: `died`, or `timeout` if it did not even start in time."""

    def __init__(self, ended: str, detail: str = "", subtype: str = "") -> None:
        super().__init__(detail)
        self.ended, self.detail, self.subtype = ended, detail, subtype


class Process:
    """One CLI process: the SDK's client with our own transport, which keeps the raw frames for us."""

    def __init__(self, *, full: bool, mark: str) -> None:
        self.mark, self._full = mark, full
        self._stderr: deque[str] = deque(maxlen=20)
        self._frames: asyncio.Queue[Frame | None] = asyncio.Queue(256)
        self._transport: _Tee | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._interrupting: asyncio.Task[None] | None = None
        self._killed = False
        self._heard = 0
        self._patience: Patience | None = None
        self._limit: asyncio.Timeout | None = None
        self.litter: Path | None = None

    @property
    def pid(self) -> int:
        return self._transport.handle.pid if self._transport and self._transport.handle else 0

    async def start(self, options: "ClaudeAgentOptions", prompt: str, limit_s: float) -> None:
        """Returns when the CLI has the prompt. The SDK connects in a task of its own: cancelled, it would take 5 s."""
        sdk = import_sdk()
        self._transport = _Tee(options, self._frames, self)
        self._client = sdk.ClaudeSDKClient(options, transport=cast("Transport", self._transport))
        self._connecting = asyncio.create_task(self._client.connect(), name=f"start of {self.mark}")
        done, _ = await asyncio.wait({self._connecting}, timeout=limit_s)
        if not done:
            raise End("timeout", f"the CLI did not start within {limit_s:g} s; it said: {self._said()}")
        try:
            self._connecting.result()
            await self._client.query(prompt)
        except Exception as problem:  # the SDK raises bare ones too
            said = await self._last_words(str(problem))
            raise End("died", said, "no_conversation" if NO_CONVERSATION in said else "") from problem

    async def next_frame(self, patience: Patience) -> Frame:
        """TimeoutError when the patience runs out; End when the CLI has ended."""
        self._patience = patience
        async with asyncio.timeout(patience.until - time.monotonic()) as self._limit:
            frame = await self._frames.get()
        if frame is None:
            said = await self._last_words("the CLI ended without a result")
            raise End("died", said, "no_conversation" if NO_CONVERSATION in said else "")
        return frame

    def stop(self) -> None:
        """Somebody wants it to end: it is asked for its bill, and waited for no longer than for that."""
        if self._patience is None or self._limit is None:
            return
        self._patience.stop("interrupted")
        self.interrupt()
        with contextlib.suppress(RuntimeError):  # a frame has just come: the next wait will know
            self._limit.reschedule(asyncio.get_running_loop().time() + self._patience.until - time.monotonic())

    def hear(self, line: str) -> None:
        """A line of its stderr: the last twenty are kept, the first hundreds passed on unless the queue is full."""
        self._stderr.append(line[:1000])
        self._heard += 1
        if self._heard > MOST_STDERR:
            return
        with contextlib.suppress(asyncio.QueueFull):
            self._frames.put_nowait({"type": "stderr", "line": line[:10_000]})

    def interrupt(self) -> None:
        """Asks for the result as it is. In a task: its answer comes on the very stream that we go on reading."""
        self._interrupting = asyncio.create_task(self._client.interrupt(), name=f"interrupt of {self.mark}")

    def kill(self) -> None:
        """The whole tree, now. A process that is just being started is killed as soon as there is one."""
        self._killed = True
        self.kill_if_wanted()
        if not self._full:
            processes.sweep(TAG, self.mark, limit_s=0)

    def kill_if_wanted(self) -> None:
        if self._killed and self._transport and self._transport.handle:
            self._transport.handle.kill()

    async def end(self, *, finished: bool) -> None:
        """Sees it off: end of input, a second to go by itself, SIGKILL, strays, the SDK's own cleaning up."""
        if self._transport is None:
            return
        self._transport.deaf = True
        while not self._frames.empty():
            self._frames.get_nowait()
        if finished:
            await self._transport.end_input()
            await _within(FAREWELL_S, self._transport.gone())
        self.kill()
        if not (finished and self._full):
            await asyncio.to_thread(processes.sweep, TAG, self.mark)
        for task in (self._connecting, self._interrupting):
            await _within(2, task)
        await _within(5, self._client.disconnect())
        self._transport.forget()
        if self.litter:
            await asyncio.to_thread(shutil.rmtree, self.litter, ignore_errors=True)

    async def _last_words(self, problem: str) -> str:
        if self._transport:
            await _within(1, self._transport.gone())
            code = self._transport.exit_code
            problem += f" (exit code {code})" if code is not None else ""
        return f"{problem}; it said: {self._said()}"

    def _said(self) -> str:
        return " | ".join(self._stderr) or "nothing"


class _Tee:
    """The SDK's transport in our hands: it gets the control frames, and all others come to us as they are."""

    def __init__(self, options: "ClaudeAgentOptions", out: asyncio.Queue[Frame | None], owner: Process) -> None:
        from claude_agent_sdk._internal.transport.subprocess_cli import SubprocessCLITransport

        self._inner = SubprocessCLITransport(prompt="", options=options)
        self._out, self._owner = out, owner
        self.handle: processes.Handle | None = None
        self._process = self._inner._process
        self._listening = self._inner._stderr_task
        self.exit_code: int | None = None
        self.deaf = False

    async def connect(self) -> None:
        await self._inner.connect()
        # Ours to keep: the SDK forgets both when it closes.
        self._process, self._listening = self._inner._process, self._inner._stderr_task
        assert self._process is not None  # noqa: S101
        self.handle = processes.Handle(self._process.pid)
        self._owner.kill_if_wanted()

    async def read_messages(self) -> AsyncIterator[dict[str, Any]]:
        """Ends in an exception even if the CLI ended well: that is what wakes the SDK's waiters."""
        try:
            async for frame in self._inner.read_messages():
                if frame.get("type") in CONTROL:
                    yield frame
                elif not self.deaf:
                    await self._out.put(frame)
            raise ConnectionResetError("the CLI has ended")
        except Exception:
            if not self.deaf:
                await self._out.put(None)
            raise

    async def gone(self) -> None:
        """Waits for its exit and its last words."""
        if self._process:
            self.exit_code = await self._process.wait()
        if self._listening:
            await self._listening.wait()

    def forget(self) -> None:
        if self.handle:
            self.handle.close()

    async def write(self, data: str) -> None:
        await self._inner.write(data)

    async def end_input(self) -> None:
        await self._inner.end_input()

    async def close(self) -> None:
        await self._inner.close()

    def is_ready(self) -> bool:
        return self._inner.is_ready()


async def _within(limit_s: float, wait: Any) -> None:
    """Waits at most so long, whatever comes of it: for ends, where there is nobody left to tell."""
    if wait is not None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(limit_s):
                await wait


def import_sdk() -> Any:
    import claude_agent_sdk

    logging.getLogger("claude_agent_sdk").setLevel(logging.CRITICAL)  # it logs every killed CLI; reports say it better
    return claude_agent_sdk
