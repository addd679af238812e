"""However an attempt ends, nothing of it stays: real processes, real signals."""

import asyncio
import contextlib
import shutil
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from test_claude_support import agent, commands, messages, report, script, task, tree

from batchproc.agents import guard
from batchproc.agents.claude import ClaudeAgent
from batchproc.agents.rehearsal import RehearsalModel, Reply
from batchproc.models import Message, Profile, Started
from batchproc.platform import processes
from tests.conftest import wait_until

STALLED = script(Reply(stall="accept"))
STRAYS = "setsid sleep 300 & sleep 300 & sleep 300"  # as a script: the CLI itself refuses such a command
STUBBORN = """trap '' TERM INT HUP
setsid sh -c "trap '' TERM; sleep 300" &
yes flood >&2 &
yes flood &
sleep 300
"""
needs_sandbox = pytest.mark.skipif(
    not (shutil.which("bwrap") and shutil.which("socat")), reason="the CLI's shell sandbox needs bwrap and socat"
)


@needs_sandbox
async def test_closing_early_leaves_nothing_of_the_tree_not_even_a_setsid_grandchild(tmp_path: Path) -> None:
    strays = {"file_path": str(tmp_path / "a/work/strays.sh"), "content": STRAYS}
    replies = script(Reply(tools=[("Write", strays)]), Reply(tools=[("Bash", {"command": "sh strays.sh"})]))
    async with RehearsalModel(replies) as model, await agent() as claude:
        run = claude.run(task(tmp_path / "a", profile=Profile.FULL), model.environment())
        async for event in run:
            if isinstance(event, Message) and event.data.get("name") == "Bash":
                break
        await wait_until(
            lambda: sum(b"300" in line for line in commands(claude.tag)) == 3, "the shell and its children run", 10
        )
        await run.aclose()
        asked = model.count
        await wait_until(lambda: not tree(claude.tag), "no process is left", 5)
        await asyncio.sleep(0.5)
    assert model.count == asked >= 2


@pytest.mark.long
@needs_sandbox
async def test_a_timeout_ends_a_tree_that_ignores_sigterm_floods_and_leaves_a_grandchild_in_a_session_of_its_own(
    tmp_path: Path,
) -> None:
    script_ = {"file_path": str(tmp_path / "a/work/stubborn.sh"), "content": STUBBORN}
    replies = script(Reply(tools=[("Write", script_)]), Reply(tools=[("Bash", {"command": "sh stubborn.sh"})]))
    async with RehearsalModel(replies) as model, await agent() as claude:
        given = task(tmp_path / "a", profile=Profile.FULL, timeout_s=8)
        events = [event async for event in claude.run(given, model.environment())]
        assert report(events).ended == "timeout"
        asked = model.count  # twice, or once more where bwrap stumbled over the CLI's own files
        await wait_until(lambda: not tree(claude.tag), "no process is left", 5)
        await asyncio.sleep(0.5)
    assert model.count == asked >= 2


@needs_sandbox
async def test_a_shell_sees_its_scratch_and_no_secret(tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("OUTSIDE")
    commands = ["echo hi > out.txt; cat out.txt", f"cat {tmp_path}/outside.txt", "env"]
    replies = script(*[Reply(tools=[("Bash", {"command": c})]) for c in commands], Reply(text="done"))
    async with RehearsalModel(replies) as model, await agent() as claude:
        given = task(tmp_path / "a", profile=Profile.FULL)
        events = [e async for e in claude.run(given, {**model.environment(), "ANTHROPIC_API_KEY": "the-secret"})]
    assert report(events).text == "done"
    mine, outside, env = (str(m["content"]) for m in messages(events, "tool_result"))
    assert "hi" in mine
    assert (tmp_path / "a/work/out.txt").read_text() == "hi\n"
    assert "No such file" in outside
    assert "PATH=" in env
    assert "the-secret" not in env


async def test_two_cancels_while_it_runs_leak_nothing(tmp_path: Path) -> None:
    async with RehearsalModel(STALLED) as model, await agent() as claude:
        running = asyncio.create_task(_exhaust(claude, tmp_path, model))
        await wait_until(lambda: model.count == 1, "the model was asked", 10)
        await _cancel_twice(running)
        await wait_until(lambda: not tree(claude.tag), "no process is left", 5)


@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.1, 0.25])
async def test_two_cancels_while_it_starts_leak_nothing(tmp_path: Path, after_s: float) -> None:
    async with RehearsalModel(STALLED) as model, await agent() as claude:
        await claude.warm_up()
        running = asyncio.create_task(_exhaust(claude, tmp_path, model))
        await asyncio.wait({running}, timeout=after_s)
        await _cancel_twice(running)
        await wait_until(lambda: not claude._endings and not tree(claude.tag), "no process is left", 2)
        assert not claude._running


async def test_a_stopped_attempt_gives_its_place_to_the_next(tmp_path: Path) -> None:
    async with RehearsalModel(STALLED) as model, await agent(slots=1, spawn_gate=1) as claude:
        for n in range(3):
            running = asyncio.create_task(_exhaust(claude, tmp_path / str(n), model))
            await wait_until(lambda n=n: model.count == n + 1, "the model was asked", 10)
            await _cancel_twice(running)


async def test_leaving_the_agent_ends_what_still_runs(tmp_path: Path) -> None:
    async with RehearsalModel(STALLED) as model:
        async with await agent() as claude:
            run = claude.run(task(tmp_path / "a"), model.environment())
            assert isinstance(await anext(run), Started)
            assert tree(claude.tag)
        assert not tree(claude.tag)
        await run.aclose()


WORKER = """
import asyncio, json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_claude_support import task
from batchproc.agents import guard
from batchproc.agents.claude import ClaudeAgent

class Unguarded(guard.Guard):
    __slots__ = ()
    def cli_path(self, directory):
        return self.cli

async def main(place, tag, environment, guarded):
    best = await guard.probe(guard.find_cli())
    if not guarded:
        best = Unguarded(name="none", cli=best.cli)
    async with ClaudeAgent(guard=best, slots=1, tag=tag) as claude:
        async for event in claude.run(task(Path(place), timeout_s=60), environment):
            print(event, flush=True)

place, tag, environment, guarded = json.loads(sys.argv[2])
asyncio.run(main(place, tag, environment, guarded))
"""


@contextlib.asynccontextmanager
async def worker(
    place: Path, model: RehearsalModel, *, guarded: bool
) -> AsyncIterator[tuple[subprocess.Popen[bytes], str]]:
    import json

    tag = uuid.uuid4().hex
    arguments = json.dumps([str(place), tag, dict(model.environment()), guarded])
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(Path(__file__).parent), arguments], stdout=subprocess.DEVNULL
    )
    try:
        yield process, tag
    finally:
        process.kill()
        process.wait()
        await asyncio.to_thread(processes.sweep, guard.TAG, f"{tag}:", prefix=True)


async def test_a_killed_worker_takes_its_agents_along_and_the_model_hears_no_more(tmp_path: Path) -> None:
    again = asyncio.Event()

    async def script_(call: object) -> Reply:
        await again.wait()
        return Reply(tools=[("Read", {"file_path": "/nowhere"})])

    async with RehearsalModel(script_) as model, worker(tmp_path / "a", model, guarded=True) as (process, tag):
        await wait_until(lambda: model.count == 1, "the model was asked", 20)
        process.kill()
        await wait_until(lambda: not tree(tag), "no process is left", 5)
        again.set()
        with contextlib.suppress(AssertionError):
            await wait_until(lambda: model.count > 1, "another call", 1, 1)
        assert model.count == 1


async def test_control_without_the_guard_a_killed_workers_agent_lives_on(tmp_path: Path) -> None:
    again = asyncio.Event()

    async def script_(call: object) -> Reply:
        await again.wait()
        return Reply(tools=[("Read", {"file_path": "/nowhere"})])

    async with RehearsalModel(script_) as model, worker(tmp_path / "a", model, guarded=False) as (process, tag):
        await wait_until(lambda: model.count == 1, "the model was asked", 20)
        process.kill()
        process.wait()
        again.set()
        await wait_until(lambda: model.count > 1, "another call, which somebody pays", 5)
        assert tree(tag)
        assert await asyncio.to_thread(processes.sweep, guard.TAG, f"{tag}:", prefix=True) > 0
        assert not tree(tag)


async def _exhaust(claude: ClaudeAgent, place: Path, model: RehearsalModel) -> None:
    async with contextlib.aclosing(claude.run(task(place), model.environment())) as run:
        async for _ in run:
            pass


async def _cancel_twice(running: asyncio.Task[None]) -> None:
    running.cancel()
    await asyncio.sleep(0)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
