"""Events reach who looks on: each once, in order, from where he was, whatever happens meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from itertools import pairwise

import pytest

from batchproc import answers
from batchproc.errors import InvalidJob, NotFound, StoreError
from batchproc.interfaces import http_events, http_hub
from batchproc.interfaces.http_hub import Hub, Wanted
from batchproc.launcher import Launcher
from batchproc.models import Order
from batchproc.service import BatchService
from batchproc.settings import Settings
from batchproc.store import control, db, events, following, retention
from tests.conftest import wait_until
from tests.live.support import Client, app_of, served


@pytest.fixture
def service(store: db.Database) -> BatchService:
    settings = Settings(home=store.home)
    return BatchService(store, Launcher(settings, {}), settings, environ={})


@pytest.fixture
def hub(service: BatchService) -> Hub:
    return Hub(service, asyncio.Event(), most=20)


@pytest.fixture
async def port(hub: Hub) -> AsyncIterator[int]:
    async with served(app_of(hub), hub.ending) as found:
        yield found


@pytest.fixture
def tell(store: db.Database) -> Callable:
    """Let something be true: `await tell("unit.claimed", job)`."""

    async def write(kind: str = "agent.text", job: int | None = None, unit: int | None = None, **data) -> int:
        return await store.write(events.append, kind, at=time.time(), job=job, unit=unit, data=data)

    return write


async def test_an_event_is_there_at_once_and_those_after_it_in_batches(port, tell, make_job):
    job = await make_job(2)
    async with Client(port, {}) as client:
        first = asyncio.create_task(client.take(1))
        number = await tell("unit.claimed", job.number, 1, n=1)
        [line] = await first
        assert (line["seq"], line["kind"], line["job_id"], line["key"]) == (number, "unit.claimed", job.job_id, "u1")
        assert (line["data"], line["html"]) == ({"n": 1}, None)
        answers.EventLine.model_validate(line)
        assert client.last == str(number)


@pytest.mark.long
async def test_no_more_than_four_batches_a_second_reach_a_viewer(port, tell):
    batches = []
    async with Client(port, {}) as client:

        async def listen() -> None:
            async for said in client.messages():
                batches.append(said)

        listener = asyncio.create_task(listen())
        for n in range(150):
            await tell(n=n)
            await asyncio.sleep(0.02)
        await wait_until(lambda: sum(len(said.data) for said in batches) == 150, "all are there", 5)
        listener.cancel()
    assert [line["data"]["n"] for said in batches for line in said.data] == list(range(150))
    gaps = [later.at - earlier.at for earlier, later in pairwise(batches)]
    assert len(gaps) >= 5 and sum(gaps) / len(gaps) >= 0.24


async def test_what_agents_say_comes_as_html_too(port, tell):
    async with Client(port, {}) as client:
        await tell("agent.text", text="**so** <b>")
        await tell("agent.thinking", text="hm\nhm")
        await tell("agent.tool_use", text="**so**")
        await tell("agent.text", text=None)
        assert [line["html"] for line in await client.take(4)] == [
            "<p><strong>so</strong> &lt;b&gt;</p>\n",
            "<p>hm<br>\nhm</p>\n",
            None,
            None,
        ]


FACTS = (
    ("job.started", 0, None),
    ("unit.claimed", 0, 1),
    ("unit.failed", 0, 2),
    ("unit.claimed", 1, 3),
    ("agent.text", 0, 1),
    ("job.paused", 0, None),
    ("units.cancelling", 1, None),
    ("supervisor.started", None, None),
    ("unit.ended", 1, 3),
    ("unit.ended", 0, 1),
)
"""Kind, job, unit."""


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ({"kind": "unit."}, [1, 2, 3, 8, 9]),
        ({"kind": ["unit.claimed", "job.paused"]}, [1, 3, 5]),
        ({"kind": ["unit", "unit.c", "job.paused"]}, [5]),
        ({"job_id": 0}, [0, 1, 2, 4, 5, 9]),
        ({"job_id": 1}, [3, 6, 8]),
        ({"job_id": 0, "key": "u1"}, [1, 4, 9]),
        ({"job_id": 0, "key": "u1", "kind": "agent."}, [4]),
    ],
)
async def test_filters_leave_the_same_live_and_from_the_store(port, hub, tell, make_job, query, expected):
    jobs = [await make_job(2, "one"), await make_job(2, "two")]
    query = {**query, "job_id": jobs[query["job_id"]].job_id} if "job_id" in query else query
    before = await hub.source.last_event()
    async with Client(port, query) as live, Client(port, {}) as all_of_it:
        await wait_until(lambda: hub.viewers == 2, "both look on", 5)
        for n, (kind, job, unit) in enumerate(FACTS):
            await tell(kind, None if job is None else jobs[job].number, unit, n=n)
        assert len(await all_of_it.take(10)) == 10  # so there is nothing more to come for the other
        assert [line["data"]["n"] for line in await live.take(len(expected))] == expected
    async with Client(port, {**query, "after": before}) as late:
        assert [line["data"]["n"] for line in await late.take(len(expected))] == expected


async def test_a_viewer_without_a_position_hears_what_comes_from_now_on(port, tell):
    await tell(n=1)
    async with Client(port, {}) as client:
        await tell(n=2)
        assert [line["data"]["n"] for line in await client.take(1)] == [2]


async def test_a_position_beyond_the_newest_event_is_now(port, tell):
    async with Client(port, {}, last="999999") as client:
        await tell(n=1)
        assert [line["data"]["n"] for line in await client.take(1)] == [1]


async def test_who_comes_back_goes_on_after_what_he_was_told_not_after_what_the_address_says(port, tell):
    before = await tell(n=0)
    for n in range(1, 6):
        await tell(n=n)
    async with Client(port, {"after": before}, last=str(before + 3)) as client:
        assert [line["data"]["n"] for line in await client.take(2)] == [4, 5]


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "9" * 19, "\u0663"])
async def test_an_id_that_we_never_gave_is_refused(hub, text):
    with pytest.raises(InvalidJob, match="Last-Event-ID"):
        await http_events.begin(hub, Wanted(), last_event_id=text)
    with pytest.raises(InvalidJob, match="job_id"):
        await http_events.begin(hub, Wanted(key="u1"))


async def test_a_deep_reader_gets_all_of_it_in_order_and_large_events_whole(port, tell, store, monkeypatch):
    monkeypatch.setattr(http_hub, "RING_EVENTS", 50)
    large = "x" * 250_000
    await store.write(_many, 3_000)
    for _ in range(20):
        await tell("agent.tool_result", content=large)
    async with Client(port, {"after": 0}) as client:
        lines = await client.take(3_020, limit_s=30)
    assert [line["seq"] for line in lines] == list(range(1, 3_021))
    assert {line["data"]["content"] for line in lines[3_000:]} == {large}


def _many(tx, n: int) -> None:
    for number in range(n):
        events.append(tx, "agent.tool_use", at=time.time(), data={"n": number})


async def test_who_wants_little_of_much_gets_it_soon_and_is_told_how_far_was_looked(port, tell, store, monkeypatch):
    monkeypatch.setattr(http_events, "TELL_S", 0.2)
    await store.write(_many, 30_000)
    number = await tell("unit.failed")
    async with Client(port, {"after": 0, "kind": "unit."}) as client:
        [line] = await client.take(1, limit_s=10)
        assert line["seq"] == number
        await store.write(_many, 500)
        with pytest.raises(TimeoutError):
            await client.take(1, limit_s=1.5)
        assert client.told == str(number + 500)


async def test_a_quiet_stream_gives_signs_of_life(port, hub, monkeypatch):
    monkeypatch.setattr(http_events, "HEARTBEAT_S", 0.1)
    async with Client(port, {}) as client:
        with pytest.raises(TimeoutError):
            await client.take(1, limit_s=1)
        assert 5 <= client.comments <= 11
    assert http_events.HEARTBEAT_S == 0.1


async def test_ticks_name_the_jobs_that_changed(port, hub, tell, make_job):
    jobs = [await make_job(1, "one"), await make_job(1, "two")]
    async with Client(port, {"ticks": "true"}) as client:
        await wait_until(lambda: hub.viewers == 1 and hub.end, "it looks on", 5)
        ticks = client.messages()
        await tell("unit.claimed", jobs[0].number)
        said = await anext(ticks)
        assert (said.event, said.data) == ("tick", {"seq": hub.end, "jobs": [jobs[0].job_id]})
        for job in (*jobs, *jobs):
            await tell("unit.claimed", job.number)
        last = await tell("supervisor.started")
        seen: set[str] = set()
        while said.data["seq"] < last:
            said = await anext(ticks)
            seen |= set(said.data["jobs"])
        assert seen == {job.job_id for job in jobs}


async def test_a_job_that_is_deleted_says_so_and_the_stream_goes_on(port, hub, store, tell, make_job):
    job, other = await make_job(3, "one"), await make_job(1, "two")
    before = await hub.source.last_event()
    order = Order(by="test")
    await store.write(control.cancel, job.number, order, now=time.time())
    async with Client(port, {"job_id": job.job_id}) as live, Client(port, {}) as everything:
        await tell("unit.claimed", job.number, 1)
        assert len(await live.take(1)) == 1
        await store.write(retention.mark_deleted, await store.read(_job, job.number), order=order, now=time.time())
        while await store.write(retention.erase_some, job.number):
            pass
        [deleted] = await live.take(1)
        assert (deleted["kind"], deleted["job_id"]) == ("job.deleted", job.job_id)
        await tell("unit.claimed", other.number)
        assert (await everything.take(3))[-1]["job_id"] == other.job_id
    found, _ = await hub.source.follow(before, 10, job_id=job.job_id)  # so hears who was far behind
    assert ("job.deleted", job.job_id) in [(event.kind, event.job_id) for event in found]
    with pytest.raises(NotFound):
        await http_events.begin(hub, Wanted(job_id=job.job_id), last_event_id=str(before))


def _job(tx, number: int):
    from batchproc.store import jobs

    return jobs.by_number(tx, number)


async def test_more_viewers_than_may_be_are_refused_and_a_place_is_free_when_one_goes(port, hub, tell):
    clients = [await Client(port, {}).__aenter__() for _ in range(20)]
    assert {client.status for client in clients} == {200}
    await wait_until(lambda: hub.viewers == 20, "all look on", 5)
    async with Client(port, {}) as refused:
        assert refused.status == 503
    await clients[0].__aexit__()
    await wait_until(lambda: hub.viewers == 19, "its place is free", 5)
    async with Client(port, {}) as next_one:
        assert next_one.status == 200
    for client in clients[1:]:
        await client.__aexit__()
    await wait_until(lambda: hub.viewers == 0, "nobody looks on", 5)
    assert not [task for task in asyncio.all_tasks() if task.get_name() in {"hub", "hears the supervisor"}]


async def test_nothing_is_read_while_nobody_looks_on(port, hub, tell):
    async with Client(port, {}):
        await wait_until(lambda: hub.viewers == 1, "it looks on", 5)
    await wait_until(lambda: hub.viewers == 0, "nobody looks on", 5)
    at = hub.end
    await tell()
    await asyncio.sleep(0.6)
    assert hub.end == at
    async with Client(port, {"after": at}) as client:
        assert len(await client.take(1)) == 1


async def test_a_server_that_ends_ends_every_stream_at_once(hub, tell):
    begun = 0.0
    async with served(app_of(hub), hub.ending) as port:
        clients = [await Client(port, {}).__aenter__() for _ in range(10)]
        await wait_until(lambda: hub.viewers == 10, "all look on", 5)
        begun = time.monotonic()
    assert time.monotonic() - begun < 10, "they would look on for ever"
    for client in clients:
        assert [said async for said in client.messages()] == []
        await client.__aexit__()


async def test_a_viewer_that_takes_nothing_keeps_little_and_is_let_go(port, hub, tell, monkeypatch):
    monkeypatch.setattr(http_events, "STUCK_S", 1.0)
    for _ in range(40):
        await tell("agent.tool_result", content="x" * 250_000)
    async with Client(port, {"after": 0}) as client:
        await client.stop_reading()
        await wait_until(lambda: hub.viewers == 1, "it looks on", 5)
        await wait_until(lambda: hub.viewers == 0, "it was let go", 10)


async def test_a_store_that_cannot_be_read_for_a_while_is_read_again(port, hub, service, tell, monkeypatch, caplog):
    monkeypatch.setattr(http_hub, "AGAIN_S", 0.05)
    real, failing = service.follow, True

    async def follow(*args, **more):
        if failing:
            raise StoreError("the disk is away")
        return await real(*args, **more)

    async with Client(port, {}) as client:
        await wait_until(lambda: hub.viewers == 1, "it looks on", 5)
        monkeypatch.setattr(service, "follow", follow)
        await tell(n=1)
        await wait_until(lambda: "the disk is away" in caplog.text, "it noticed", 5)
        failing = False
        assert [line["data"]["n"] for line in await client.take(1)] == [1]


@pytest.mark.parametrize("cuts", [10, pytest.param(200, marks=pytest.mark.long)])
async def test_comings_and_goings_at_any_moment_lose_nothing_and_repeat_nothing(port, hub, tell, store, cuts):
    heard, written = await _interrupted(port, tell, store, cuts, going_on=lambda last: last)
    assert len(written) > 10 * cuts
    assert heard == written


@pytest.mark.long
async def test_going_on_one_too_far_loses_events_and_one_too_near_repeats_them(port, hub, tell, store):
    """The negative control: the test above would see it."""
    for wrong in (1, -3):
        heard, written = await _interrupted(
            port, tell, store, 30, going_on=lambda last, wrong=wrong: str(int(last) + wrong)
        )
        assert heard != written
        assert (len(heard) > len(written)) == (wrong < 0)


async def _interrupted(port, tell, store, most: int, *, going_on) -> tuple[list[int], list[int]]:
    """What a client hears that is cut off `most` times while events are written; and what there was to hear."""
    first = await tell("unit.claimed")
    enough = asyncio.Event()

    async def write() -> int:
        while not enough.is_set():
            await store.write(_burst)
            await asyncio.sleep(0.01)
        return await store.write(_end)  # more than one event: one too far still meets the last

    writer = asyncio.create_task(write())
    heard, last = [], str(first - 1)
    for cut in range(most):
        last = await _hear(port, last, heard, going_on, 0.05 + (cut % 7) * 0.06)
    enough.set()
    newest = await writer
    while heard[-1] < newest:
        last = await _hear(port, last, heard, going_on, 0.5)
    return heard, await store.read(_claimed, first)


async def _hear(port, last: str, heard: list[int], going_on, seconds: float) -> str:
    async with Client(port, {"kind": ["unit.claimed", "the.end"]}, last=last) as client:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for said in client.messages():
                    heard += [line["seq"] for line in said.data]
    return going_on(client.last) if client.last != last else last


def _end(tx) -> int:
    return [events.append(tx, "the.end", at=time.time()) for _ in range(5)][-1]


def _burst(tx) -> None:
    for kind in ("unit.claimed", "agent.text", "agent.tool_use"):
        events.append(tx, kind, at=time.time())


def _claimed(tx, first: int) -> list[int]:
    sql = "SELECT seq FROM events WHERE kind IN ('unit.claimed', 'the.end') AND seq >= :first ORDER BY seq"
    return [row["seq"] for row in tx.execute(sql, {"first": first})]


async def test_following_reads_by_an_index(store, make_job):
    job = await make_job(1)

    def plans(tx) -> list[str]:
        values = {"job": job.number, "unit": 1, "after": 0, "limit": 10, "job_id": job.job_id, "key": "u1"}
        statements = (following.OF_JOB, following.OF_UNIT, following.NUMBERS, following.UNIT_NUMBERS, events.AFTER)
        return [row["detail"] for sql in statements for row in tx.execute(f"EXPLAIN QUERY PLAN {sql}", values)]

    assert not [step for step in await store.read(plans) if step.startswith(("SCAN", "USE TEMP"))]
