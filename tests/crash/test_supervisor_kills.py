"""The supervisor is killed again and again, at random moments and at named points; its agents follow a script."""

import asyncio
import contextlib
import random
import time

import pytest

from batchproc.models import Credential, Hold, Job, Pause
from batchproc.store import backlog, control, engine, jobs
from tests.crash import effects, judge
from tests.crash.child import KINDS, OFTEN
from tests.crash.points import VERBS, Point
from tests.crash.scale import SCALE
from tests.crash.scripted_house import BY, ScriptedHouse, audit, scripted_house

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]
KILLS = 10  # of one job; then the next one begins, in another store
SLOTS = 6
CHAPTERS = [min(KILLS, SCALE.kills - done) for done in range(0, SCALE.kills, KILLS)]
REACH_S = 3.0  # a point that was not reached by then: it dies where it is


@pytest.mark.parametrize(("chapter", "kills"), list(enumerate(CHAPTERS)))
async def test_a_supervisor_that_is_killed_again_and_again_loses_and_doubles_nothing(tmp_path, totals, chapter, kills):
    chance = random.Random(chapter)
    kinds = [
        *KINDS[SCALE.is_few * 4 :],
        *[chance.choice(OFTEN) for _ in range(2 * kills if SCALE.is_few else 8 + 5 * kills)],
    ]
    chance.shuffle(kinds)
    async with scripted_house(tmp_path) as house:
        options = {"max_attempts": 5, "max_concurrency": SLOTS, "unit_budget_usd": 0.05, "max_output_tokens": 256}
        job_id, job, keys = await house.create(kinds, budget_usd=2.0 + chapter % 3, resume=chapter % 2 == 0, **options)
        await house.start(job_id)
        for n in range(kills):
            totals.at_points += await kill_once(house, job_id, n, chance)
            totals.kills += 1
            totals.add(await house.read(audit, job))
            if chance.random() < 0.5:
                await asyncio.sleep(chance.uniform(0, 0.3))
        began = time.monotonic()
        left = await house.read(lambda tx: tx.execute(LEFT, {"job": job}).fetchone()[0])
        await house.finish(job_id)
        took_s = time.monotonic() - began
        verdict = await house.judge(job, keys, slots=SLOTS)
        if took_s > (limit_s := left / SLOTS * p99_s(house) + 30):
            verdict.wrong.append(f"it finished {took_s:.0f} s after the last kill, and not within {limit_s:.0f} s")
        totals.units += len(keys)
        totals.slowest_death_s = max(totals.slowest_death_s, house.slowest_death_s())
        totals.add(verdict)


LEFT = "SELECT COUNT(*) FROM units WHERE job = :job AND finished_at IS NULL"


def p99_s(house: ScriptedHouse) -> float:
    took = sorted(last - first for first, last in effects.spans(effects.read(house.log), "main").values())
    return took[int(len(took) * 0.99)] if took else 0.0


async def kill_once(house: ScriptedHouse, job_id: str, n: int, chance: random.Random) -> bool:
    """Half of the kills come at a random moment, half at a point of its own; meanwhile people give orders. Returns
    whether it died of its point."""
    point = a_point(chance) if n % 2 else None
    await house.unblock(job_id)
    pid = await house.supervisor(point)
    orders = asyncio.create_task(give_orders(house, job_id, point, chance))
    if point is None:
        await asyncio.sleep(chance.uniform(0.05, 1.2))
    elif pid is not None:
        await until_dead(house, REACH_S)
    by_itself = not house.launcher.is_alive
    await house.kill(pid)
    await orders
    return by_itself


async def until_dead(house: ScriptedHouse, limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    while house.launcher.is_alive and time.monotonic() < deadline:
        await asyncio.sleep(0.01)


def a_point(chance: random.Random) -> Point:
    verb = chance.choice(VERBS)
    often = {"claims.claim": 4, "attempts.settle": 8, "events.append": 40}
    return Point(verb=verb, when=chance.choice(["before", "after"]), k=chance.randint(1, often.get(verb, 1)))


LEADS_TO = {"backlog.step": 0, "jobs.pause": -1, "jobs.go_on": -2}
"""Orders by which a supervisor comes to its point."""


async def give_orders(house: ScriptedHouse, job_id: str, point: Point | None, chance: random.Random) -> None:
    """What people do meanwhile, written to the store: nobody may be there to hear it."""
    order = LEADS_TO.get(point.verb if point else "", chance.randrange(1, 9))
    job = await house.read(jobs.by_id, job_id)
    now = time.time()
    await asyncio.sleep(chance.uniform(0, 0.4) if order > 0 else 0.1)
    match order:
        case 0:
            await house.store.write(control.cancel, job.number, BY, now=now)
        case -1:  # nothing more can be paid: the supervisor pauses the job once nothing runs
            await house.store.write(tighten, job, now=now)
        case -2:  # paused for what is over by now: the supervisor lets it go on
            hold = Hold(reason=Pause.DISK, detail="it was full", resume_at=now)
            await house.store.write(jobs.pause, job.number, hold, now=now)
        case 1:
            await house.store.write(control.hold, job.number, BY, release=chance.random() < 0.5, now=now)
            await house.launcher.ring()
            await asyncio.sleep(0.1)
            await house.unblock(job_id)
        case 2:
            key = await house.read(lambda tx: tx.execute(A_KEY).fetchone())
            await house.store.write(control.cancel_keys, job.number, [key["key"]] if key else [], BY, now=now)
        case 3:
            how = backlog.Again(resume=True, note="again", credential=Credential.LOGIN)
            with contextlib.suppress(backlog.StillCancelling):
                await house.store.write(backlog.ask_again, job, backlog.Selection(status="failed"), how, BY, now=now)
        case 4:
            changes = {"max_concurrency": chance.randint(2, SLOTS), "priority": 1}
            await house.store.write(control.change, job, BY, changes=changes, now=now)
    await house.launcher.ring()


def tighten(tx: engine.Tx, job: Job, *, now: float) -> None:
    """No more budget than is spent and reserved already."""
    held = jobs.by_number(tx, job.number).cost_usd + judge.reserved(tx, job.number)
    control.change(tx, job, BY, changes={"budget_usd": held + 1e-6}, now=now)


A_KEY = "SELECT key FROM units WHERE finished_at IS NULL ORDER BY epoch IS NULL, number DESC LIMIT 1"
