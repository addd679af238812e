"""Runs a job's check on one answer: a process tree of its own, ended with its worker like an agent's.

It is a program that a person approved, outside any sandbox. It gets no credential, a folder of its own to work in, and
the answer on its standard input.
"""

import asyncio
import contextlib
import os
import shutil
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from batchproc.agents.guard import TAG, WORKER, Guard
from batchproc.platform import processes

KEEP = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ")
"""What a check needs of the environment, and LC_…: no credential, no setting of ours."""
TAIL_BYTES = 4_000
LOOK_S = 0.02
FAREWELL_S = 0.5  # for what its children still have to say when it has ended
NOT_STARTED = frozenset({126, 127})
"""How the guard, and every shell, says that a program cannot be started, or is not there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """`exit_code` is None where it took too long; `said` is the end of its output. `problem` is why there is none."""

    exit_code: int | None = None
    said: str = ""
    problem: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Checker:
    """Every process of a check carries `BATCHPROC_AGENT=<tag>:check-<name>`, for the same sweep as agents."""

    guard: Guard
    tag: str

    async def run(
        self, command: Sequence[str], answer: bytes, *, directory: Path, name: str, limit_s: float
    ) -> Checked:
        """See it through, or kill all of it. Cancelled, it kills it at once."""
        program = command[0]
        if shutil.which(program) is None:
            return Checked(problem=f"{program} is no program that can be started")
        place = directory / "check"
        mark = f"{self.tag}:check-{name}"
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            start = replace(self.guard, cli=Path(program)).cli_path(place)
            process = await asyncio.create_subprocess_exec(
                start,
                *command[1:],
                cwd=place,
                env={**_environment(os.environ), TAG: mark, WORKER: str(os.getpid()), "TMPDIR": str(place)},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
        except OSError as error:
            return Checked(problem=f"{program}: {error.strerror}")
        return await self._seen_through(process, answer, mark, limit_s)

    async def _seen_through(
        self, process: asyncio.subprocess.Process, answer: bytes, mark: str, limit_s: float
    ) -> Checked:
        tail: deque[bytes] = deque(maxlen=64)
        talk = asyncio.gather(_feed(process, answer), _listen(process, tail))
        handle = processes.Handle(process.pid)
        code: int | None = None
        try:
            async with asyncio.timeout(limit_s):
                code = await _exit_of(process)
                await asyncio.wait({talk}, timeout=FAREWELL_S)
        except TimeoutError:
            pass
        finally:
            handle.kill()
            if self.guard.level != "full":
                processes.sweep(TAG, mark, limit_s=0)
            handle.close()
            talk.cancel()
            await asyncio.to_thread(self._bury, mark)
            waits = asyncio.ensure_future(process.wait())
            ends: set[asyncio.Future[Any]] = {talk, waits}
            await asyncio.wait(ends, timeout=FAREWELL_S)
            waits.cancel()
        said = b"".join(tail)[-TAIL_BYTES:].decode("utf-8", "replace").strip()
        if code in NOT_STARTED:
            return Checked(problem=f"exit {code}: {said or 'it is not there, or cannot be started'}")
        return Checked(exit_code=code, said=said)

    def _bury(self, mark: str) -> None:
        if self.guard.level != "full":
            processes.sweep(TAG, mark)


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in given.items() if name in KEEP or name.startswith("LC_")}


async def _exit_of(process: asyncio.subprocess.Process) -> int:
    """Its own exit; `wait` would go on waiting for whoever else holds its output."""
    while process.returncode is None:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_S)
    return process.returncode


async def _feed(process: asyncio.subprocess.Process, answer: bytes) -> None:
    """It may end, or close its input, without having read it."""
    if process.stdin is None:
        return
    with contextlib.suppress(ConnectionError):
        process.stdin.write(answer)
        await process.stdin.drain()
    with contextlib.suppress(ConnectionError):
        process.stdin.close()


async def _listen(process: asyncio.subprocess.Process, tail: deque[bytes]) -> None:
    while process.stdout is not None and (said := await process.stdout.read(4096)):
        tail.append(said)
