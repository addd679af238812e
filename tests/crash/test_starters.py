"""Of many who want to be the store's supervisor at the same instant exactly one is."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from batchproc.platform import processes
from tests.conftest import wait_until
from tests.crash import judge
from tests.crash.scale import SCALE
from tests.crash.scripted_house import ROOT, ScriptedHouse
from tests.crash.starters import STARTERS
from tests.crash.totals import Broken

pytestmark = [pytest.mark.crash, pytest.mark.timeout(60 + 10 * SCALE.races)]
OWNERS = "SELECT epoch, process FROM supervisors ORDER BY epoch"


@pytest.fixture
async def starters(scripted: ScriptedHouse) -> AsyncIterator[asyncio.subprocess.Process]:
    environ = {**scripted.environ, "PYTHONPATH": str(ROOT)}
    command = (sys.executable, "-m", "tests.crash.starters")
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(*command, env=environ, cwd=ROOT, **pipes)
    yield process
    process.kill()
    await process.communicate()


async def test_of_eight_starters_one_becomes_the_supervisor_round_after_round(scripted, starters, totals):
    """In half of the rounds the last supervisor dies amid the race; eight of the others come through the launcher."""
    winner, epoch = 0, 0
    for round_ in range(SCALE.races):
        how = "ensure" if round_ % 4 == 3 else "run"
        if winner and round_ % 2 == 0:
            os.kill(winner, signal.SIGKILL)
            await wait_until(lambda: not scripted.launcher.is_alive, "the last one is gone", 5)
        starters.stdin.write(f"{how} {winner if round_ % 2 else 0}\n".encode())
        totals.kills += winner != 0
        said = (await asyncio.wait_for(starters.stdout.readline(), 30)).decode()
        assert said.startswith("[[") and said.endswith("]]\n"), said
        outcomes = json.loads(said)
        hello = await scripted.launcher.hello()
        winner, epoch = await judged(scripted, how, outcomes, hello, epoch)
        totals.add(await scripted.read(judge.books))


async def judged(house, how, outcomes, hello, before) -> tuple[int, int]:
    """One process, one epoch more, and everybody knows."""
    owners = await house.read(lambda tx: [tuple(row) for row in tx.execute(OWNERS)])
    pids = {pid for said, pid, _ in outcomes if said in {"won", "met"}}
    wanted = {"run": ["taken"] * (STARTERS - 1) + ["won"], "ensure": ["met"] * STARTERS}[how]
    if sorted(said for said, _, _ in outcomes) != wanted or pids != {hello["pid"]}:
        raise Broken(f"{how}: {outcomes}, and the supervisor is {hello}")
    if [epoch for epoch, _ in owners] != list(range(1, before + 2)) or hello["epoch"] != before + 1:
        raise Broken(f"owners {owners} after epoch {before}")
    if owners[-1][1] != ":".join(map(str, processes.identity(hello["pid"]))):
        raise Broken(f"{owners[-1]} is not process {hello['pid']}")
    return hello["pid"], before + 1
