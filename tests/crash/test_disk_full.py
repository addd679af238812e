"""The disk is full while a job runs: nothing is started, nothing is lost, and it goes on by itself when it is not."""

import asyncio
import os
import resource
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.conftest import wait_until
from tests.crash.scale import SCALE
from tests.crash.scripted_house import ScriptedHouse, scripted_house
from tests.crash.totals import Totals

pytestmark = [pytest.mark.crash, pytest.mark.timeout(120)]
PAGE = 4096
MB = 1 << 20
KINDS = ["slow", "ok", "once", "flood"] * (2 if SCALE.is_few else 5)
LOOKS_OFTEN = {"max_wall_s": 3600}
"""With a limit of time the supervisor looks up every second, and so finds soon that it cannot write."""


async def begun(house: ScriptedHouse) -> tuple[str, int, list[str]]:
    job_id, job, keys = await house.create(KINDS, max_concurrency=4, max_attempts=10, **LOOKS_OFTEN)
    await house.start(job_id)

    async def is_amid() -> bool:
        counts = (await house.status(job_id)).counts
        return counts["running"] >= 2 and counts["succeeded"] >= 1

    await wait_until(is_amid, "it is in the middle", 15)
    return job_id, job, keys


async def came_through(house: ScriptedHouse, totals: Totals, job_id: str, job: int, keys: list[str]) -> None:
    """It goes on by itself: nobody but the disk is asked."""

    async def completed() -> bool:
        return (await house.status(job_id)).status == "completed"

    await wait_until(completed, "the job has gone on by itself", 60)
    found = await house.judge(job, keys, slots=6)
    paused = await house.read(lambda tx: [row[0] for row in tx.execute(REASONS)])
    found.wrong += [] if "disk" in paused else [f"no event says that the disk was full: {paused}"]
    totals.units += len(keys)
    totals.add(found)


REASONS = "SELECT data ->> 'reason' FROM events WHERE kind = 'job.paused'"


@pytest.mark.parametrize("round_", range(SCALE.full_disks))
async def test_a_supervisor_whose_files_cannot_grow_goes_on_when_they_can(tmp_path, totals, round_):
    async with scripted_house(tmp_path) as house:
        job_id, job, keys = await begun(house)
        pid = await house.supervisor()
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (PAGE, hard))
        before = await starts(house)

        await wait_until(complaint(house), "it says that the store cannot be used", 20)
        await asyncio.sleep(round_ % 3)  # not a wait for a fact: that nothing starts needs time to be seen
        assert await starts(house) == before, "nothing is started meanwhile"
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
        await came_through(house, totals, job_id, job, keys)


def complaint(house: ScriptedHouse) -> Callable[[], Awaitable[str]]:
    """What the supervisor says of its store, when asked."""

    async def trouble() -> str:
        return str((await house.launcher.hello() or {}).get("trouble") or "")

    return trouble


async def starts(house: ScriptedHouse) -> int:
    return await house.read(lambda tx: tx.execute("SELECT COUNT(*) FROM attempts").fetchone()[0])


def mounted(place: Path) -> bool:
    """A small disk of its own, if we may."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "none", str(place)]
    return os.getuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(SCALE.is_few, reason="a look at one full disk is enough")
@pytest.mark.parametrize("round_", range(SCALE.full_disks))
async def test_a_store_on_a_full_disk_goes_on_when_there_is_room(tmp_path, totals, round_):
    disk = tmp_path / "disk"
    if not mounted(disk):
        pytest.skip("no disk can be mounted here")
    try:
        small = {"BATCHPROC_HOME": str(disk / "store"), "BATCHPROC_DISK_RESERVE_MB": "1"}
        async with scripted_house(tmp_path, **small) as house:
            job_id, job, keys = await begun(house)
            filler = disk / "filler"
            fill(filler)
            before = await starts(house)
            await wait_until(complaint(house), "it says that the store cannot be used", 20)
            assert await starts(house) <= before + 4, "hardly anything is started meanwhile"
            filler.unlink()
            await came_through(house, totals, job_id, job, keys)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(path: Path) -> None:
    """To the last byte."""
    with path.open("wb", buffering=0) as file:
        size = MB
        while size:
            try:
                file.write(b"\0" * size)
            except OSError:
                size //= 2
