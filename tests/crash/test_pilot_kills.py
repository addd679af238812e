"""The supervisor is killed while a pilot runs and in the moment it ends; people change their minds meanwhile."""

import asyncio
import random
import time
from dataclasses import replace

import pytest

from batchproc.models import Credential, Job
from batchproc.store import control, jobs, pilots
from tests.conftest import wait_until
from tests.crash import effects, judge
from tests.crash.points import FACTS, Point
from tests.crash.scale import SCALE
from tests.crash.scripted_house import BY, ScriptedHouse, audit, scripted_house
from tests.crash.test_supervisor_kills import REACH_S, until_dead

pytestmark = [pytest.mark.crash, pytest.mark.timeout(600)]
KILLS = 4  # of one job; then the next one begins, in another store
CHAPTERS = [min(KILLS, SCALE.pilot_kills - done) for done in range(0, SCALE.pilot_kills, KILLS)]
PILOT = 3
KINDS = ("ok", "once", "flag", "ok", "slow", "stray")


@pytest.mark.parametrize(("chapter", "kills"), list(enumerate(CHAPTERS)))
async def test_a_pilot_whose_supervisor_is_killed_ends_once_and_nothing_runs_before_its_approval(
    tmp_path, totals, chapter, kills
):
    chance = random.Random(chapter)
    async with scripted_house(tmp_path) as house:
        options = {"max_attempts": 4, "max_concurrency": 6, "unit_budget_usd": 0.05, "max_output_tokens": 256}
        job_id, job, keys = await house.create(
            [*KINDS, *KINDS], budget_usd=5.0, pilot_units=PILOT, resume=chapter % 2 == 0, **options
        )
        await house.service.start_job(job_id)
        for n in range(kills):
            totals.at_points += await kill_once(house, job_id, n, chance)
            totals.kills += 1
            totals.add(await house.read(audit, job))
        look = await reviewed(house, job_id)
        totals.add(await house.read(judge.review, job, effects.read(house.log)))
        variant = chance.choice([one.name for one in look.pilot.variants.variants]) if look.pilot.variants else None
        approval = asyncio.create_task(house.service.start_job(job_id, confirmed=True, variant=variant))
        await asyncio.sleep(chance.uniform(0, 0.3))
        await house.kill(await house.supervisor())
        totals.kills += 1
        await approval
        await house.finish(job_id)
        totals.units += len(keys)
        totals.slowest_death_s = max(totals.slowest_death_s, house.slowest_death_s())
        totals.add(await house.judge(job, keys, slots=6))


async def reviewed(house: ScriptedHouse, job_id: str):
    """What a person looks at in the end."""

    async def ended():
        await house.unblock(job_id)
        await house.launcher.ring()
        look = await house.status(job_id)
        return look if look.status == "review" else None

    await house.supervisor()
    return await wait_until(ended, "its pilot is through", 60)


async def kill_once(house: ScriptedHouse, job_id: str, n: int, chance: random.Random) -> bool:
    """Half of the kills come at a random moment, half at a point of its own: mostly that in which a trial ends. Returns
    whether it died of its point."""
    point = a_point(chance) if n % 2 else None
    await house.unblock(job_id)
    job = await house.read(jobs.by_id, job_id)
    if job.status == "review" or (point and point.verb == "trial.ended"):
        await change(house, job, variants=2 if point and point.verb == "trial.ended" else 1)
    pid = await house.supervisor(point)
    await give_orders(house, job_id, chance)
    if point is None:
        await asyncio.sleep(chance.uniform(0.05, 1.0))
    elif pid is not None:
        await until_dead(house, REACH_S)
    by_itself = not house.launcher.is_alive
    await house.kill(pid)
    return by_itself


def a_point(chance: random.Random) -> Point:
    verb = chance.choice([*FACTS, *FACTS, "claims.claim", "attempts.settle", "attempts.rescue"])
    k = chance.randint(1, PILOT) if verb == "attempts.settle" else 1
    return Point(verb=verb, when=chance.choice(["before", "after"]), k=k)


async def give_orders(house: ScriptedHouse, job_id: str, chance: random.Random) -> None:
    """What people do meanwhile, written to the store: nobody may be there to hear it."""
    order = chance.randrange(6)
    await asyncio.sleep(chance.uniform(0, 0.3))
    job = await house.read(jobs.by_id, job_id)
    match order:
        case 0 | 1:
            await change(house, job, variants=order + 1)
        case 2:
            await house.store.write(control.hold, job.number, BY, release=chance.random() < 0.5, now=time.time())
            await house.launcher.ring()
            await asyncio.sleep(0.1)
            await house.unblock(job_id)
        case 3:
            key = await house.read(lambda tx: tx.execute(A_KEY).fetchone())
            keys = [key["key"]] if key else []
            await house.store.write(control.cancel_keys, job.number, keys, BY, now=time.time())
    await house.launcher.ring()


A_KEY = "SELECT key FROM units WHERE pilot = 1 AND finished_at IS NULL ORDER BY epoch IS NULL, number DESC LIMIT 1"


async def change(house: ScriptedHouse, job: Job, *, variants: int) -> None:
    """Another round: on one description, or on so many variants of it."""
    instructions = f"{job.instructions} anew"[-500:]
    tried = [pilots.Description(instructions=instructions, options=job.options)]
    if variants > 1:
        tried = [replace(tried[0], variant=f"v{n}", instructions=f"{n}: {instructions}") for n in range(variants)]
    paid = {"credential": Credential.LOGIN, "order": BY, "now": time.time()}
    await house.store.write(pilots.begin, job, tried, **paid)
