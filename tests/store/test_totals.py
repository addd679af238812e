"""What ended when, and what waits: kept beside the rows, equal to them."""

import time

from batchproc.models import Order, Report, Settlement, Tokens, UnitStatus
from batchproc.store import attempts, backlog, claims, control, retention, totals
from tests.store.test_search import require_kept
from tests.store.test_units import done, start, take_over

T = 1_800_000_000.0  # the beginning of a minute


def ended(outcome, status=UnitStatus.PENDING, **more):
    signature = "s" if status in {UnitStatus.FAILED, UnitStatus.FLAGGED} else None
    tokens = Tokens(input=1, output=2, cache_read=30, cache_write=400)
    report = Report(ended="result", text="", cost_usd=0.5, tokens=tokens)
    return Settlement(status=status, outcome=outcome, signature=signature, report=report, reason="x", **more)


async def test_each_attempt_that_ends_is_counted_in_its_minute(store, make_job):
    job, epoch = await make_job(8), await take_over(store)
    await start(store, job)
    taken = (await store.write(claims.claim, job.number, epoch=epoch, limit=8, now=T)).units
    ends = ["succeeded", "flagged", "empty", "failed", "lost", "released", "unrun", "cancelled"]
    for n, (unit, end) in enumerate(zip(taken, ends, strict=True)):
        final = {"flagged": UnitStatus.FLAGGED, "failed": UnitStatus.FAILED, "cancelled": UnitStatus.CANCELLED}
        settled = done() if end == "succeeded" else ended(end, final.get(end, UnitStatus.PENDING))
        assert await store.write(attempts.settle, unit.fence, settled, now=T + (61 if n < 4 else 150))
    await require_kept(store)
    found = await store.read(totals.totals, job, since=T, span_s=60)
    first, second = found.series
    assert (first.at.timestamp(), second.at.timestamp()) == (T + 60, T + 120)
    assert (first.succeeded, first.flagged, first.failed, first.other) == (1, 2, 1, 0)
    assert (second.succeeded, second.flagged, second.failed, second.other) == (0, 0, 0, 4)
    assert (first.cost_usd, first.tokens, first.cache_read, first.cache_write) == (1.75, 15 + 3 * 433, 90, 1200)
    [whole] = (await store.read(totals.totals, None, since=T, span_s=600)).series
    assert (whole.succeeded, whole.flagged, whole.failed, whole.other) == (1, 2, 1, 4)
    assert (await store.read(totals.totals, None, since=T + 700, span_s=60)).series == []
    late = await store.read(totals.totals, job, since=T + 125, span_s=60)
    assert [one.other for one in late.series] == [4]


async def test_totals_are_of_one_job_or_of_all_that_are_there(store, make_job):
    one, two = await make_job(3, name="one"), await make_job(2, name="two")
    epoch = await take_over(store)
    for job in (one, two):
        await start(store, job)
        [unit] = (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=T)).units
        await store.write(attempts.settle, unit.fence, done(), now=T)
    both = await store.read(totals.totals, None, since=T, span_s=60)
    assert (both.jobs["running"], both.units["succeeded"], both.units["pending"], both.cost_usd) == (2, 2, 3, 0.5)
    assert both.database_bytes > 10_000 and [one.succeeded for one in both.series] == [2]
    mine = await store.read(totals.totals, one, since=T, span_s=60)
    assert (mine.units["pending"], mine.cost_usd, [point.succeeded for point in mine.series]) == (2, 0.25, [1])
    await store.write(control.cancel, two.number, Order(by="test"), now=T)
    await store.write(retention.mark_deleted, two, now=T)
    leaving = await store.read(totals.totals, None, since=T, span_s=60)
    assert (leaving.units["succeeded"], [one.succeeded for one in leaving.series]) == (1, [1])
    while await store.write(backlog.step, job=two.number, now=T):
        await require_kept(store)
    left = await store.read(totals.totals, None, since=T, span_s=60)
    assert (sum(left.jobs.values()), left.units["succeeded"], left.cost_usd) == (1, 1, 0.25)
    assert [one.succeeded for one in left.series] == [1]


async def test_a_face_that_knows_of_no_minutes_can_delete_a_job(store, make_job, monkeypatch):
    """One of an older batchproc that had the store open when it was upgraded."""
    job, epoch = await make_job(1), await take_over(store)
    await start(store, job)
    [unit] = (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=T)).units
    await store.write(attempts.settle, unit.fence, done(), now=T)
    older = tuple(step for step in retention.LAST_STEPS if "job_minutes" not in step)
    assert len(older) == len(retention.LAST_STEPS) - 1
    monkeypatch.setattr(retention, "LAST_STEPS", older)
    await store.write(retention.mark_deleted, job, now=T)
    while await store.write(backlog.step, job=job.number, now=T):
        pass
    count = "SELECT (SELECT COUNT(*) FROM jobs) + (SELECT COUNT(*) FROM job_minutes)"
    assert await store.read(lambda tx: tx.execute(count).fetchone()[0]) == 0


async def test_the_pulse_says_what_waits_what_may_start_and_what_runs(store, make_job):
    job, epoch = await make_job(6), await take_over(store)
    await make_job(5, name="not started")
    await start(store, job)
    first, second, _ = (await store.write(claims.claim, job.number, epoch=epoch, limit=3, now=T)).units
    await store.write(attempts.settle, first.fence, done(), now=T)
    later = Settlement(status=UnitStatus.PENDING, outcome="failed", error="x", due_at=T + 60, reason="backoff")
    await store.write(attempts.settle, second.fence, later, now=T)
    look = await store.read(totals.pulse, now=T)
    assert (look.active_jobs, look.pending, look.due, look.running, look.epoch) == (1, 4, 3, 1, epoch)
    assert (await store.read(totals.pulse, now=T + 60)).due == 4
    assert look.last.kind == "unit.retried"
    [busy] = await store.read(totals.busy)
    assert (busy.job_id, busy.key, busy.attempt, busy.last_event.kind) == (job.job_id, "u3", 1, "unit.claimed")


async def test_an_empty_store_has_a_pulse(store):
    look = await store.read(totals.pulse, now=time.time())
    assert (look.active_jobs, look.epoch, look.last) == (0, None, None)
