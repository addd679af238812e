"""A job that has run is changed: what was judged runs first; the rest keeps its answers until that is approved."""

from dataclasses import replace

import pytest

from batchproc import present_pilot, staleness
from batchproc.models import Credential, Hold, Order, Pause, UnitStatus
from batchproc.store import attempts, backlog, claims, control, jobs, pilots, revisions, status, trials
from tests.store.test_units import NOW, done, take_over

ME = Order(by="a test")
PAID = {"credential": Credential.LOGIN, "order": ME, "now": NOW}
JUDGE = "INSERT INTO verdicts (unit, job, verdict, judged_by, judged_at, status) VALUES (?, ?, 'accept', 'me', ?, ?)"


class House:
    """A job of six units that has run; its answers say what it was told to do."""

    def __init__(self, store, job, epoch):
        self.store, self.job, self.epoch = store, job, epoch

    async def now(self):
        return await self.store.read(jobs.by_number, self.job.number)

    async def claim(self, limit=9):
        return (await self.store.write(claims.claim, self.job.number, epoch=self.epoch, limit=limit, now=NOW)).units

    async def run(self):
        """Whatever may run says what the job says now, and leaves the fingerprint of that."""
        job = await self.now()
        known, ran = staleness.Fingerprints(job), await self.claim()
        for unit in ran:
            digest = staleness.input_of(unit.key, unit.payload, None)
            end = replace(
                done(job.instructions), input=digest, fingerprint=known.of(unit.key, unit.payload, input=digest)
            )
            assert await self.store.write(attempts.settle, unit.fence, end, now=NOW)
        return [unit.key for unit in ran]

    async def judge(self, *keys):
        def write(tx):
            for key in keys:
                number = tx.execute("SELECT number FROM units WHERE key = ?", (key,)).fetchone()[0]
                tx.execute(JUDGE, (number, self.job.number, NOW, UnitStatus.SUCCEEDED))

        await self.store.write(write)

    async def revise(self, instructions, seen=None):
        job = seen or await self.now()
        new = pilots.Description(instructions=instructions, options=job.options)
        units = await self.store.read(revisions.units_to_try, job.number, most=4)
        return await self.store.write(revisions.begin, job, new, units=units, **PAID)

    async def approve(self, trial=None):
        job = await self.now()
        tried = {one.n: one for one in await self.store.read(trials.trials, job.number)}
        return await self.store.write(trials.approve, job, tried[trial or job.trial], job.options, None, **PAID)

    async def try_again(self, instructions):
        job = await self.now()
        new = pilots.Description(instructions=instructions, options=job.options)
        assert await self.store.write(pilots.begin, job, [new], **PAID)

    async def old_and_new(self):
        look = await self.store.read(status.look, self.job.job_id)
        return {one.key: (one.before and one.before.text, one.text) for one in present_pilot.pilot(look).results}

    async def changed(self):
        found = present_pilot.pilot(await self.store.read(status.look, self.job.job_id)).changed
        return None if found is None else (found.since, [(one.before, one.after) for one in found.differences])

    async def answers(self):
        return await self.store.read(
            lambda tx: [row["text"] for row in tx.execute("SELECT text FROM units ORDER BY number")]
        )

    async def look(self):
        job = await self.now()
        counts = await self.store.read(jobs.ledger, job.number)
        return job.status.value, {status: n for status, n in counts.items() if n}


@pytest.fixture
async def it(store, make_job):
    house = House(store, await make_job(6), await take_over(store))
    job = await house.now()
    assert await store.write(trials.skip, job, **PAID)
    await house.run()
    assert await house.look() == ("completed", {"succeeded": 6})
    return house


async def test_the_gold_set_runs_first_and_all_others_keep_their_answers_until_it_is_approved(it):
    await it.judge("u2", "u5")
    assert await it.revise("do it well")
    assert await it.look() == ("pilot", {"succeeded": 4, "pending": 2})
    assert await it.run() == ["u2", "u5"]
    assert await it.look() == ("review", {"succeeded": 6})
    assert await it.store.read(revisions.run_again, await it.now()) == 4
    assert await it.answers() == ["do", "do it well", "do", "do", "do it well", "do"]
    assert await it.approve()
    assert await it.look() == ("running", {"succeeded": 2, "pending": 4})
    assert await it.run() == ["u1", "u3", "u4", "u6"]
    assert await it.look() == ("completed", {"succeeded": 6}) and await it.answers() == ["do it well"] * 6


async def test_old_is_kept_beside_new(it):
    await it.judge("u2")
    await it.revise("do it well")
    await it.run()
    job = await it.now()
    assert (job.round, job.trial, job.approved_trial) == (2, 2, 1)
    [before] = await it.store.read(trials.results, job.number, 1)
    [after] = await it.store.read(trials.results, job.number, 2)
    assert (before.key, before.text, after.text) == ("u2", "do", "do it well")
    await it.approve()
    await it.run()
    kept = await it.store.read(lambda tx: tx.execute("SELECT text, why FROM earlier_answers").fetchall())
    assert [tuple(row) for row in kept] == [("do", "description")] * 6


async def test_old_is_beside_new_also_where_the_round_before_ran_on_other_units_or_was_given_up(it):
    await it.judge("u2")
    await it.revise("do it well")
    await it.run()
    await it.approve(trial=1)
    await it.judge("u5")
    await it.revise("do it better")
    await it.run()
    assert await it.old_and_new() == {"u2": ("do it well", "do it better"), "u5": ("do", "do it better")}
    await it.try_again("do it best")
    await it.try_again("do it at all")
    await it.run()
    assert await it.old_and_new() == {"u2": ("do it better", "do it at all"), "u5": ("do it better", "do it at all")}


async def test_what_was_changed_is_told_since_the_round_whose_answers_stand_beside(it):
    await it.judge("u2")
    await it.revise("do it well")
    assert await it.changed() == (1, [])
    await it.run()
    assert await it.changed() == (1, [("do", "do it well")])
    await it.try_again("do it best")
    await it.try_again("do it at all")
    await it.run()
    assert (await it.now()).round == 4 and await it.changed() == (2, [("do it well", "do it at all")])
    await it.approve()
    assert await it.changed() is None


async def test_where_the_round_before_came_to_nothing_it_is_still_told_what_was_changed(store, make_job):
    house = House(store, await make_job(6), await take_over(store))
    units = [one.number for one in await store.read(pilots.candidates, house.job.number, most=2)]
    first = pilots.Description(instructions="do it", options=house.job.options)
    assert await store.write(pilots.begin, await house.now(), [first], units=units, **PAID)
    assert await house.changed() is None
    await house.try_again("do it well")
    await house.run()
    assert await house.changed() == (1, [("do it", "do it well")])
    assert {before for before, _ in (await house.old_and_new()).values()} == {None}


async def test_beside_a_change_stands_the_variant_that_was_approved_and_beside_variants_nothing(it):
    job = await it.now()
    tried = [pilots.Description(instructions=f"{n}", options=job.options, variant=n) for n in ("one", "two")]
    await it.judge("u2")
    await it.revise("do it well")
    await it.run()
    assert await it.store.write(pilots.begin, await it.now(), tried, **PAID)
    await it.run()
    await it.run()
    assert (await it.now()).status == "review" and await it.changed() is None
    [one] = [t.n for t in await it.store.read(trials.trials, job.number) if t.variant == "one"]
    assert await it.approve(trial=one)
    await it.run()
    await it.revise("three")
    await it.run()
    assert await it.changed() == (3, [("one", "three")])
    assert await it.old_and_new() == {"u2": ("one", "three")}


async def test_a_change_that_is_taken_back_leaves_everything_as_it_was_and_runs_nothing(it):
    await it.judge("u2", "u5")
    before = await it.store.read(lambda tx: [tuple(r) for r in tx.execute("SELECT key, text, fingerprint FROM units")])
    await it.revise("do it well")
    await it.run()
    assert await it.approve(trial=1)
    assert await it.look() == ("completed", {"succeeded": 6}) and await it.claim() == []
    after = await it.store.read(lambda tx: [tuple(r) for r in tx.execute("SELECT key, text, fingerprint FROM units")])
    assert before == after and (await it.now()).instructions == "do"


async def test_answers_of_an_older_batchproc_are_not_run_again_when_a_change_is_taken_back(it):
    await it.store.write(lambda tx: tx.execute("UPDATE units SET fingerprint = NULL, input = NULL").rowcount)
    await it.judge("u2")
    await it.revise("do it well")
    await it.run()
    assert await it.approve(trial=1)
    assert await it.look() == ("completed", {"succeeded": 6})


async def test_what_has_no_fingerprint_is_run_again_when_a_change_is_approved(it):
    await it.store.write(lambda tx: tx.execute("UPDATE units SET fingerprint = NULL, input = NULL").rowcount)
    await it.judge("u2")
    await it.revise("do it well")
    await it.run()
    await it.approve()
    assert await it.run() == ["u1", "u3", "u4", "u5", "u6"]


async def test_units_whose_prompt_stays_as_it_is_are_not_run_again(it):
    """The same words for the value 1, which all units have but one."""
    await it.judge("u2")
    both = "{% if value == 1 %}do{% else %}leave{% endif %} {{ value }}"
    await it.revise(both)
    await it.run()
    await it.approve()
    await it.run()
    await it.store.write(lambda tx: tx.execute("UPDATE units SET payload = '{\"value\":2}' WHERE key = 'u4'").rowcount)
    await it.store.write(_as_if_run, await it.now(), "u4")
    assert await it.revise(both.replace("leave", "drop"))
    assert await it.run() == ["u2"]
    await it.approve()
    assert await it.run() == ["u4"] and await it.look() == ("completed", {"succeeded": 6})


def _as_if_run(tx, job, key):
    digest = staleness.input_of(key, {"value": 2}, None)
    known = staleness.Fingerprints(job).of(key, {"value": 2}, input=digest)
    tx.execute("UPDATE units SET input = ?, fingerprint = ? WHERE key = ?", (digest, known, key))


async def test_a_second_change_in_review_tries_the_same_units_and_the_first_description_is_still_the_way_back(it):
    await it.judge("u2")
    await it.revise("do it well")
    await it.run()
    job = await it.now()
    new = pilots.Description(instructions="do it better", options=job.options)
    assert await it.store.write(pilots.begin, job, [new], **PAID)
    assert await it.run() == ["u2"]
    job = await it.now()
    assert (job.round, job.trial, job.approved_trial) == (3, 3, 1)
    assert await it.approve(trial=1)
    assert await it.look() == ("completed", {"succeeded": 6}) and await it.answers() == ["do"] * 6


async def test_letting_it_all_run_without_a_review_runs_what_is_stale_as_well(it):
    await it.judge("u2")
    await it.revise("do it well")
    assert await it.store.write(trials.skip, await it.now(), **PAID)
    assert sorted(await it.run()) == ["u1", "u2", "u3", "u4", "u5", "u6"]
    assert await it.answers() == ["do it well"] * 6 and (await it.now()).approved_trial is None


async def test_without_verdicts_the_units_of_the_pilot_run_first(store, make_job):
    house = House(store, await make_job(6), await take_over(store))
    job = await house.now()
    first = pilots.Description(instructions="do", options=job.options)
    assert await store.write(pilots.begin, job, [first], units=[1, 4], **PAID)
    await house.run()
    await house.approve()
    await house.run()
    assert await house.revise("do it well") and await house.run() == ["u1", "u4"]


async def test_the_newest_verdicts_make_the_gold_set_and_nobody_runs_what_was_cancelled_or_is_gone(it):
    await it.judge("u1", "u2", "u3", "u4", "u5", "u6")
    await it.store.write(lambda tx: tx.execute("UPDATE verdicts SET judged_at = judged_at + unit").rowcount)
    await it.store.write(lambda tx: tx.execute("UPDATE units SET gone = 2 WHERE key = 'u6'").rowcount)
    assert await it.store.read(revisions.units_to_try, it.job.number, most=4) == [2, 3, 4, 5]


async def test_nothing_is_changed_while_something_of_it_runs(it):
    await it.judge("u2")
    await it.store.write(backlog.ask_again, it.job, backlog.Selection(keys=["u3"]), PAID_AGAIN, ME, now=NOW)
    [unit] = await it.claim()
    await it.store.write(control.hold, it.job.number, ME, release=False, now=NOW)
    assert not await it.revise("do it well")
    assert await it.store.write(attempts.settle, unit.fence, done(), now=NOW)
    assert await it.revise("do it well")


async def test_a_paused_job_may_be_changed_and_its_pending_units_wait_with_the_rest(it):
    await it.judge("u2")
    await it.store.write(backlog.ask_again, it.job, backlog.Selection(keys=["u3", "u4"]), PAID_AGAIN, ME, now=NOW)
    await it.store.write(jobs.pause, it.job.number, Hold(reason=Pause.BUDGET), now=NOW)
    assert await it.revise("do it well") and await it.run() == ["u2"]
    assert await it.look() == ("review", {"succeeded": 4, "pending": 2})
    assert await it.store.read(revisions.run_again, await it.now()) == 3
    await it.approve()
    assert sorted(await it.run()) == ["u1", "u3", "u4", "u5", "u6"]


async def test_what_had_no_answer_before_a_change_runs_again_when_that_is_taken_back(it):
    await it.judge("u2", "u3")
    await it.store.write(backlog.ask_again, it.job, backlog.Selection(keys=["u3"]), PAID_AGAIN, ME, now=NOW)
    await it.store.write(jobs.pause, it.job.number, Hold(reason=Pause.BUDGET), now=NOW)
    assert await it.revise("do it well") and await it.run() == ["u2", "u3"]
    assert await it.approve(trial=1)
    assert await it.run() == ["u3"] and await it.answers() == ["do"] * 6


async def test_whoever_saw_an_older_state_changes_nothing(it):
    seen = await it.now()
    await it.judge("u2")
    await it.revise("do it well")
    assert not await it.revise("do it badly", seen=seen)
    assert (await it.now()).instructions == "do it well"


PAID_AGAIN = backlog.Again(credential=Credential.LOGIN)


async def test_a_change_that_came_too_late_leaves_nothing_behind(it):
    seen = await it.now()
    again = backlog.Again(credential=Credential.LOGIN)
    await it.store.write(backlog.ask_again, seen, backlog.Selection(keys=["u1"]), again, ME, now=NOW)
    assert not await it.revise("do it well", seen=seen)
    for table in ("trials", "trial_results", "earlier_answers"):
        found = await it.store.read(lambda tx, table=table: tx.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])
        assert found == 0, table
    await it.run()
    assert await it.revise("do it well"), "it can still be changed afterwards"


async def test_whoever_goes_on_with_a_job_does_not_approve_of_a_change_that_he_has_not_seen(it):
    """He saw it paused and approved; it is described anew before he lets it go on."""
    await it.judge("u2")
    await it.revise("do it well")
    assert not await it.store.write(trials.go_on, it.job.number, **PAID)
    assert (await it.now()).approved_at is None and await it.look() == ("pilot", {"succeeded": 5, "pending": 1})
