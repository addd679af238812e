"""A few units run before the rest, a person looks, changes his mind, and approves: with the real CLI throughout."""

import asyncio
import os
import signal

import pytest

from batchproc.agents.rehearsal import Reply
from batchproc.errors import InvalidJob, UnknownField, WrongStatus
from batchproc.models import JobOptions, JobSpec, Tokens, Variant
from batchproc.platform import processes
from batchproc.store import jobs, pilots
from tests.conftest import wait_until
from tests.e2e.test_cli_control import shell
from tests.e2e.test_mcp import call, connect, person

WORDS = {"type": "list", "items": [{"n": str(n), "word": "w" * (n * n)} for n in range(1, 13)], "key_field": "n"}


def speak(request):
    """Says back what it was asked, for some tokens; long enough to be caught at it."""
    return Reply(text=request.prompt[:40], usage=Tokens(input=2_000, output=100), delay_s=0.1)


@pytest.mark.script.with_args(speak)
async def test_a_pilot_runs_a_few_units_then_stops_and_says_what_the_rest_will_cost(house):
    job = (await house.create("Count {{ word }}", WORDS, model="haiku")).job_id
    started = await house.service.start_job(job)
    assert started.status == "pilot" and "3 units of 12 units" in started.message
    look = await house.reviewed(job)
    assert look.ledger == "3 succeeded · 9 pending (in review)" and len(house.model.calls) == 3
    assert look.pilot.round == 1 and len(look.pilot.keys) == 3 and look.pilot.keys != ["1", "2", "3"]
    assert [r.key for r in look.pilot.results] == look.pilot.keys and all(r.cost_usd > 0 for r in look.pilot.results)
    quote = look.quote
    assert (quote.units, quote.based_on, quote.level) == (9, 3, 0.8)
    assert 0 < quote.cost_usd.low <= quote.cost_usd.mid <= quote.cost_usd.high and "3 units" in quote.basis
    assert quote.budget_usd > quote.cost_usd.high and "confirmed=true" in look.next
    plan = await house.service.start_job(job)
    assert plan.status == "review" and f"${quote.budget_usd:.2f}" in plan.message and "confirmed=true" in plan.message
    assert len(house.model.calls) == 3
    assert (await house.service.start_job(job, confirmed=True)).status == "running"
    ended = await house.ended(job)
    assert ended.status == "completed" and ended.counts["succeeded"] == 12 and len(house.model.calls) == 12
    assert ended.spending.budget_usd == quote.budget_usd
    assert ended.quote.reality.held["cost_usd"] and "inside the quote: cost_usd" in ended.quote.reality.words


@pytest.mark.script.with_args(speak)
async def test_a_change_tries_the_same_units_again_and_shows_old_beside_new(house):
    job = (await house.create("Count {{ word }}", WORDS, model="haiku")).job_id
    await house.service.start_job(job)
    first = await house.reviewed(job)
    changed = await house.service.update_job(job, instructions="Spell {{ word }}", why="not what I meant")
    assert changed.status == "pilot" and "round 2" in changed.message
    second = await house.reviewed(job)
    assert second.pilot.round == 2 and second.pilot.keys == first.pilot.keys
    for one in second.pilot.results:
        assert one.text.startswith("Spell w") and one.before.text.startswith("Count w")
    assert second.changes[0].why == "not what I meant"
    told = second.pilot.changed
    assert (first.pilot.changed, told.words) == (None, "changed since round 1: instructions (+1 −1 lines)")
    [one] = told.differences
    assert (one.field, one.before, one.after) == ("instructions", "Count {{ word }}", "Spell {{ word }}")
    assert "Changed since round 1: instructions" in (await house.service.plan(job)).text
    code, shown, _ = await shell(house, "status", job)
    lines = [line.strip() for line in shown.splitlines()]
    assert code == 0 and told.words in lines
    assert lines[lines.index("instructions") :][1:4] == ["@@ -1 +1 @@", "-Count {{ word }}", "+Spell {{ word }}"]
    calls = len(house.model.calls)
    kept = await house.service.update_job(job, options=JobOptions(max_concurrency=2, budget_usd=9))
    assert kept.status == "review" and "still hold" in kept.message and len(house.model.calls) == calls
    await house.service.start_job(job, confirmed=True)
    ended = await house.ended(job)
    assert ended.spending.budget_usd == 9 and len(house.model.calls) == calls + 9
    assert all(r.text.startswith("Spell w") and r.attempts <= 2 for r in await house.results(job))


def slowly_at_first(request):
    return Reply(text=request.prompt[:40], delay_s=0 if "Spell" in request.prompt else 20)


@pytest.mark.script.with_args(slowly_at_first)
async def test_what_runs_under_an_older_description_does_not_count(house):
    job = (await house.create("Count {{ word }}", WORDS, budget_usd=50)).job_id
    await house.service.start_job(job)
    await wait_until(lambda: house.model.in_flight == 3, "the pilot runs", 20)
    await house.service.update_job(job, instructions="Spell {{ word }}")
    look = await house.reviewed(job, 15)
    assert {r.status for r in look.pilot.results} == {"succeeded"}
    assert all(r.text.startswith("Spell") for r in look.pilot.results)
    unit = await house.service.get_unit(job, look.pilot.keys[0])
    assert [a.outcome for a in unit.attempts] == ["released", "succeeded"]


def by_model(request):
    """Two models that agree on one field and not on the other; one of them tells a story instead."""
    if "haiku" in request.model:
        return Reply(text=f"haiku {len(request.prompt)}", usage=Tokens(output=10))
    return Reply(text=f"other {len(request.prompt)}", usage=Tokens(output=50))


@pytest.mark.long
@pytest.mark.script.with_args(by_model)
async def test_variants_run_on_the_same_units_and_one_is_chosen(house):
    job = (await house.create("Count {{ word }}", WORDS, budget_usd=50)).job_id
    tried = [Variant(name="cheap", options=JobOptions(model="haiku")), Variant(name="dear")]
    await house.service.start_job(job, variants=tried)
    look = await house.reviewed(job)
    table = look.pilot.variants
    assert [(v.name, v.units, v.flagged) for v in table.variants] == [("cheap", 3, 0), ("dear", 3, 0)]
    assert table.variants[0].cost_usd < table.variants[1].cost_usd and table.variants[0].quote is not None
    assert table.agreement == {"text": 0.0} and len(table.disagreements) == 3
    assert set(table.disagreements[0].values) == {"cheap", "dear"}
    with pytest.raises(InvalidJob, match=r"variant = None: .*cheap, dear"):
        await house.service.start_job(job, confirmed=True)
    await house.service.start_job(job, confirmed=True, variant="cheap")
    ended = await house.ended(job)
    assert ended.counts["succeeded"] == 12 and ended.model == "haiku"
    assert all(r.text.startswith("haiku") for r in await house.results(job))
    assert len(house.model.calls) == 15


@pytest.mark.long
@pytest.mark.script.with_args(by_model)
async def test_the_plan_of_a_variant_is_that_variants_and_nothing_else_is_agreed_to(house):
    job = (await house.create("Count {{ word }}", WORDS, model="haiku")).job_id
    tried = [Variant(name="dear", options=JobOptions(model="sonnet")), Variant(name="cheap")]
    await house.service.start_job(job, variants=tried)
    look = await house.reviewed(job)
    assert "variant=…" in look.next and "confirmed=true" not in look.next
    choice = await house.service.plan(job)
    assert choice.is_choice and "dear, cheap" in choice.text
    assert (await house.service.start_job(job, agreed=choice)).status == "review"
    plan = await house.service.plan(job, variant="dear")
    assert "variant 'dear'" in plan.text and "sonnet" in plan.text and 'variant="dear", confirmed=true' in plan.how
    quoted = {v.name: v.quote.budget_usd for v in look.pilot.variants.variants}
    assert f"${quoted['dear']:.2f}" in plan.text and quoted["dear"] != quoted["cheap"]
    await house.service.start_job(job, variant="dear", agreed=plan)
    ended = await house.ended(job)
    assert (ended.model, ended.spending.budget_usd) == ("sonnet", quoted["dear"])


@pytest.mark.script.with_args(speak)
async def test_a_yes_to_one_plan_is_none_to_what_it_became(house):
    job = (await house.create("Count {{ word }}", WORDS, model="haiku")).job_id
    await house.service.start_job(job)
    await house.reviewed(job)
    agreed = await house.service.plan(job)
    await house.service.update_job(job, instructions="Spell {{ word }}", options=JobOptions(model="opus"))
    await house.reviewed(job)
    told = await house.service.start_job(job, agreed=agreed)
    assert told.status == "review" and "changed since you agreed" in told.message and "opus" in told.message
    again = await house.service.plan(job)
    await house.service.control_job(job, "set", budget_usd=77)
    assert (await house.service.start_job(job, agreed=again)).status == "review"
    assert (await house.service.start_job(job, agreed=await house.service.plan(job))).status == "running"


@pytest.mark.script.with_args(speak)
async def test_settings_of_the_job_are_no_variants(house):
    job = (await house.create("Count {{ word }}", WORDS, model="haiku")).job_id
    tried = [Variant(name="a", options=JobOptions(budget_usd=700)), Variant(name="b")]
    with pytest.raises(InvalidJob, match=r"budget_usd.*control_job"):
        await house.service.start_job(job, variants=tried)
    with pytest.raises(InvalidJob, match="a name of its own"):
        await house.service.start_job(job, variants=[Variant(name="a"), Variant(name="a")])
    assert (await house.service.get_status(job)).status == "ready" and not house.model.calls


@pytest.mark.script.with_args(speak)
async def test_the_same_description_is_the_same_job_whatever_became_of_it(house):
    spec = JobSpec(
        name="once",
        instructions="Count {{ word }}",
        enumerator=WORDS,
        options=JobOptions(model="haiku"),
        idempotency_key="k",
    )
    job = (await house.service.create_job(spec)).job_id
    await house.service.start_job(job)
    await house.reviewed(job)
    await house.service.start_job(job, confirmed=True)
    assert (await house.service.create_job(spec)).job_id == job
    with pytest.raises(InvalidJob, match=f"job {job} has it with another description"):
        await house.service.create_job(spec.model_copy(update={"instructions": "Spell {{ word }}"}))


@pytest.mark.script.with_args(slowly_at_first)
async def test_a_killed_supervisor_leaves_a_pilot_that_goes_on(house):
    job = (await house.create("Spell and Count {{ word }}", WORDS, model="rehearsal")).job_id
    await house.service.start_job(job)
    pid = (await wait_until(house.launcher.hello, "the supervisor answers", 10))["pid"]
    who = processes.identity(pid)
    os.kill(pid, signal.SIGKILL)
    await wait_until(lambda: not processes.is_alive(who), "it is dead", 5)
    look = await house.reviewed(job)
    assert look.counts["succeeded"] == 3 and look.counts["pending"] == 9


@pytest.mark.script.with_args(speak)
async def test_all_of_it_at_once_needs_somebody_who_says_so(house):
    job = (await house.create("Count {{ word }}", WORDS)).job_id
    asked = await house.service.start_job(job, skip_pilot=True)
    assert asked.status == "ready" and "skip_pilot=true, confirmed=true" in asked.message and "$5.00" in asked.message
    assert not house.model.calls


@pytest.mark.script.with_args(speak)
async def test_a_cancelled_review_comes_back_as_a_review_and_not_as_an_approval(house):
    job = (await house.create("Count {{ word }}", WORDS, model="haiku")).job_id
    await house.service.start_job(job)
    keys = (await house.reviewed(job)).pilot.keys
    await house.service.cancel_job(job)
    await wait_until(lambda: _counts(house, job, "cancelled", 9), "the rest is cancelled", 10)
    with pytest.raises(WrongStatus, match="described anew"):
        await house.service.update_job(job, instructions="Spell {{ word }}")
    await house.service.retry_units(job, status="cancelled")
    look = await house.reviewed(job)
    assert look.counts["pending"] == 9 and len(house.model.calls) == 3
    await house.service.retry_units(job, keys=keys[:1])
    await wait_until(lambda: len(house.model.calls) == 4, "the one unit ran again", 20)
    assert (await house.reviewed(job)).counts["succeeded"] == 3


async def _counts(house, job, status, n):
    return (await house.service.get_status(job)).counts[status] == n


@pytest.mark.script.with_args(speak)
async def test_a_change_that_cannot_work_changes_nothing(house):
    job = (await house.create("Count {{ word }}", WORDS, model="haiku")).job_id
    await house.service.start_job(job)
    before = await house.reviewed(job)
    with pytest.raises(UnknownField, match=r"vendor.*the items have: n, word"):
        await house.service.update_job(job, instructions="Greet {{ vendor }}")
    with pytest.raises(InvalidJob, match="line 1"):
        await house.service.update_job(job, instructions="Greet {{ word")
    with pytest.raises(InvalidJob, match="pilot_units"):
        await house.service.update_job(job, options=JobOptions(pilot_units=9))
    with pytest.raises(InvalidJob, match="working_directory"):
        await house.service.update_job(job, options=JobOptions(working_directory="/nowhere"))
    with pytest.raises(InvalidJob, match="name what to change"):
        await house.service.update_job(job)
    after = await house.service.get_status(job)
    assert (after.status, after.pilot) == (before.status, before.pilot)
    await house.service.cancel_job(job)
    with pytest.raises(WrongStatus, match="create the job again"):
        await house.service.update_job(job, instructions="Spell {{ word }}")


@pytest.mark.script.with_args(slowly_at_first)
async def test_a_pilot_is_paused_and_goes_on_as_a_pilot(house):
    job = (await house.create("Count {{ word }}", WORDS, budget_usd=50)).job_id
    await house.service.start_job(job)
    await wait_until(lambda: house.model.in_flight >= 1, "the pilot runs", 20)
    paused = await house.service.control_job(job, "pause", drain=False)
    assert (paused.status, paused.reason) == ("paused", "user")
    await wait_until(lambda: _counts(house, job, "running", 0), "its units are back", 15)
    await house.service.update_job(job, instructions="Spell {{ word }}")
    look = await house.reviewed(job)
    assert look.counts == {**look.counts, "succeeded": 3, "pending": 9}


async def test_a_pilot_of_a_job_with_few_units_is_all_of_it_and_still_asks(house):
    two = {"type": "list", "items": ["a", "b"]}
    job = (await house.create("Say {{ value }}", two)).job_id
    await house.service.start_job(job)
    assert (await house.reviewed(job)).counts["succeeded"] == 2
    assert (await house.service.start_job(job, confirmed=True)).status == "completed"


ASKED = [(answer, era) for answer in ("accept", "decline", "cancel", None) for era in ("2026-07-28", "legacy")]


@pytest.mark.parametrize(
    ("answer", "era"),
    [*ASKED[:1], ASKED[3], *(pytest.param(*one, marks=pytest.mark.long) for one in [*ASKED[1:3], *ASKED[4:]])],
)
@pytest.mark.script.with_args(speak)
async def test_a_client_that_can_ask_shows_the_plan_and_any_other_gets_it_in_words(house, era, answer):
    reply, asked = person(answer)
    async with connect(house, era, reply) as client:
        made = await call(client, "create_job", name="n", instructions="Count {{ word }}", enumerator=WORDS)
        job = {"job_id": made["job_id"]}
        assert (await call(client, "start_job", **job))["status"] == "pilot" and not asked
        await house.reviewed(made["job_id"])
        started = await call(client, "start_job", **job)
    assert len(asked) == (answer is not None)
    if answer is not None:
        assert "may this run?" in asked[0] and "9 units" in asked[0] and "budget" in asked[0]
    if answer == "accept":
        assert started["status"] == "running"
    else:
        assert started["status"] == "review"
        assert "confirmed=true" in started["message"] and "9 units" in started["message"]


async def test_two_who_approve_at_once_start_it_once(house):
    job = (await house.create("Count {{ word }}", WORDS, model="rehearsal")).job_id
    await house.service.start_job(job)
    await house.reviewed(job)
    both = [house.service.start_job(job, confirmed=True) for _ in range(2)]
    assert {one.status for one in await asyncio.gather(*both)} <= {"running", "completed"}
    assert (await house.ended(job)).counts["succeeded"] == 12
    units = [await house.service.get_unit(job, str(n)) for n in range(1, 13)]
    assert {len(unit.attempts) for unit in units} == {1}


async def test_the_pilot_is_spread_over_the_source_at_any_size(store, make_job):
    job = await make_job(5_000)
    found = await store.read(pilots.candidates, job.number, most=1_000)
    numbers = [one.number for one in found]
    assert len(numbers) == 1_000 and numbers == sorted(set(numbers))
    assert numbers[0] <= 5 and numbers[-1] >= 4_990
    assert (await store.read(jobs.by_number, job.number)).trial == 0
