"""Events and log lines: each once, in order, of what is asked for, from wherever somebody goes on."""

import time

import pytest

from batchproc.errors import InvalidJob, NotFound
from batchproc.models import Order
from batchproc.store import backlog, control, events, jobs, logs, retention, units

NOW = 1_800_000_000.0


async def number(store, job, key):
    return (await store.read(units.by_key, job.number, key)).number


async def tell(store, job, key, *texts):
    told = {"job": job.number, "unit": await number(store, job, key), "attempt": 1}
    for text in texts:
        await store.write(events.append, "agent.text", at=NOW, data={"text": text}, **told)


# Units.


async def test_a_unit_has_its_neighbours_in_the_order_of_the_source_and_no_conversation(service, make_job, run, store):
    job, _ = await make_job(3), await make_job(3, name="another")
    await run(job, "succeeded", "failed")
    await tell(store, job, "u2", "hm")
    one, two, three = [await service.unit_detail(job.job_id, key) for key in ("u1", "u2", "u3")]
    assert [(d.previous_key, d.next_key) for d in (one, two, three)] == [(None, "u2"), ("u1", "u3"), ("u2", None)]
    assert (one.signature, two.signature, three.signature) == (None, "server: <n>", None)
    assert (two.events, two.text_html, two.status, len(two.attempts)) == ([], None, "failed", 1)
    assert two.last_event == await service.last_event()
    with pytest.raises(NotFound, match="u9"):
        await service.unit_detail(job.job_id, "u9")
    with pytest.raises(NotFound):
        await service.unit_detail(job.job_id, "\ud800")


async def test_the_newest_events_of_a_unit_first_then_older_and_newer_ones(service, make_job, store):
    job = await make_job(2)
    await tell(store, job, "u1", *"abcdefg")
    await tell(store, job, "u2", "another's")

    def said(page):
        return "".join(one.data["text"] for one in page.events)

    newest = await service.unit_events(job.job_id, "u1", limit=3)
    assert said(newest) == "efg" and {one.key for one in newest.events} == {"u1"}
    older = await service.unit_events(job.job_id, "u1", before=newest.before, limit=3)
    oldest = await service.unit_events(job.job_id, "u1", before=older.before, limit=3)
    assert (said(older), said(oldest), oldest.before) == ("bcd", "a", None)
    assert (await service.unit_events(job.job_id, "u1", after=newest.after)).events == []
    await tell(store, job, "u1", "h", "i")
    newer = await service.unit_events(job.job_id, "u1", after=newest.after)
    assert said(newer) == "hi" and newer.before == newer.events[0].seq
    none = await service.unit_events(job.job_id, "u1", after=newer.after)
    assert (none.events, none.after) == ([], newer.after)
    fresh = await make_job(1, name="fresh")
    assert (await service.unit_events(fresh.job_id, "u1")).model_dump() == {"events": [], "before": None, "after": 0}


@pytest.mark.parametrize("how", [{"after": 1, "before": 2}, {"after": -1}, {"before": 1 << 70}, {"limit": 0}], ids=str)
async def test_events_of_no_place_are_refused(service, make_job, how):
    with pytest.raises(InvalidJob):
        await service.unit_events((await make_job(1)).job_id, "u1", **how)


# Streams.


async def follow(service, **how):
    """Everything, a few at a time, as somebody who reconnects after each."""
    seen, after = [], 0
    while True:
        batch = await service.read_events(after, limit=3, **how)
        seen += batch.events
        assert batch.after >= after
        if not batch.more:
            return seen
        after = batch.after


async def test_a_reader_that_reconnects_sees_each_event_once_and_in_order(service, make_job, run):
    jobs = [await make_job(4, name=f"job {n}") for n in range(3)]
    for job in jobs:
        await run(job, "succeeded", "failed", "running")
    every = await follow(service)
    assert [one.seq for one in every] == list(range(1, await service.last_event() + 1))
    mine = await follow(service, job_id=jobs[1].job_id)
    assert mine == [one for one in every if one.job_id == jobs[1].job_id] and len(mine) > 6
    unit = await follow(service, job_id=jobs[1].job_id, key="u2")
    assert [one.kind for one in unit] == ["unit.claimed", "unit.failed"]
    failed = await follow(service, kinds=["unit.failed", "job."])
    assert failed == [one for one in every if one.kind == "unit.failed" or one.kind.startswith("job.")]


async def test_a_reader_of_what_never_happens_gets_on_all_the_same(service, make_job):
    await make_job(1)
    batch = await service.read_events(0, kinds=["never"])
    assert (batch.events, batch.after, batch.more) == ([], await service.last_event(), False)


async def test_a_stream_of_nothing_is_refused(service, make_job):
    job = await make_job(1)
    for how in ({"key": "u1"}, {"limit": 0}, {"limit": 1001}):
        with pytest.raises(InvalidJob):
            await service.read_events(0, **how)
    with pytest.raises(InvalidJob):
        await service.read_events(-1)
    with pytest.raises(NotFound):
        await service.read_events(0, job_id=job.job_id, key="u9")


@pytest.mark.parametrize("few", [2_000, 0], ids=["few events", "many events"])
async def test_it_is_told_which_jobs_changed_and_which_are_gone(service, make_job, store, monkeypatch, few):
    monkeypatch.setattr(events, "FEW", few)
    one, two, three = [await make_job(1, name=f"job {n}") for n in range(3)]
    seen = await service.changed_jobs(0)
    assert seen.jobs == sorted(job.job_id for job in (one, two, three))
    assert (await service.changed_jobs(seen.seq)).jobs == []
    await store.write(control.cancel, two.number, Order(by="test"), now=NOW)
    await store.write(control.cancel, three.number, Order(by="test"), now=NOW)
    await store.write(retention.mark_deleted, three, now=NOW)
    while await store.write(backlog.step, job=three.number, now=NOW):
        pass
    changed = await service.changed_jobs(seen.seq)
    assert changed.jobs == sorted([two.job_id, three.job_id])
    assert changed.seq == await service.last_event()


# Log lines.


@pytest.fixture
async def said(make_job, store):
    """Twelve lines: of two jobs, of the house; at five in the minute."""
    one, two = await make_job(2), await make_job(1, name="another")
    unit = await number(store, one, "u2")
    lines = [
        ("supervisor", "info", None, None, "supervisor started"),
        ("supervisor", "warning", one.number, None, "job pauses: 100% full"),
        ("agent", "debug", one.number, unit, "init"),
        ("agent", "warning", one.number, unit, "stderr: 100 errors"),
        ("agent", "debug", two.number, None, "init"),
        ("enumerator", "info", two.number, None, "printed"),
        ("supervisor", "error", None, None, "the store cannot be used"),
    ]
    for n, (source, level, job, of, text) in enumerate(lines):
        where = {"source": source, "level": level, "job": job, "unit": of}
        await store.write(logs.append, text, at=NOW + 60 * n, **where)
    return one, two


def texts(page):
    return [line.text for line in page.lines]


async def test_log_lines_are_newest_first_and_go_on(service, said):
    first = await service.list_logs(limit=4)
    rest = await service.list_logs(limit=4, cursor=first.next_cursor)
    assert texts(first) == ["the store cannot be used", "printed", "init", "stderr: 100 errors"]
    assert texts(rest) == ["init", "job pauses: 100% full", "supervisor started"] and rest.next_cursor is None
    assert (first.lines[3].job_id, first.lines[3].key) == (said[0].job_id, "u2")


@pytest.mark.parametrize(
    ("how", "found"),
    [
        ({"level": "info"}, ["the store", "printed", "stderr", "job pauses", "supervisor started"]),
        ({"level": "warning"}, ["the store", "stderr", "job pauses"]),
        ({"level": "error"}, ["the store"]),
        ({"source": "supervisor"}, ["the store", "job pauses", "supervisor started"]),
        ({"source": "agent", "level": "info"}, ["stderr"]),
        ({"source": "agent"}, ["init", "stderr", "init"]),
        ({"source": "nobody"}, []),
        ({"text": "100%"}, ["job pauses"]),
        ({"text": "INIT"}, ["init", "init"]),
        ({"since": "2027-01-15T08:05:00Z"}, ["the store", "printed"]),
        ({"since": "2027-01-15T09:05:00+01:00", "level": "error"}, ["the store"]),
        ({"since": "2030-01-01"}, []),
        ({"since": "0001-01-01", "level": "error"}, ["the store"]),
        ({"text": "the", "level": "error", "source": "supervisor", "since": "2027-01-15T08:00:00"}, ["the store"]),
    ],
    ids=str,
)
async def test_log_lines_are_narrowed(service, said, how, found):
    page = await service.list_logs(**how)
    assert len(page.lines) == len(found)
    assert all(text.startswith(start) for text, start in zip(texts(page), found, strict=True)), texts(page)


async def test_log_lines_of_a_job_and_of_a_unit(service, said):
    one, two = said
    assert texts(await service.list_logs(one.job_id)) == ["stderr: 100 errors", "init", "job pauses: 100% full"]
    assert texts(await service.list_logs(two.job_id, level="info")) == ["printed"]
    assert texts(await service.list_logs(one.job_id, "u2")) == ["stderr: 100 errors", "init"]
    assert texts(await service.list_logs(one.job_id, "u2", level="warning")) == ["stderr: 100 errors"]
    assert texts(await service.list_logs(one.job_id, "u1")) == []
    assert texts(await service.list_logs(one.job_id, source="supervisor")) == ["job pauses: 100% full"]


@pytest.mark.parametrize(
    "how", [{"level": "loud"}, {"key": "u1"}, {"since": "yesterday"}, {"text": "\0"}, {"cursor": "x"}], ids=str
)
async def test_logs_refuse_what_they_do_not_know(service, how):
    with pytest.raises(InvalidJob):
        await service.list_logs(**how)


async def test_lines_of_a_clock_that_was_set_back_are_found_by_their_time(service, store):
    for n, at in enumerate([NOW, NOW + 500, NOW + 10, NOW + 20]):
        await store.write(logs.append, f"line {n}", at=at, source="supervisor")
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW + 15))
    assert texts(await service.list_logs(since=since)) == ["line 3", "line 1"]


async def test_a_unit_of_a_source_that_is_read_has_no_page(service, store):
    from batchproc.models import JobSpec
    from tests.conftest import OPTIONS

    spec = JobSpec(name="x", instructions="do", enumerator={"type": "list"})
    job, _ = await store.write(jobs.create, spec, OPTIONS, reader="test", now=NOW)
    await store.write(units.add_many, job.number, jobs.FIRST_READING, '[["k", {}, 1]]')
    with pytest.raises(NotFound):
        await service.unit_detail(job.job_id, "k")
