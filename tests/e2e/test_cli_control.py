"""The shell's verbs say what the other faces say: the ledger first, and what to do where something is wrong."""

import asyncio
import json
import sys

import pytest

from batchproc.agents.rehearsal import Reply
from tests.conftest import wait_until

FOUR = {"type": "list", "items": [{"name": name} for name in ("Ann", "Bob", "Cyd", "Dan")], "key_field": "name"}


async def shell(house, *words):
    """(exit code, what it printed, what it complained)."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "batchproc", *words),
        env=dict(house.environ),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode, out.decode(), error.decode()


async def does(house, *words):
    code, out, error = await shell(house, *words, "--json")
    assert code == 0, error
    return json.loads(out)


def bob_fails(call):
    if "Bob" in call.prompt and "louder" not in call.prompt:
        return Reply(status=400, message="no such person")
    return Reply(text="RESULT: ok", delay_s=0.5)


@pytest.mark.script.with_args(bob_fails)
async def test_a_job_from_start_to_deletion_in_the_shell(house):
    job = (await house.create("Greet {{ name }}.", FOUR, max_concurrency=1)).job_id
    assert (await does(house, "start", job, "--skip-pilot", "--yes"))["status"] == "running"
    paused = await does(house, "pause", job, "--now", "--why", "a look")
    assert (paused["status"], paused["reason"]) == ("paused", "user")
    changed = await does(house, "set", job, "--max-concurrency", "4", "--budget-usd", "3")
    assert (changed["max_concurrency"], changed["budget_usd"]) == (4, 3.0)
    limited = await does(house, "set", job, "--max-units", "9", "--unit-budget-usd", "1")
    assert limited["message"] == "unit_budget_usd is 1 now; max_units is 9 now"
    free = await does(house, "set", job, "--max-units", "none", "--unit-budget-usd", "none")
    assert "max_units is taken away" in free["message"] and "a tenth of budget_usd" in free["message"]
    assert (await does(house, "resume", job))["status"] in {"running", "completed"}
    look = await house.ended(job)
    assert (look.counts["succeeded"], look.counts["failed"]) == (3, 1)
    retried = await does(house, "retry", job, "--signature", look.failures[0].signature, "--instructions", "louder")
    assert "1 unit is asked for again" in retried["message"]
    await house.ended(job)
    code, out, _ = await shell(house, "status", job)
    assert code == 0 and out.splitlines()[0] == "4 succeeded  of 4 (100 %)"
    assert (await does(house, "cancel", job))["message"].startswith("it had ended before (completed)")

    async def deleted():
        return (await shell(house, "delete", job, "--yes"))[0] == 0

    await wait_until(deleted, "nothing of it runs, and it is deleted", 15)
    code, _, error = await shell(house, "status", job)
    assert code == 1 and f"no job '{job}'" in error


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pause", "JOB"), "it has not been started; see `batchproc start JOB`"),
        (("set", "JOB"), "name what to set: max_concurrency, priority"),
        (("set", "JOB"), "or `none` in the place of a limit"),
        (("set", "JOB", "--priority", "500"), "--priority = 500: Input should be less than or equal to 100"),
        (("set", "JOB", "--unit-budget-usd", "9"), "it is more than the whole job may cost"),
        (("cancel", "JOB", "--keys", "Eve"), "has no such units; nothing was changed"),
        (("retry", "JOB", "--status", "running"), "retried by status are failed, flagged, cancelled, skipped"),
        (("delete", "JOB"), "and all its results? This needs a person at a terminal"),
        (("cancel", "job-0"), "no job 'job-0'; see `batchproc status`"),
    ],
)
async def test_what_is_wrong_is_said_with_the_way_out_and_nothing_is_changed(house, words, said):
    job = (await house.create("Greet {{ name }}.", FOUR)).job_id
    code, _, error = await shell(house, *[job if word == "JOB" else word for word in words])
    assert code == 1 and said in error, error
    look = await house.service.get_status(job)
    assert (look.status, look.counts["pending"]) == ("ready", 4)
