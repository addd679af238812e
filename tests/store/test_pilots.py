"""A few units run first, under what is tried; what is stale does not count, and what a person wants holds."""

from dataclasses import replace

from batchproc.budget import Reservation
from batchproc.models import Cause, Credential, Hold, Order, Pause, Settlement, UnitStatus
from batchproc.store import attempts, backlog, claims, control, events, jobs, pilots, retention, trials
from tests.store.test_units import NOW, done, take_over

ME = Order(by="a test")
PAID = backlog.Again(credential=Credential.LOGIN)


class House:
    """A job of six units; the first three are its pilot's."""

    def __init__(self, store, job, epoch):
        self.store, self.job, self.epoch = store, job, epoch

    async def now(self):
        return await self.store.read(jobs.by_number, self.job.number)

    async def begin(self, *names, options=None):
        job = await self.now()
        tried = [
            pilots.Description(instructions=name, options=options or job.options, variant=name if names[1:] else None)
            for name in names or ("do",)
        ]
        first = await self.store.read(lambda tx: [row["number"] for row in tx.execute("SELECT number FROM units")][:3])
        paid = {"credential": Credential.LOGIN, "order": ME, "now": NOW}
        return await self.store.write(pilots.begin, job, tried, units=() if job.trial else first, **paid)

    async def claim(self, limit=9):
        return (await self.store.write(claims.claim, self.job.number, epoch=self.epoch, limit=limit, now=NOW)).units

    async def settle(self, unit, end=None):
        return await self.store.write(attempts.settle, unit.fence, end or done(), now=NOW)

    async def run(self, say=None):
        for unit in await self.claim():
            await self.settle(unit, done(say) if say else None)

    async def cancel(self, *keys):
        if keys:
            return await self.store.write(control.cancel_keys, self.job.number, keys, ME, now=NOW)
        return await self.store.write(control.cancel, self.job.number, ME, now=NOW)

    async def ask_again(self, how=PAID, **which):
        await self.store.write(backlog.ask_again, self.job, backlog.Selection(**which), how, ME, now=NOW)

    async def approve(self, trial=None, seen=None):
        job = seen or await self.now()
        tried = {one.n: one for one in await self.store.read(trials.trials, job.number)}
        paid = {"credential": Credential.LOGIN, "order": ME, "now": NOW}
        return await self.store.write(trials.approve, job, tried[trial or job.trial], job.options, None, **paid)

    async def look(self):
        job = await self.now()
        counts = await self.store.read(jobs.ledger, job.number)
        return job.status.value, {status: n for status, n in counts.items() if n}

    async def units(self, column):
        statement = f"SELECT key, {column} FROM units WHERE pilot = 1 ORDER BY number"
        return await self.store.read(lambda tx: [row[column] for row in tx.execute(statement)])


async def house(store, make_job):
    return House(store, await make_job(6), await take_over(store))


async def test_a_cancelled_unit_stays_cancelled_although_the_job_was_changed_while_it_ran(store, make_job):
    it = await house(store, make_job)
    await it.begin()
    one, *_ = await it.claim()
    await it.begin("otherwise")
    await it.cancel(one.key)
    assert await it.settle(one)
    assert await it.look() == ("pilot", {"running": 2, "pending": 3, "cancelled": 1})


async def test_a_job_that_was_changed_and_then_cancelled_ends_whatever_its_agents_say(store, make_job):
    it = await house(store, make_job)
    await it.begin()
    running = await it.claim()
    await it.begin("otherwise")
    await it.cancel()
    for unit in running:
        assert await it.settle(unit)
    await store.write(backlog.step, now=NOW)
    assert await it.look() == ("cancelled", {"cancelled": 6})


async def test_a_budget_that_was_lowered_holds_for_the_next_variant_too(store, make_job):
    it = await house(store, make_job)
    await it.begin("one", "two")
    await store.write(control.change, it.job, ME, changes={"budget_usd": 0.5, "max_concurrency": 1}, now=NOW)
    await it.run()
    job = await it.now()
    assert (job.trial, job.instructions) == (2, "two")
    assert (job.options.budget_usd, job.options.max_concurrency) == (0.5, 1)


async def test_a_pilot_whose_units_are_all_cancelled_does_not_wait_for_anything(store, make_job):
    it = await house(store, make_job)
    await it.begin("one", "two")
    await it.cancel("u1", "u2", "u3")
    assert await it.look() == ("review", {"pending": 3, "cancelled": 3})
    await it.begin("three")
    assert await it.look() == ("review", {"pending": 3, "cancelled": 3})


async def test_a_cap_on_units_lets_those_of_the_pilot_that_began_go_on(store, make_job):
    it = await house(store, make_job)
    await it.begin(options=replace(it.job.options, max_units=1))
    [one] = await it.claim(1)
    again = Settlement(status=UnitStatus.PENDING, outcome="failed", cause=Cause.SERVER, due_at=NOW)
    await it.settle(one, again)
    assert [unit.key for unit in await it.claim(1)] == [one.key], "a new unit stands before it, and may not start"


async def test_who_looked_before_somebody_else_began_begins_nothing(store, make_job):
    it = await house(store, make_job)
    seen = await it.now()
    await it.begin()
    it.now, now = (lambda: _said(seen)), it.now
    assert not await it.begin()
    assert (await now()).round == 1


async def _said(value):
    return value


async def test_an_approval_of_something_that_was_changed_meanwhile_does_not_count(store, make_job):
    it = await house(store, make_job)
    await it.begin()
    await it.run()
    seen = await it.now()
    await store.write(control.change, it.job, ME, changes={"budget_usd": 0.5}, now=NOW)
    assert not await it.approve(seen=seen)
    assert (await it.now()).options.budget_usd == 0.5 and (await it.look())[0] == "review"


async def test_a_conversation_under_another_description_does_not_go_on(store, make_job):
    it = await house(store, make_job)
    await it.begin("one", "two")
    await it.run("one")
    await it.run("two")
    await it.approve(trial=1)
    assert await it.units("text") == ["one"] * 3
    await it.ask_again(replace(PAID, resume=True), keys=["u1"])
    assert await it.units("resumes") == [1, None, None]


async def test_a_unit_that_was_asked_for_again_runs_under_the_variant_that_was_chosen(store, make_job):
    it = await house(store, make_job)
    await it.begin("one", "two")
    await it.cancel("u1")
    await it.run("one")
    await it.run("two")
    await it.ask_again(keys=["u1"])
    await it.run("two")
    assert (await it.look())[0] == "review" and await it.units("text") == ["two"] * 3
    await it.approve(trial=1)
    assert await it.units("text") == [None, "one", "one"]
    assert await it.look() == ("running", {"pending": 4, "succeeded": 2})
    await it.run("one")
    assert await it.look() == ("completed", {"succeeded": 6})


async def test_a_pause_that_an_older_description_brought_about_does_not_hold_the_new_one(store, make_job):
    it = await house(store, make_job)
    await it.begin()
    one, *_ = await it.claim()
    await it.begin("otherwise")
    hold = Hold(reason=Pause.CREDENTIAL, detail="401")
    end = Settlement(status=UnitStatus.PENDING, outcome="unrun", charged=False, hold=hold, start=one.start)
    assert await it.settle(one, end)
    assert (await it.look())[0] == "pilot"


async def test_before_an_approval_no_more_is_claimed_than_the_pilot(store, make_job):
    it = await house(store, make_job)
    await it.begin()
    assert [unit.key for unit in await it.claim()] == ["u1", "u2", "u3"]
    reserve = Reservation(options=it.job.options, shared=0, largest_request=0, measured=0)
    more = {"epoch": it.epoch, "limit": 9, "now": NOW, "reserve": reserve}
    assert not (await store.write(claims.claim, it.job.number, **more)).units


async def test_a_job_that_is_being_deleted_is_not_approved(store, make_job):
    it = await house(store, make_job)
    await it.begin()
    await it.run()
    await store.write(retention.mark_deleted, it.job, now=NOW)
    assert not await it.approve()
    assert "job.approved" not in [e.kind for e in await store.read(events.of_job, it.job.number, 0, limit=100)]


async def test_who_goes_on_with_a_pilot_that_came_to_its_end_meanwhile_changes_nothing(store, make_job):
    it = await house(store, make_job)
    await it.begin()
    running = await it.claim()
    await store.write(control.hold, it.job.number, ME, release=False, now=NOW)
    for unit in running:
        await it.settle(unit)
    before = await it.now()
    assert before.status == "review"
    paid = {"credential": Credential.LOGIN, "order": ME, "now": NOW}
    assert not await store.write(pilots.resume, it.job.number, **paid)
    assert await it.now() == before
    kinds = [e.kind for e in await store.read(events.of_job, it.job.number, 0, limit=100)]
    assert kinds.count("job.review") == 1


async def test_a_pilot_that_waits_for_a_budget_goes_on_when_its_description_has_a_higher_one(store, make_job):
    it = await house(store, make_job)
    await it.begin()
    await store.write(jobs.pause, it.job.number, Hold(reason=Pause.BUDGET, detail="spent"), now=NOW)
    seen = await store.read(jobs.by_number, it.job.number)
    more = pilots.Description(instructions=seen.instructions, options=replace(seen.options, budget_usd=50.0))
    assert await store.write(trials.describe, seen, more, ME, now=NOW)
    known = await store.read(jobs.by_number, it.job.number)
    assert (known.status, known.reason, known.options.budget_usd) == ("pilot", None, 50.0)


async def test_a_job_that_never_ran_says_nothing_of_a_start_when_its_units_are_asked_for_again(store, make_job):
    job = await make_job(3)
    await store.write(control.cancel, job.number, ME, now=NOW)
    while await store.write(backlog.step, job=job.number, now=NOW):
        pass
    await store.write(backlog.ask_again, job, backlog.Selection(status="cancelled"), PAID, ME, now=NOW)
    known = await store.read(jobs.by_number, job.number)
    told = [event.kind for event in await store.read(events.of_job, job.number, 0, limit=100)]
    assert (known.status, known.started_at) == ("ready", None) and "job.started" not in told


async def test_what_was_described_anew_since_it_was_looked_at_is_not_claimed(store, make_job):
    it = await house(store, make_job)
    await it.begin()
    seen = await it.now()
    await it.begin()
    more = {"epoch": it.epoch, "limit": 9, "now": NOW}
    assert not (await store.write(claims.claim, seen.number, trial=seen.trial, **more)).units
    assert len((await store.write(claims.claim, seen.number, trial=(await it.now()).trial, **more)).units) == 3


async def test_choosing_an_earlier_variant_tells_what_its_units_are_now(store, make_job):
    it = await house(store, make_job)
    await it.begin("one", "two")
    await it.run()
    for unit in await it.claim():
        await it.settle(unit, replace(done(), status=UnitStatus.FAILED, outcome="failed", signature="x", text=None))
    job = await it.now()
    [chosen] = [one for one in await store.read(trials.trials, job.number) if one.variant == "one"]
    paid = {"credential": Credential.LOGIN, "order": ME, "now": NOW}
    assert await store.write(trials.approve, job, chosen, chosen.options, None, **paid)
    told = [event for event in await store.read(events.of_job, job.number, 0, limit=200) if event.key]
    last = {event.key: (event.kind, event.data.get("status")) for event in told}
    assert {last[key] for key in ("u1", "u2", "u3")} == {("unit.restored", "succeeded")}


async def test_time_in_which_nobody_worked_is_not_a_units_time(store, make_job):
    it = await house(store, make_job)
    await it.begin()
    [lost, *_] = await it.claim()
    epoch = await take_over(store)
    end = Settlement(status=UnitStatus.PENDING, outcome="lost", cause=Cause.WORKER_LOST)
    await store.write(attempts.rescue, lost.fence, end, epoch=epoch, now=NOW + 28_800)
    it.epoch = epoch
    for unit in await it.claim():
        await store.write(attempts.settle, unit.fence, done(), now=NOW + 10)
    for unit in await store.read(attempts.running):
        await store.write(attempts.rescue, unit[0], done(), epoch=epoch, now=NOW + 10)
    [first, *_] = await store.read(trials.results, it.job.number, 1)
    assert first.seconds == 10
