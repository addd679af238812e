"""What a person does with a job that runs: pause, change, cancel, retry, delete; with the real CLI."""

import asyncio

import pytest

from batchproc.agents.rehearsal import Reply
from batchproc.errors import InvalidJob, NotFound, WrongStatus
from batchproc.models import Tokens
from tests.conftest import wait_until
from tests.crash import alive

TEN = {"type": "list", "items": [{"name": f"n{i}"} for i in range(10)], "key_field": "name"}


def slowly(call):
    return Reply(text="RESULT: done", delay_s=1.0)


class Gathered:
    """Nobody is answered until the test says so."""

    def __init__(self):
        self.may_answer = asyncio.Event()

    async def __call__(self, call):
        await self.may_answer.wait()
        return Reply(text="RESULT: done")


def never(call):
    return Reply(text="RESULT: late", delay_s=120)


async def started(house, source=TEN, **options):
    created = await house.create("Greet {{ name }}.", source, **options)
    await house.start(created.job_id)
    await wait_until(lambda: house.model.in_flight >= 2, "agents are at work", 20)
    return created.job_id


async def counts(house, job_id):
    return (await house.service.get_status(job_id)).counts


@pytest.mark.script.with_args(slowly)
async def test_a_paused_job_lets_running_units_finish_starts_none_and_goes_on(house):
    job_id = await started(house)
    paused = await house.service.control_job(job_id, "pause", why="lunch")
    assert (paused.status, paused.reason) == ("paused", "user") and "running units" in paused.message
    await wait_until(lambda: _none_runs(house, job_id), "the running ones have ended", 20)
    calls = house.model.count
    await asyncio.sleep(1)  # the absence of calls needs time to be seen
    look = await house.service.get_status(job_id)
    assert house.model.count == calls and 0 < look.counts["pending"] < 10 and look.counts["succeeded"] > 0
    assert look.ledger.endswith("pending (user)") and sum(look.counts.values()) == 10
    again = await house.service.control_job(job_id, "pause")
    assert again.status == "paused"
    await house.service.control_job(job_id, "resume")
    assert (await house.ended(job_id)).counts["succeeded"] == 10
    events = [(e.kind, dict(e.data)) for e in await _events(house, job_id)]
    assert ("job.paused", {"reason": "user", "release": False, "by": "python", "why": "lunch"}) in events
    assert [kind for kind, _ in events].count("job.paused") == 1


async def _none_runs(house, job_id):
    return (await counts(house, job_id))["running"] == 0


async def _events(house, job_id):
    from batchproc.store import events, jobs

    job = await house.service._store.read(jobs.by_id, job_id)
    return await house.service._store.read(events.of_job, job.number, 0, limit=1000)


@pytest.mark.script.with_args(never)
async def test_a_pause_that_does_not_drain_gives_the_units_back_uncharged(house):
    job_id = await started(house, max_attempts=1)
    await house.service.control_job(job_id, "pause", drain=False)
    await wait_until(lambda: _none_runs(house, job_id), "they are back", 10)
    assert (await counts(house, job_id))["pending"] == 10
    unit = await house.service.get_unit(job_id, "n0")
    [attempt] = unit.attempts
    assert (attempt.outcome, attempt.charged, attempt.billed) == ("released", False, False)
    assert 0 < attempt.cost_usd < 0.11, "the request that was under way may be charged for"
    await wait_until(lambda: not [p for p in alive.of_home(house.home) if "supervisor" not in p], "no agent is left", 5)


@pytest.mark.script.with_args(never)
async def test_a_cancelled_job_is_dead_within_five_seconds_and_is_not_retried(house):
    job_id = await started(house)
    answer = await house.service.cancel_job(job_id, why="wrong folder")
    assert answer.status == "cancelled" and answer.counts["pending"] == 0
    assert answer.cancelling == answer.counts["running"] and sum(answer.counts.values()) == 10
    assert answer.cancelling + answer.counts["cancelled"] == 10, "some may be stopped by the time it answers"
    await wait_until(lambda: _all_cancelled(house, job_id), "all are cancelled", 10)
    await wait_until(lambda: not [p for p in alive.of_home(house.home) if "supervisor" not in p], "no agent is left", 5)
    calls = house.model.count
    await asyncio.sleep(1)
    assert house.model.count == calls
    assert (await house.service.cancel_job(job_id)).status == "cancelled"
    with pytest.raises(WrongStatus, match="retry_units"):
        await house.start(job_id)


async def _all_cancelled(house, job_id):
    return (await counts(house, job_id))["cancelled"] == 10


@pytest.mark.long
@pytest.mark.script.with_args(slowly)
async def test_some_units_are_cancelled_whether_they_run_or_wait_and_the_rest_goes_on(house):
    job_id = await started(house)
    with pytest.raises(InvalidJob, match="nobody"):
        await house.service.cancel_units(job_id, ["n9", "nobody"])
    assert (await counts(house, job_id))["cancelled"] == 0
    running = (await house.service.get_status(job_id)).running[0].key
    answer = await house.service.cancel_units(job_id, [running, "n9"])
    assert "1 unit cancelled" in answer.message and "being stopped" in answer.message
    ended = await house.ended(job_id)
    assert (ended.status, ended.counts["cancelled"], ended.counts["succeeded"]) == ("completed", 2, 8)
    again = await house.service.retry_units(job_id, keys=[running, "n9"])
    assert again.status == "running"
    assert (await house.ended(job_id)).counts["succeeded"] == 10


def four_in_five_fail(call):
    if int(call.prompt.split("n")[1].split(".")[0]) % 5:
        return Reply(
            status=400, message=f"no such clause in document {call.prompt[-5:]!r}", error_type="invalid_request_error"
        )
    return Reply(text="RESULT: ok")


@pytest.mark.long
@pytest.mark.script.with_args(four_in_five_fail)
async def test_failures_that_are_alike_are_one_group_and_are_retried_as_one(house):
    source = {"type": "list", "items": [{"name": f"n{i}"} for i in range(25)], "key_field": "name"}
    look = await house.run("Greet {{ name }}.", source, breaker=0)
    [group] = look.failures
    assert (look.status, group.count, look.counts["succeeded"]) == ("completed", 20, 5)
    house.model._script = lambda call: Reply(text=f"RESULT: {call.prompt}")
    answer = await house.service.retry_units(
        look.job_id, signature=group.signature, instructions="The clause is on page 2."
    )
    assert answer.counts["pending"] + answer.counts["running"] == 20 and answer.counts["succeeded"] == 5
    ended = await house.ended(look.job_id)
    assert (ended.counts["succeeded"], ended.failures) == (25, [])
    redone = await house.service.get_unit(look.job_id, "n1")
    assert "page 2" in redone.text and len(redone.attempts) == 2
    assert "page 2" not in (await house.service.get_unit(look.job_id, "n0")).text


@pytest.mark.long
@pytest.mark.script.with_args(four_in_five_fail)
async def test_the_breaker_stops_a_job_whose_attempts_fail_alike_and_says_so(house):
    source = {"type": "list", "items": [{"name": f"n{i}"} for i in range(200)], "key_field": "name"}
    look = await house.run("Greet {{ name }}.", source)
    assert (look.status, look.reason) == ("paused", "breaker") and "ended alike" in look.detail
    assert look.counts["failed"] < 30 and look.counts["pending"] > 150
    assert "(breaker)" in look.ledger


def flagged_answer(call):
    if "A person has looked" in str(call.body["messages"]):
        return Reply(text=f"RESULT: better, after {call.turn} turns")
    return Reply(text="N/A")


@pytest.mark.script.with_args(flagged_answer)
async def test_a_retry_can_go_on_in_the_same_conversation(house):
    one = {"type": "list", "items": [{"name": "Ann"}], "key_field": "name"}
    look = await house.run("Greet {{ name }}.", one, max_attempts=1)
    assert look.counts["flagged"] == 1
    await house.service.retry_units(
        look.job_id, status="flagged", instructions="Do not say N/A.", continue_session=True
    )
    ended = await house.ended(look.job_id)
    unit = await house.service.get_unit(look.job_id, "Ann")
    assert ended.counts["succeeded"] == 1, unit
    assert unit.text.startswith("RESULT: better, after ") and unit.attempts[-1].resumed_from == 1
    assert "after 0" not in unit.text and "Greet Ann." in str(house.model.calls[-1].body["messages"][0])


async def test_a_job_is_changed_while_it_runs_and_deleted_when_it_has_ended(house):
    house.model._script = script = Gathered()
    job_id = await started(house, max_concurrency=2, budget_usd=50)
    changed = await house.service.control_job(job_id, "set", max_concurrency=6, priority=3)
    assert (changed.max_concurrency, changed.priority) == (6, 3)
    await wait_until(lambda: house.model.in_flight > 2, "more of them are at work", 20)
    script.may_answer.set()
    with pytest.raises(WrongStatus, match="cancel_job first"):
        await house.service.delete_job(job_id)
    with pytest.raises(InvalidJob, match="known ones are pause, resume, set"):
        await house.service.control_job(job_id, "stop")
    await house.ended(job_id)
    deleted = await house.service.delete_job(job_id)
    assert deleted.status == "deleted" and deleted.counts["succeeded"] == 10
    with pytest.raises(NotFound):
        await house.service.get_status(job_id)


def dear(call):
    return Reply(text="RESULT: ok", usage=Tokens(input=20_000, output=1_000))


@pytest.mark.script.with_args(dear)
async def test_a_budget_is_never_passed_pauses_the_job_and_goes_on_when_it_is_raised(house):
    look = await house.run(
        "Greet {{ name }}.",
        {"type": "list", "items": [{"name": f"n{i}"} for i in range(12)], "key_field": "name"},
        model="claude-haiku-4-5",
        budget_usd=0.2,
        unit_budget_usd=0.03,
        max_output_tokens=1_000,
    )
    assert (look.status, look.reason) == ("paused", "budget"), look
    assert 0.1 < look.cost_usd <= 0.2 and "budget of $0.20" in look.detail and "(budget)" in look.ledger
    await house.service.control_job(look.job_id, "set", budget_usd=1.0)
    ended = await house.ended(look.job_id)
    assert ended.counts["succeeded"] == 12 and ended.cost_usd == pytest.approx(12 * 0.025)


@pytest.mark.long
@pytest.mark.script.with_args(slowly, BATCHPROC_SLOTS="2")
async def test_a_job_of_higher_priority_gets_the_free_slots_first(house):
    low = await house.create("Low {{ name }}.", TEN)
    high = await house.create("High {{ name }}.", TEN, priority=5)
    await house.start(low.job_id)
    await wait_until(lambda: house.model.in_flight >= 2, "the first job has both slots", 20)
    await house.start(high.job_id)
    assert (await house.ended(high.job_id)).counts["succeeded"] == 10
    assert (await counts(house, low.job_id))["succeeded"] <= 4
    await house.service.control_job(low.job_id, "set", priority=9)
    assert (await house.ended(low.job_id)).counts["succeeded"] == 10
