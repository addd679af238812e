"""Identical units run once, if the job asks for it: whatever becomes of the one that runs, the others are not lost."""

import json
from dataclasses import replace

import pytest

from batchproc import staleness
from batchproc.models import Credential, JobSpec, Order, Settlement, UnitStatus
from batchproc.store import attempts, backlog, claims, control, engine, jobs, pilots, readings, trials, units
from tests.conftest import OPTIONS
from tests.store.test_units import NOW, done, take_over

ME = Order(by="a test")
PAID = {"credential": Credential.LOGIN, "order": ME, "now": NOW}
FAILED = Settlement(status=UnitStatus.FAILED, outcome="failed", error="no", signature="no")
LATER = Settlement(status=UnitStatus.PENDING, outcome="failed", due_at=NOW + 60, reason="backoff after api_error")


class House:
    """A job whose units a1…a4 are identical, and b1, b2; c1 is like no other."""

    def __init__(self, store, epoch):
        self.store, self.epoch, self.payloads = store, epoch, {}

    async def make(self, start=True):
        options = replace(OPTIONS, share_identical=True)
        spec = JobSpec(name="j", instructions="do", enumerator={"type": "list"})
        self.job, _ = await self.store.write(jobs.create, spec, options, reader="test", now=NOW)
        keys = ("a1", "b1", "a2", "a3", "c1", "b2", "a4")
        self.payloads = {key: {"v": key[0]} for key in keys}
        chunk = [(k, p, n, staleness.same_of(p, is_file=False)) for n, (k, p) in enumerate(self.payloads.items(), 1)]
        await self.store.write(units.add_many, self.job.number, jobs.FIRST_READING, json.dumps(chunk))
        self.job = await self.store.write(readings.publish, self.job.number, jobs.FIRST_READING, now=NOW)
        if start:
            assert await self.store.write(trials.skip, self.job, **PAID)
        return self

    async def claim(self, limit=9, now=NOW):
        how = {"epoch": self.epoch, "limit": limit, "now": now}
        return (await self.store.write(claims.claim, self.job.number, **how)).units

    async def settle(self, unit, end=None):
        job = await self.store.read(jobs.by_number, self.job.number)
        digest = staleness.input_of(unit.key, unit.payload, None)
        known = staleness.Fingerprints(job).of(unit.key, unit.payload, input=digest, note=unit.note)
        end = replace(end or done(f"{job.instructions} {unit.key}"), input=digest, fingerprint=known)
        assert await self.store.write(attempts.settle, unit.fence, end, now=NOW)

    async def look(self):
        statement = "SELECT key, status, text, attempt FROM units ORDER BY key"
        found = await self.store.read(lambda tx: [tuple(row) for row in tx.execute(statement)])
        return {key: (status, text) for key, status, text, _ in found}, sum(row[3] for row in found)

    async def status(self):
        return (await self.store.read(jobs.by_number, self.job.number)).status


@pytest.fixture
async def it(store):
    return await House(store, await take_over(store)).make()


async def test_one_of_identical_units_runs_and_the_others_get_its_answer(it):
    ran = await it.claim()
    assert [unit.key for unit in ran] == ["a1", "b1", "c1"] and await it.claim() == []
    for unit in ran:
        await it.settle(unit)
    look, starts = await it.look()
    assert look["a4"] == ("succeeded", "do a1") and look["b2"] == ("succeeded", "do b1") and starts == 3
    assert await it.status() == "completed"
    counts = await it.store.read(jobs.ledger, it.job.number)
    assert counts["succeeded"] == 7 and sum(counts.values()) == 7
    told = await it.store.read(
        lambda tx: [row["data"] for row in tx.execute("SELECT data FROM events WHERE data LIKE '%shared%'")]
    )
    assert len(told) == 4


async def test_slots_are_filled_with_units_that_differ(it):
    assert [unit.key for unit in await it.claim(limit=2)] == ["a1", "b1"]
    assert [unit.key for unit in await it.claim(limit=2)] == ["c1"]


@pytest.mark.parametrize("end", [FAILED, LATER], ids=["failed", "later"])
async def test_when_it_fails_or_waits_the_next_one_runs(it, end):
    first = (await it.claim(limit=1))[0]
    await it.settle(first, end)
    again = await it.claim()
    assert [unit.key for unit in again] == ["b1", "a2", "c1"]
    for unit in again:
        await it.settle(unit)
    look, _ = await it.look()
    assert look["a3"] == look["a4"] == ("succeeded", "do a2")
    assert look["a1"] == (("failed", None) if end is FAILED else ("succeeded", "do a2"))
    assert await it.status() == "completed"


async def test_a_unit_that_was_lost_leaves_the_others_to_run(it):
    first = (await it.claim(limit=1))[0]
    epoch = await take_over(it.store)
    lost = Settlement(status=UnitStatus.FAILED, outcome="lost", error="lost", signature="lost")
    assert await it.store.write(attempts.rescue, first.fence, lost, epoch=epoch, now=NOW)
    it.epoch = epoch
    assert "a2" in [unit.key for unit in await it.claim()]


async def test_a_unit_that_is_cancelled_while_it_runs_leaves_the_others_to_run(it):
    first = (await it.claim(limit=1))[0]
    await it.store.write(control.cancel_keys, it.job.number, ["a1"], ME, now=NOW)
    released = Settlement(status=UnitStatus.PENDING, outcome="released", charged=False, reason="released")
    await it.settle(first, released)
    assert "a2" in [unit.key for unit in await it.claim()]


async def test_whoever_is_asked_for_again_runs_for_himself(it):
    for unit in await it.claim():
        await it.settle(unit)
    again = backlog.Again(credential=Credential.LOGIN)
    await it.store.write(backlog.ask_again, it.job, backlog.Selection(keys=["a3"]), again, ME, now=NOW)
    [unit] = await it.claim()
    assert unit.key == "a3"
    await it.settle(unit)
    look, _ = await it.look()
    assert look["a3"] == ("succeeded", "do a3") and look["a4"] == ("succeeded", "do a1")


async def test_what_a_person_added_for_one_unit_is_nobody_elses_answer(it):
    first = (await it.claim(limit=1))[0]
    await it.settle(first, FAILED)
    again = backlog.Again(note="mind the gap")
    await it.store.write(backlog.ask_again, it.job, backlog.Selection(keys=["a1"]), again, ME, now=NOW)
    ran = {unit.key: unit for unit in await it.claim()}
    assert ran.keys() == {"a1", "a2", "b1", "c1"}
    await it.settle(ran["a1"])
    look, _ = await it.look()
    assert look["a3"][0] == "pending"


async def test_answers_under_an_older_description_are_not_shared(it):
    first = (await it.claim(limit=1))[0]
    await it.settle(first)
    assert (await it.look())[0]["a4"] == ("succeeded", "do a1")
    await it.store.write(lambda tx: tx.execute("UPDATE jobs SET instructions = 'do it'").rowcount)
    await it.store.write(
        lambda tx: (
            tx.execute(
                "UPDATE units SET status = 'pending', finished_at = NULL, text = NULL WHERE key IN ('a3', 'a4')"
            ).rowcount
        )
    )
    ran = await it.claim()
    assert [unit.key for unit in ran] == ["b1", "a3", "c1"]
    await it.settle(ran[1])
    look, _ = await it.look()
    assert look["a4"] == ("succeeded", "do it a3") and look["a2"] == ("succeeded", "do a1")


async def test_in_a_pilot_only_its_own_units_get_an_answer(store):
    it = await House(store, await take_over(store)).make(start=False)
    tried = [pilots.Description(instructions="do", options=it.job.options)]
    assert await store.write(pilots.begin, it.job, tried, units=[1, 3], **PAID)
    [unit] = await it.claim()
    await it.settle(unit)
    look, _ = await it.look()
    assert look["a2"] == ("succeeded", "do a1") and look["a3"] == ("pending", None) and await it.status() == "review"
    job = await store.read(jobs.by_number, it.job.number)
    [tried] = await store.read(trials.trials, job.number)
    assert await store.write(trials.approve, job, tried, job.options, None, **PAID)
    assert [unit.key for unit in await it.claim()] == ["b1", "c1"]
    assert (await it.look())[0]["a4"] == ("succeeded", "do a1")


async def test_the_last_units_of_a_job_may_be_those_that_get_an_answer(it):
    """At a claim, and not at an end: nothing runs any more, and the job is completed all the same."""
    for unit in await it.claim():
        await it.settle(unit)
    put_back = "UPDATE units SET status = 'pending', finished_at = NULL, text = NULL WHERE key = 'a4'"
    running = "UPDATE jobs SET status = 'running', finished_at = NULL"
    await it.store.write(lambda tx: [tx.execute(sql).rowcount for sql in (running, put_back)])
    assert await it.claim() == [] and await it.status() == "completed"


async def test_thousands_of_identical_units_are_one_claim(store):
    it = House(store, await take_over(store))
    spec = JobSpec(name="j", instructions="do", enumerator={"type": "list"})
    it.job, _ = await store.write(jobs.create, spec, replace(OPTIONS, share_identical=True), reader="t", now=NOW)
    same = staleness.same_of({"v": 1}, is_file=False)
    chunk = json.dumps([(f"k{n}", {"v": 1}, n, same) for n in range(5_000)])
    await store.write(units.add_many, it.job.number, jobs.FIRST_READING, chunk)
    it.job = await store.write(readings.publish, it.job.number, jobs.FIRST_READING, now=NOW)
    await store.write(trials.skip, it.job, **PAID)
    [unit] = await it.claim()
    await it.settle(unit)
    assert await it.status() == "completed"


def test_what_is_compared_is_the_payload_or_the_content_of_the_file(tmp_path):
    for name, text in (("a.txt", "one"), ("b.txt", "one"), ("c.md", "one"), ("d.txt", "two")):
        (tmp_path / name).write_text(text)
    of = {
        name: staleness.same_of(
            {"file_path": str(tmp_path / name), "file_extension": f".{name[2:]}", "file_name": name}, is_file=True
        )
        for name in ("a.txt", "b.txt", "c.md", "d.txt", "gone.txt")
    }
    assert of["a.txt"] == of["b.txt"] != of["c.md"] and of["d.txt"] != of["a.txt"] and of["gone.txt"] is None
    assert staleness.content_in(of["a.txt"]) == staleness.content({"file_path": str(tmp_path / "a.txt")})
    assert staleness.content_in(staleness.same_of({"v": 1}, is_file=False)) is None
    assert engine.sqlite.sqlite_version_info >= (3, 33)  # UPDATE … FROM


async def test_an_answer_for_another_content_than_when_the_source_was_read_is_not_shared(it):
    """A file that was changed before its agent began: its twins are still what they were."""
    first = (await it.claim(limit=1))[0]
    digest = staleness.input_of(first.key, {"v": "another content"}, None)
    end = replace(done("said of another content"), input=digest, fingerprint="of that")
    assert await it.store.write(attempts.settle, first.fence, end, now=NOW)
    assert (await it.look())[0]["a2"] == ("pending", None)
    assert "a2" in [unit.key for unit in await it.claim()]


async def test_nothing_is_shared_any_more_where_a_job_does_not_ask_for_it_any_more(it):
    first = (await it.claim(limit=1))[0]

    def stop_asking(tx):
        tx.execute("UPDATE jobs SET options = json_set(options, '$.share_identical', json('false'))")

    await it.store.write(stop_asking)
    await it.settle(first)
    assert (await it.look())[0]["a2"] == ("pending", None)
    assert [unit.key for unit in await it.claim()] == ["b1", "a2", "a3", "c1", "b2", "a4"]
