"""Two units' requests, byte for byte: whatever is not theirs alone is the same, so that the API's cache has it once."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from test_claude_options import SERVER, needs_sandbox
from test_claude_support import agent, collect, report, task

from batchproc.agents.rehearsal import Call, RehearsalModel, Reply
from batchproc.models import Profile
from batchproc.prompts import OPEN, Prompt

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
PROFILES = [Profile.ANSWER, Profile.READ_ONLY, Profile.EDIT, pytest.param(Profile.FULL, marks=needs_sandbox)]


def prefix(call: Call) -> str:
    """What the API caches for other conversations: tools and system prompt, as they were sent."""
    return json.dumps([call.body["tools"], call.body["system"]])


def answer(call: Call) -> Reply:
    if "StructuredOutput" in call.tools and not call.tool_results:
        return Reply(tools=[("StructuredOutput", {"n": 1})])
    return Reply(text="done")


async def requests(tmp_path: Path, profile: Profile, model: str, instructions: str, **more: Any) -> list[Call]:
    """The first request of each of two units, in folders of their own, whose files are of different kinds."""
    prompt = Prompt(instructions, reads_file=True)
    async with RehearsalModel(answer) as served, await agent() as claude:

        async def run(name: str) -> None:
            folder = tmp_path / f"folder of {name}"
            folder.mkdir()
            file = folder / name
            file.write_text("x")
            given = task(
                tmp_path / f"u {name}/1",
                prompt.render(name, {"file_path": str(file), "name": name}),
                file=file,
                model=model,
                profile=profile,
                working_directory=str(folder),
                system_prompt=prompt.shared("You are a notary."),
                **more,
            )
            assert report(await collect(claude, given, served.environment())).ended == "result"

        await asyncio.gather(run("a.png"), run("b.py"))
    return [call for call in served.calls if call.turn == 0]


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "sonnet"])
@pytest.mark.parametrize("profile", PROFILES)
async def test_tools_and_system_prompt_are_the_same_for_all_units_wherever_they_work(
    profile: Profile, model: str, tmp_path: Path
) -> None:
    first, second = await requests(tmp_path, profile, model, "Say what it is.\n" * 3)
    assert prefix(first) == prefix(second)
    assert first.prompt != second.prompt and OPEN in first.prompt
    assert first.body["system"][-1]["cache_control"] == {"type": "ephemeral"}
    assert "Say what it is." in first.body["system"][-1]["text"]
    for own in ("a.png", "b.py", str(tmp_path)):
        assert own not in prefix(first)


@pytest.mark.parametrize("profile", PROFILES)
async def test_they_are_the_same_with_servers_and_a_schema_too(profile: Profile, tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    server = {"command": sys.executable, "args": [str(tmp_path / "server.py")]}
    servers = {"mcp_servers": {"b": server, "a": server}}
    first, second = await requests(tmp_path, profile, "sonnet", "Count.", schema=SCHEMA, **servers)
    assert prefix(first) == prefix(second)
    assert {"mcp__a__one", "mcp__b__two", "StructuredOutput"} <= first.tools.keys()


async def test_a_system_prompt_too_long_for_a_command_line_is_the_same_too(tmp_path: Path) -> None:
    first, second = await requests(tmp_path, Profile.ANSWER, "sonnet", "Be careful with ß. " * 10_000)
    assert prefix(first) == prefix(second) and len(prefix(first)) > 190_000


async def test_a_system_prompt_is_on_no_command_line_and_in_no_file_that_others_may_read(tmp_path: Path) -> None:
    seen = []

    def look(call: Call) -> Reply:
        lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
        seen.extend(line for line in lines if b"CANARY-99" in line)
        return Reply(text="done")

    async with RehearsalModel(look) as model, await agent() as claude:
        given = task(tmp_path / "u/1", system_prompt="CANARY-99", profile=Profile.ANSWER)
        await collect(claude, given, model.environment())
    assert seen == [] and "CANARY-99" in json.dumps(model.calls[0].body["system"])
    assert (tmp_path / "u/1/system-prompt.txt").stat().st_mode & 0o777 == 0o600
