"""The supervisor of real agents is killed: the real CLI, with a model in a process of its own, writing real files."""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from batchproc import app, settings
from batchproc.launcher import Launcher
from tests.conftest import wait_until
from tests.crash import alive, judge
from tests.crash.scale import SCALE
from tests.crash.scripted_house import ROOT
from tests.crash.totals import Findings, Totals
from tests.e2e.conftest import House, environment, put_to_rest

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]
KILLS = 6  # of one job
CHAPTERS = [min(KILLS, SCALE.cli_kills - done) for done in range(0, SCALE.cli_kills, KILLS)]


class FarHouse(House):
    """A house whose model is far away, and so sees what the killed do."""

    calls: Path
    folder: Path

    def called(self) -> list[dict]:
        return [json.loads(line) for line in self.calls.read_text().splitlines()] if self.calls.exists() else []


@pytest.fixture
async def far(tmp_path: Path) -> AsyncIterator[FarHouse]:
    calls, folder = tmp_path / "calls.jsonl", tmp_path / "shared"
    folder.mkdir()
    command = (sys.executable, "-m", "tests.crash.far_model", str(calls), str(folder))
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    url = (await process.stdout.readline()).decode().strip()
    environ = environment(tmp_path, ANTHROPIC_BASE_URL=url, ANTHROPIC_API_KEY="rehearsal")
    try:
        async with app.open_service(settings.load(environ), environ) as service:
            house = FarHouse(service, None, environ)
            house.calls, house.folder = calls, folder
            yield house
        await put_to_rest(Launcher(settings.load(environ), environ))
    finally:
        process.kill()
        await process.communicate()


@pytest.mark.parametrize(("chapter", "kills"), list(enumerate(CHAPTERS)))
async def test_real_agents_of_a_killed_supervisor_call_nobody_and_every_unit_is_done_once(far, totals, chapter, kills):
    chance = random.Random(chapter)
    values = [f"w{n}" for n in range(2 + 4 * kills)]
    job_id = await create(far, values)
    deaths: dict[int, tuple[float, float]] = {}
    for n in range(kills):
        await far.service.start_job(job_id, confirmed=True, skip_pilot=True)
        await (said_something(far) if n % 2 == 0 else asyncio.sleep(chance.uniform(0.2, 2.5)))
        epoch, *death = await kill(far, totals)
        deaths[epoch] = (death[0], death[1])
        look = await far.service.get_status(job_id)
        assert n or (look.counts["running"] > 0 and look.status == "running"), "it was amid its work"
    await far.service.start_job(job_id, confirmed=True, skip_pilot=True)
    ended = await far.ended(job_id, 120)
    assert ended.counts["succeeded"] == len(values), ended
    totals.units += len(values)
    totals.add(await judged(far, deaths, [str(n) for n in range(1, len(values) + 1)]))


async def create(far: FarHouse, values: list[str]) -> str:
    source = {"type": "list", "items": values}
    options = {"profile": "edit", "working_directory": str(far.folder), "max_attempts": 20}
    options |= {"budget_usd": 1000, "unit_budget_usd": 0.5}  # lost attempts are charged what was reserved for them
    return (await far.create("Write about {{ value }}", source, **options)).job_id


async def said_something(far: FarHouse) -> None:
    """Agents that run have said something: their conversations are worth going on with."""

    async def spoken() -> bool:
        return (await far.service._store.read(lambda tx: tx.execute(SPOKEN).fetchone()[0])) >= 2

    await wait_until(spoken, "agents that run have used a tool", 30)


SPOKEN = """
SELECT COUNT(*) FROM units u JOIN events e ON e.unit = u.number AND e.attempt = u.attempt
WHERE u.status = 'running' AND e.kind = 'agent.tool_use'
"""


async def kill(far: House, totals: Totals) -> tuple[int, float, float]:
    """Returns the epoch that ended, when it did, and when the last of its processes was gone."""
    hello = await far.launcher.hello()
    os.kill(hello["pid"], signal.SIGKILL)
    died = time.monotonic()
    await wait_until(lambda: not alive.of_home(far.home), "no process of it is alive", judge.DEATH_S, 1)
    totals.kills += 1
    totals.slowest_death_s = max(totals.slowest_death_s, time.monotonic() - died)
    return hello["epoch"], died, time.monotonic()


async def judged(far: FarHouse, deaths: dict[int, tuple[float, float]], keys: list[str]) -> Findings:
    store = far.service._store
    found = await store.read(judge.ended, 1, keys)
    rows = await store.read(lambda tx: [tuple(row) for row in tx.execute(ATTEMPTS)])
    sessions = {session: (unit, n, epoch) for unit, n, epoch, session, _ in rows}
    spans: dict[tuple[int, int], list[float]] = {}
    for call in far.called():
        unit, n, epoch = sessions[call["session"]]
        spans.setdefault((unit, n), []).append(call["t"])
        found.calls_after_death += epoch in deaths and call["t"] > deaths[epoch][1]
    for (unit, n), times in spans.items():
        if max(times) >= min(spans.get((unit, n + 1), [float("inf")])):
            found.wrong.append(f"attempts {n} and {n + 1} of unit {unit} overlap")
    files = [path.stem.partition("-")[2] for path in far.folder.iterdir()]
    found.wrong += [f"{name} was written by nobody we know" for name in files if name not in sessions]
    found.lost += sum(not any(sessions[name][0] == n for name in files) for n in range(1, len(keys) + 1))
    if not any(resumed for *_, resumed in rows):
        found.wrong.append("no conversation of a lost attempt went on")
    return found


ATTEMPTS = "SELECT unit, n, epoch, session_id, resumed_from IS NOT NULL FROM attempts"


@pytest.mark.skipif(SCALE.is_few, reason="other jobs of real agents are killed too")
async def test_a_job_that_needs_no_credential_goes_on_when_anybody_looks_at_the_store(house, tmp_path, totals):
    folder = tmp_path / "docs"
    folder.mkdir()
    for n in range(20):
        (folder / f"{n:03}.md").write_text(f"# Document {n}\n\nThis is number {n}. It is about whales.\n")
    source = {"type": "file", "base_directory": str(folder), "pattern": "*.md"}
    created = await house.create("Summarise.", source, model="rehearsal", max_attempts=20)
    await house.start(created.job_id)
    chance = random.Random(20)
    for _ in range(3):
        await house.launcher.ensure()
        await asyncio.sleep(chance.uniform(0.0, 2.0))  # the moment of the kill is the random thing
        await kill(house, totals)
        await house.service.wake()
    ended = await house.ended(created.job_id, 120)
    assert ended.counts["succeeded"] == 20, ended
    totals.units += 20
    totals.add(await house.service._store.read(judge.ended, 1, [f"{n:03}.md" for n in range(20)]))
