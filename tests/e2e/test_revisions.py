"""What has run is described anew: the gold set first, old beside new, then what is stale: with the real CLI."""

import pytest

from batchproc.agents.rehearsal import Reply
from batchproc.errors import InvalidJob, WrongStatus
from batchproc.models import JobOptions, Tokens, Variant
from batchproc.store import status
from tests.conftest import wait_until

WORDS = {"type": "list", "items": [{"n": str(n), "word": "w" * n} for n in range(1, 9)], "key_field": "n"}


def speak(request):
    return Reply(text=request.prompt[:40], usage=Tokens(input=2_000, output=100))


async def has_run(house):
    job = (await house.create("Count {{ word }}", WORDS, model="haiku")).job_id
    await house.start(job)
    assert (await house.ended(job)).counts["succeeded"] == 8
    return job


async def judge(house, job, *keys):
    for key in keys:
        await house.service.record_verdict(job, key, "accept")


@pytest.mark.script.with_args(speak)
async def test_the_gold_set_runs_first_then_a_person_decides_and_what_is_stale_runs(house):
    job = await has_run(house)
    await judge(house, job, "2", "7")
    changed = await house.service.update_job(job, instructions="Spell {{ word }}", why="not what I meant")
    assert changed.status == "pilot" and "2 units that persons have judged" in changed.message
    look = await house.reviewed(job)
    assert look.pilot.keys == ["2", "7"] and len(house.model.calls) == 10
    for one in look.pilot.results:
        assert one.text.startswith("Spell w") and one.before.text.startswith("Count w")
    untouched = [r for r in await house.results(job) if r.key not in {"2", "7"}]
    assert len(untouched) == 6 and all(r.text.startswith("Count w") for r in untouched)
    assert look.quote.units == 6 and 'variant="before"' in look.next
    plan = await house.service.start_job(job)
    assert "6 units of these ended before the change" in plan.message and len(house.model.calls) == 10
    await house.service.start_job(job, confirmed=True)
    ended = await house.ended(job)
    assert ended.counts["succeeded"] == 8 and len(house.model.calls) == 16
    assert all(r.text.startswith("Spell w") for r in await house.results(job))


@pytest.mark.long
@pytest.mark.script.with_args(speak)
async def test_a_change_can_be_taken_back_and_costs_nothing_more(house):
    job = await has_run(house)
    await judge(house, job, "2")
    before = await house.results(job)
    await house.service.update_job(job, instructions="Spell {{ word }}")
    await house.reviewed(job)
    plan = await house.service.start_job(job, variant="before")
    assert "takes the change back" in plan.message and 'variant="before", confirmed=true' in plan.message
    await house.service.start_job(job, variant="before", confirmed=True)
    ended = await house.ended(job)
    assert ended.status == "completed" and len(house.model.calls) == 9
    after = await house.results(job)
    assert [(r.key, r.text) for r in after] == [(r.key, r.text) for r in before]
    assert (await house.service.get_spec(job)).instructions == "Count {{ word }}"


@pytest.mark.long
@pytest.mark.script.with_args(speak)
async def test_variants_may_be_tried_on_the_gold_set(house):
    job = await has_run(house)
    await judge(house, job, "2")
    await house.service.update_job(job, instructions="Spell {{ word }}")
    await house.reviewed(job)
    tried = [Variant(name=name, instructions=f"{name} {{{{ word }}}}") for name in ("Sing", "Say")]
    with pytest.raises(InvalidJob, match="before"):
        await house.service.start_job(job, variants=[*tried, Variant(name="before")])
    await house.service.start_job(job, variants=tried)
    look = await house.reviewed(job)
    assert {v.name for v in look.pilot.variants.variants} == {"Sing", "Say"}
    await house.service.start_job(job, variant="Sing", confirmed=True)
    await house.ended(job)
    assert all(r.text.startswith("Sing w") for r in await house.results(job))


@pytest.mark.script.with_args(speak)
async def test_what_changes_no_answer_is_changed_at_once_and_what_runs_is_not_changed(house):
    job = await has_run(house)
    said = await house.service.update_job(job, options=JobOptions(max_attempts=2))
    assert said.status == "completed" and len(house.model.calls) == 8
    await house.service.cancel_job(other := (await house.create("Say {{ word }}", WORDS, model="haiku")).job_id)
    with pytest.raises(WrongStatus, match="cancelled"):
        await house.service.update_job(other, instructions="Spell {{ word }}")


@pytest.mark.long
@pytest.mark.script.with_args(speak)
async def test_nobody_has_judged_anything_so_a_few_units_are_chosen(house):
    job = await has_run(house)
    said = await house.service.update_job(job, instructions="Spell {{ word }}")
    assert "3 units of a pilot (nobody has judged any)" in said.message
    look = await house.reviewed(job)
    assert len(look.pilot.keys) == 3 and (await house.service._store.read(status.look, job)).run_again == 5


@pytest.mark.long
@pytest.mark.script.with_args(speak)
async def test_a_change_is_not_cancelled_but_taken_back_even_before_it_was_tried(house, tmp_path):
    job = await has_run(house)
    await judge(house, job, "2", "7")
    before = [(r.key, r.text) for r in await house.results(job)]
    await house.service.update_job(job, instructions="Spell {{ word }}")
    with pytest.raises(WrongStatus, match=r"variant=.before."):
        await house.service.cancel_job(job)
    await house.reviewed(job)
    told = await house.service.query_results(job, "SELECT count(*) FROM results")
    assert "nobody has approved of" in told.message
    with pytest.raises(WrongStatus, match="a change is tried"):
        await house.service.retry_units(job, keys=["1"])
    await house.service.update_job(job, instructions="Sing {{ word }}")
    await house.service.control_job(job, "pause", drain=False)

    async def nothing_runs():
        look = await house.service.get_status(job)
        return look.status in {"paused", "review"} and not look.counts["running"]

    await wait_until(nothing_runs, "nothing of it runs", 20)
    await house.service.start_job(job, variant="before", confirmed=True)
    ended = await house.ended(job)
    assert ended.status == "completed" and [(r.key, r.text) for r in await house.results(job)] == before
