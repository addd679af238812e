"""Orders from several faces, and to a supervisor that is not there: nothing is said that does not happen."""

import asyncio
import os
import signal

import pytest

from batchproc import app, settings
from batchproc.agents.rehearsal import Reply
from batchproc.errors import CredentialMissing
from batchproc.models import Tokens
from tests.conftest import wait_until

TEN = {"type": "list", "items": [{"name": f"n{i}"} for i in range(10)], "key_field": "name"}
DEAR = {"model": "claude-haiku-4-5", "unit_budget_usd": 0.03, "max_output_tokens": 1_000}


def dear(call):
    return Reply(text="RESULT: ok", usage=Tokens(input=20_000, output=1_000))


def slowly(call):
    return Reply(text="RESULT: ok", delay_s=1.0)


async def asleep(house):
    await house.launcher.stop(now=True)
    await wait_until(lambda: not house.launcher.is_alive, "no supervisor is alive", 15)


@pytest.mark.long
@pytest.mark.parametrize("action", ["set", "resume"])
@pytest.mark.script.with_args(dear)
async def test_a_budget_that_is_raised_while_everybody_sleeps_lets_the_job_go_on(house, action):
    look = await house.run("Greet {{ name }}.", TEN, **DEAR, budget_usd=0.15)
    assert (look.status, look.reason) == ("paused", "budget")
    await asleep(house)
    await house.service.control_job(look.job_id, action, budget_usd=2.0)
    assert house.launcher.is_alive
    assert (await house.ended(look.job_id)).counts["succeeded"] == 10


@pytest.mark.script.with_args(slowly)
async def test_a_cancellation_is_carried_out_by_the_next_supervisor_if_this_one_dies(house):
    created = await house.create("Greet {{ name }}.", TEN)
    await house.start(created.job_id)
    await wait_until(lambda: house.model.in_flight >= 2, "agents are at work", 20)
    pid = (await house.launcher.hello())["pid"]
    os.kill(pid, signal.SIGSTOP)  # it does not hear of the cancellation
    cancelling = asyncio.create_task(house.service.cancel_job(created.job_id))
    await asyncio.sleep(0.5)
    os.kill(pid, signal.SIGKILL)
    await cancelling

    async def all_cancelled():
        return (await house.service.get_status(created.job_id)).counts["cancelled"] == 10

    await wait_until(all_cancelled, "looking at it is enough", 20)
    assert (await house.service.delete_job(created.job_id)).status == "deleted"


@pytest.mark.script.with_args(lambda call: Reply(text="RESULT: late", delay_s=120), BATCHPROC_GRACE_S="60")
async def test_a_cancellation_is_obeyed_by_a_supervisor_that_is_ending(house):
    created = await house.create("Greet {{ name }}.", TEN)
    await house.start(created.job_id)
    await wait_until(lambda: house.model.in_flight >= 2, "agents are at work", 20)
    os.kill((await house.launcher.hello())["pid"], signal.SIGTERM)
    await asyncio.sleep(0.5)
    assert (await house.service.cancel_job(created.job_id)).status == "cancelled"
    await wait_until(lambda: house.model.in_flight == 0, "its agents are stopped", 8)


@pytest.mark.long
@pytest.mark.script.with_args(slowly)
async def test_a_shell_without_a_key_lets_a_job_go_on_that_the_supervisor_can_pay_for(house):
    created = await house.create("Greet {{ name }}.", TEN)
    await house.start(created.job_id)
    bare = {name: value for name, value in house.environ.items() if not name.startswith("ANTHROPIC")}
    async with app.open_service(settings.load(bare), bare) as shell:
        await shell.control_job(created.job_id, "pause", drain=False)
        await shell.control_job(created.job_id, "resume")
        assert (await house.ended(created.job_id)).counts["succeeded"] == 10
        await shell.retry_units(created.job_id, keys=["n1"])
        assert (await house.ended(created.job_id)).counts["succeeded"] == 10
        await asleep(house)
        with pytest.raises(CredentialMissing):
            await shell.retry_units(created.job_id, keys=["n1"])
    assert (await house.service.get_status(created.job_id)).counts["succeeded"] == 10


@pytest.mark.long
async def test_two_retries_and_a_cancellation_at_once_leave_no_unit_without_a_way_on(house):
    created = await house.create("Greet {{ name }}.", TEN)
    await house.start(created.job_id)
    for _ in range(5):
        await house.service.cancel_job(created.job_id)
        calls = (
            house.service.retry_units(created.job_id, status="cancelled"),
            house.service.retry_units(created.job_id, keys=["n0"]),
            house.service.cancel_job(created.job_id),
            house.service.retry_units(created.job_id, status="cancelled"),
        )
        await asyncio.gather(*calls, return_exceptions=True)
    ended = await house.ended(created.job_id)
    while ended.counts["cancelled"]:  # some were still being stopped when they were asked for
        await house.service.retry_units(created.job_id, status="cancelled")
        ended = await house.ended(created.job_id)
    assert ended.status == "completed" and ended.counts["succeeded"] == 10
