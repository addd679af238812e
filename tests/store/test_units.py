"""Claiming and settling units: once each, under a fence, with the ledger in the same transaction."""

import asyncio
import time

import pytest

from batchproc.errors import TakenOver
from batchproc.models import Credential, Hold, Pause, Report, Settlement, Tokens, UnitStatus
from batchproc.store import attempts, claims, events, jobs, processes, units

NOW = 1_800_000_000.0


async def take_over(store):
    return await store.write(processes.take_over, process="1:2:3", guard="full", now=NOW)


async def start(store, job):
    assert await store.write(jobs.start, job.number, credential=Credential.LOGIN, now=NOW)


def done(text="fine", **more):
    report = Report(ended="result", text=text, cost_usd=0.25, tokens=Tokens(input=10, output=5))
    return Settlement(status=UnitStatus.SUCCEEDED, outcome="succeeded", text=text, report=report, **more)


async def test_a_claimed_unit_is_claimed_once_however_many_ask(store, make_job):
    job, epoch = await make_job(50), await take_over(store)
    await start(store, job)
    taken = await asyncio.gather(
        *[store.write(claims.claim, job.number, epoch=epoch, limit=7, now=NOW) for _ in range(20)]
    )
    keys = [unit.key for claim in taken for unit in claim.units]
    assert len(keys) == 50 == len(set(keys))


async def test_settling_moves_the_ledger_the_bill_and_the_events_together(store, make_job):
    job, epoch = await make_job(2), await take_over(store)
    await start(store, job)
    [unit] = (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=NOW)).units
    assert await store.write(attempts.settle, unit.fence, done(), now=NOW + 3)
    ledger = await store.read(jobs.ledger, job.number)
    assert (ledger["succeeded"], ledger["pending"], ledger["running"]) == (1, 1, 0)
    assert sum(ledger.values()) == 2
    after = await store.read(jobs.by_id, job.job_id)
    assert (after.cost_usd, after.tokens, after.status) == (0.25, 15, "running")
    kinds = [e.kind for e in await store.read(events.of_job, job.number, 0, limit=100)]
    assert kinds == ["job.created", "job.ready", "job.started", "unit.claimed", "unit.succeeded"]
    [attempt] = await store.read(attempts.of_unit, unit.fence.unit)
    assert (attempt.outcome, attempt.cost_usd, attempt.tokens) == ("succeeded", 0.25, 15)


async def test_a_result_is_recorded_exactly_once(store, make_job):
    job, epoch = await make_job(1), await take_over(store)
    await start(store, job)
    [unit] = (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=NOW)).units
    won = await asyncio.gather(*[store.write(attempts.settle, unit.fence, done(str(n)), now=NOW) for n in range(10)])
    assert won.count(True) == 1
    assert (await store.read(jobs.by_id, job.job_id)).cost_usd == 0.25


async def test_the_last_unit_completes_the_job_in_the_same_transaction(store, make_job):
    job, epoch = await make_job(1), await take_over(store)
    await start(store, job)
    [unit] = (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=NOW)).units
    await store.write(attempts.settle, unit.fence, done(), now=NOW + 1)
    ended = await store.read(jobs.by_id, job.job_id)
    assert ended.status == "completed" and ended.finished_at is not None
    last = (await store.read(events.of_job, job.number, 0, limit=100))[-1]
    assert (last.kind, last.data["succeeded"]) == ("job.completed", 1)


async def test_an_older_epoch_changes_nothing(store, make_job):
    job, old = await make_job(2), await take_over(store)
    await start(store, job)
    [unit] = (await store.write(claims.claim, job.number, epoch=old, limit=1, now=NOW)).units
    new = await take_over(store)
    assert new > old
    assert not await store.write(attempts.settle, unit.fence, done(), now=NOW)
    with pytest.raises(TakenOver):
        await store.write(claims.claim, job.number, epoch=old, limit=1, now=NOW)
    assert (await store.read(units.by_key, job.number, "u1")).status == "running"


async def test_a_rescued_unit_cannot_be_finished_by_the_attempt_that_lost_it(store, make_job):
    job, old = await make_job(1), await take_over(store)
    await start(store, job)
    [lost] = (await store.write(claims.claim, job.number, epoch=old, limit=1, now=NOW)).units
    new = await take_over(store)
    back = Settlement(status=UnitStatus.PENDING, outcome="lost", reason="rescued")
    assert await store.write(attempts.rescue, lost.fence, back, epoch=new, now=NOW)
    [again] = (await store.write(claims.claim, job.number, epoch=new, limit=1, now=NOW)).units
    assert (again.fence.attempt, again.charged) == (2, 1)
    assert not await store.write(attempts.settle, lost.fence, done("from the dead"), now=NOW)
    assert await store.write(attempts.settle, again.fence, done("alive"), now=NOW)
    assert (await store.read(units.by_key, job.number, "u1")).text == "alive"


async def test_a_retry_waits_until_it_is_due(store, make_job):
    job, epoch = await make_job(1), await take_over(store)
    await start(store, job)
    [unit] = (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=NOW)).units
    later = Settlement(status=UnitStatus.PENDING, outcome="failed", error="x", due_at=NOW + 60, reason="backoff")
    assert await store.write(attempts.settle, unit.fence, later, now=NOW)
    assert (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=NOW + 59)).units == []
    assert await store.read(units.next_due, job.number) == NOW + 60
    [again] = (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=NOW + 60)).units
    assert again.fence.attempt == 2


async def test_a_clock_that_was_set_back_makes_no_unit_wait_longer_than_its_back_off(store, make_job):
    job, epoch = await make_job(2), await take_over(store)
    await start(store, job)
    [unit] = (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=NOW)).units
    later = Settlement(status=UnitStatus.PENDING, outcome="failed", error="x", due_at=NOW + 60, reason="backoff")
    await store.write(attempts.settle, unit.fence, later, now=NOW)
    back = NOW - 3600
    assert await store.write(units.bring_forward, job.number, horizon=back + 300, now=back) == 1
    assert len((await store.write(claims.claim, job.number, epoch=epoch, limit=5, now=back)).units) == 2


async def test_a_paused_job_gives_out_nothing_and_its_running_units_still_finish(store, make_job):
    job, epoch = await make_job(2), await take_over(store)
    await start(store, job)
    [unit] = (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=NOW)).units
    assert await store.write(jobs.pause, job.number, Hold(reason=Pause.CREDENTIAL), start=1, now=NOW)
    assert (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=NOW)).units == []
    assert await store.write(attempts.settle, unit.fence, done(), now=NOW)
    await start(store, job)
    assert len((await store.write(claims.claim, job.number, epoch=epoch, limit=5, now=NOW)).units) == 1


async def test_an_attempt_from_before_the_last_start_does_not_pause_the_job_again(store, make_job):
    job, epoch = await make_job(3), await take_over(store)
    await start(store, job)

    def refused(unit):
        return Settlement(
            status=UnitStatus.PENDING,
            outcome="unrun",
            charged=False,
            reason="x",
            hold=Hold(reason=Pause.CREDENTIAL),
            start=unit.start,
        )

    first, second = (await store.write(claims.claim, job.number, epoch=epoch, limit=2, now=NOW)).units
    await store.write(attempts.settle, first.fence, refused(first), now=NOW + 1)
    assert (await store.read(jobs.by_id, job.job_id)).status == "paused"
    assert await store.write(jobs.start, job.number, credential=Credential.LOGIN, now=NOW + 2)
    await store.write(attempts.settle, second.fence, refused(second), now=NOW + 3)
    assert (await store.read(jobs.by_id, job.job_id)).status == "running"
    [third] = (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=NOW + 4)).units
    await store.write(attempts.settle, third.fence, refused(third), now=NOW + 5)
    assert (await store.read(jobs.by_id, job.job_id)).status == "paused"


async def test_failures_that_are_alike_are_grouped_and_leave_their_group_on_retry(store, make_job):
    from batchproc.store import status

    job, epoch = await make_job(3), await take_over(store)
    await start(store, job)
    for unit in (await store.write(claims.claim, job.number, epoch=epoch, limit=3, now=NOW)).units:
        error = f"server: 500 at {unit.key}"
        end = Settlement(status=UnitStatus.FAILED, outcome="failed", error=error, signature="server: <n>")
        await store.write(attempts.settle, unit.fence, end, now=NOW)
    look = await store.read(status.look, job.job_id)
    [group] = look.failures
    assert (group.signature, group.count, group.example_key, group.message) == (
        "server: <n>",
        3,
        "u1",
        "server: 500 at u1",
    )


async def test_events_are_gap_free_across_jobs_writers_and_failed_changes(store, make_job):
    async def refuse(n):
        def verb(tx):
            events.append(tx, "never", at=NOW, data={"n": n})
            raise ValueError(n)

        with pytest.raises(ValueError):
            await store.write(verb)

    await asyncio.gather(*[make_job(2, name=f"j{n}") for n in range(5)], *[refuse(n) for n in range(5)])
    found = await store.read(events.after, 0, limit=1000)
    assert [e.seq for e in found] == list(range(1, len(found) + 1))
    assert "never" not in {e.kind for e in found}


async def test_a_reader_resumes_from_any_number_and_sees_each_event_once(store, make_job):
    for n in range(5):
        await make_job(1, name=f"j{n}")
    seen, seq = [], 0
    while page := await store.read(events.after, seq, limit=3):
        seen += [e.seq for e in page]
        seq = page[-1].seq
    assert seen == list(range(1, 11))


async def test_pages_of_results_reach_every_final_unit_once(store, make_job):
    job, epoch = await make_job(25), await take_over(store)
    await start(store, job)
    for unit in (await store.write(claims.claim, job.number, epoch=epoch, limit=20, now=NOW)).units:
        await store.write(attempts.settle, unit.fence, done(), now=time.time())
    keys, after = [], 0
    while page := await store.read(units.final_page, job.number, status=None, after=after, limit=6):
        keys += [unit.key for unit in page]
        after = page[-1].number
    assert keys == [f"u{n}" for n in range(1, 21)]
    assert await store.read(units.final_page, job.number, status=UnitStatus.FAILED, after=0, limit=6) == []


async def test_text_that_utf8_cannot_spell_is_kept_with_a_mark_in_its_place(store, make_job):
    job, epoch = await make_job(1), await take_over(store)
    await start(store, job)
    [unit] = (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=NOW)).units
    where = {"job": job.number, "unit": unit.fence.unit, "attempt": 1}
    await store.write(events.append, "agent.text", at=NOW, data={"text": "a\ud800b"}, **where)
    assert await store.write(attempts.settle, unit.fence, done("x\udfffy \U0001f600", output={"k": "\ud83d"}), now=NOW)
    kept = await store.read(units.by_key, job.number, "u1")
    assert (kept.text, kept.output) == ("x\ufffdy \U0001f600", {"k": "\ufffd"})
    assert (await store.read(events.tail_of_unit, unit.fence.unit, limit=2))[0].data == {"text": "a\ufffdb"}
