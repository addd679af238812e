"""The supervisor's life: starts when needed, one per store, drains, goes on where it was, ends when idle."""

import asyncio
import json
import os
import signal
import sys

import pytest

from batchproc import app, settings
from batchproc.agents.rehearsal import Reply
from batchproc.launcher import Launcher
from tests.conftest import wait_until

ITEMS = {"type": "list", "items": list(range(12))}


def slowly(call):
    return Reply(text="done", delay_s=0.7)


async def test_eight_starters_get_one_supervisor(house):
    launchers = [Launcher(house.settings, house.environ) for _ in range(8)]
    hellos = await asyncio.gather(*[launcher.ensure() for launcher in launchers])
    assert len({(hello["pid"], hello["epoch"]) for hello in hellos}) == 1


async def test_it_is_detached_with_nothing_of_its_starter(house):
    hello = await house.launcher.ensure()
    pid = hello["pid"]
    assert os.getsid(pid) == pid != os.getsid(0)
    targets = {fd: os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd") if int(fd) < 3}
    log = str(house.home / "supervisor.log")
    assert (targets["0"], targets["1"], targets["2"]) == ("/dev/null", log, log)
    with open(f"/proc/{pid}/environ", "rb") as file:
        names = {entry.split(b"=")[0].decode() for entry in file.read().split(b"\0") if entry}
    assert not {name for name in names if name.startswith(("ANTHROPIC", "CLAUDE", "MCP"))}


@pytest.mark.long
@pytest.mark.script.with_args(slowly)
async def test_a_drained_supervisor_finishes_what_runs_and_the_next_goes_on_with_the_rest(house):
    created = await house.create("Do {{ value }}", ITEMS)
    await house.start(created.job_id)
    first = await house.launcher.hello()
    await wait_until(lambda: house.model.in_flight >= 2, "agents run", 10)
    os.kill(first["pid"], signal.SIGTERM)
    await wait_until(lambda: not house.launcher.is_alive, "it has drained", 15)
    look = await house.service.get_status(created.job_id)
    assert look.counts["running"] == 0 and look.counts["succeeded"] >= 2 and look.counts["pending"] > 0
    await house.start(created.job_id)
    ended = await house.ended(created.job_id)
    second = await house.launcher.hello()
    assert second["epoch"] == first["epoch"] + 1
    assert ended.counts["succeeded"] == 12
    assert {r.attempts for r in await house.results(created.job_id)} == {1}


@pytest.mark.script.with_args(lambda call: Reply(text="late", delay_s=60), BATCHPROC_GRACE_S="1")
async def test_what_does_not_finish_within_the_grace_period_is_released_uncharged(house):
    created = await house.create("Do {{ value }}", ITEMS, budget_usd=100)
    await house.start(created.job_id)
    await wait_until(lambda: house.model.in_flight == 4, "four agents run", 15)
    os.kill((await house.launcher.hello())["pid"], signal.SIGTERM)
    await wait_until(lambda: not house.launcher.is_alive, "it has ended", 10)
    await wait_until(lambda: house.model.in_flight == 0, "no agent waits for the model any more", 5)
    look = await house.service.get_status(created.job_id)
    assert (look.counts["pending"], look.counts["running"]) == (12, 0)
    unit = await house.service.get_unit(created.job_id, "1")
    assert [attempt.outcome for attempt in unit.attempts] == ["released"]


@pytest.mark.long
@pytest.mark.script.with_args(slowly)
async def test_a_new_supervisor_without_the_credential_pauses_the_job_until_it_is_started_again(house):
    created = await house.create("Do {{ value }}", ITEMS)
    await house.start(created.job_id)
    await wait_until(lambda: house.model.in_flight >= 1, "agents run", 10)
    await house.launcher.stop(now=True)
    await wait_until(lambda: not house.launcher.is_alive, "it has ended", 10)
    await house.service.wake()
    paused = await house.ended(created.job_id)
    assert (paused.status, paused.reason) == ("paused", "credential") and "start_job" in paused.next
    await house.start(created.job_id)
    assert (await house.ended(created.job_id)).counts["succeeded"] == 12


@pytest.mark.long
@pytest.mark.script.with_args(slowly, BATCHPROC_IDLE_S="1")
async def test_it_ends_by_itself_when_idle_and_starts_again_when_needed(house):
    status = await house.run("Do {{ value }}", {"type": "list", "items": [1]})
    assert status.status == "completed"
    await wait_until(lambda: not house.launcher.is_alive, "it has ended of idleness", 10)
    assert (await house.run("Do {{ value }}", {"type": "list", "items": [1]})).status == "completed"


async def test_any_face_that_opens_a_store_with_an_active_job_starts_it(house):
    created = await house.create("Look at it.", {"type": "list", "items": list(range(6))}, model="rehearsal")
    await house.start(created.job_id)
    hello = await house.launcher.hello()
    os.kill(hello["pid"], signal.SIGKILL)
    await wait_until(lambda: not house.launcher.is_alive, "it was killed", 5)
    shell = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "batchproc", "status", created.job_id, "--json"),
        env=dict(house.environ),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await shell.communicate()
    assert shell.returncode == 0 and json.loads(out)["job_id"] == created.job_id
    ended = await house.ended(created.job_id)
    assert ended.counts["succeeded"] == 6


async def test_two_stores_have_two_supervisors(house, tmp_path):
    environ = {**house.environ, "BATCHPROC_HOME": str(tmp_path / "other")}
    other = Launcher(settings.load(environ), environ)
    try:
        assert (await other.ensure())["pid"] != (await house.launcher.ensure())["pid"]
    finally:
        from tests.e2e.conftest import put_to_rest

        await put_to_rest(other)


@pytest.mark.long
async def test_a_supervisor_that_cannot_start_says_why(tmp_path):
    from batchproc.errors import SupervisorError
    from tests.e2e.conftest import environment

    environ = environment(tmp_path, BATCHPROC_SLOTS="8")
    launcher = Launcher(settings.load(environ), {**environ, "BATCHPROC_SLOTS": "none"})
    with pytest.raises(SupervisorError, match="BATCHPROC_SLOTS = 'none'"):
        async with app.open_service(settings.load(environ), environ):
            await launcher.ensure()


@pytest.mark.long
async def test_no_process_of_an_ended_job_is_left(house):
    def agents():
        found = []
        for pid in filter(str.isdecimal, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    environ = file.read()
                if str(house.home).encode() in environ and b"BATCHPROC_AGENT" in environ:
                    found.append(pid)
            except OSError:
                continue
        return found

    created = await house.create("Do {{ value }}", ITEMS)
    await house.start(created.job_id)
    await wait_until(agents, "the check sees agents while they run", 15)
    await house.ended(created.job_id)
    await wait_until(lambda: not agents(), "every agent is gone", 5)
    await wait_until(lambda: not list((house.home / "agents").glob("*")), "their directories too", 10)
