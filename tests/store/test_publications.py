"""Whose a file is, what was promised, and that it is kept once: on the real store."""

from dataclasses import replace

import pytest

from batchproc.errors import TakenOver
from batchproc.models import Credential, Hold, Order, Pause, PromisedFile, Report, Settlement, Tokens, UnitStatus
from batchproc.models.runs import Cause
from batchproc.store import attempts, claims, control, events, jobs, publications, retention, units
from batchproc.store.publications import Taken
from tests.store.test_pilots import House
from tests.store.test_units import NOW, done, take_over

BASE = "/data/out"
ME = Order(by="a test")


@pytest.fixture
async def running(store, make_job):
    """A job with three units that run: the store, the job, and they."""
    job = await make_job(3)
    epoch = await take_over(store)
    await store.write(jobs.start, job.number, credential=Credential.LOGIN, now=NOW)
    claim = await store.write(claims.claim, job.number, epoch=epoch, limit=3, now=NOW)
    return store, job, claim.units


async def take(store, job, unit, *paths, base=BASE):
    return await store.write(publications.claim, job.number, unit.fence.unit, base, paths)


def files(*paths, sha="h1"):
    return tuple(PromisedFile(path=path, staged=str(n), sha256=f"{sha}{n}") for n, path in enumerate(paths))


async def promise(store, unit, *paths, end=None, sha="h1"):
    return await store.write(publications.promise, unit.fence, BASE, files(*paths, sha=sha), end or done(), now=NOW)


async def publish(store, job, unit, *paths, sha="h1"):
    await take(store, job, unit, *paths)
    assert await promise(store, unit, *paths, sha=sha)
    return await store.write(publications.settle, unit.fence, done(), now=NOW)


async def again(store, job, epoch=1):
    """The unit u1 is asked for once more and claimed."""
    await store.write(lambda tx: tx.execute(PUT_BACK).rowcount)
    return (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=NOW)).units[0]


PUT_BACK = """
UPDATE units SET status = 'pending', requests = requests + 1, finished_at = NULL, text = NULL WHERE key = 'u1'
"""


async def test_two_units_cannot_have_one_place(running):
    store, job, (one, two, _) = running
    await take(store, job, one, "a.md")
    with pytest.raises(Taken, match="a file of the unit 'u1' already"):
        await take(store, job, two, "b.md", "a.md")
    assert [found.path for found in await take(store, job, two, "b.md")] == ["b.md"]


@pytest.mark.parametrize(("first", "second"), [("a", "a/b/c"), ("a/b/c", "a/b"), ("a/b", "a")])
async def test_a_file_of_one_unit_is_no_folder_of_another(running, first, second):
    store, job, (one, two, _) = running
    await take(store, job, one, first)
    with pytest.raises(Taken, match="folder"):
        await take(store, job, two, second)


async def test_names_that_only_begin_alike_are_no_folders_of_each_other(running):
    store, job, (one, two, three) = running
    await take(store, job, one, "a")
    await take(store, job, two, "a.md", "a0", "a b/c")
    await take(store, job, three, "ab/c")


async def test_a_place_that_differs_in_case_or_spelling_is_told(running):
    store, job, (one, two, _) = running
    await take(store, job, one, "É/A.md")
    [found] = await take(store, job, two, "e\u0301/a.MD")
    assert found.twins == [f"{BASE}/É/A.md"]


async def test_a_claim_ends_with_its_attempt_and_a_published_place_stays(running):
    store, job, (one, two, _) = running
    await take(store, job, one, "a.md")
    failed = Settlement(status=UnitStatus.PENDING, outcome="failed", reason="backoff", due_at=NOW + 9)
    await store.write(attempts.settle, one.fence, failed, now=NOW)
    assert await publish(store, job, two, "a.md")
    assert await store.read(publications.of_units, [one.fence.unit, two.fence.unit]) == {
        one.fence.unit: [],
        two.fence.unit: [f"{BASE}/a.md"],
    }
    assert (await store.read(units.by_key, job.number, "u2")).status == "succeeded"


async def test_a_unit_is_told_what_it_published_there_before(running):
    store, job, (one, *_) = running
    await publish(store, job, one, "a.md", "b.md")
    unit = await again(store, job)
    found = await take(store, job, unit, "b.md", "c.md")
    assert [(place.path, place.replaces) for place in found] == [("b.md", "h11"), ("c.md", None)]
    assert await promise(store, unit, "b.md", "c.md", sha="h2")
    await store.write(publications.settle, unit.fence, done(), now=NOW)
    assert await store.read(publications.of_units, [unit.fence.unit]) == {
        unit.fence.unit: [f"{BASE}/{name}.md" for name in "abc"]
    }


async def test_an_output_folder_at_the_root_has_plain_paths(running):
    store, job, (one, *_) = running
    await take(store, job, one, "a.md", base="/")
    assert await store.read(lambda tx: [row[0] for row in tx.execute("SELECT path FROM publications")]) == ["/a.md"]


async def test_the_end_and_what_was_published_are_told_in_one_transaction(running):
    store, job, (one, *_) = running
    await publish(store, job, one, "a.md")
    told = await store.read(events.tail_of_unit, one.fence.unit, limit=2)
    assert [event.kind for event in told] == ["unit.published", "unit.succeeded"]
    assert told[0].data == {"files": [{"path": f"{BASE}/a.md", "sha256": "h10"}]}
    assert await store.read(publications.promised, one.fence) is None


async def test_a_promise_is_read_back_as_it_was_given(running):
    store, job, (one, *_) = running
    report = Report(ended="result", text="é", tokens=Tokens(input=3), denied_tools=("X",), api_retries=((None, "x"),))
    hold = Hold(reason=Pause.BREAKER, detail="d")
    end = replace(done(), report=report, hold=hold, cause=Cause.CHECK, output={"a": [1, None]}, input="i")
    await take(store, job, one, "a.md")
    assert await promise(store, one, "a.md", end=end)
    found = await store.read(publications.promised, one.fence)
    assert (found.end, found.files, found.base, found.job_id) == (end, files("a.md"), BASE, job.job_id)


@pytest.mark.parametrize("stale", [{"attempt": 2}, {"epoch": 7}])
async def test_whoever_has_no_licence_promises_and_publishes_nothing(running, stale):
    store, job, (one, *_) = running
    await take(store, job, one, "a.md")
    late = replace(one, fence=replace(one.fence, **stale))
    assert not await promise(store, late, "a.md")
    assert await promise(store, one, "a.md")
    assert not await store.write(publications.settle, late.fence, done(), now=NOW)
    assert (await store.read(units.by_key, job.number, "u1")).status == "running"


async def test_a_supervisor_that_was_taken_over_promises_nothing(running):
    store, job, (one, *_) = running
    await take(store, job, one, "a.md")
    await take_over(store)
    assert not await promise(store, one, "a.md")


@pytest.mark.parametrize("what", ["unit", "job"])
async def test_what_is_to_be_cancelled_is_not_promised(running, what):
    store, job, (one, *_) = running
    await take(store, job, one, "a.md")
    await (
        store.write(control.cancel_keys, job.number, ["u1"], ME, now=NOW)
        if what == "unit"
        else store.write(control.cancel, job.number, ME, now=NOW)
    )
    assert not await promise(store, one, "a.md")


async def test_what_was_promised_is_done_although_it_is_cancelled_then(running):
    store, job, (one, *_) = running
    await take(store, job, one, "a.md")
    assert await promise(store, one, "a.md")
    await store.write(control.cancel, job.number, ME, now=NOW)
    assert await store.write(publications.settle, one.fence, done(), now=NOW)
    assert (await store.read(units.by_key, job.number, "u1")).status == "succeeded"
    assert await store.read(publications.of_units, [one.fence.unit]) == {one.fence.unit: [f"{BASE}/a.md"]}


async def test_a_promise_that_cannot_be_kept_ends_with_its_unit_and_publishes_nothing(running):
    store, job, (one, two, _) = running
    await take(store, job, one, "a.md")
    assert await promise(store, one, "a.md")
    flagged = Settlement(status=UnitStatus.FLAGGED, outcome="flagged", error="in the way", signature="in the way")
    assert await store.write(publications.settle, one.fence, flagged, now=NOW)
    assert await store.read(publications.of_units, [one.fence.unit]) == {one.fence.unit: []}
    assert await store.read(lambda tx: tx.execute("SELECT COUNT(*) FROM promises").fetchone()[0]) == 0
    await take(store, job, two, "a.md")


async def test_the_next_supervisor_keeps_the_promise_in_its_own_name(running):
    store, job, (one, *_) = running
    await take(store, job, one, "a.md")
    assert await promise(store, one, "a.md")
    epoch = await take_over(store)
    with pytest.raises(TakenOver):
        await store.write(publications.rescue, one.fence, done(), epoch=epoch - 1, now=NOW)
    assert await store.write(publications.rescue, one.fence, done(), epoch=epoch, now=NOW)
    assert not await store.write(publications.rescue, one.fence, done(), epoch=epoch, now=NOW)
    kinds = [event.kind for event in await store.read(events.tail_of_unit, one.fence.unit, limit=9)]
    assert kinds == ["unit.claimed", "unit.published", "unit.succeeded"]


async def test_where_files_may_wait_is_known_until_nothing_of_the_job_runs(running):
    store, job, (one, two, three) = running
    await take(store, job, one, "a.md")
    assert await store.read(publications.stagings) == [(job.number, job.job_id, BASE)]
    assert await store.read(publications.working, job.number) == {(u.fence.unit, 1) for u in (one, two, three)}
    await store.write(publications.forget_staging, job.number, BASE)
    assert await store.read(publications.stagings, job.number)
    for unit in (one, two, three):
        await store.write(attempts.settle, unit.fence, done(), now=NOW)
    await store.write(publications.forget_staging, job.number, BASE)
    assert await store.read(publications.stagings) == []


async def test_a_job_that_is_deleted_takes_its_rows_along_and_not_what_waits(running):
    store, job, rest = running
    await publish(store, job, rest[0], "a.md")
    for unit in rest[1:]:
        await store.write(attempts.settle, unit.fence, done(), now=NOW)
    await store.write(retention.mark_deleted, job, now=NOW)
    while await store.write(retention.erase_some, job.number):
        pass
    assert await store.read(lambda tx: tx.execute("SELECT COUNT(*) FROM publications").fetchone()[0]) == 0
    assert await store.read(publications.stagings) == [(job.number, job.job_id, BASE)]


# In a pilot.


@pytest.fixture
async def house(store, make_job):
    return House(store, await make_job(6), await take_over(store))


async def test_an_attempt_under_an_older_description_is_not_promised(house):
    await house.begin("first")
    unit = (await house.claim())[0]
    await take(house.store, house.job, unit, "a.md")
    await house.begin("second")
    assert not await promise(house.store, unit, "a.md")


async def test_what_was_promised_before_the_description_changed_lies_there_and_is_run_again(house):
    await house.begin("first")
    unit = (await house.claim())[0]
    await take(house.store, house.job, unit, "a.md")
    assert await promise(house.store, unit, "a.md")
    await house.begin("second")
    assert await house.store.write(publications.settle, unit.fence, done(), now=NOW)
    assert (await house.store.read(units.by_key, house.job.number, unit.key)).status == "pending"
    mine = next(one for one in await house.claim() if one.key == unit.key)
    [place] = await take(house.store, house.job, mine, "a.md")
    assert place.replaces == "h10"


async def test_a_chosen_variant_whose_files_another_has_replaced_runs_again(house):
    await house.begin("first", "second")
    for sha in ("f", "s"):
        for unit in await house.claim():
            await publish(house.store, house.job, unit, f"{unit.key}.md", sha=sha)
    assert (await house.look())[0] == "review"
    assert await house.approve(trial=1)
    assert await house.look() == ("running", {"pending": 6})
    [first, *_] = await house.claim()
    assert (await take(house.store, house.job, first, f"{first.key}.md"))[0].replaces == "s0"


async def test_a_chosen_variant_whose_files_lie_there_is_left_as_it_is(house):
    await house.begin("first", "second")
    for sha in ("f", "s"):
        for unit in await house.claim():
            await publish(house.store, house.job, unit, f"{unit.key}.md", sha=sha)
    assert await house.approve(trial=2)
    assert await house.look() == ("running", {"pending": 3, "succeeded": 3})


async def test_a_job_with_more_files_than_one_step_removes_is_deleted(store, make_job, monkeypatch):
    """The files come in another order than their units."""
    monkeypatch.setattr(retention, "ROWS", 2)
    monkeypatch.setattr(retention, "STEP_S", 0.0)
    job = await make_job(6)

    def publish_backwards(tx):
        for (number,) in [tuple(row) for row in tx.execute("SELECT number FROM units").fetchall()]:
            path = f"/o/{9 - number}"
            values = (job.number, path, path, number)
            tx.execute("INSERT INTO publications VALUES (?, ?, ?, ?, 1, 'x', 1.0)", values)

    await store.write(publish_backwards)
    await store.write(control.cancel, job.number, ME, now=NOW)
    await store.write(retention.mark_deleted, job, now=NOW)
    while await store.write(retention.erase_some, job.number):
        pass
    assert await store.read(lambda tx: tx.execute("SELECT COUNT(*) FROM jobs").fetchone()[0]) == 0
