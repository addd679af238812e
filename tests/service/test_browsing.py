"""Pages of jobs and of units: each thing once, in order, at any depth, whatever it is narrowed by."""

import time

import pytest

from batchproc.errors import InvalidJob, NotFound
from batchproc.models import Order, UnitStatus
from batchproc.store import control, events, jobs, retention

NOW = 1_800_000_000.0
MIXED = ("succeeded", "failed", "flagged", "running", "succeeded", "failed", "cancelled", "running", "succeeded")


@pytest.fixture
async def job(make_job, run):
    """Twelve units; three of them wait."""
    made = await make_job(12)
    await run(made, *MIXED)
    return made


async def keys_of(service, job, **how):
    """All keys, by cursors; each page says where it begins and how many there are."""
    keys, cursor = [], None
    while True:
        page = await service.browse_units(job.job_id, cursor=cursor, limit=2, **how)
        assert page.offset == len(keys)
        keys += [unit.key for unit in page.units]
        if page.next_cursor is None:
            assert page.total == len(keys)
            return keys
        assert len(page.units) == 2
        cursor = page.next_cursor


async def test_all_units_are_there_in_the_order_of_the_source_whatever_their_status(service, job):
    assert await keys_of(service, job) == [f"u{n}" for n in range(1, 13)]


@pytest.mark.parametrize("status", UnitStatus)
async def test_units_are_narrowed_to_each_of_the_statuses(service, job, store, status):
    statuses = [*MIXED, "pending", "pending", "pending"]
    meant = [f"u{n}" for n, one in enumerate(statuses, 1) if one == status]
    assert await keys_of(service, job, status=status) == meant
    page = await service.browse_units(job.job_id, status=status)
    assert {unit.status for unit in page.units} <= {status} and page.total == len(meant)


@pytest.mark.parametrize("offset", range(14))
@pytest.mark.parametrize("how", [{}, {"status": "succeeded"}, {"signature": "server: <n>"}], ids=str)
async def test_a_page_begins_at_any_offset_and_goes_on_by_its_cursor(service, job, offset, how):
    every = await keys_of(service, job, **how)
    page = await service.browse_units(job.job_id, offset=offset, limit=3, **how)
    assert [unit.key for unit in page.units] == every[offset : offset + 3]
    assert (page.offset, page.total) == (min(offset, len(every)), len(every))
    if page.next_cursor:
        more = await service.browse_units(job.job_id, cursor=page.next_cursor, limit=3, **how)
        assert [unit.key for unit in more.units] == every[offset + 3 : offset + 6]
        assert more.offset == offset + 3


@pytest.mark.parametrize(
    ("status", "keys"), [(None, ["u2", "u6"]), ("failed", ["u2", "u6"]), ("flagged", []), ("pending", [])]
)
async def test_a_group_of_failures_is_a_list_of_its_own(service, job, status, keys):
    assert await keys_of(service, job, signature="server: <n>", status=status) == keys


async def test_a_job_between_others_has_its_own_units_only(service, make_job, run):
    for n in range(3):
        await run(await make_job(4, name=f"job {n}"), "succeeded", "failed", "running")
    for card in (await service.browse_jobs()).jobs:
        page = await service.browse_units(card.job_id)
        assert [unit.key for unit in page.units] == ["u1", "u2", "u3", "u4"]
        assert [unit.status for unit in page.units] == ["succeeded", "failed", "running", "pending"]


async def test_a_line_says_what_a_table_shows_and_cuts_long_values(service, make_job, run, store):
    job = await make_job(2)
    await run(job, "succeeded", "running")
    long = "x" * 500
    change = "UPDATE units SET text = ?, output = json_object('a', json_array(?)), payload = json_object('p', ?)"
    await store.write(lambda tx: tx.execute(f"{change} WHERE key = 'u1'", (long, long, long)).rowcount)
    number = (await store.read(lambda tx: tx.execute("SELECT number FROM units WHERE key = 'u2'").fetchone()))[0]
    told = {"job": job.number, "unit": number, "attempt": 1, "data": {"name": "Read"}}
    await store.write(events.append, "agent.tool_use", at=NOW, **told)
    ended, runs = (await service.browse_units(job.job_id)).units
    cut = "x" * 240 + "…"
    assert (ended.text, ended.output, ended.payload) == (cut, {"a": [cut]}, {"p": cut})
    assert (ended.seconds, ended.attempts, ended.cost_usd, ended.tokens) == (2.0, 1, 0.25, 15)
    assert ended.last_event is None
    assert (runs.last_event, runs.seconds, runs.text) == ("agent.tool_use: Read", None, None)


async def test_a_line_has_the_verdict_on_the_answer_that_is_there(service, make_job, run, store):
    from tests.store.results_support import judge

    job = await make_job(2)
    await run(job, "succeeded", "succeeded")
    for key in ("u1", "u2"):
        await judge(store, job, key, "reject")
    await store.write(lambda tx: tx.execute("UPDATE units SET text = 'another' WHERE key = 'u2'").rowcount)
    assert [unit.verdict for unit in (await service.browse_units(job.job_id)).units] == ["reject", None]


async def test_units_of_a_source_that_is_still_read_are_not_seen(service, store):
    from batchproc.models import JobSpec
    from batchproc.store import units
    from tests.conftest import OPTIONS

    spec = JobSpec(name="x", instructions="do", enumerator={"type": "list"})
    job, _ = await store.write(jobs.create, spec, OPTIONS, reader="test", now=NOW)
    await store.write(units.add_many, job.number, jobs.FIRST_READING, '[["k", {}, 1]]')
    page = await service.browse_units(job.job_id)
    assert (page.units, page.total, page.next_cursor) == ([], 0, None)


@pytest.mark.parametrize(
    ("how", "field"),
    [
        ({"status": "done"}, "status"),
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"offset": -1}, "offset"),
        ({"offset": 1 << 60}, "offset"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "1.2"}, "cursor"),
        ({"cursor": "99.1.1"}, "cursor"),
        ({"cursor": "1.x.1"}, "cursor"),
        ({"cursor": "1.1.-1"}, "cursor"),
        ({"cursor": "1.1.1", "offset": 0}, "offset"),
    ],
    ids=str,
)
async def test_what_cannot_be_meant_is_refused_by_its_name(service, job, how, field):
    with pytest.raises(InvalidJob) as refused:
        await service.browse_units(job.job_id, **how)
    assert refused.value.field == field


async def test_no_units_of_no_job(service):
    with pytest.raises(NotFound):
        await service.browse_units("job-0000000000")


# Jobs.


async def test_jobs_are_cards_newest_first_with_what_each_came_to(service, make_job, run):
    for n in range(5):
        job = await make_job(3, name=f"job {n}")
        await run(job, "succeeded", "failed")
    first = await service.browse_jobs(limit=3)
    rest = await service.browse_jobs(limit=3, cursor=first.next_cursor)
    assert [card.name for card in (*first.jobs, *rest.jobs)] == [f"job {n}" for n in (4, 3, 2, 1, 0)]
    assert (first.total, rest.total, rest.next_cursor) == (5, 5, None)
    for card in first.jobs:
        assert {status: n for status, n in card.counts.items() if n} == {"succeeded": 1, "failed": 1, "pending": 1}
        assert (card.status, card.percent, card.cost_usd, card.total_units) == ("running", 66.7, 0.25, 3)
        assert set(card.counts) == set(UnitStatus)


@pytest.mark.parametrize(
    ("text", "names"),
    [("review", ["Review of 50%", "review_b"]), ("50%", ["Review of 50%"]), ("w_b", ["review_b"]), ("\\", ["c\\d"])],
)
async def test_jobs_are_found_by_a_part_of_their_name(service, make_job, text, names):
    for name in ("review_b", "Review of 50%", "c\\d", "reviewxb 5000"[6:]):
        await make_job(1, name=name)
    found = await service.browse_jobs(text=text)
    assert ([card.name for card in found.jobs], found.total) == (names, len(names))


async def test_jobs_are_found_by_their_id_and_narrowed_by_their_status(service, make_job, run, store):
    one, two = await make_job(1, name="one"), await make_job(1, name="two")
    await run(two, "succeeded")
    assert [card.name for card in (await service.browse_jobs(text=one.job_id[-6:])).jobs] == ["one"]
    done = await service.browse_jobs(status="completed")
    assert ([card.name for card in done.jobs], done.total) == (["two"], 1)
    await store.write(control.cancel, one.number, Order(by="test"), now=NOW)
    await store.write(retention.mark_deleted, one, now=NOW)
    left = await service.browse_jobs()
    assert ([card.name for card in left.jobs], left.total) == (["two"], 1)


async def test_a_job_that_runs_says_when_it_may_be_done_as_its_status_does(service, make_job, run):
    job = await make_job(20)
    await run(job, *["succeeded"] * 8, now=time.time() - 60)
    [card] = (await service.browse_jobs()).jobs
    said = await service._look(job.job_id)
    from batchproc import estimates

    assert card.time_s == estimates.presented(estimates.live(said)).time_s


async def test_jobs_refuse_what_they_do_not_know(service):
    for how in ({"status": "done"}, {"limit": 0}, {"cursor": "x"}, {"text": "x" * 501}):
        with pytest.raises(InvalidJob):
            await service.browse_jobs(**how)
