"""Somebody looks around while agents work: who runs, what was said, what the supervisor says of itself."""

import os
import signal

import pytest

from batchproc.agents.rehearsal import Reply
from tests.conftest import wait_until

ITEMS = {"type": "list", "items": list(range(6))}


def slowly(call):
    return Reply(text="the parties agree", delay_s=1.5)


@pytest.mark.long
@pytest.mark.script.with_args(slowly, BATCHPROC_SLOTS="3")
async def test_a_run_and_a_killed_supervisor_are_seen_from_outside(house):
    created = await house.create("Do {{ value }}", ITEMS)
    await house.start(created.job_id)
    await wait_until(lambda: house.model.in_flight >= 2, "agents run", 15)
    seen = await house.service.workers()
    assert (seen.alive, seen.mode, seen.slots, seen.jobs, seen.trouble) == (True, "inline", 3, 1, None)
    assert 2 <= seen.agents <= 3 and seen.epoch == 1 and seen.uptime_s > 0
    assert {busy.job_id for busy in seen.busy} == {created.job_id} and len(seen.busy) == seen.agents
    health = await house.service.health()
    assert health.parts["supervisor"].ok and health.queue["running"] >= 2
    running = await house.service.browse_units(created.job_id, status="running")
    assert all(unit.last_event for unit in running.units)
    os.kill(seen.pid, signal.SIGKILL)
    await wait_until(lambda: not house.launcher.is_alive, "it is gone", 10)
    await house.start(created.job_id)
    ended = await house.ended(created.job_id)
    assert ended.counts["succeeded"] == 6
    found = await house.service.browse_units(created.job_id, text="parties agr")
    assert found.total == 6 and found.caveat is None
    stats = await house.service.stats(created.job_id)
    assert sum(one.succeeded for one in stats.series) == 6 and sum(one.other for one in stats.series) >= 2
    assert await house.launcher.stop(now=True)
    await wait_until(lambda: not house.launcher.is_alive, "it has ended", 15)
    said = [line.text for line in (await house.service.list_logs(source="supervisor")).lines][::-1]
    assert sum(text.startswith("supervisor of ") for text in said) == 2
    assert any(text.startswith("rescued ") for text in said)
    assert said[-1] == "ended: stop"
