"""What a job's options make of an agent, with the real CLI."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_claude_support import agent, collect, messages, report, script, task

from batchproc.agents.rehearsal import RehearsalModel, Reply
from batchproc.models import Profile, Tokens, Workspace

SERVER = """
import json, os, sys
for line in sys.stdin:
    asked = json.loads(line)
    match asked["method"]:
        case "initialize":
            version = asked["params"]["protocolVersion"]
            result = {"protocolVersion": version, "capabilities": {"tools": {}}}
            result["serverInfo"] = {"name": "s", "version": "1"}
        case "tools/list":
            result = {"tools": [{"name": n, "inputSchema": {"type": "object"}} for n in ("one", "two")]}
        case "tools/call":
            result = {"content": [{"type": "text", "text": json.dumps(dict(os.environ))}]}
        case _:
            result = {}
    if "id" in asked:
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""
needs_sandbox = pytest.mark.skipif(
    not (shutil.which("bwrap") and shutil.which("socat")), reason="the CLI's shell sandbox needs bwrap and socat"
)


async def _run(tmp_path: Path, tools: Any, **options: Any) -> Any:
    """What each tool said, in order, the report, and the first request."""
    replies = script(Reply(tools=tools), Reply(text="done"))
    async with RehearsalModel(replies) as model, await agent() as claude:
        events = await collect(claude, task(tmp_path / "u/1", **options), model.environment())
    texts = {m["id"]: str(m["content"]) for m in messages(events, "tool_result")}
    assert report(events).text == "done", report(events)
    return [texts[m["id"]] for m in messages(events, "tool_use")], report(events), model.calls[0]


@pytest.fixture
def server(tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "server.py"
    path.write_text(SERVER)
    return {"command": sys.executable, "args": [str(path)], "env": {"MINE": "its own"}}


@pytest.mark.parametrize(
    ("named", "denied"),
    [([], ()), (["mcp__a"], ()), (["mcp__a__one"], ("mcp__a__two",)), (["mcp__a__two"], ("mcp__a__one",))],
)
async def test_a_servers_tools_are_all_an_answering_agent_has(
    named: list[str], denied: tuple[str, ...], tmp_path: Path, server: dict[str, Any]
) -> None:
    tools = [("mcp__a__one", {}), ("mcp__a__two", {}), ("Read", {"file_path": str(tmp_path / "server.py")})]
    options = {"profile": Profile.ANSWER, "mcp_servers": {"a": server}, "allowed_tools": named}
    (one, two, read), end, first = await _run(tmp_path, tools, **options)
    assert end.denied_tools == denied
    assert (one.startswith("[{"), two.startswith("[{")) == ("mcp__a__one" not in denied, "mcp__a__two" not in denied)
    assert "No such tool" in read
    assert (
        {"mcp__a__one", "mcp__a__two"}
        <= first.tools.keys()
        <= {"mcp__a__one", "mcp__a__two", "DeferredToolPlaceholder"}
    )


async def test_a_server_gets_its_environment_and_not_what_pays(tmp_path: Path, server: dict[str, Any]) -> None:
    (said,), _, _ = await _run(tmp_path, [("mcp__a__one", {})], mcp_servers={"a": server})
    assert '"MINE": "its own"' in said
    assert '"ANTHROPIC_API_KEY": ""' in said
    kept = tmp_path / "u/1/mcp.json"
    assert kept.stat().st_mode & 0o777 == 0o600


async def test_a_tool_that_is_not_wanted_does_not_exist(tmp_path: Path, server: dict[str, Any]) -> None:
    (tmp_path / "data").mkdir()
    tools = [("mcp__a__two", {}), ("Grep", {"pattern": "x"}), ("WebFetch", {"url": "http://x.org", "prompt": "x"})]
    said, end, first = await _run(
        tmp_path,
        tools,
        working_directory=str(tmp_path / "data"),
        mcp_servers={"a": server},
        allowed_tools=["WebFetch", "WebSearch"],
        disallowed_tools=["mcp__a__two", "Grep", "WebFetch"],
    )
    assert all("No such tool" in text for text in said)
    assert first.tools.keys() - {"DeferredToolPlaceholder"} == {"Read", "Glob", "WebSearch", "mcp__a__one"}
    assert end.denied_tools == ()


async def test_the_web_is_there_for_the_asking_as_far_as_the_rule_says(tmp_path: Path) -> None:
    tools = [("WebFetch", {"url": f"http://{host}/", "prompt": "x"}) for host in ("other.invalid", "example.invalid")]
    said, end, first = await _run(tmp_path, tools, allowed_tools=["WebFetch(domain:example.invalid)"])
    assert "WebFetch" in first.tools
    assert end.denied_tools == ("WebFetch",)
    assert ["denied" in text for text in said] == [True, False]


@needs_sandbox
@pytest.mark.parametrize("shared", [False, True])
async def test_a_shell_and_its_tools_write_in_the_workspace_and_read_all_that_is_named(
    shared: bool, tmp_path: Path
) -> None:
    data, more, inner = tmp_path / "data", tmp_path / "more", tmp_path / "data/inner"
    for folder in (inner, more):
        folder.mkdir(parents=True)
        (folder / "a.txt").write_text("heron")
    named = inner if shared else data
    tools = [
        ("Bash", {"command": f"cat {inner}/a.txt {more}/a.txt; pwd; echo x > made.txt"}),
        *[("Bash", {"command": f"echo x > {folder}/shell.txt; true"}) for folder in (data, inner, more)],
        *[("Read", {"file_path": f"{folder}/a.txt"}) for folder in (inner, more)],
        *[("Write", {"file_path": f"{folder}/tool.txt", "content": "x"}) for folder in (data, inner, more)],
        ("Glob", {"pattern": "*.txt", "path": str(inner)}),
    ]
    said, _, _ = await _run(
        tmp_path,
        tools,
        profile=Profile.FULL,
        workspace=Workspace.SHARED if shared else Workspace.SCRATCH,
        working_directory=str(named),
        directories=[str(more), *([str(data)] if shared else [])],
    )
    assert said[0].count("heron") == 2
    assert all("heron" in text for text in said[4:6])
    assert "a.txt" in said[-1]
    made = {str(path.relative_to(tmp_path)) for path in (*data.rglob("*.txt"), *more.rglob("*.txt"))}
    written = {"data/inner/made.txt", "data/inner/shell.txt", "data/inner/tool.txt"} if shared else set()
    assert made == {"data/inner/a.txt", "more/a.txt"} | written
    assert (tmp_path / "u/1/work/made.txt").exists() != shared


@needs_sandbox
async def test_the_users_configuration_is_nobodys_even_where_a_shell_has_another_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    login = tmp_path / ".claude/.credentials.json"
    login.parent.mkdir()
    login.write_text("STRANGER")
    shell = ("Bash", {"command": f"cat {login}; cat {tmp_path}/ok; true"})
    tools = [("Read", {"file_path": str(login)}), *[shell] * 3]  # bwrap stumbles if the CLI writes its configuration
    (tmp_path / "ok").write_text("MINE")
    said, _, _ = await _run(tmp_path, tools, profile=Profile.FULL, working_directory=str(tmp_path))
    assert not any("STRANGER" in text for text in said)
    assert any("MINE" in text for text in said[1:])


@needs_sandbox
async def test_what_a_shell_says_at_length_can_be_read(tmp_path: Path) -> None:
    def replies(call: Any) -> Reply:
        if call.turn == 0:
            return Reply(tools=[("Bash", {"command": "seq 1 20000"})])
        if call.turn == 1:
            path = call.tool_results[-1].text.partition("saved to: ")[2].split()[0]
            return Reply(tools=[("Read", {"file_path": path, "offset": 9000, "limit": 3})])
        return Reply(text=call.tool_results[-1].text)

    async with RehearsalModel(replies) as model, await agent() as claude:
        given = task(tmp_path / "u/1", profile=Profile.FULL)
        end = report(await collect(claude, given, model.environment()))
    assert "9001" in end.text
    assert end.denied_tools == ()


async def test_a_conversation_goes_on_in_the_next_attempt_from_another_place(tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text("heron")
    read = Reply(tools=[("Read", {"file_path": str(tmp_path / "f.txt")})])
    async with (
        RehearsalModel(script(read, Reply(text="it says heron"), Reply(text="still"))) as model,
        await agent() as claude,
    ):
        first = task(tmp_path / "u/1", file=tmp_path / "f.txt")
        await collect(claude, first, model.environment())
        shutil.rmtree(tmp_path / "u/1")
        second = replace(task(tmp_path / "u/2", "and now?", file=tmp_path / "f.txt"), resume=first.session_id)
        end = report(await collect(claude, second, model.environment()))
        third = replace(task(tmp_path / "u/3", "once more?", file=tmp_path / "f.txt"), resume=first.session_id)
        await collect(claude, third, model.environment())
    assert (end.text, end.session_id) == ("still", second.session_id)
    assert "heron" in model.calls[2].tool_results[0].text
    assert "and now?" in model.calls[2].asked_last
    assert "and now?" not in str(model.calls[3].body["messages"])  # the first conversation stayed as it was


async def test_an_attempt_costs_no_more_than_its_cap_and_answers_no_longer_than_its_limit(tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text("x")
    dear = Reply(tools=[("Read", {"file_path": str(tmp_path / "f.txt")})], usage=Tokens(input=1_000_000, output=1))
    options = {"unit_budget_usd": 0.01, "max_output_tokens": 1234, "file": tmp_path / "f.txt"}
    async with RehearsalModel(script(dear, dear, Reply(text="done"))) as model, await agent() as claude:
        capped = task(tmp_path / "u/1", model="claude-haiku-4-5", **options)
        end = report(await collect(claude, capped, model.environment()))
        assert (end.subtype, model.count) == ("error_max_budget_usd", 1)
        free = report(await collect(claude, task(tmp_path / "v/1", **options), model.environment()))
        assert (free.text, model.count) == ("done", 4)
    assert {call.body["max_tokens"] for call in model.calls} == {1234}
