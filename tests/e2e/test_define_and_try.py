"""From a sentence to an approved plan and structured answers: from the shell alone, and from the real Claude Code."""

import csv
import json

import pytest

from batchproc.agents.rehearsal import Reply
from batchproc.prompts import CLOSE, OPEN
from tests.conftest import wait_until
from tests.e2e.test_cli_control import does, shell
from tests.e2e.test_mcp import TOOLS, claude

ROWS, FEWER = 200, 40
SCHEMA = {"vendor": "string", "amount": "number", "risk": ["low", "high"], "proof": "quote"}
FIRST, SECOND = "Who is it, how much is it, and is it a risk?", "The same, and write the vendor in capitals."


def invoices(tmp_path, rows):
    path = tmp_path / "invoices.csv"
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "note"])
        table.writerows((f"i{n:03}", f"Vendor {n} asks for {n * 10} dollars.") for n in range(1, rows + 1))
    return path


def clerk(call):
    """An agent: reads its row, answers with the tool, and follows the instructions that all of them share."""
    note = json.loads(call.prompt.split(OPEN)[1].split(CLOSE)[0])["note"]
    vendor, amount = note.split(" asks for ")
    vendor = vendor.upper() if "in capitals" in json.dumps(call.body["system"]) else vendor
    dollars = int(amount.split()[0])
    answer = {"vendor": vendor, "amount": dollars, "risk": "high" if dollars > 1000 else "low", "proof": note[7:]}
    return Reply(tools=[("StructuredOutput", answer)])


def right(result):
    n = int(result["key"][1:])
    risk = "high" if n > 100 else "low"
    expected = {"vendor": f"VENDOR {n}", "amount": n * 10, "risk": risk, "proof": f"{n} asks for {n * 10} dollars."}
    return result["status"] == "succeeded" and result["output"] == expected


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.script.with_args(clerk)
async def test_from_a_sentence_to_structured_answers_in_the_shell(house, tmp_path):
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    described = ("--from", str(invoices(tmp_path, FEWER)), "--id-column", "id", "--instructions", FIRST)
    described += ("--schema", f"@{tmp_path / 'schema.json'}", "--model", "haiku", "--option", "profile=answer")
    seen = await does(house, "preview", *described)
    assert (seen["total_units"], seen["job_id"], len(seen["sample"])) == (FEWER, None, 3)
    assert FIRST in seen["shared_prompt"] and "Vendor 1 asks" in seen["sample"][0]["prompt"]
    assert (await does(house, "status"))["jobs"] == []
    job = (await does(house, "create", *described))["job_id"]
    assert (await does(house, "start", job))["status"] == "pilot"
    first = await reviewed(house, job)
    assert [r["output"]["vendor"][:7] for r in first["pilot"]["results"]] == ["Vendor "] * 3
    await does(house, "update", job, "--instructions", SECOND, "--why", "easier to read")
    second = await reviewed(house, job)
    for result in second["pilot"]["results"]:
        assert right(result) and result["before"]["output"]["vendor"].startswith("Vendor ")
    code, out, _ = await shell(house, "status", job)
    assert code == 0 and "Pilot, round 2" in out and "was {" in out and "now {" in out and "the other 37 units" in out
    code, out, _ = await shell(house, "start", job)
    assert code == 1 and f"batchproc start {job} --yes" in out and "37 units" in out
    assert (await does(house, "start", job, "--yes"))["status"] == "running"
    ended = await house.ended(job, 500)
    assert ended.counts["succeeded"] == FEWER, ended.failures
    code, out, _ = await shell(house, "results", job, "--json")
    results = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and len(results) == FEWER and all(map(right, results))


async def reviewed(house, job):
    async def look():
        found = await does(house, "status", job, "--wait", "20")
        return found if found["status"] == "review" else None

    return await wait_until(look, "the pilot is in review", 60)


def chat(call):
    """Claude in a chat, with our tools at hand; its agents have none."""
    if "Bash" not in call.tools:
        return clerk(call)
    uses = [use for use in call.tool_uses if use.name.startswith("mcp__batchproc__")]
    if not call.tool_results and "ToolSearch" in call.tools:  # it looks tools up before it uses them
        wanted = ",".join(f"mcp__batchproc__{tool}" for tool in sorted(TOOLS))
        return Reply(tools=[("ToolSearch", {"query": f"select:{wanted}", "max_results": 20})])
    said = [json.loads(result.text) for result in call.tool_results if result.text.startswith("{")]
    if not uses:
        return use("create_job", {**described(call), "preview_only": True})
    last, made = (
        uses[-1].name.removeprefix("mcp__batchproc__"),
        next((s["job_id"] for s in said if s.get("job_id")), None),
    )
    if last == "get_results":
        return Reply(text=f"{said[-1]['total']} answers")
    return following(last, uses[-1].input, said[-1], made, described(call))


def following(last, asked, said, job, description):
    """What a careful client does next, by what it was told."""
    of_job = {"job_id": job}
    if last == "create_job":
        return use("create_job", description) if asked.get("preview_only") else use("start_job", of_job)
    if last == "get_status" and said["status"] == "review":
        return (
            use("update_job", {**of_job, "instructions": SECOND})
            if said["pilot"]["round"] == 1
            else use("start_job", of_job)
        )
    if last == "get_status" and said["status"] == "completed":
        return use("get_results", {**of_job, "limit": 10})
    if last == "start_job" and said["status"] == "review":
        return use("start_job", {**of_job, "confirmed": True})
    return use("get_status", {**of_job, "wait_s": 30})


def use(tool, arguments):
    return Reply(tools=[(f"mcp__batchproc__{tool}", arguments)])


def described(call):
    path = call.prompt.split("<file>")[1].split("</file>")[0]
    source = {"type": "csv", "file_path": path, "id_column": "id"}
    options = {"model": "haiku", "profile": "answer"}
    return {
        "name": "invoices",
        "instructions": FIRST,
        "enumerator": source,
        "output_schema": SCHEMA,
        "options": options,
    }


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.script.with_args(chat)
async def test_from_a_sentence_to_structured_answers_with_the_real_claude_code(house, tmp_path):
    stream = ("--output-format", "stream-json", "--verbose", "--allowedTools", "mcp__batchproc")
    asked = f"Look through <file>{invoices(tmp_path, ROWS)}</file>."
    out = await claude(house, tmp_path, house.model, "-p", asked, *stream, limit_s=500)
    frames = [json.loads(line) for line in out.splitlines()]
    assert frames[-1]["result"] == f"{ROWS} answers"
    used = [use.split("__")[-1] for use in tools_used(frames) if use != "ToolSearch"]
    steps = [tool for n, tool in enumerate(used) if tool != "get_status" or used[n - 1] != "get_status"]
    assert steps == [
        *("create_job", "create_job", "start_job", "get_status", "update_job", "get_status"),
        *("start_job", "start_job", "get_status", "get_results"),
    ]
    [job] = (await house.service.list_jobs()).jobs
    results = [r.model_dump() for r in await house.results(job.job_id)]
    assert len(results) == ROWS and all(map(right, results))


def tools_used(frames):
    return [
        block["name"]
        for frame in frames
        if frame["type"] == "assistant"
        for block in frame["message"]["content"]
        if block["type"] == "tool_use"
    ]
