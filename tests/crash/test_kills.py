"""Real processes, real signals: whatever is killed, nothing is lost, nothing is done twice, nothing goes on alone."""

import asyncio
import json
import os
import random
import signal
import sys
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from batchproc import app, settings
from batchproc.launcher import Launcher
from batchproc.store import db
from tests.conftest import wait_until
from tests.e2e.conftest import House, environment, put_to_rest

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]
ROUNDS = int(os.environ.get("BATCHPROC_CRASH_ROUNDS", "1"))
LIVES = "ANTHROPIC_BASE_URL"


class FarModel:
    """The rehearsal model in a process of its own: it sees who still calls after we were killed."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process, self.url = process, url

    def calls(self) -> int:
        with urllib.request.urlopen(f"{self.url}/rehearsal", timeout=5) as reply:
            return json.load(reply)["count"]


@pytest.fixture
async def far_model(tmp_path: Path) -> AsyncIterator[FarModel]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "batchproc.agents.rehearsal", "--delay-s", "0.4"), stdout=asyncio.subprocess.PIPE
    )
    url = (await process.stdout.readline()).decode().strip()
    try:
        yield FarModel(process, url)
    finally:
        process.kill()
        await process.communicate()


@pytest.fixture
async def far_house(tmp_path: Path, far_model: FarModel) -> AsyncIterator[House]:
    environ = environment(tmp_path, **{LIVES: far_model.url}, ANTHROPIC_API_KEY="rehearsal")
    async with app.open_service(settings.load(environ), environ) as service:
        yield House(service, far_model, environ)
    await put_to_rest(Launcher(settings.load(environ), environ))


def documents(tmp_path: Path, n: int) -> dict[str, object]:
    folder = tmp_path / "docs"
    folder.mkdir()
    for i in range(n):
        (folder / f"{i:03}.md").write_text(f"# Document {i}\n\nThis is number {i}. It is about whales.\n")
    return {"type": "file", "base_directory": str(folder), "pattern": "*.md"}


def processes_of(home: Path) -> list[str]:
    """Processes that were started below this store, by what is in their environment or on their command line."""
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            environ = Path(f"/proc/{pid}/environ").read_bytes()
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        agent = b"BATCHPROC_AGENT=" in environ and str(home).encode() in environ
        if agent or (b"supervisor\0run" in command and str(home).encode() in environ):
            found.append(f"{pid}: {command[:200].replace(bytes(1), b' ').decode(errors='replace')}")
    return found


async def check_books(house: House, job_id: str, total: int) -> None:
    """The invariants that can be read from the rows."""

    def audit(tx):
        one = "SELECT COUNT(*) FROM "
        return {
            "seq gaps": tx.execute("SELECT MAX(seq) - COUNT(*) FROM events").fetchone()[0],
            "double finals": tx.execute(
                f"{one}(SELECT unit FROM events WHERE kind IN ('unit.succeeded', 'unit.flagged', 'unit.failed') "
                "GROUP BY unit HAVING COUNT(*) > 1)"
            ).fetchone()[0],
            "open attempts": tx.execute(f"{one}attempts WHERE finished_at IS NULL").fetchone()[0],
            "counters off": tx.execute(
                f"{one}counters c WHERE n <> (SELECT COUNT(*) FROM units u WHERE u.job = c.job AND u.status = c.status)"
            ).fetchone()[0],
            "overcharged": tx.execute(
                f"{one}units u JOIN jobs j ON j.number = u.job WHERE charged > j.options ->> 'max_attempts'"
            ).fetchone()[0],
            "groups off": tx.execute(
                f"{one}failure_groups g WHERE n <> (SELECT COUNT(*) FROM units u WHERE u.job = g.job "
                "AND u.signature = g.signature)"
            ).fetchone()[0],
            "integrity": tx.execute("PRAGMA integrity_check").fetchone()[0] != "ok",
        }

    assert not any((books := await house.service._store.read(audit)).values()), books
    results = await house.results(job_id)
    assert len({r.key for r in results}) == len(results) == total


@pytest.mark.parametrize("round_", range(ROUNDS))
async def test_the_supervisor_is_killed_amid_60_units_and_nothing_is_lost_or_goes_on(far_house, tmp_path, round_):
    house, model = far_house, far_house.model
    created = await house.create("Summarise.", documents(tmp_path, 60))
    await house.service.start_job(created.job_id)
    await wait_until(lambda: model.calls() > 20, "it is in the middle", 60)
    os.kill((await house.launcher.hello())["pid"], signal.SIGKILL)
    await wait_until(lambda: not processes_of(house.home), "no process of it is alive", 5)
    calls = model.calls()
    await asyncio.sleep(2)  # not a wait for a fact: the absence of calls needs time to be seen
    assert model.calls() == calls
    look = await house.service.get_status(created.job_id)
    assert look.counts["running"] > 0 and look.status == "running"
    await house.service.start_job(created.job_id)
    ended = await house.ended(created.job_id, 120)
    assert ended.counts["succeeded"] == 60 and sum(ended.counts.values()) == 60
    await check_books(house, created.job_id, 60)


@pytest.mark.parametrize("round_", range(ROUNDS))
async def test_the_supervisor_is_killed_again_and_again_at_random_moments(far_house, tmp_path, round_):
    house, kills = far_house, 0
    created = await house.create("Summarise.", documents(tmp_path, 40), model="rehearsal", max_attempts=20)
    await house.service.start_job(created.job_id)
    chance = random.Random(round_)
    while (await house.service.get_status(created.job_id)).status != "completed" and kills < 6:
        hello = await house.launcher.ensure()
        await asyncio.sleep(chance.uniform(0.0, 3.0))  # the moment of the kill is the random thing
        try:
            os.kill(hello["pid"], signal.SIGKILL)
        except ProcessLookupError:
            continue
        kills += 1
        await wait_until(lambda: not processes_of(house.home), "no process of it is alive", 5)
        await house.service.wake()
    ended = await house.ended(created.job_id, 120)
    assert kills >= 3 and ended.counts["succeeded"] == 40
    await check_books(house, created.job_id, 40)


async def test_the_negative_control_an_unguarded_agent_outlives_its_worker(tmp_path):
    """Without the guard this suite must see survivors; otherwise it proves nothing."""
    code = (
        "import subprocess, sys, time, os\n"
        "e = {**os.environ, 'BATCHPROC_AGENT': 'control:1', 'X': sys.argv[1]}\n"
        "subprocess.Popen(['sleep', '30'], env=e, start_new_session=True, stdout=subprocess.DEVNULL)\n"
        "print('up', flush=True); time.sleep(30)"
    )
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    await worker.stdout.readline()
    worker.kill()
    await worker.wait()
    survivors = processes_of(tmp_path)
    assert survivors
    for survivor in survivors:
        os.kill(int(survivor.split(":")[0]), signal.SIGKILL)


async def test_the_mcp_server_is_killed_right_after_start_job_and_the_job_finishes(far_house, tmp_path):
    house = far_house
    command = [sys.executable, "-m", "batchproc.interfaces.mcp"]
    server = StdioServerParameters(command=command[0], args=command[1:], env=dict(house.environ))
    async with Client(stdio_client(server)) as client:
        arguments = {"name": "n", "instructions": "Summarise.", "enumerator": documents(tmp_path, 12)}
        created = (await client.call_tool("create_job", arguments)).structured_content
        started = await client.call_tool("start_job", {"job_id": created["job_id"]})
        assert not started.is_error
        [pid] = children_running("batchproc.interfaces.mcp")
        os.kill(pid, signal.SIGKILL)
    ended = await house.ended(created["job_id"], 60)
    assert ended.counts["succeeded"] == 12
    await check_books(house, created["job_id"], 12)


def children_running(what: str) -> list[int]:
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if what.encode() in command and parent == os.getpid():
            found.append(int(pid))
    return found


@pytest.mark.parametrize("moment_s", [0.0, 0.05, 0.15, 0.3, 0.6])
async def test_a_reader_killed_amid_enumeration_leaves_all_or_nothing(tmp_path, moment_s):
    path = tmp_path / "rows.csv"
    path.write_text("id,name\n" + "".join(f"{n},n{n}\n" for n in range(120_000)))
    environ = environment(tmp_path)
    code = (
        "import asyncio, os, sys\nfrom batchproc import app, settings\nfrom batchproc.models import JobSpec\n"
        "async def main():\n"
        "  async with app.open_service(settings.load()) as service:\n"
        "    print('open', flush=True)\n"
        "    await service.create_job(JobSpec(name='n', instructions='x', enumerator={'type': 'csv', "
        "'file_path': sys.argv[1], 'id_column': 'id'}))\n"
        "asyncio.run(main())"
    )
    reader = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(path), env=environ, stdout=asyncio.subprocess.PIPE
    )
    await reader.stdout.readline()
    await asyncio.sleep(moment_s)
    if reader.returncode is None:
        reader.kill()
    await reader.communicate()
    try:
        async with app.open_service(settings.load(environ), environ) as service:
            for job in (await service.list_jobs()).jobs:
                look = await service.get_status(job.job_id)
                assert (look.status, sum(look.counts.values())) in {("enumerating", 0), ("ready", 120_000)}
                await service.wake()

                async def ready(job_id=job.job_id):
                    return (await service.get_status(job_id)).status == "ready"

                await wait_until(ready, "the supervisor has read it again", 30)
                assert (await service.get_status(job.job_id)).counts["pending"] == 120_000
    finally:
        await put_to_rest(Launcher(settings.load(environ), environ))


@pytest.mark.parametrize("round_", range(3 * ROUNDS))
async def test_a_killed_writer_loses_nothing_that_was_acknowledged(tmp_path, round_):
    code = (
        "import asyncio, pathlib, sys\nfrom batchproc.store import db\n"
        "ADD = \"INSERT INTO logs (at, source, level, text) VALUES (1, 's', 'info', :n)\"\n"
        "async def main():\n"
        "  async with db.Database(pathlib.Path(sys.argv[1])) as store:\n"
        "    async def add(n):\n"
        "      await store.write(lambda tx: tx.execute(ADD, {'n': str(n)}).rowcount)\n"
        "      print(n, flush=True)\n"
        "    for base in range(0, 10**9, 16):\n"
        "      await asyncio.gather(*[add(base + i) for i in range(16)])\n"
        "asyncio.run(main())"
    )
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path / "home"), stdout=asyncio.subprocess.PIPE
    )
    for _ in range(200 + 50 * round_):
        await writer.stdout.readline()
    writer.kill()
    said = set((await writer.stdout.read()).decode().split("\n")[:-1])
    await writer.wait()
    async with db.Database(tmp_path / "home") as store:
        kept = await store.read(lambda tx: {row["text"] for row in tx.execute("SELECT text FROM logs")})
    assert said <= kept and len(kept) >= 200
