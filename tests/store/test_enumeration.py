"""Reading a source into the store: all or nothing, by one reader at a time; and how a job leaves the store."""

import asyncio
import json
import time

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchproc.errors import StoreError, TakenOver, WrongStatus
from batchproc.models import JobSpec
from batchproc.store import backlog, claims, db, events, jobs, logs, readings, retention, status, units
from tests.conftest import OPTIONS

NOW = 1_800_000_000.0


async def new_job(store, key=None):
    spec = JobSpec(name="n", instructions="do", enumerator={"type": "list"}, idempotency_key=key)
    return (await store.write(jobs.create, spec, OPTIONS, reader="a", now=NOW))[0]


async def test_units_of_an_unfinished_reading_are_in_no_ledger(store):
    job = await new_job(store)
    token = jobs.FIRST_READING
    await store.write(units.add_many, job.number, token, json.dumps([["k", {}, 1]]))
    look = await store.read(status.look, job.job_id)
    assert (look.job.total_units, look.job.units_read, sum(look.counts.values())) == (0, 1, 0)


async def test_a_second_reader_is_refused_and_a_replaced_one_changes_nothing(store):
    job = await new_job(store)
    first = jobs.FIRST_READING
    with pytest.raises(TakenOver):
        await store.write(readings.begin_reading, job.number, reader="b", previous=None)
    second = await store.write(readings.begin_reading, job.number, reader="b", previous="a")
    for verb in (
        lambda tx: units.add_many(tx, job.number, first, json.dumps([["k", {}, 1]])),
        lambda tx: readings.publish(tx, job.number, first, now=NOW),
    ):
        with pytest.raises(TakenOver):
            await store.write(verb)
    await store.write(units.add_many, job.number, second, json.dumps([["k", {}, 1]]))
    assert (await store.write(readings.publish, job.number, second, now=NOW)).total_units == 1


async def test_a_replaced_reading_deletes_nothing_of_its_successor(store):
    job = await new_job(store)
    old = jobs.FIRST_READING
    new = await store.write(readings.begin_reading, job.number, reader="b", previous="a")
    await store.write(units.add_many, job.number, new, json.dumps([["k", {}, 1]]))
    assert await store.write(readings.discard_units, job.number, old, limit=100) == 0
    assert not await store.write(readings.fail_reading, job.number, old, reason="late", now=NOW)
    assert (await store.write(readings.publish, job.number, new, now=NOW)).total_units == 1
    assert (await store.read(jobs.ledger, job.number))["pending"] == 1


async def test_a_ledger_that_would_not_add_up_is_not_published(store):
    job = await new_job(store)
    await store.write(units.add_many, job.number, jobs.FIRST_READING, json.dumps([["k", {}, 1], ["l", {}, 2]]))
    await store.write(lambda tx: tx.execute("DELETE FROM units WHERE key = 'k'").rowcount)
    with pytest.raises(StoreError, match="2 units were read, but the store holds 1"):
        await store.write(readings.publish, job.number, jobs.FIRST_READING, now=NOW)
    assert (await store.read(jobs.by_id, job.job_id)).status == "enumerating"


async def test_a_duplicate_names_both_rows_within_and_across_chunks(store):
    job = await new_job(store)
    token = jobs.FIRST_READING
    with pytest.raises(units.KeyTaken) as within:
        await store.write(units.add_many, job.number, token, json.dumps([["k", {}, 1], ["k", {}, 2]]))
    assert (within.value.first, within.value.second) == (1, 2)
    await store.write(units.add_many, job.number, token, json.dumps([["k", {}, 1]]))
    with pytest.raises(units.KeyTaken) as across:
        await store.write(units.add_many, job.number, token, json.dumps([["new", {}, 2], ["k", {}, 40_000]]))
    assert (across.value.key, across.value.first, across.value.second) == ("k", 1, 40_000)


async def test_a_failed_reading_frees_its_idempotency_key(store):
    job = await new_job(store, key="once")
    token = jobs.FIRST_READING
    assert await store.write(readings.fail_reading, job.number, token, reason="row 7", now=NOW)
    again = await new_job(store, key="once")
    assert again.job_id != job.job_id
    assert (await new_job(store, key="once")).job_id == again.job_id


async def test_a_deleted_job_leaves_nothing_and_its_event_numbers_are_not_used_again(store, make_job):
    job, other = await make_job(30), await make_job(2, name="other")
    before = await store.read(events.last)
    await store.write(retention.mark_deleted, job, now=NOW)
    assert await store.read(jobs.by_id, job.job_id) is None
    assert await store.write(retention.erase_some, job.number)  # and here it was killed
    while await store.write(backlog.step, now=NOW):
        pass
    counts = await store.read(
        lambda tx: {
            table: tx.execute(f"SELECT COUNT(*) FROM {table} WHERE job = {job.number}").fetchone()[0]
            for table in ("units", "events", "counters", "failure_groups", "logs")
        }
    )
    assert set(counts.values()) == {0}
    assert (await store.read(jobs.by_id, other.job_id)).total_units == 2
    await make_job(1, name="later")
    assert min(e.seq for e in await store.read(events.after, before, limit=99)) == before + 1


async def test_a_job_whose_units_run_cannot_be_deleted(store, make_job):
    job = await make_job(1)
    from tests.store.test_units import start, take_over

    epoch = await take_over(store)
    await start(store, job)
    await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=NOW)
    with pytest.raises(WrongStatus, match="cancel_job first"):
        await store.write(retention.mark_deleted, await store.read(jobs.by_id, job.job_id), now=NOW)


async def test_logs_are_found_by_source_level_and_unit(store, make_job):
    job = await make_job(1)
    for source, level, unit in (("agent", "warning", 1), ("agent", "info", 2), ("supervisor", "warning", None)):
        await store.write(logs.append, "x", at=NOW, source=source, level=level, job=job.number, unit=unit)

    async def found(**filters):
        return [row["number"] for row in await store.read(logs.of_job, job.number, **filters)]

    assert (await found(), await found(after=1), await found(source="agent")) == ([1, 2, 3], [2, 3], [1, 2])
    assert (await found(level="warning"), await found(unit=2), await found(limit=1)) == ([1, 3], [2], [1])


async def test_a_page_of_jobs_is_newest_first_and_resumes(store, make_job):
    made = [(await make_job(1, name=f"j{n}")).job_id for n in range(5)]
    page = await store.read(jobs.page, status=None, before=1 << 62, limit=3)
    rest = await store.read(jobs.page, status=None, before=page[-1].number, limit=3)
    assert [job.job_id for job in (*page, *rest)] == made[::-1]
    assert time.time() - page[0].created_at.timestamp() < 60


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(2**63), 2**63 - 1)
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(st.characters(exclude_categories=["Cs"])),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=6,
        ),
        min_size=1,
        max_size=8,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_every_key_and_payload_comes_back_from_the_store_as_it_went_in(tmp_path, values):
    async def there_and_back():
        async with db.Database(tmp_path / "home") as store:
            job = await new_job(store)
            token = jobs.FIRST_READING
            chunk = orjson.dumps([[key, {"v": value}, row] for row, (key, value) in enumerate(values.items())]).decode()
            await store.write(units.add_many, job.number, token, chunk)
            await store.write(readings.publish, job.number, token, now=NOW)
            return {u.key: u.payload["v"] for u in await store.read(units.first, job.number, limit=99)}

    assert asyncio.run(there_and_back()) == values
