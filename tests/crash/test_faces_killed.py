"""Whoever looks at a job may be killed: the job does not notice."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.conftest import wait_until
from tests.crash import alive
from tests.crash.scale import SCALE
from tests.crash.scripted_house import ScriptedHouse

pytestmark = [pytest.mark.crash, pytest.mark.timeout(120 + 6 * SCALE.face_kills)]
SERVER = "batchproc.interfaces.mcp"


def children_running(what: str) -> list[int]:
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            if what.encode() in command and parent == os.getpid() and alive.is_running(int(pid)):
                found.append(int(pid))
    return found


async def kill_a_server(house: ScriptedHouse, job_id: str, moment_s: float) -> None:
    """Amid a long poll of its client's."""
    server = StdioServerParameters(command=sys.executable, args=["-m", SERVER], env=dict(house.environ))
    async with Client(stdio_client(server)) as client:
        asked = {"job_id": job_id, "wait_s": 30}
        waiting = asyncio.create_task(client.call_tool("get_status", asked))
        await asyncio.sleep(moment_s)  # the moment of the kill is the random thing
        [pid] = children_running(SERVER)
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(Exception):
            await asyncio.wait_for(waiting, 5)


async def kill_a_shell(house: ScriptedHouse, job_id: str, moment_s: float) -> None:
    command = (sys.executable, "-m", "batchproc", "status", job_id, "--wait", "30")
    quiet = asyncio.subprocess.DEVNULL
    shell = await asyncio.create_subprocess_exec(*command, env=dict(house.environ), stdout=quiet, stderr=quiet)
    await asyncio.sleep(moment_s + 0.3)
    with contextlib.suppress(ProcessLookupError):
        shell.kill()
    await shell.wait()


async def test_a_job_does_not_notice_that_servers_and_shells_are_killed(scripted, totals):
    units = 6 + 8 * SCALE.face_kills
    job_id, job, keys = await scripted.create(["slow"] * units, max_concurrency=2)
    await scripted.start(job_id)
    hello = await scripted.launcher.hello()
    for n in range(SCALE.face_kills):
        await asyncio.gather(
            kill_a_server(scripted, job_id, 0.1 + n % 5 / 10), kill_a_shell(scripted, job_id, n % 7 / 10)
        )
        totals.kills += 2
    assert (await scripted.status(job_id)).status == "running", "the job ended before the last kill: it saw too few"
    await scripted.service.control_job(job_id, "set", max_concurrency=6)
    await scripted.finish(job_id, 60 + units)
    totals.units += units
    totals.add(await scripted.judge(job, keys, slots=6))
    assert (await scripted.launcher.hello())["pid"] == hello["pid"], "and its supervisor is the one that it had"
    events = await scripted.read(lambda tx: tx.execute(TOLD).fetchone()[0])
    assert events == 0, "nothing was lost, retried or paused"


TOLD = "SELECT COUNT(*) FROM events WHERE kind IN ('unit.retried', 'job.paused', 'unit.cancelled', 'unit.failed')"


async def test_a_server_that_is_killed_right_after_start_job_leaves_a_job_that_finishes(scripted, totals):
    await scripted.supervisor()
    server = StdioServerParameters(command=sys.executable, args=["-m", SERVER], env=dict(scripted.environ))
    keys = [f"{n}-ok" for n in range(12)]
    async with Client(stdio_client(server)) as client:
        source = {"type": "list", "items": [{"key": key} for key in keys], "key_field": "key"}
        job = {"name": "n", "instructions": "Do {{ key }}", "enumerator": source}
        created = (await client.call_tool("create_job", job)).structured_content
        all_of_it = {"job_id": created["job_id"], "skip_pilot": True, "confirmed": True}
        started = await client.call_tool("start_job", all_of_it)
        assert not started.is_error, json.dumps(started.structured_content)
        [pid] = children_running(SERVER)
        os.kill(pid, signal.SIGKILL)
    totals.kills += 1
    await wait_until(lambda: not alive.is_running(pid), "the server is dead", 5)
    await scripted.finish(created["job_id"], 60)
    number = await scripted.read(lambda tx: tx.execute("SELECT number FROM jobs").fetchone()[0])
    totals.units += len(keys)
    totals.add(await scripted.judge(number, keys, slots=6))
