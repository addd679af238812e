"""A source is read once more: only what is new or changed runs, and every other unit keeps its answer."""

import json
import time
from collections import Counter

import pytest

from batchproc import jobs as house
from batchproc import staleness
from batchproc.errors import DuplicateKey, SourceError, TakenOver, WrongStatus
from batchproc.models import Credential, Decision, Hold, JobOptions, JobSpec, Order, Pause, Settlement, UnitStatus
from batchproc.options import resolve
from batchproc.rereading import Rereading
from batchproc.settings import Settings
from batchproc.store import (
    attempts,
    backlog,
    claims,
    control,
    earlier,
    events,
    jobs,
    pilots,
    processes,
    refresh,
    results,
    retention,
    units,
    updates,
    verdicts,
)

ME = Order(by="a test")
LOGIN = Credential.LOGIN
NOW = 1_800_000_000.0


class Source:
    """A job over a CSV file or a folder, run by hand: its agents answer at once, as a supervisor would write it."""

    def __init__(self, store, tmp_path, source=None, instructions="Look at {{ name }}"):
        self.store, self.path, self.instructions = store, tmp_path / "rows.csv", instructions
        self.source = source or {"type": "csv", "file_path": str(self.path), "id_column": "id"}

    def write(self, *rows, header="id,name"):
        self.path.write_text("\n".join([header, *rows]) + "\n")

    async def create(self):
        spec = JobSpec(name="n", instructions=self.instructions, enumerator=self.source, options=JobOptions())
        options = resolve(spec.options, Settings())
        job, _ = await self.store.write(jobs.create, spec, options, reader=house.me(), now=NOW)
        self.number = job.number
        await house.Reading(self.store, job, house.check(spec), token=jobs.FIRST_READING).run()
        self.epoch = await self.store.write(processes.take_over, process="1:x:y", guard="none", now=NOW)
        return self

    async def job(self):
        return await self.store.read(jobs.by_number, self.number)

    async def unit(self, key):
        return await self.store.read(units.by_key, self.number, key)

    async def start(self):
        await self.store.write(jobs.start, self.number, credential=LOGIN, now=NOW)
        return self

    async def run(self, limit=99, **ends):
        """Each unit says its name, or comes to what `ends` says of its key. Returns the keys of those that ran."""
        claim = await self.store.write(claims.claim, self.number, epoch=self.epoch, limit=limit, now=NOW)
        for unit in claim.units:
            job = await self.job()
            content = staleness.content(unit.payload) if job.source == "file" else None
            digest = staleness.input_of(unit.key, unit.payload, content)
            mark = staleness.Fingerprints(job).of(unit.key, unit.payload, input=digest, note=unit.note)
            status = ends.get(unit.key, "succeeded")
            doubt = {"error": "x", "signature": "x"} if status in {"failed", "flagged"} else {}
            said = f"said of {unit.payload.get('name', unit.key)}"
            end = Settlement(
                status=UnitStatus(status), outcome=status, text=said, input=digest, fingerprint=mark, **doubt
            )
            await self.store.write(attempts.settle, unit.fence, end, now=NOW)
        return [unit.key for unit in claim.units]

    async def ran(self, **ends):
        """A completed job."""
        await (await self.create()).start()
        await self.run(**ends)
        return self

    async def read(self, *, previous=None):
        assert await self.store.write(updates.ask, self.number, ME, previous=previous, now=NOW)
        reading = await Rereading.take_over(self.store, await self.job(), previous=None, clock=time.time)
        await reading.run()
        return await self.store.read(updates.look, self.number)

    async def plan(self):
        """The kinds that there are of, counted."""
        found = await self.read()
        await self.store.write(updates.show, self.number, found.reading)
        return {kind: n for kind, n in found.plan["counts"].items() if n}

    async def apply(self, credential=LOGIN):
        update = await self.store.read(updates.look, self.number)
        return await self.store.write(refresh.apply, self.number, update.reading, ME, credential=credential, now=NOW)

    async def told(self):
        found = await self.store.read(events.of_job, self.number, 0, limit=1000)
        return [(one.kind, one.key) for one in found]

    async def statuses(self):
        def read(tx):
            return {r["key"]: (r["status"], r["gone"]) for r in tx.execute("SELECT key, status, gone FROM units")}

        return await self.store.read(read)

    async def adds_up(self):
        """Counters equal the rows that they count."""

        def read(tx):
            rows = Counter(row["status"] for row in tx.execute("SELECT status FROM units"))
            job = jobs.by_number(tx, self.number)
            return dict(rows), {s: n for s, n in jobs.ledger(tx, self.number).items() if n}, job.total_units

        rows, ledger, total = await self.store.read(read)
        assert rows == ledger and sum(rows.values()) == total


@pytest.fixture
def source(store, tmp_path):
    made = Source(store, tmp_path)
    made.write("a,Ann", "b,Ben", "c,Cem", "d,Dan")
    return made


async def test_only_what_is_new_or_changed_runs(source):
    await source.ran()
    source.write("a,Ann", "b,Bea", "c,Cem", "e,Eve")
    assert await source.plan() == {"new": 1, "changed": 1, "same": 2, "gone": 1}
    assert (await source.job()).status == "completed", "it is as it was before anybody has agreed"
    assert (await source.unit("b")).text == "said of Ben"
    job = await source.apply()
    assert (job.status, job.total_units, job.source_version) == ("running", 5, 2)
    await source.adds_up()
    assert await source.run() == ["b", "e"]
    assert (await source.job()).status == "completed"
    assert [(await source.unit(key)).text for key in "abcde"] == [
        f"said of {n}" for n in ["Ann", "Bea", "Cem", "Dan", "Eve"]
    ]
    assert await source.statuses() == {**dict.fromkeys("abce", ("succeeded", None)), "d": ("succeeded", 2)}
    assert await source.plan() == {"same": 4}


async def test_an_answer_that_gave_way_is_kept_with_its_payload(source):
    await source.ran()
    source.write("a,Ada", "b,Ben", "c,Cem", "d,Dan")
    await source.plan()
    await source.apply()
    (kept,) = await source.store.read(earlier.of_unit, (await source.unit("a")).number, limit=5)
    assert (kept.why, kept.attempt, kept.source_version) == ("source", 1, 1)
    assert (kept.payload, kept.text, kept.status) == ({"id": "a", "name": "Ann"}, "said of Ann", "succeeded")
    unit = await source.unit("a")
    assert (unit.payload, unit.source_version, unit.text) == ({"id": "a", "name": "Ada"}, 2, None)


async def test_rows_that_change_their_places_are_no_change_of_their_units(source):
    await source.ran()
    source.write("d,Dan", "c,Cem", "b,Ben", "a,Ann")
    assert await source.plan() == {"same": 4}
    job = await source.apply(None)
    assert job.status == "completed" and [(await source.unit(key)).row for key in "abcd"] == [1, 2, 3, 4]
    assert [kind for kind, key in await source.told() if key][-1] == "unit.succeeded", "nothing is told of units"


async def test_only_rows_that_are_other_than_they_were_are_written(source):
    source.write(*(f"k{n},name {n}" for n in range(2_000)))
    await (await source.create()).start()
    await source.run(limit=2_000)
    source.write("new,first", *(f"k{n},name {n if n % 200 else 'other'}" for n in range(2_000)))
    assert await source.plan() == {"new": 1, "changed": 10, "same": 1_990}
    reading = (await source.store.read(updates.look, source.number)).reading

    def written(tx):
        before = tx.total_changes
        refresh.apply(tx, source.number, reading, ME, credential=LOGIN, now=NOW)
        return tx.total_changes - before

    assert await source.store.write(written) < 100


async def test_columns_that_the_template_does_not_name_are_the_units_too(source):
    await source.ran()
    source.write("a,Ann,1", "b,Ben,2", "c,Cem,3", "d,Dan,4", header="id,name,age")
    assert await source.plan() == {"changed": 4}


async def test_failed_units_that_did_not_change_stay_so_and_changed_ones_run_again(source):
    await source.ran(a="failed", b="flagged", c="failed")
    source.write("a,Ann", "b,Ben", "c,Cim", "d,Dan")
    assert await source.plan() == {"unanswered": 2, "changed": 1, "same": 1}
    await source.apply()
    assert await source.run() == ["c"]
    assert {key: status for key, (status, _) in (await source.statuses()).items()} == {
        "a": "failed",
        "b": "flagged",
        "c": "succeeded",
        "d": "succeeded",
    }
    await source.adds_up()


async def test_what_a_person_cancelled_stays_so_and_has_its_new_payload_for_a_retry(source):
    await (await source.create()).start()
    await source.store.write(control.cancel_keys, source.number, ["a", "b"], ME, now=NOW)
    await source.run()
    source.write("a,Ada", "b,Ben", "c,Cem", "d,Dan")
    assert await source.plan() == {"unanswered": 2, "same": 2}
    job = await source.apply(None)
    assert job.status == "completed"
    assert (await source.unit("a")).payload["name"] == "Ada"
    again = backlog.Again(credential=LOGIN)
    await source.store.write(backlog.ask_again, job, backlog.Selection(keys=["a"]), again, ME, now=NOW)
    assert await source.run() == ["a"] and (await source.unit("a")).text == "said of Ada"


async def test_pending_units_take_the_new_payload_and_gone_ones_are_skipped_until_they_come_back(source):
    await source.create()
    source.write("a,Ann", "b,Bea", "c,Cem")
    assert await source.plan() == {"waiting": 3, "gone": 1}
    job = await source.apply(None)
    assert job.status == "ready" and (await source.statuses())["d"] == ("skipped", 2)
    await source.adds_up()
    assert ("unit.changed", "b") in await source.told() and ("unit.skipped", "d") in await source.told()
    source.write("a,Ann", "b,Bea", "c,Cem", "d,Dot")
    assert await source.plan() == {"waiting": 3, "back": 1}
    await source.apply(None)
    assert (await source.statuses())["d"] == ("pending", None)
    await source.adds_up()
    await source.start()
    assert await source.run() == list("abcd")
    assert [(await source.unit(key)).text for key in "bd"] == ["said of Bea", "said of Dot"]


async def test_a_gone_unit_that_comes_back_as_it_was_is_only_unmarked(source):
    await source.ran()
    source.write("a,Ann", "b,Ben", "c,Cem")
    await source.plan()
    await source.apply(None)
    assert await source.plan() == {"same": 3}, "it was gone before"
    source.write("a,Ann", "b,Ben", "c,Cem", "d,Dan")
    assert await source.plan() == {"same": 4}
    assert (await source.apply(None)).status == "completed"
    assert (await source.statuses())["d"] == ("succeeded", None) and ("unit.found", "d") in await source.told()


async def test_a_gone_unit_that_comes_back_changed_runs_again(source):
    await source.ran()
    source.write("a,Ann", "b,Ben", "c,Cem")
    await source.plan()
    await source.apply(None)
    source.write("a,Ann", "b,Ben", "c,Cem", "d,Dot")
    assert await source.plan() == {"same": 3, "changed": 1}
    await source.apply()
    assert await source.run() == ["d"] and (await source.statuses())["d"] == ("succeeded", None)


async def test_a_note_that_a_person_added_is_part_of_what_an_answer_was_given_for(source):
    await source.ran()
    again = backlog.Again(credential=LOGIN, note="look twice")
    await source.store.write(backlog.ask_again, await source.job(), backlog.Selection(keys=["a"]), again, ME, now=NOW)
    await source.run()
    assert await source.plan() == {"same": 4}
    source.write("a,Ada", "b,Ben", "c,Cem", "d,Dan")
    assert await source.plan() == {"changed": 1, "same": 3}
    await source.apply()
    assert await source.run() == ["a"] and await source.plan() == {"same": 4}


async def test_an_answer_of_an_older_batchproc_is_not_taken_for_one_that_holds(source):
    await source.ran()
    sql = "UPDATE units SET input = NULL, fingerprint = NULL WHERE key IN ('a', 'b')"
    await source.store.write(lambda tx: tx.execute(sql).rowcount)
    assert await source.plan() == {"unknown": 2, "same": 2}
    await source.apply()
    assert await source.run() == ["a", "b"]


async def test_a_failure_that_nothing_is_known_of_is_changed_only_if_its_payload_is(source):
    await source.ran(a="failed", b="failed")
    await source.store.write(lambda tx: tx.execute("UPDATE units SET fingerprint = NULL").rowcount)
    source.write("a,Ann", "b,Bo", "c,Cem", "d,Dan")
    assert await source.plan() == {"unanswered": 1, "changed": 1, "unknown": 2}


async def test_files_are_changed_by_their_content_alone(store, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    for name in "abcd":
        (folder / f"{name}.md").write_text(f"about {name}")
    source = Source(store, tmp_path, {"type": "file", "base_directory": str(folder)}, instructions="Read it")
    await source.ran()
    (folder / "a.md").touch()
    (folder / "b.md").write_text("about B")  # as long as before
    (folder / "c.md").unlink()
    (folder / "e.md").write_text("about e")
    assert await source.plan() == {"new": 1, "changed": 1, "same": 2, "gone": 1}
    await source.apply()
    assert await source.run() == ["b.md", "e.md"]
    assert await source.plan() == {"same": 4}


async def test_a_duplicate_key_names_both_places_and_changes_nothing(source):
    await source.ran()
    before = await source.told()
    source.write("a,Ann", "b,Ben", "c,Cem", "a,Dan")
    with pytest.raises(DuplicateKey, match="row 1 and row 4"):
        await source.plan()
    assert await source.told() == before
    assert (await source.store.read(updates.look, source.number)).state == "failed"
    source.write("a,Ann", "b,Ben", "c,Cem", "d,Dot")
    assert await source.plan() == {"changed": 1, "same": 3}


@pytest.mark.parametrize(
    ("rows", "header", "said"),
    [
        ([], "id,name", "empty now, so every unit would be gone"),
        (["a,Ann"], "id,title", "no such field"),
        (None, "", "rows.csv"),
    ],
    ids=["empty", "without the field", "missing"],
)
async def test_a_source_that_cannot_be_read_leaves_the_job_as_it_was(source, rows, header, said):
    await source.ran()
    before = await source.told()
    if rows is None:
        source.path.unlink()
    else:
        source.write(*rows, header=header)
    with pytest.raises(Exception, match=said):
        await source.plan()
    update = await source.store.read(updates.look, source.number)
    assert (update.state, said in update.reason) == ("failed", True)
    assert await source.told() == before
    with pytest.raises(updates.Changed):
        await source.apply()


# What nobody has seen, or has changed, is not applied.


async def test_a_plan_that_nobody_was_shown_is_not_applied(source):
    await source.ran()
    source.write("a,Ada", "b,Ben", "c,Cem", "d,Dan")
    await source.read()
    with pytest.raises(updates.Changed):
        await source.apply()
    assert (await source.unit("a")).text == "said of Ann"


async def test_a_plan_is_void_when_anything_of_the_job_has_changed(source):
    await source.ran()
    source.write("a,Ada", "b,Ben", "c,Cem", "d,Dan")
    await source.plan()
    await source.store.write(control.change, await source.job(), ME, changes={"priority": 3}, now=NOW)
    with pytest.raises(updates.Changed):
        await source.apply()
    assert (await source.unit("a")).text == "said of Ann"
    assert await source.plan() == {"changed": 1, "same": 3}
    assert (await source.apply()).status == "running"


async def test_a_plan_is_applied_once(source):
    await source.ran()
    source.write("a,Ann", "b,Ben", "c,Cem", "d,Dan", "e,Eve")
    await source.plan()
    await source.apply()
    with pytest.raises(updates.Changed):
        await source.apply()
    assert (await source.job()).total_units == 5


async def test_what_is_to_be_run_needs_somebody_who_pays(source):
    await source.ran()
    source.write("a,Ada", "b,Ben", "c,Cem", "d,Dan")
    await source.plan()
    with pytest.raises(updates.Changed, match="pay"):
        await source.apply(None)
    assert (await source.job()).status == "completed"


async def test_a_job_that_was_started_while_its_source_was_read_is_not_compared(source):
    await source.create()
    await source.store.write(updates.ask, source.number, ME, previous=None, now=NOW)
    reading = await Rereading.take_over(source.store, await source.job(), previous=None, clock=time.time)
    await source.start()
    with pytest.raises(SourceError, match="changed while its source was read"):
        await reading.run()
    assert (await source.store.read(updates.look, source.number)).state == "failed"


async def test_the_newest_reading_wins_and_the_older_one_changes_nothing(source):
    await source.ran()
    source.write("a,Ada", "b,Ben", "c,Cem", "d,Dan")
    await source.store.write(updates.ask, source.number, ME, previous=None, now=NOW)
    older = await Rereading.take_over(source.store, await source.job(), previous=None, clock=time.time)
    assert not await source.store.write(updates.ask, source.number, ME, previous=None, now=NOW), "somebody reads"
    update = await source.read(previous=house.me())
    with pytest.raises(TakenOver):
        await older.run()
    now = await source.store.read(updates.look, source.number)
    assert (now.reading, now.state, now.plan) == (update.reading, "ready", update.plan)


async def test_a_reading_that_its_reader_left_is_begun_again_from_nothing(source):
    await source.ran()
    await source.store.write(updates.ask, source.number, ME, previous=None, now=NOW)
    dead = await Rereading.take_over(source.store, await source.job(), previous=None, clock=time.time)
    chunk = json.dumps([("z", {"id": "z", "name": "Zoe"}, 1, "x")])
    await source.store.write(updates.add_many, source.number, dead._token, chunk)
    await dead.hand_over()
    assert [job.number for job, reader in await source.store.read(updates.being_read)] == [source.number]
    again = await Rereading.take_over(source.store, await source.job(), previous=None, clock=time.time)
    await again.run()
    update = await source.store.read(updates.look, source.number)
    assert update.units_read == 4 and update.plan["counts"]["same"] == 4


# Where it is allowed.


async def test_a_job_whose_units_run_says_what_to_do_first(source):
    await (await source.create()).start()
    with pytest.raises(WrongStatus, match="pause it first"):
        await source.plan()
    (unit,) = (await source.store.write(claims.claim, source.number, epoch=source.epoch, limit=1, now=NOW)).units
    await source.store.write(jobs.pause, source.number, Hold(reason=Pause.USER), now=NOW)
    with pytest.raises(WrongStatus, match="last agents are ending"):
        await source.plan()
    end = Settlement(status=UnitStatus.PENDING, outcome="released", charged=False)
    await source.store.write(attempts.settle, unit.fence, end, now=NOW)
    assert await source.plan() == {"waiting": 4}


async def test_a_paused_job_stays_paused_and_is_completed_if_nothing_is_left(source):
    await (await source.create()).start()
    await source.run(limit=2)
    await source.store.write(jobs.pause, source.number, Hold(reason=Pause.USER), now=NOW)
    source.write("a,Ann", "b,Bea", "c,Cem")
    assert await source.plan() == {"same": 1, "changed": 1, "waiting": 1, "gone": 1}
    assert (await source.apply(None)).status == "paused"
    assert await source.statuses() == {
        "a": ("succeeded", None),
        "b": ("pending", None),
        "c": ("pending", None),
        "d": ("skipped", 2),
    }
    source.write("a,Ann")
    await source.plan()
    assert (await source.apply(None)).status == "completed"
    await source.adds_up()


async def test_a_cancelled_job_goes_on_with_what_is_new(source):
    await (await source.create()).start()
    await source.run(limit=2)
    await source.store.write(control.cancel, source.number, ME, now=NOW)
    with pytest.raises(WrongStatus, match="still being done"):
        await source.plan()
    while await source.store.write(backlog.step, job=source.number, now=NOW):
        pass
    source.write("a,Ann", "b,Bea", "c,Cem", "d,Dan", "e,Eve")
    assert await source.plan() == {"new": 1, "changed": 1, "same": 1, "unanswered": 2}
    assert (await source.apply()).status == "running"
    assert await source.run() == ["b", "e"]
    assert (await source.job()).status == "completed"


async def test_a_job_that_was_cancelled_before_anybody_approved_it_is_to_be_made_again(source):
    await source.create()
    await source.store.write(control.cancel, source.number, ME, now=NOW)
    with pytest.raises(WrongStatus, match="create the job again"):
        await source.plan()


async def test_a_deleted_job_has_no_plan_any_more(source):
    await source.ran()
    source.write("a,Ada", "b,Ben", "c,Cem", "d,Dan")
    await source.plan()
    await source.store.write(retention.mark_deleted, await source.job(), now=NOW)
    with pytest.raises(updates.Changed):
        await source.apply()
    while await source.store.write(retention.erase_some, source.number):
        pass
    for table in ("source_updates", "update_items", "earlier_answers", "units"):
        assert not await source.store.read(lambda tx, t=table: tx.execute(f"SELECT * FROM {t}").fetchall())


# In review.


async def in_review(source, *names):
    """Two units have run under each description that is tried."""
    await source.create()
    job = await source.job()
    tried = [
        pilots.Description(instructions=name, options=job.options, variant=name if names[1:] else None)
        for name in names or (job.instructions,)
    ]
    first = [(await source.unit(key)).number for key in "ab"]
    await source.store.write(pilots.begin, job, tried, units=first, credential=LOGIN, order=ME, now=NOW)
    for _ in tried:
        assert await source.run() == ["a", "b"]
    assert (await source.job()).status == "review"


async def test_units_of_the_pilot_that_changed_run_again_before_anybody_decides(source):
    await in_review(source)
    source.write("a,Ada", "b,Ben", "c,Cid", "e,Eve")
    assert await source.plan() == {"new": 1, "changed": 1, "same": 1, "waiting": 1, "gone": 1}
    assert (await source.apply()).status == "pilot"
    assert await source.run() == ["a"]
    job = await source.job()
    assert job.status == "review" and (await source.unit("c")).payload["name"] == "Cid"
    await source.adds_up()

    def results(tx):
        return [tuple(row) for row in tx.execute("SELECT status, text FROM trial_results ORDER BY unit")]

    assert await source.store.read(results) == [("succeeded", "said of Ada"), ("succeeded", "said of Ben")]
    await source.start()
    assert await source.run() == ["c", "e"] and (await source.job()).status == "completed"


async def test_a_pilot_whose_units_did_not_change_stays_in_review(source):
    await in_review(source)
    source.write("a,Ann", "b,Ben", "c,Cid", "d,Dan", "e,Eve")
    assert await source.plan() == {"new": 1, "same": 2, "waiting": 2}
    assert (await source.apply(None)).status == "review"


async def test_a_variant_that_did_not_try_what_changed_tries_it_once_it_is_chosen(source):
    from batchproc.store import trials

    await in_review(source, "one {{ name }}", "two {{ name }}")
    source.write("a,Ada", "b,Ben", "c,Cem", "d,Dan")
    assert await source.plan() == {"changed": 1, "same": 1, "waiting": 2}
    await source.apply()
    assert await source.run() == ["a"]
    job = await source.job()
    assert (job.status, job.instructions) == ("review", "two {{ name }}")
    tried = {one.n: one for one in await source.store.read(trials.trials, job.number)}
    paid = {"credential": LOGIN, "order": ME, "now": NOW}
    assert await source.store.write(trials.approve, job, tried[1], job.options, None, **paid)
    assert sorted(await source.run()) == ["a", "c", "d"], "a under the first variant, too"
    assert (await source.job()).instructions == "one {{ name }}" and (await source.unit("b")).text == "said of Ben"


async def test_a_verdict_says_nothing_of_the_same_words_about_other_data(source):
    """What was wrong of the old row may be right of the new one: neither verdict nor correction may stay."""
    source.write("a,Ann,5", "b,Ben,5", header="id,name,amount")
    await source.ran()
    for key in "ab":
        seen, said = await source.unit(key), verdicts.Said(decision=Decision.CORRECT, correction="another one")
        assert await source.store.write(verdicts.record, await source.job(), seen, said, ME, now=NOW)
    source.write("a,Ann,6", "b,Ben,5", header="id,name,amount")
    await source.plan()
    await source.apply()
    assert await source.run() == ["a"] and (await source.unit("a")).text == "said of Ann", "the same words"
    assert await shown(source) == [("a", "said of Ann", None), ("b", "another one", "correct")]


async def shown(source):
    """Keys, texts and verdicts, as exports have them."""

    def read(tx):
        [block] = results.stream(tx, source.number)
        return list(zip(block.unit[0], block.unit[2], block.unit[6], strict=True))

    return await source.store.read(read)
