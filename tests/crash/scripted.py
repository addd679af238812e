"""The real supervisor process with scripted agents: `python -m tests.crash.scripted`.

What it is to do stands in `scripted.json` in its store's folder: `log` (of effects), `guard` (a guard's name; `off`:
none, and nothing is swept either), `agent` (`children`: real processes under the guard; `fast`: none at all; `noting`:
none, and it tells of its start in the log). Faults that it plants: `reserve` (False: nothing is reserved), `promises`
(False: nobody keeps what a dead one promised), `staging` (False: what an agent wrote is put to its place at once,
accepted or not). Where it is to die, once, stands in `point.json`.
"""

import asyncio
import contextlib
import errno
import json
import logging
import os
import random
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from batchproc import budget, prices, settings
from batchproc.agents import guard
from batchproc.models import AgentEvent, AttemptTask, Message, Report, Started, Tokens
from batchproc.platform import processes
from batchproc.store import publications
from batchproc.supervisor import process
from tests.crash import child, faults_of_outputs, points

CHILD = Path(child.__file__)


class ScriptedAgent:
    """Real processes, started under the same guard and mark as the CLI's."""

    def __init__(self, tied: guard.Guard, tag: str, log: str) -> None:
        self.guard, self.tag, self.log = tied, tag, log
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._endings: set[asyncio.Task[int]] = set()

    async def __aenter__(self) -> "ScriptedAgent":
        return self

    async def __aexit__(self, *_: object) -> None:
        for running in list(self._running.values()):
            self._end(running)
        await asyncio.to_thread(processes.sweep, guard.TAG, f"{self.tag}:", prefix=True)

    async def run(self, task: AttemptTask, environment: Mapping[str, str]) -> AsyncGenerator[AgentEvent, None]:
        if task.key.endswith("-disk") and task.attempt == 1:
            raise OSError(errno.ENOSPC, "no room for an agent")
        running = await self._start(task)
        self._running[task.session_id] = running
        report = Report(ended="died", detail="it ended without a report")
        try:
            yield Started(pid=running.pid, guard=self.guard.name)
            async for line in running.stdout:
                said = _parse(line)
                if "report" in said:
                    report = _report(said["report"])
                    break
                yield Message(kind=str(said.pop("kind")), data=said)
        finally:
            self._end(self._running.pop(task.session_id))
        yield report

    async def _start(self, task: AttemptTask) -> asyncio.subprocess.Process:
        place = Path(task.directory)
        (place / "work").mkdir(parents=True, exist_ok=True)
        mark = {guard.TAG: f"{self.tag}:{task.session_id}", guard.WORKER: str(os.getpid())}
        about = (self.log, str(task.unit), str(task.attempt), task.session_id, task.key)
        return await asyncio.create_subprocess_exec(
            *(self.guard.cli_path(place), "-I", "-S", CHILD, *about),
            env={**os.environ, **mark},
            cwd=place / "work",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    def _end(self, running: asyncio.subprocess.Process) -> None:
        if running.returncode is None:
            with contextlib.closing(processes.Handle(running.pid)) as handle:  # `kill` of asyncio would race its reaper
                handle.kill()
        running.stdin.close()
        ending = asyncio.create_task(running.wait())
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    def interrupt(self, session_id: str) -> None:
        if (running := self._running.get(session_id)) is not None:
            running.stdin.write(b"stop\n")


def _parse(line: bytes) -> dict[str, Any]:
    if line.startswith(b"{"):
        return json.loads(line)
    return {"kind": "stderr", "line": line.decode("utf-8", "replace").strip()[:500]}


def _report(said: dict[str, Any]) -> Report:
    denied = tuple(said.pop("denied_tools", ()))
    return Report(**said | {"tokens": Tokens(input=said["tokens"]), "denied_tools": denied})


class FastAgent:
    """No process at all: for what is about numbers. An attempt may cost its cap and one last request, as the CLI's."""

    read = 5_000

    async def __aenter__(self) -> "FastAgent":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def run(self, task: AttemptTask, environment: Mapping[str, str]) -> AsyncGenerator[AgentEvent, None]:
        yield Started(pid=os.getpid(), guard="none")
        yield Message(kind="text", data={"text": task.key})
        await asyncio.sleep(random.uniform(0.0, 0.02 if task.key.endswith("-ok") else 0.3))
        price = prices.price_of(task.options.model)
        last = price.request_usd(read=self.read, written=task.options.max_output_tokens)
        cost = task.options.unit_cap_usd * random.uniform(0.5, 1.0) + last
        text = f"{task.key}#{task.attempt}"
        yield Report(
            ended="result", subtype="success", text=text, api_calls=1, cost_usd=cost, largest_request=self.read
        )

    def interrupt(self, session_id: str) -> None:
        pass


class NotingAgent(FastAgent):
    """Notes that it began, itself, and says what it was asked."""

    def __init__(self, log: str) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    async def run(self, task: AttemptTask, environment: Mapping[str, str]) -> AsyncGenerator[AgentEvent, None]:
        fact = {"t": time.monotonic(), "what": "start", "unit": task.unit, "n": task.attempt, "who": "main"}
        os.write(self._log, json.dumps(fact | {"key": task.key, "session": task.session_id}).encode() + b"\n")
        yield Started(pid=os.getpid(), guard="none")
        yield Report(ended="result", subtype="success", text=task.prompt, api_calls=1, cost_usd=1e-6)


AGENTS = {"fast": lambda log: FastAgent(), "noting": NotingAgent}


async def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    known = settings.load()
    plan = json.loads((known.home / "scripted.json").read_text())
    if not plan.get("reserve", True):
        budget.Reservation.usd = budget.Reservation.alone_usd = lambda *_: 0.0

    if not plan.get("promises", True):
        publications.promised = lambda *_: None
    if not plan.get("staging", True):
        faults_of_outputs.publish_at_once()
    if (point := take_point(known.home)) is not None:
        points.arm(point)

    async def hire(tag: str) -> process.Hired:
        tied = guard.Guard(name="none" if plan["guard"] == "off" else plan["guard"], cli=Path(sys.executable))
        if plan["guard"] != "off":
            await asyncio.to_thread(processes.sweep, guard.TAG, f"{tag}:", prefix=True)
        known_agent = AGENTS.get(plan.get("agent"))
        agent = ScriptedAgent(tied, tag, plan["log"]) if known_agent is None else known_agent(plan["log"])
        return process.Hired(agent=agent, guard=tied.level, sandbox=False, mark=guard.TAG)

    await process.run(known, hire)


def take_point(home: Path) -> points.Point | None:
    """Where this process is to die. Nobody after it dies there again."""
    try:
        point = points.Point(**json.loads((home / "point.json").read_text()))
        (home / "point.json").unlink()
    except FileNotFoundError:
        return None
    return point


if __name__ == "__main__":
    asyncio.run(main())
