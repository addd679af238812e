"""A hundred thousand units through one supervisor: it grows no fatter, and keeps no door open. `make torture` only."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from tests.crash import judge
from tests.crash.scale import SCALE
from tests.crash.scripted_house import scripted_house
from tests.crash.totals import Findings

pytestmark = [
    pytest.mark.crash,
    pytest.mark.timeout(4 * 3600),
    pytest.mark.skipif(not SCALE.soak_units, reason="the soak belongs to make torture"),
]
MOST_GROWTH_MB = 50
WARM = 0.1  # of the units: so many are through before it is measured for the first time


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


async def test_a_hundred_thousand_units_leave_a_supervisor_as_it_was(tmp_path, totals):
    async with scripted_house(tmp_path, slots="64") as house:
        house.plan(agent="fast")
        options = {"model": "rehearsal", "max_concurrency": 64}
        job_id, job, keys = await house.create(["ok"] * SCALE.soak_units, **options)
        await house.start(job_id)
        pid = await house.supervisor()
        warm, found = None, Findings()
        while (look := await house.status(job_id)).status == "running":
            through = look.counts["succeeded"] / SCALE.soak_units
            if warm is None and through >= WARM:
                warm = (resident_mb(pid), descriptors(pid))
            print(f"{time.monotonic():.0f} s: {through:.1%}, {resident_mb(pid):.0f} MB, {descriptors(pid)} descriptors")
            await asyncio.sleep(5)
        grown_mb = resident_mb(pid) - warm[0]
        if grown_mb > MOST_GROWTH_MB:
            found.wrong.append(f"the supervisor grew by {grown_mb:.0f} MB, from {warm[0]:.0f} MB")
        if (more := descriptors(pid) - warm[1]) > 4:
            found.wrong.append(f"it holds {more} descriptors more than the {warm[1]} it held")
        totals.units += len(keys)
        totals.add(found)
        totals.add(await house.read(judge.ended, job, keys))
