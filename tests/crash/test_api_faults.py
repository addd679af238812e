"""Whatever the API does: outcome, charge and the job's status are what `retry.TABLE` says. With the real CLI."""

import asyncio

import pytest

from batchproc import app, retry, settings
from batchproc.agents.rehearsal import RehearsalModel
from batchproc.launcher import Launcher
from batchproc.models import Cause
from batchproc.store import jobs
from tests.crash import judge
from tests.crash.faults import FAULTS, Fault, Faulty, nobody
from tests.crash.scale import SCALE
from tests.crash.totals import Broken, Findings
from tests.e2e.conftest import House, environment, put_to_rest

pytestmark = [pytest.mark.crash, pytest.mark.timeout(180)]
LEFT_OUT = {"stall", "429-words", "cut-short"} if SCALE.is_few else set()  # the first takes ten seconds
MET = [fault for fault in FAULTS if fault.name not in LEFT_OUT]
UNCHARGED = {retry.Policy.WAIT, retry.Policy.PAUSE}


@pytest.mark.parametrize("round_", range(SCALE.faults))
async def test_every_fault_of_the_api_ends_as_the_table_says(tmp_path, totals, round_):
    async with RehearsalModel(Faulty()) as model:
        environ = environment(tmp_path, **model.environment(), BATCHPROC_SLOTS="12")
        try:
            met = await asyncio.gather(*[meet(fault, model, environ) for fault in MET], return_exceptions=True)
            totals.add(Findings(wrong=[f"{problem!r}" for problem in met if problem is not None]))
            async with app.open_service(settings.load(environ), environ) as service:
                totals.units += len(MET)
                totals.add(await service._store.read(judge.books))
        finally:
            await put_to_rest(Launcher(settings.load(environ), environ))


async def meet(fault: Fault, model: RehearsalModel, environ: dict[str, str]) -> None:
    """One job of one unit, with a key of its own, so that no limit of one is another's."""
    own = {**environ, "ANTHROPIC_API_KEY": fault.name}
    if fault.is_login:
        own |= {"ANTHROPIC_API_KEY": "", "CLAUDE_CODE_OAUTH_TOKEN": f"sk-ant-oat01-{fault.name}"}
    own |= {"ANTHROPIC_BASE_URL": nobody()} if fault.elsewhere else {}
    async with app.open_service(settings.load(own), own) as service:
        house = House(service, model, own)
        source = {"type": "list", "items": [fault.name]}
        created = await house.create("Answer {{ value }}", source, budget_usd=100, **fault.options)
        await service.start_job(created.job_id, confirmed=True, skip_pilot=True)
        await judged(house, fault, created.job_id)


async def judged(house: House, fault: Fault, job_id: str) -> None:
    look = await house.ended(job_id, 90)
    first = (await house.service.get_unit(job_id, "1")).attempts[0]
    if first.cause not in fault.causes:
        raise Broken(f"{fault.name} is taken for {first.cause}: {first.error}")
    cause = Cause(first.cause)
    rule = retry.TABLE[cause]
    if cause is Cause.QUOTA or rule.policy is retry.Policy.PAUSE:
        await require_pause(house, fault, "quota" if cause is Cause.QUOTA else str(rule.pause), job_id)
        await house.start(job_id)
        look = await house.ended(job_id, 60)
    unit = await house.service.get_unit(job_id, "1")
    again = rule.policy is not retry.Policy.GIVE_UP
    charged = [attempt.charged for attempt in unit.attempts]
    was = {"first": charged[0], "others": all(charged[1:]), "again": len(charged) > 1, "unit": unit.status}
    was["job"] = look.status
    wanted = {
        "first": rule.policy not in UNCHARGED,
        "others": True,
        "again": again,
        "unit": "succeeded" if again and not fault.elsewhere else "failed",
        "job": "completed",
    }
    if was != wanted:
        raise Broken(f"{fault.name} ({cause}): {was} and not {wanted}; {look.reason}, {look.detail}")


async def require_pause(house: House, fault: Fault, reason: str, job_id: str) -> None:
    """The only pauses are those of the table, and that for a quota; nothing of the unit is used up."""
    job = await house.service._store.read(jobs.by_id, job_id)
    waits = await house.service._store.read(lambda tx: tuple(tx.execute(WAITS, {"job": job.number}).fetchone()))
    if job.reason != reason or waits != ("pending", 0) or (reason == "quota") != (job.resume_at is not None):
        raise Broken(f"{fault.name}: paused for {job.reason} ({job.detail}), and not for {reason}; its unit {waits}")


WAITS = "SELECT status, charged FROM units WHERE job = :job"
