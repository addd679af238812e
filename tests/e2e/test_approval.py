"""One gate for whatever names a program: a person, never an argument. Through MCP, and at a terminal."""

import asyncio
import os
import pty
import sys

import pytest
from mcp_types import ElicitResult

from batchproc import app, settings
from batchproc.errors import InvalidJob, NeedsApproval
from tests.conftest import OPTIONS, wait_until
from tests.e2e.test_mcp import SERVER, call, connect, person

ONE = {"type": "list", "items": [{"name": "Ann"}], "key_field": "name"}
TOOL = {"mcp_servers": {"clock": {"command": "/bin/false", "args": ["--tick"], "env": {"TOKEN": "t0p-s3cret-value"}}}}


@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
@pytest.mark.parametrize("answer", ["accept", "decline", "cancel", None])
async def test_start_job_asks_the_person_and_only_a_yes_lets_it_run(house, era, answer):
    reply, asked = person(answer)
    async with connect(house, era, reply) as client:
        made = await call(client, "create_job", name="n", instructions="Hi {{ name }}", enumerator=ONE, options=TOOL)
        started = await client.call_tool("start_job", {"job_id": made["job_id"], "skip_pilot": True, "confirmed": True})
        look = await call(client, "get_status", job_id=made["job_id"])
    if answer is None:
        assert asked == []
    else:
        assert "/bin/false --tick" in asked[0] and "t0p-s3cret-value" not in asked[0]
    if answer == "accept":
        assert not started.is_error, started.content
        assert look["status"] in {"running", "completed", "paused"}
    else:
        assert started.is_error and look["status"] == "ready" and look["counts"]["pending"] == 1
        said = started.content[0].text
        assert f"batchproc approve {made['job_id']}" in said and "/bin/false --tick" in said


async def test_a_person_at_a_terminal_reads_the_whole_text_and_agrees(house):
    created = await house.create("Hi {{ name }}.", ONE, **TOOL)
    with pytest.raises(NeedsApproval, match="batchproc approve"):
        await house.start(created.job_id)
    assert (await at_a_terminal(house, created.job_id, "n\n"))[0] == 1
    with pytest.raises(NeedsApproval):
        await house.start(created.job_id)
    code, said = await at_a_terminal(house, created.job_id, "y\n")
    assert code == 0 and "/bin/false --tick" in said and "OUTSIDE any sandbox" in said
    started = await house.start(created.job_id)
    assert started.status in {"running", "completed"}
    assert (await at_a_terminal(house, created.job_id, ""))[0] == 0


async def at_a_terminal(house, job_id, typed):
    """`batchproc approve` with a person's hands: a terminal of its own."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "batchproc", "approve", job_id),
        env=dict(house.environ),
        stdin=theirs,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    said, _ = await asyncio.wait_for(process.communicate(), 30)
    os.close(ours)
    return process.returncode, said.decode()


async def test_without_a_terminal_nobody_can_approve(house):
    created = await house.create("Hi {{ name }}.", ONE, **TOOL)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "batchproc", "approve", created.job_id),
        env=dict(house.environ),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    _, error = await process.communicate(b"y\n")
    assert process.returncode == 1 and b"a person at a terminal" in error


async def test_an_approval_is_for_exactly_what_was_read(house):
    first = await house.create("Hi {{ name }}.", ONE, **TOOL)
    needed = await house.service.needed_approval(first.job_id)
    with pytest.raises(InvalidJob, match="another approval"):
        await house.service.approve(first.job_id, "0" * 32, by="a test")
    assert await house.service.approve(first.job_id, needed.hash, by="a test")
    same = await house.create("Something else for {{ name }}.", ONE, **TOOL)
    assert await house.service.needed_approval(same.job_id) is None
    other = {"mcp_servers": {"clock": {**TOOL["mcp_servers"]["clock"], "args": ["--tock"]}}}
    changed = await house.create("Hi {{ name }}.", ONE, **other)
    assert (await house.service.needed_approval(changed.job_id)).hash != needed.hash


async def test_a_machine_where_programs_are_off_refuses_them_when_the_job_is_made(house):
    environ = {**house.environ, "BATCHPROC_PROGRAMS": "off"}
    async with app.open_service(settings.load(environ), environ) as service:
        house.service = service
        for options in (TOOL, {"profile": "full"}, {"allowed_tools": ["WebFetch"]}):
            with pytest.raises(InvalidJob, match="BATCHPROC_PROGRAMS"):
                await house.create("Hi {{ name }}.", ONE, **options)


async def test_a_supervisor_runs_nothing_that_was_not_approved_whoever_marked_it_to_run(house):
    """Even if a row says `running`, as a broken face might write it."""
    from batchproc.models import Credential
    from batchproc.store import jobs

    created = await house.create("Hi {{ name }}.", ONE, **TOOL)
    job = await house.service._store.read(jobs.by_id, created.job_id)
    await house.launcher.ensure()
    await house.launcher.hand_credentials(created.job_id, dict(house.environ))
    await house.service._store.write(jobs.start, job.number, credential=Credential.ENVIRONMENT, now=1.0)
    await house.launcher.ring()

    async def paused():
        return (await house.service.get_status(created.job_id)).reason == "approval"

    await wait_until(paused, "the supervisor has refused it", 10)
    assert house.model.count == 0


async def test_a_server_that_does_not_start_fails_its_units_before_they_cost_anything(house):
    created = await house.create("Hi {{ name }}.", ONE, **TOOL, max_attempts=1)
    needed = await house.service.needed_approval(created.job_id)
    await house.service.approve(created.job_id, needed.hash, by="a test")
    await house.start(created.job_id)
    ended = await house.ended(created.job_id)
    assert ended.counts["failed"] == 1 and "did not start: clock" in ended.failures[0].message


async def test_an_agent_cannot_start_the_mcp_server(house):
    environ = {**house.environ, "BATCHPROC_AGENT": "x:y"}
    process = await asyncio.create_subprocess_exec(
        *SERVER, env=environ, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, said = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1 and b"cannot start batches" in said


CODE = "def enumerate_items(context):\n    print('looking')\n    for n in range(3):\n        yield {'n': n}\n"
PROGRAM = {"type": "dynamic", "code": CODE, "key_field": "n"}


@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
@pytest.mark.parametrize("answer", ["accept", "decline", None])
async def test_a_source_that_is_a_program_is_read_only_after_a_person_has_seen_its_code(house, era, answer):
    reply, asked = person(answer)
    described = {"name": "n", "instructions": "Say {{ n }}", "enumerator": PROGRAM}
    async with connect(house, era, reply) as client:
        made = await client.call_tool("create_job", described)
        jobs = (await call(client, "list_jobs"))["jobs"]
    if answer is not None:
        assert "yield {'n': n}" in asked[0] and "no network" in asked[0]
    if answer == "accept":
        assert not made.is_error and made.structured_content["total_units"] == 3
        assert any("printed 1 line, at last: looking" in warning for warning in made.structured_content["warnings"])
        assert len(jobs) == 1
    else:
        said = made.content[0].text
        assert made.is_error and "yield {'n': n}" in said and "batchproc approve " in said and not jobs


async def test_a_person_at_a_terminal_allows_a_source_by_what_the_error_named(house):
    with pytest.raises(NeedsApproval) as refused:
        await house.create("Say {{ n }}", PROGRAM)
    assert (await at_a_terminal(house, refused.value.name, "n\n"))[0] == 1
    code, said = await at_a_terminal(house, refused.value.name, "y\n")
    assert code == 0 and "yield {'n': n}" in said
    assert (await house.create("Say {{ n }}", PROGRAM)).total_units == 3
    with pytest.raises(NeedsApproval):
        await house.create("Say {{ n }}", {**PROGRAM, "code": CODE.replace("3", "4")})


async def test_a_supervisor_reads_no_program_that_was_not_allowed_whoever_wrote_its_row(house):
    from batchproc.models import JobSpec
    from batchproc.store import jobs

    spec = JobSpec(name="n", instructions="Say {{ n }}", enumerator=PROGRAM)
    job, _ = await house.service._store.write(jobs.create, spec, OPTIONS, reader="1:1:gone", now=1.0)
    await house.launcher.ensure()
    await house.launcher.ring()
    await house.ended(job.job_id)
    look = await house.service.get_status(job.job_id)
    assert look.status == "failed" and "no person has allowed this program" in look.reason


async def test_where_programs_are_off_no_source_is_one(house):
    environ = {**house.environ, "BATCHPROC_PROGRAMS": "off"}
    async with app.open_service(settings.load(environ), environ) as service:
        house.service = service
        with pytest.raises(InvalidJob, match="BATCHPROC_PROGRAMS"):
            await house.create("Say {{ n }}", PROGRAM)


async def test_a_yes_is_for_the_program_that_was_shown_and_for_no_earlier_one(house, tmp_path):
    """The person says no to one program and yes to another; meanwhile the file holds the first one again."""
    path = tmp_path / "items.py"
    evil, good = CODE.replace("looking", "evil"), CODE.replace("looking", "good")
    shown = []

    async def reply(context, params):
        shown.append(params.message)
        if "'evil'" in params.message:
            return ElicitResult(action="decline")
        path.write_text(evil)
        return ElicitResult(action="accept", content={})

    source = {"type": "dynamic", "code_file": str(path)}
    described = {"name": "n", "instructions": "Say {{ n }}", "enumerator": source}
    async with connect(house, "legacy", reply) as client:
        path.write_text(evil)
        assert (await client.call_tool("create_job", described)).is_error
        path.write_text(good)
        assert (await client.call_tool("create_job", described)).is_error
        assert not (await call(client, "list_jobs"))["jobs"]
    assert len(shown) == 2 and "'good'" in shown[1]
    for code, is_allowed in ((evil, False), (good, True)):
        path.write_text(code)
        assert (await house.service.source_approval(source) is None) is is_allowed
