"""A budget is never passed, however many agents are at work and however often their supervisor is killed."""

import asyncio
import random

import pytest

from tests.conftest import wait_until
from tests.crash import judge
from tests.crash.scale import SCALE
from tests.crash.scripted_house import ScriptedHouse, scripted_house
from tests.crash.totals import Broken, Totals

pytestmark = [pytest.mark.crash, pytest.mark.timeout(120)]
BUDGET_USD = 1.0
AT_LEAST_USD = 0.8


@pytest.mark.parametrize("round_", range(SCALE.cheap_overspends))
async def test_a_job_stops_before_its_budget_is_passed_although_supervisors_die(tmp_path, totals, round_):
    random.seed(round_)
    async with scripted_house(tmp_path, slots="8") as house:
        house.plan(agent="fast")
        await spend(house, totals, kills=round_ % 3 + 1, units=120)


async def spend(house: ScriptedHouse, totals: Totals, *, kills: int, units: int) -> None:
    """Work until the budget is spent, with eight agents at a time that each cost what they may."""
    options = {"budget_usd": BUDGET_USD, "unit_budget_usd": 0.03, "max_output_tokens": 256, "max_concurrency": 8}
    job_id, job, _ = await house.create(["ok"] * units, max_attempts=20, **options)
    await house.start(job_id)
    for _ in range(kills):
        await asyncio.sleep(random.uniform(0.0, 0.15))
        await house.kill(await house.supervisor())
        totals.kills += 1
        totals.add(await house.read(judge.money, job))
    await house.supervisor()

    async def ended() -> object:
        look = await house.status(job_id)
        return look if look.status in {"paused", "completed"} and not look.counts["running"] else None

    look = await wait_until(ended, "the budget is spent", 30)
    totals.units += units
    found = await house.read(judge.books)
    found.overspend_usd = (await house.read(judge.money, job)).overspend_usd
    totals.add(found)
    spent = await house.read(lambda tx: tx.execute("SELECT cost_usd FROM jobs").fetchone()[0])
    if (look.status, look.reason) != ("paused", "budget") or not spent >= AT_LEAST_USD:
        raise Broken(f"it is {look.status} for {look.reason} at ${spent:.2f} of ${BUDGET_USD:.2f}")
