"""Whoever writes to the store may be killed: what was acknowledged is there, a source is in it whole or not at all."""

import asyncio
import sys

import pytest

from batchproc import app, settings
from batchproc.launcher import Launcher
from batchproc.store import db
from tests.conftest import wait_until
from tests.crash import judge
from tests.crash.scale import SCALE
from tests.e2e.conftest import environment, put_to_rest

pytestmark = [pytest.mark.crash, pytest.mark.timeout(120)]
ROWS = 120_000
MOMENTS_S = [0.15, 0.0, 0.05, 0.3, 0.6]  # after the reader has opened the store
READ = """
import asyncio, sys
from batchproc import app, settings
from batchproc.models import JobSpec
async def main():
    async with app.open_service(settings.load()) as service:
        print("open", flush=True)
        source = {"type": "csv", "file_path": sys.argv[1], "id_column": "id"}
        await service.create_job(JobSpec(name="n", instructions="x", enumerator=source))
asyncio.run(main())
"""
WRITE = """
import asyncio, pathlib, sys
from batchproc.store import db
ADD = "INSERT INTO logs (at, source, level, text) VALUES (1, 's', 'info', :n)"
async def main():
    async with db.Database(pathlib.Path(sys.argv[1])) as store:
        async def add(n):
            await store.write(lambda tx: tx.execute(ADD, {"n": str(n)}).rowcount)
            print(n, flush=True)
        for base in range(0, 10**9, 16):
            await asyncio.gather(*[add(base + i) for i in range(16)])
asyncio.run(main())
"""


@pytest.mark.parametrize("round_", range(SCALE.readers))
async def test_a_reader_killed_amid_enumeration_leaves_all_or_nothing(tmp_path, totals, round_):
    path = tmp_path / "rows.csv"
    path.write_text("id,name\n" + "".join(f"{n},n{n}\n" for n in range(ROWS)))
    environ = environment(tmp_path)
    command = (sys.executable, "-c", READ, str(path))
    reader = await asyncio.create_subprocess_exec(*command, env=environ, stdout=asyncio.subprocess.PIPE)
    await reader.stdout.readline()
    await asyncio.sleep(MOMENTS_S[round_ % len(MOMENTS_S)])
    if reader.returncode is None:
        reader.kill()
    await reader.communicate()
    totals.kills += 1
    try:
        async with app.open_service(settings.load(environ), environ) as service:
            await all_or_nothing(service, totals)
    finally:
        await put_to_rest(Launcher(settings.load(environ), environ))


async def all_or_nothing(service, totals) -> None:
    """And the supervisor reads it again, to its end."""
    totals.add(await service._store.read(judge.books))
    for job in (await service.list_jobs()).jobs:
        look = await service.get_status(job.job_id)
        assert (look.status, sum(look.counts.values())) in {("enumerating", 0), ("ready", ROWS)}
        await service.wake()

        async def ready(job_id: str = job.job_id) -> bool:
            return (await service.get_status(job_id)).status == "ready"

        await wait_until(ready, "the supervisor has read it again", 30)
        assert (await service.get_status(job.job_id)).counts["pending"] == ROWS
        totals.add(await service._store.read(judge.books))


@pytest.mark.parametrize("round_", range(SCALE.readers))
async def test_a_killed_writer_loses_nothing_that_was_acknowledged(tmp_path, totals, round_):
    command = (sys.executable, "-c", WRITE, str(tmp_path / "home"))
    writer = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    for _ in range(200 + 50 * (round_ % 20)):
        await writer.stdout.readline()
    writer.kill()
    said = set((await writer.stdout.read()).decode().split("\n")[:-1])
    await writer.wait()
    totals.kills += 1
    async with db.Database(tmp_path / "home") as store:
        kept = await store.read(lambda tx: {row["text"] for row in tx.execute("SELECT text FROM logs")})
    assert said <= kept and len(kept) >= 200
