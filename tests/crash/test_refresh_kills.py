"""A source is read once more: just what is new or changed runs, and whoever is killed leaves all of it or nothing."""

import asyncio
import os
import sys
import time
from collections import Counter

import pytest

from batchproc.store import update_items, updates
from tests.conftest import wait_until
from tests.crash import effects, judge, refreshed
from tests.crash.scripted_house import ROOT, scripted_house

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]
ROWS = 12_000  # two chunks
CHANGED, GONE, NEW = range(100, 120), range(200, 205), 7
POINTS = [
    *(("updates.begin", when, 1) for when in ("before", "after")),
    *(("updates.add_many", when, k) for when in ("before", "after") for k in (1, 2)),
    *(("updates.miss", when, 1) for when in ("before", "after")),
    *(("updates.finish", when, 1) for when in ("before", "after")),
]


def starts(house):
    """How often an agent of each key began, as the agents tell it."""
    return Counter(one.key for one in effects.read(house.log) if one.what == "start")


async def state(house, number):
    """Of each unit what there is to see, and of the job."""

    def read(tx):
        units = tx.execute("SELECT key, status, payload, text, gone FROM units WHERE job = :job", {"job": number})
        job = tx.execute("SELECT status, total_units, source_version FROM jobs WHERE number = :job", {"job": number})
        return [tuple(row) for row in units], tuple(job.fetchone())

    return await house.read(read)


async def killed(house, job_id, *words):
    """Read it anew in a process that dies on the way."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.crash.refreshed", job_id, *map(str, words)),
        env={**os.environ, **house.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    _, error = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == -9, error.decode()


async def planned(house, job_id):
    """The plan, whoever reads it."""

    async def look():
        found = await house.service.update_source(job_id)
        return found if found.state == "plan" else None

    return await wait_until(look, "there is a plan", 60)


async def ran_again(house, job_id, number, totals):
    """Apply what was planned, and judge from the agents' own log what ran."""
    plan = await planned(house, job_id)
    assert (plan.counts.new, plan.counts.changed, plan.gone) == (NEW, len(CHANGED), len(GONE))
    assert (await house.service.update_source(job_id, confirmed=True, agreed=plan.reading)).state == "applied"
    await through(house, job_id, number, totals)


async def through(house, job_id, number, totals):
    await house.finish(job_id)
    expected = {f"k{i}" for i in [*CHANGED, *range(ROWS, ROWS + NEW)]}
    assert starts(house) == dict.fromkeys(expected, 1)
    totals.add(await house.read(judge.ended, number, [f"k{i}" for i in range(ROWS + NEW)]))


@pytest.fixture
async def house(tmp_path):
    async with scripted_house(tmp_path, slots="32") as house:
        house.plan(agent="noting")
        yield house


@pytest.mark.parametrize(("verb", "when", "k"), POINTS)
async def test_a_reader_that_is_killed_leaves_the_job_as_it_was(house, tmp_path, totals, verb, when, k):
    path = tmp_path / "rows.csv"
    refreshed.write(path, ROWS)
    job_id, number = await refreshed.ran(house, path)
    before = await state(house, number)
    refreshed.write(path, ROWS, changed=CHANGED, gone=GONE, new=NEW)
    await killed(house, job_id, verb, when, k)
    totals.kills += 1
    totals.add(await house.read(judge.books))
    assert await state(house, number) == before
    await ran_again(house, job_id, number, totals)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_kill_amid_the_application_leaves_all_of_it_or_nothing(house, tmp_path, totals, when):
    path = tmp_path / "rows.csv"
    refreshed.write(path, ROWS)
    job_id, number = await refreshed.ran(house, path)
    before = await state(house, number)
    refreshed.write(path, ROWS, changed=CHANGED, gone=GONE, new=NEW)
    await killed(house, job_id, "refresh.apply", when, 1, "confirmed")
    totals.kills += 1
    totals.add(await house.read(judge.books))
    if when == "before":
        assert await state(house, number) == before and not starts(house)
        await ran_again(house, job_id, number, totals)
    else:
        assert (await state(house, number))[1][1:] == (ROWS + NEW, 2)
        await through(house, job_id, number, totals)


async def test_the_supervisor_goes_on_with_a_reading_whose_reader_is_dead(house, tmp_path, totals):
    path = tmp_path / "rows.csv"
    refreshed.write(path, ROWS)
    job_id, number = await refreshed.ran(house, path)
    refreshed.write(path, ROWS, changed=CHANGED, gone=GONE, new=NEW)
    await killed(house, job_id, "updates.add_many", "after", 1)
    totals.kills += 1
    await house.service.wake()

    async def is_through():
        return (await house.read(updates.look, number)).state == "ready"

    await wait_until(is_through, "the supervisor has read it", 30)
    plan = await house.service.update_source(job_id)
    assert (plan.state, plan.counts.changed, plan.gone) == ("plan", len(CHANGED), len(GONE))


@pytest.mark.long
async def test_one_in_a_hundred_of_a_hundred_thousand_runs_again_and_no_other(house, tmp_path, totals):
    n, new = 100_000, 300
    changed, gone = range(0, n, 100), range(50, n, 1000)
    path = tmp_path / "rows.csv"
    refreshed.write(path, n)
    job_id, number = await refreshed.ran(house, path)
    refreshed.write(path, n, changed=changed, gone=gone, new=new)
    began = time.monotonic()
    plan = await planned(house, job_id)
    read = time.monotonic()
    assert (plan.counts.new, plan.counts.changed, plan.gone) == (new, len(changed), len(gone))
    assert plan.counts.reusable == n - len(changed) - len(gone) and plan.read == n + new - len(gone)
    assert not starts(house)
    assert (await house.service.update_source(job_id, confirmed=True)).state == "applied"
    applied = time.monotonic()
    print(f"\n{n:,} units: {read - began:.2f} s to the plan, {applied - read:.2f} s to its application")
    await house.finish(job_id, 200)
    expected = {f"k{i}" for i in [*changed, *range(n, n + new)]}
    assert starts(house) == dict.fromkeys(expected, 1)
    totals.add(await house.read(judge.ended, number, [f"k{i}" for i in range(n + new)]))
    left = await house.read(lambda tx: tx.execute("SELECT COUNT(*) FROM update_items").fetchone()[0])
    assert left == 0 and n > update_items.WINDOW, "it was looked through in several steps"
