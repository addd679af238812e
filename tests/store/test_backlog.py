"""What concerns many units is ordered in one row and worked off in steps, whoever is killed or comes in between."""

import json

import pytest

from batchproc.models import Credential, JobSpec, Order, Settlement, UnitStatus
from batchproc.store import attempts, backlog, claims, control, engine, events, jobs, needs, retention, units
from tests.conftest import OPTIONS
from tests.store.test_units import NOW, done, start, take_over

ME = Order(by="a test", why="to see")
PAID = backlog.Again(credential=Credential.LOGIN)
FAILED = backlog.Selection(status=UnitStatus.FAILED)
CANCELLED = backlog.Selection(status=UnitStatus.CANCELLED)


@pytest.fixture(autouse=True)
def short_steps(monkeypatch):
    monkeypatch.setattr(backlog, "STEP", 10)


async def failed_job(store, make_job, n=35):
    """A completed job whose units all failed alike."""
    job, epoch = await make_job(n), await take_over(store)
    await start(store, job)
    end = Settlement(status=UnitStatus.FAILED, outcome="failed", error="x", signature="x")
    for unit in (await store.write(claims.claim, job.number, epoch=epoch, limit=n, now=NOW)).units:
        await store.write(attempts.settle, unit.fence, end, now=NOW)
    assert (await store.read(jobs.by_id, job.job_id)).status == "completed"
    return job, epoch


async def ledger(store, job):
    counts = await store.read(jobs.ledger, job.number)
    return {status: n for status, n in counts.items() if n}


async def status(store, job):
    return (await store.read(jobs.by_id, job.job_id)).status


async def test_a_retry_is_worked_off_step_by_step_and_the_job_does_not_complete_before_it_is(store, make_job):
    job, epoch = await failed_job(store, make_job)
    await store.write(backlog.ask_again, job, FAILED, PAID, ME, now=NOW)
    assert await ledger(store, job) == {"pending": 10, "failed": 25}
    for unit in (await store.write(claims.claim, job.number, epoch=epoch, limit=10, now=NOW)).units:
        await store.write(attempts.settle, unit.fence, done(), now=NOW)
    assert await status(store, job) == "running", "the rest is still to be put back"
    assert await store.read(needs.supervisor)
    while await store.write(backlog.step, now=NOW):
        pass
    assert await ledger(store, job) == {"pending": 25, "succeeded": 10}
    told = [e for e in await store.read(events.of_job, job.number, 0, limit=500) if e.kind == "job.retried"]
    assert [dict(e.data) for e in told] == [{"status": "failed", "by": "a test", "why": "to see"}]


async def test_a_unit_that_fails_again_meanwhile_is_not_put_back_twice(store, make_job):
    job, epoch = await failed_job(store, make_job, n=25)
    await store.write(backlog.ask_again, job, backlog.Selection(signature="x"), PAID, ME, now=NOW)
    again = Settlement(status=UnitStatus.FAILED, outcome="failed", error="x", signature="x")
    for unit in (await store.write(claims.claim, job.number, epoch=epoch, limit=10, now=NOW)).units:
        await store.write(attempts.settle, unit.fence, again, now=NOW)
    while await store.write(backlog.step, now=NOW):
        pass
    assert await ledger(store, job) == {"pending": 15, "failed": 10}


async def test_a_retry_of_a_job_that_has_ended_needs_somebody_who_pays(store, make_job):
    job, _ = await failed_job(store, make_job)
    with pytest.raises(backlog.HasEnded):
        await store.write(backlog.ask_again, job, FAILED, backlog.Again(), ME, now=NOW)
    assert await ledger(store, job) == {"failed": 35} and await status(store, job) == "completed"


async def test_no_unit_waits_in_a_job_that_has_ended(store, make_job):
    await failed_job(store, make_job, n=1)
    sql = "UPDATE units SET status = 'pending', finished_at = NULL, signature = NULL"
    with pytest.raises(engine.sqlite.IntegrityError, match="does not wait"):
        await store.write(lambda tx: tx.execute(sql).rowcount)


async def test_a_cancellation_goes_on_after_a_kill_and_never_touches_what_was_asked_for_again(store, make_job):
    job, epoch = await make_job(35), await take_over(store)
    await start(store, job)
    await store.write(control.cancel, job.number, ME, now=NOW)
    assert await store.write(backlog.step, job=job.number, now=NOW)
    assert await ledger(store, job) == {"cancelled": 10, "pending": 25}
    with pytest.raises(backlog.StillCancelling):  # another face, in between: the rest would run with it
        await store.write(backlog.ask_again, job, backlog.Selection(keys=["u1"]), PAID, ME, now=NOW)
    while await store.write(backlog.step, now=NOW):
        pass
    assert await ledger(store, job) == {"cancelled": 35} and not await store.read(needs.supervisor)
    await store.write(backlog.ask_again, job, CANCELLED, PAID, ME, now=NOW)
    while await store.write(backlog.step, now=NOW):
        pass
    assert await ledger(store, job) == {"pending": 35} and await status(store, job) == "running"
    assert len((await store.write(claims.claim, job.number, epoch=epoch, limit=99, now=NOW)).units) == 35


async def test_a_cancelled_job_forgets_what_was_asked_for_again(store, make_job):
    job, _ = await failed_job(store, make_job)
    await store.write(backlog.ask_again, job, FAILED, PAID, ME, now=NOW)
    await store.write(control.cancel, job.number, ME, now=NOW)
    while await store.write(backlog.step, now=NOW):
        pass
    assert await ledger(store, job) == {"cancelled": 10, "failed": 25}
    assert await status(store, job) == "cancelled" and not await store.read(needs.supervisor)


async def test_a_unit_that_runs_while_its_job_is_cancelled_is_cancelled_with_its_bill(store, make_job):
    job, epoch = await make_job(2), await take_over(store)
    await start(store, job)
    first, second = (await store.write(claims.claim, job.number, epoch=epoch, limit=2, now=NOW)).units
    await store.write(control.cancel, job.number, ME, now=NOW)
    assert set((await store.read(control.intended)).values()) == {"cancel"}
    back = Settlement(status=UnitStatus.PENDING, outcome="released", reason="x", report=done().report, resumable=True)
    await store.write(attempts.settle, first.fence, back, now=NOW)
    await store.write(attempts.settle, second.fence, done(), now=NOW)
    assert await ledger(store, job) == {"cancelled": 1, "succeeded": 1}
    [attempt] = await store.read(attempts.of_unit, first.fence.unit)
    assert (attempt.outcome, attempt.cost_usd) == ("cancelled", 0.25)
    assert not await store.read(needs.supervisor)


async def test_a_lost_unit_of_a_cancelled_job_is_cancelled_by_its_rescuer(store, make_job):
    job, epoch = await make_job(1), await take_over(store)
    await start(store, job)
    [unit] = (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=NOW)).units
    await store.write(control.cancel, job.number, ME, now=NOW)
    assert await store.read(needs.supervisor), "a unit is marked as running, and somebody has to end it"
    new = await take_over(store)
    lost = Settlement(status=UnitStatus.PENDING, outcome="lost", reason="rescued", resumable=True)
    await store.write(attempts.rescue, unit.fence, lost, epoch=new, now=NOW)
    assert await ledger(store, job) == {"cancelled": 1}


async def test_a_conversation_survives_an_attempt_that_was_stopped_before_it_spoke(store, make_job):
    job, epoch = await make_job(1), await take_over(store)
    await start(store, job)
    [first] = (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=NOW)).units
    released = Settlement(status=UnitStatus.PENDING, outcome="released", reason="x", charged=False, resumable=True)
    await store.write(attempts.settle, first.fence, released, now=NOW)
    [second] = (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=NOW)).units
    assert second.resumes == first.session_id
    mute = Settlement(status=UnitStatus.PENDING, outcome="unrun", charged=False, reason="quota")
    await store.write(attempts.settle, second.fence, mute, now=NOW)
    assert await store.read(attempts.may_go_on, second.fence.unit)
    [third] = (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=NOW)).units
    assert third.resumes == first.session_id


async def test_a_deletion_is_worked_off_and_the_job_cannot_be_started_meanwhile(store, make_job):
    job, _ = await failed_job(store, make_job)
    await store.write(retention.mark_deleted, job, now=NOW, order=ME)
    assert not await store.write(jobs.start, job.number, credential=Credential.LOGIN, now=NOW)
    assert not await store.write(control.hold, job.number, ME, release=False, now=NOW)
    assert await store.read(needs.supervisor)
    while await store.write(backlog.step, now=NOW):
        pass
    assert await store.read(units.by_key, job.number, "u1") is None and not await store.read(needs.supervisor)


async def test_each_pause_is_told_even_the_second_one_that_releases(store, make_job):
    job, epoch = await make_job(1), await take_over(store)
    await start(store, job)
    await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=NOW)
    await store.write(control.hold, job.number, ME, release=False, now=NOW)
    await store.write(control.hold, job.number, ME, release=True, now=NOW)
    await store.write(control.hold, job.number, ME, release=True, now=NOW)
    kinds = [e.kind for e in await store.read(events.of_job, job.number, 0, limit=99)]
    assert (kinds.count("job.paused"), kinds.count("units.releasing")) == (1, 1)


async def test_units_that_a_cancelled_job_had_read_and_nobody_saw_are_removed(store):
    spec = JobSpec(name="n", instructions="do", enumerator={"type": "list"})
    job, _ = await store.write(jobs.create, spec, OPTIONS, reader="test", now=NOW)
    chunk = json.dumps([(f"u{i}", {"value": 1}, i) for i in range(25)])
    await store.write(units.add_many, job.number, jobs.FIRST_READING, chunk)
    assert await store.write(control.cancel, job.number, ME, now=NOW)
    while await store.write(backlog.step, now=NOW):
        pass
    assert await store.read(lambda tx: tx.execute("SELECT COUNT(*) FROM units").fetchone()[0]) == 0
    assert not await store.read(needs.supervisor)
