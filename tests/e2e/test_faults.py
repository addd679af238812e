"""What once went wrong, with real processes: nobody may own a job, a unit or a reading and do nothing about it."""

import asyncio
import csv
import json
import os
import signal
import subprocess
import sys

import pytest

from batchproc.agents.rehearsal import Reply
from batchproc.models import JobSpec
from batchproc.platform import doorbell
from batchproc.prompts import CLOSE, OPEN
from tests.conftest import wait_until


def slowly(call):
    return Reply(text="done", delay_s=0.7)


@pytest.mark.parametrize("after_s", [0.0, 0.002, 0.01, 0.1])
async def test_a_caller_that_leaves_amid_create_job_gets_a_job_that_is_read(house, tmp_path, after_s):
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["id"], *[[n] for n in range(60_000)]])
    spec = JobSpec(
        name="n", instructions="x", enumerator={"type": "csv", "file_path": str(path)}, idempotency_key="once"
    )
    call = asyncio.create_task(house.service.create_job(spec))
    await asyncio.sleep(after_s)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)

    again = await house.service.create_job(spec)

    async def ready():
        [job] = (await house.service.list_jobs()).jobs
        return job.status == "ready" and (job.job_id, job.total_units) == (again.job_id, 60_000)

    await wait_until(ready, "there is one job, read to its end", 20)


async def test_a_service_that_closes_amid_a_reading_leaves_it_to_the_supervisor(house, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"n": n}) + "\n" for n in range(200_000)))
    spec = JobSpec(name="n", instructions="x", enumerator={"type": "json", "file_path": str(path)})
    call = asyncio.create_task(house.service.create_job(spec))
    await wait_until(lambda: house.service._works, "it reads", 5)
    await asyncio.sleep(0.1)
    await house.service.close()
    await asyncio.gather(call, return_exceptions=True)
    await house.service.wake()

    async def ready():
        [job] = (await house.service.list_jobs()).jobs
        return job.status == "ready" and job.total_units == 200_000

    await wait_until(ready, "the supervisor has read it", 30)


@pytest.mark.long
@pytest.mark.script.with_args(slowly)
async def test_looking_at_a_job_revives_its_killed_supervisor(house):
    created = await house.create("Look at it.", {"type": "list", "items": list(range(8))}, model="rehearsal")
    await house.start(created.job_id)
    os.kill((await house.launcher.hello())["pid"], signal.SIGKILL)
    await wait_until(lambda: not house.launcher.is_alive, "it was killed", 5)
    assert (await house.ended(created.job_id)).counts["succeeded"] == 8
    await wait_until(lambda: not list((house.home / "agents").glob("*")), "and nothing of the dead is left", 10)


@pytest.mark.long
@pytest.mark.script.with_args(slowly)
async def test_a_start_while_the_supervisor_drains_is_taken_up_by_the_next(house):
    first = await house.create("Do {{ value }}", {"type": "list", "items": list(range(6))})
    second = await house.create("Do {{ value }}", {"type": "list", "items": list(range(6))})
    await house.start(first.job_id)
    await wait_until(lambda: house.model.in_flight >= 2, "agents run", 10)
    os.kill((await house.launcher.hello())["pid"], signal.SIGTERM)
    started = await house.start(second.job_id)
    assert started.status == "running"
    assert (await house.ended(second.job_id)).counts["succeeded"] == 6


@pytest.mark.long
@pytest.mark.script.with_args(slowly, BATCHPROC_IDLE_S="0.3")
async def test_a_start_at_the_moment_of_idleness_is_never_lost(house):
    for round_ in range(6):
        created = await house.create("Do {{ value }}", {"type": "list", "items": [round_]})
        await house.launcher.ensure()
        await asyncio.sleep(0.05 * round_)
        await house.start(created.job_id)
        assert (await house.ended(created.job_id, 20)).counts["succeeded"] == 1


@pytest.mark.long
@pytest.mark.script.with_args(slowly, BATCHPROC_SLOTS="2")
async def test_a_later_job_gets_its_share_of_the_slots(house):
    large = await house.create("Do {{ value }}", {"type": "list", "items": list(range(20))}, max_concurrency=2)
    small = await house.create("Do {{ value }}", {"type": "list", "items": list(range(3))}, max_concurrency=2)
    await house.start(large.job_id)
    await house.start(small.job_id)
    assert (await house.ended(small.job_id)).counts["succeeded"] == 3
    assert (await house.service.get_status(large.job_id)).counts["succeeded"] < 15


def read_own(call):
    if not call.tool_results:
        payload = json.loads(call.prompt.split(OPEN)[1].split(CLOSE)[0])
        return Reply(tools=[("Read", {"file_path": payload["file_path"]}), ("Read", {"offset": 10**20})])
    return Reply(text=f"it says: {call.tool_results[-1].text}")


@pytest.mark.script.with_args(read_own)
async def test_a_file_that_became_a_link_to_the_outside_is_not_read(house, tmp_path):
    folder, secret = tmp_path / "docs", tmp_path / "secret.txt"
    folder.mkdir()
    secret.write_text("CANARY-99")
    (folder / "mine.txt").write_text("mine")
    (folder / "gone.txt").write_text("gone")
    created = await house.create("Summarise.", {"type": "file", "base_directory": str(folder)})
    (folder / "mine.txt").unlink()
    (folder / "mine.txt").symlink_to(secret)
    (folder / "gone.txt").unlink()
    await house.start(created.job_id)
    await house.ended(created.job_id)
    results = {r.key: r for r in await house.results(created.job_id)}
    assert results["mine.txt"].status == "flagged" and "CANARY" not in str(results["mine.txt"])
    assert results["gone.txt"].status == "failed" and "the file is gone" in results["gone.txt"].error
    unit = await house.service.get_unit(created.job_id, "mine.txt")
    assert any("100000000000000000000" in str(event.data) for event in unit.events)  # kept, although over 64 bits


@pytest.mark.script.with_args(slowly)
async def test_a_supervisor_whose_store_was_deleted_ends(house, tmp_path):
    hello = await house.launcher.ensure()
    lock = house.home / "supervisor.lock"
    lock.rename(tmp_path / "moved.lock")
    await house.launcher.ring()

    def gone():
        try:
            os.kill(hello["pid"], 0)
        except ProcessLookupError:
            return True
        with open(f"/proc/{hello['pid']}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"

    await wait_until(gone, "it has ended", 10)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can listen as another user")
async def test_nothing_is_sent_to_a_socket_that_another_user_serves(tmp_path):
    where = tmp_path / "s.sock"
    code = (
        "import os, socket, sys\n"
        "server = socket.socket(socket.AF_UNIX)\nserver.bind(sys.argv[1])\nos.chmod(sys.argv[1], 0o777)\n"
        "os.setuid(65534)\nserver.listen()\nprint('up', flush=True)\n"
        "peer = server.accept()[0]\nprint(len(peer.recv(1000)), flush=True)"
    )
    thief = subprocess.Popen([sys.executable, "-c", code, str(where)], stdout=subprocess.PIPE, text=True)
    try:
        assert thief.stdout.readline() == "up\n"
        with pytest.raises(PermissionError, match="another user"):
            await doorbell.ask(where, {"credentials": "secret"}, timeout_s=5)
        assert thief.stdout.readline() == "0\n"
    finally:
        thief.kill()
        thief.communicate()
