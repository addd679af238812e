"""Agents make files for the user while their supervisor is killed again and again: each file is there once."""

import asyncio
import random
import time
from pathlib import Path

import pytest

from batchproc.models import Credential
from batchproc.store import jobs
from tests.conftest import wait_until
from tests.crash import published
from tests.crash.child import WRITERS
from tests.crash.points import PUBLISHING, Point
from tests.crash.scale import SCALE
from tests.crash.scripted_house import ScriptedHouse, audit, scripted_house
from tests.crash.test_supervisor_kills import REACH_S, until_dead
from tests.crash.totals import Findings
from tests.crash.watch import Watch

pytestmark = [pytest.mark.crash, pytest.mark.timeout(600)]
KILLS = 10  # of one job
UNITS = 12 * SCALE.output_kills if SCALE.is_few else 200
CHAPTERS = [min(KILLS, SCALE.output_kills - done) for done in range(0, SCALE.output_kills, KILLS)]
SLOTS = 6
OUTPUTS = {"profile": "edit", "outputs": ["{{ key }}.md", "sub/{{ key }}.json"]}
ROOMY = {"max_attempts": 20, "budget_usd": 100.0, "unit_budget_usd": 0.05, "max_output_tokens": 256}


class Outputs:
    """An output folder in which others have files, some from the beginning and some that come while agents work."""

    def __init__(self, house: ScriptedHouse, chance: random.Random | None = None) -> None:
        self.house, self.chance = house, chance or random.Random(0)
        self.foreign: dict[Path, str] = {}
        self.out = house.home.parent / "out"
        (self.out / "sub").mkdir(parents=True)

    def put_foreign(self, keys: list[str]) -> None:
        """Into the place of one of two files, if it is free."""
        for key in keys:
            path = self.chance.choice(published.names(self.out, key))
            try:
                with path.open("x") as file:
                    file.write(f"a person's own: {key}")
            except FileExistsError:
                continue
            self.foreign[path] = f"a person's own: {key}"

    async def create(self, kinds: list[str]) -> tuple[str, int, list[str]]:
        more = {"max_concurrency": SLOTS, "output_directory": str(self.out), **OUTPUTS, **ROOMY}
        return await self.house.create(kinds, **more)

    async def mid_run(self, job: int) -> Findings:
        return published.mid_run(await self.house.read(published.of_job, job))

    async def judge(self, job: int, keys: list[str], watch: Watch | None = None) -> Findings:
        """Of a job that has ended."""
        await wait_until(lambda: not list(self.out.glob(".batchproc-*")), "what waited is swept", 15)
        if watch is not None:
            watch.look()
        found = await self.house.judge(job, keys, slots=SLOTS)
        rows = await self.house.read(published.of_job, job)
        found.wrong += published.ended(rows, self.out, self.foreign, watch).wrong
        return found


@pytest.mark.parametrize(("chapter", "kills"), list(enumerate(CHAPTERS)))
async def test_every_file_is_published_once_however_often_the_supervisor_is_killed(tmp_path, totals, chapter, kills):
    chance = random.Random(chapter)
    kinds = [chance.choice(WRITERS) for _ in range(UNITS)]
    async with scripted_house(tmp_path) as house:
        outputs = Outputs(house, chance)
        job_id, job, keys = await outputs.create(kinds)
        outputs.put_foreign(chance.sample(keys, 5))
        with Watch([outputs.out, outputs.out / "sub"]) as watch:
            await house.start(job_id)
            for n in range(kills):
                totals.at_points += await kill_once(outputs, n, chance, keys)
                totals.kills += 1
                totals.add(await house.read(audit, job))
                totals.add(await outputs.mid_run(job))
                watch.look()
            await house.finish(job_id, 240)
            totals.units += len(keys)
            totals.add(await outputs.judge(job, keys, watch))


async def kill_once(outputs: Outputs, n: int, chance: random.Random, keys: list[str]) -> bool:
    """Half of the kills come at a random moment, half at a point of publishing; meanwhile a person saves a file of his
    own. Returns whether it died of its point."""
    house, point = outputs.house, a_point(chance) if n % 2 else None
    pid = await house.supervisor(point)
    if point is None:
        await asyncio.sleep(chance.uniform(0.3, 1.5))
    elif pid is not None:
        await until_dead(house, REACH_S)
    outputs.put_foreign([chance.choice(keys)])
    by_itself = not house.launcher.is_alive
    await house.kill(pid)
    return by_itself


def a_point(chance: random.Random) -> Point:
    verb = chance.choice(PUBLISHING)
    k = 1 if verb == "publications.rescue" else chance.randint(1, 12)
    return Point(verb=verb, when=chance.choice(["before", "after"]), k=k)


async def test_a_promise_that_nobody_keeps_is_found(tmp_path, totals):
    async with scripted_house(tmp_path) as house:
        house.plan(promises=False)
        with totals.control("promises that nobody keeps"):
            await killed_at(house, Point(verb="places.put", when="after"), totals)


async def test_files_that_are_published_before_they_are_accepted_are_found(tmp_path, totals):
    async with scripted_house(tmp_path) as house:
        house.plan(staging=False)
        with totals.control("no staging"):
            await killed_at(house, Point(verb="staging.stage", when="after"), totals)


async def killed_at(house: ScriptedHouse, point: Point, totals) -> None:
    """A small job whose first supervisor dies at that point, and the next one ends it."""
    outputs = Outputs(house)
    job_id, job, keys = await outputs.create(["write"] * 4)
    await dies_at(house, job, point)
    totals.add(await outputs.mid_run(job))
    await house.finish(job_id)
    totals.add(await outputs.judge(job, keys))


async def dies_at(house: ScriptedHouse, job: int, point: Point) -> None:
    """Start the job, and see its supervisor die at that point."""
    await house.store.write(jobs.start, job, credential=Credential.LOGIN, now=time.time())
    pid = await house.supervisor(point)
    await wait_until(lambda: not house.launcher.is_alive, f"it dies at {point}", 15)
    await house.kill(pid)
