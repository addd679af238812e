"""The real CLI against the rehearsal model: what an attempt yields, and what it costs."""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

from test_claude_support import agent, collect, commands, messages, read, report, script, task, tree

from batchproc.agents.guard import Guard
from batchproc.agents.rehearsal import Call, RehearsalModel, Reply
from batchproc.models import Message, Profile, Report, Started, Tokens
from tests.conftest import wait_until


async def test_an_attempt_tells_what_it_does_and_then_what_it_came_to(tmp_path: Path) -> None:
    file = tmp_path / "contract.txt"
    file.write_text("the word is heron")
    replies = script(
        Reply(
            thinking="hm",
            text="let me see",
            tools=[("Read", {"file_path": str(file)})],
            usage=Tokens(input=100, output=20),
        ),
        Reply(text="heron", usage=Tokens(input=50, output=5, cache_read=7, cache_write=3)),
    )
    async with RehearsalModel(replies) as model, await agent() as claude:
        given = task(tmp_path / "a", f"read {file}", file=file)
        events = await collect(claude, given, model.environment())
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Report)
    kinds = [event.kind for event in events if isinstance(event, Message)]
    assert kinds == ["init", "thinking", "text", "tool_use", "tool_result", "text", "result"]
    assert "heron" in str(messages(events, "tool_result")[0]["content"])
    end = report(events)
    assert (end.ended, end.subtype, end.is_error, end.text) == ("result", "success", False, "heron")
    assert end.tokens == Tokens(input=150, output=25, cache_read=7, cache_write=3)
    assert end.cost_usd > 0
    assert (end.api_calls, end.turns, end.tools_run, end.denied_tools) == (model.count, 2, 1, ())
    assert end.session_id == given.session_id == model.calls[0].session_id


async def test_a_schema_brings_a_structured_answer(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    replies = script(Reply(tools=[("StructuredOutput", {"n": 7})]), Reply(text="ok"))
    async with RehearsalModel(replies) as model, await agent() as claude:
        events = await collect(claude, task(tmp_path / "a", schema=schema), model.environment())
    assert report(events).output == {"n": 7}
    assert report(events).tools_run == 0


async def test_prompts_reach_the_model_word_for_word(tmp_path: Path) -> None:
    prompts = ["@/etc/hostname", "/cost", "/clear\nand more", "  two spaces first, ünïcödé 🎉"]
    async with RehearsalModel(script(Reply(text="ok"))) as model, await agent() as claude:
        ran = [
            collect(claude, task(tmp_path / str(n), prompt), model.environment()) for n, prompt in enumerate(prompts)
        ]
        ends = [report(events) for events in await asyncio.gather(*ran)]
    assert sorted(call.prompt for call in model.calls) == sorted(prompts)
    assert [end.api_calls for end in ends] == [1] * len(prompts)
    hostname = Path("/etc/hostname").read_text().strip()
    assert not any(hostname in str(call.body["messages"]) for call in model.calls)


async def test_a_long_system_prompt_arrives_whole(tmp_path: Path) -> None:
    text = "Be brief. " * 20_000
    async with RehearsalModel(script(Reply(text="ok"))) as model, await agent() as claude:
        given = task(tmp_path / "a", system_prompt=text, profile=Profile.ANSWER)
        assert report(await collect(claude, given, model.environment())).text == "ok"
    assert text.strip() in str(model.calls[0].body["system"])
    assert model.calls[0].tools == {}


async def test_the_credential_of_the_worker_is_not_the_jobs(tmp_path: Path) -> None:
    async with RehearsalModel(script(Reply(text="ok"))) as model, await agent() as claude:
        with _environ(ANTHROPIC_API_KEY="workers-own", ANTHROPIC_AUTH_TOKEN="workers-own"):
            await collect(claude, task(tmp_path / "a"), {"ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_API_KEY": "jobs"})
    sent = {call.headers.get("x-api-key") for call in model.calls}
    assert sent == {"jobs"}
    assert not any("workers-own" in str(call.headers) for call in model.calls)


async def test_a_refused_credential_ends_the_attempt_at_once(tmp_path: Path) -> None:
    async with RehearsalModel(script(Reply(status=401))) as model, await agent() as claude:
        end = report(await collect(claude, task(tmp_path / "a"), model.environment()))
    assert (end.ended, end.is_error, end.api_error_status) == ("result", True, 401)
    assert model.count == 1
    assert end.api_calls == 0


async def test_an_overloaded_model_is_asked_three_times_and_reported(tmp_path: Path) -> None:
    async with RehearsalModel(script(Reply(status=529))) as model, await agent() as claude:
        events = await collect(claude, task(tmp_path / "a"), model.environment())
    end = report(events)
    assert (end.is_error, end.api_error_status, len(end.api_retries)) == (True, 529, 2)
    assert [m["error_status"] for m in messages(events, "api_retry")] == [529, 529]
    assert model.count == 3


async def test_an_attempt_may_take_so_many_turns(tmp_path: Path) -> None:
    file = tmp_path / "f.txt"
    file.write_text("x")
    async with RehearsalModel(script(read(file))) as model, await agent() as claude:
        end = report(await collect(claude, task(tmp_path / "a", file=file, max_turns=2), model.environment()))
    assert (end.subtype, end.is_error, model.count) == ("error_max_turns", True, 2)


async def test_a_timeout_stops_the_agent_and_still_says_what_it_cost(tmp_path: Path) -> None:
    file = tmp_path / "f.txt"
    file.write_text("x")
    first = Reply(tools=[("Read", {"file_path": str(file)})], usage=Tokens(input=1000, output=500))
    async with RehearsalModel(script(first, Reply(stall="accept"))) as model, await agent() as claude:
        began = time.monotonic()
        events = await collect(claude, task(tmp_path / "a", file=file, timeout_s=8), model.environment())
        assert 8 <= time.monotonic() - began < 60, "the model would stall for ever"
        await wait_until(lambda: not tree(claude.tag), "no process is left", 5)
    end = report(events)
    assert end.ended == "timeout"
    assert (end.tokens, end.tools_run) == (Tokens(input=1000, output=500), 1)
    assert end.cost_usd > 0


async def test_a_cli_that_dies_is_a_report_too(tmp_path: Path) -> None:
    async with RehearsalModel(script(Reply(stall="accept"))) as model, await agent() as claude:
        events = []
        async for event in claude.run(task(tmp_path / "a"), model.environment()):
            events.append(event)
            if isinstance(event, Started):
                await wait_until(lambda: model.count == 1, "the model was asked", 5)
                os.kill(event.pid, signal.SIGKILL)
        assert report(events).ended == "died"
        assert "exit code -9" in report(events).detail


async def test_a_missing_cli_is_a_report_that_names_it(tmp_path: Path) -> None:
    async with await agent(guard=Guard(name="none", cli=tmp_path / "gone")) as claude:
        (end,) = await collect(claude, task(tmp_path / "a"), {})
    assert isinstance(end, Report)
    assert (end.ended, end.subtype) == ("died", "cli_missing")
    assert str(tmp_path / "gone") in end.detail


async def test_a_cli_that_cannot_start_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "claude"
    broken.write_text("#!/bin/sh\necho the disk is upside down >&2\nexit 3\n")
    broken.chmod(0o700)
    async with await agent(guard=Guard(name="none", cli=broken)) as claude:
        end = report(await collect(claude, task(tmp_path / "a"), {}))
    assert end.ended == "died"
    assert "the disk is upside down" in end.detail
    assert "exit code 3" in end.detail


async def test_agents_alive_are_never_more_than_slots_and_those_that_start(tmp_path: Path) -> None:
    most = 0

    async def watch(call: Call) -> Reply:
        nonlocal most
        clis = [line for line in commands(claude.tag) if line[0].endswith(b"/claude")]  # without their guards
        most = max(most, len(clis))
        return Reply(text="ok", delay_s=0.2)

    async with RehearsalModel(watch) as model, await agent(slots=1, spawn_gate=1) as claude:
        ran = [collect(claude, task(tmp_path / str(n)), model.environment()) for n in range(5)]
        ends = [report(events) for events in await asyncio.gather(*ran)]
    assert [end.text for end in ends] == ["ok"] * 5
    assert 1 <= most <= 2


@contextlib.contextmanager
def _environ(**values: str):  # type: ignore[no-untyped-def]
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
