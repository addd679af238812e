"""The index of texts: it has what each unit said that ran to its end, after whatever happens to the rows."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchproc.models import Order, UnitStatus
from batchproc.store import backlog, browsing, control, engine, jobs, migrations, retention, search, units
from batchproc.store.browsing import Place, Wanted
from tests.crash import judge
from tests.store.results_support import answer
from tests.store.test_units import NOW

ALL = Wanted()


async def find(store, job, text, wanted=ALL):
    """Keys of what is found."""
    hits = await store.read(search.find, job, text, wanted)
    found = await store.read(search.page, job, text, wanted, Place(), limit=1000)
    assert [line.number for line in found[0].lines] == list(hits.numbers)
    return [line.key for line in found[0].lines]


KEPT = [sql for what, sql in judge.BOOKS.items() if "index" in what or "minute" in what]


async def require_kept(store):
    """The index and the minutes are what the rows say, also while a job is being deleted."""
    assert len(KEPT) == 4
    assert [sql for sql in KEPT if await store.read(lambda tx, sql=sql: tx.execute(sql).fetchone()[0])] == []


async def indexed(store):
    sql = "SELECT key FROM said_docsize d JOIN units u ON u.number = d.id ORDER BY u.number"
    return [row["key"] for row in await store.read(lambda tx: tx.execute(sql).fetchall())]


async def test_words_are_found_in_answers_and_errors_by_their_beginnings(store, make_job):
    job = await make_job(4)
    await answer(store, job, "u1", "The Contract ends in Zürich")
    await answer(store, job, "u2", None, status="failed", error="connection refused by server")
    await answer(store, job, "u3", "A contract that never ends")
    assert await find(store, job, "contract") == ["u1", "u3"]
    assert await find(store, job, "cont end") == ["u1", "u3"]
    assert await find(store, job, "ZURICH") == ["u1"]
    assert await find(store, job, "refus") == ["u2"]
    assert await find(store, job, "ontract") == []
    assert await find(store, job, "contract refused") == []


async def test_values_of_a_structured_answer_are_found_and_not_the_signs_of_its_json(store, make_job):
    job = await make_job(1)
    said = {"vendor": "Okonjo", "lines": [{"note": "first\nsecond"}], "total": 41.5, "n": None}
    await answer(store, job, "u1", json.dumps(said), output=said)
    for word in ("okonjo", "second", "first", "41.5"):
        assert await find(store, job, word) == ["u1"], word
    assert await find(store, job, "nsecond") == []


async def test_what_is_said_beside_a_structured_answer_is_found_too(store, make_job):
    job = await make_job(3)
    await answer(store, job, "u1", "It was unclear", output={"vendor": "Okonjo"})
    await answer(store, job, "u2", "Nothing unclear", output={})
    await answer(store, job, "u3", None, output={"vendor": "Okonjo"})
    assert await find(store, job, "unclear") == ["u1", "u2"]
    assert await find(store, job, "okonjo") == ["u1", "u3"]
    assert await find(store, job, "vendor") == []


async def test_an_answer_that_is_no_json_to_sqlite_is_kept_and_found(store, make_job):
    job = await make_job(1)
    await answer(store, job, "u1", "plain words")
    deep = "[" * 1010 + '"deepest"' + "]" * 1010  # deeper than SQLite reads
    await store.write(lambda tx: tx.execute("UPDATE units SET output = ? WHERE key = 'u1'", (deep,)).rowcount)
    assert await find(store, job, "deepest") == ["u1"]


async def test_units_that_wait_are_found_by_a_part_of_their_key_whatever_is_in_it(store, make_job):
    job = await make_job(12)
    await store.write(lambda tx: tx.execute("UPDATE units SET key = '50%_of\\it' WHERE key = 'u12'").rowcount)
    await answer(store, job, "u3", "about u1")
    assert await find(store, job, "U1") == ["u1", "u3", "u10", "u11"]
    for text in ("%", "_", "\\", "0%_O", "F\\I"):
        assert await find(store, job, text) == ["50%_of\\it"]


async def test_a_search_is_of_one_job(store, make_job):
    mine, other = await make_job(2, name="mine"), await make_job(2, name="other")
    for job in (mine, other):
        await answer(store, job, "u1", f"the same, job{job.number}")
    assert await find(store, mine, "same") == ["u1"]
    assert await find(store, mine, f"job{other.number}") == []
    found = await store.read(search.find, mine, "same", ALL)
    assert len(found.numbers) == 1


async def test_hits_are_narrowed_by_status_and_signature(store, make_job):
    job = await make_job(6)
    for n, status in enumerate(("succeeded", "failed", "flagged", "failed"), 1):
        await answer(store, job, f"u{n}", "words", status=status)
    await answer(store, job, "u5", "words", status="failed")
    await store.write(lambda tx: tx.execute("UPDATE units SET signature = 'other' WHERE key = 'u5'").rowcount)
    assert await find(store, job, "words", Wanted(status=UnitStatus.FAILED)) == ["u2", "u4", "u5"]
    assert await find(store, job, "words", Wanted(signature="s")) == ["u2", "u3", "u4"]
    assert await find(store, job, "words", Wanted(signature="s", status=UnitStatus.FLAGGED)) == ["u3"]
    assert await find(store, job, "u6", Wanted(status=UnitStatus.PENDING)) == ["u6"]
    assert await find(store, job, "words", Wanted(status=UnitStatus.PENDING)) == []


ODD = ['"', "'", "*", "a*b", "(", ")", "a AND", "NOT", "NEAR(", "^a", "key:a", "{key}", "-", "+", "a\0b", "\ud800"]
ODD += ["\u0301", "😀", "𞤀", "ﬁ", "\u200b", "a" * 500, " ".join("ab" for _ in range(100)), ";--", "%", "_", "\\"]


@pytest.mark.parametrize("text", ODD)
async def test_no_text_is_an_error_of_the_index(store, make_job, text):
    job = await make_job(1)
    await answer(store, job, "u1", "ab")
    await find(store, job, text)


@given(st.text(alphabet=st.characters(codec=None), max_size=40) | st.text('"*(){}^:+-,\0 aANDORNEAT', max_size=40))
def test_no_text_at_all_is_an_error_of_the_index(text):
    connection = engine.sqlite.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE said USING fts5 (job, key, answer, error, content = '')")
    connection.execute("INSERT INTO said (rowid, job, key, answer) VALUES (1, 'job1', 'k', 'a b AND OR')")
    query = search.asked(1, text)
    if query is not None:
        connection.execute("SELECT rowid FROM said WHERE said MATCH ?", (query,)).fetchall()
    connection.close()


# Kept, whatever happens to the rows.


async def test_reading_a_source_writes_nothing_to_it(store, make_job):
    def pages(tx):
        return [tuple(row) for row in tx.execute("SELECT id, block FROM said_data ORDER BY id")]

    before = await store.read(pages)
    job = await make_job(500)
    assert await store.read(pages) == before
    await store.write(control.cancel, job.number, Order(by="test"), now=NOW)
    while await store.write(backlog.step, job=job.number, now=NOW):
        pass
    assert await store.read(pages) == before  # what never ran said nothing


async def test_an_answer_that_changes_or_goes_is_found_as_it_is(store, make_job):
    job = await make_job(2)
    await answer(store, job, "u1", "before")
    await answer(store, job, "u1", "after")
    assert (await find(store, job, "before"), await find(store, job, "after")) == ([], ["u1"])
    await store.write(lambda tx: tx.execute(backlog.PUT_BACK, {**again(), "units": "[1]"}).rowcount)
    assert await indexed(store) == [] and await find(store, job, "after") == []
    await answer(store, job, "u1", "once more")
    assert await find(store, job, "once") == ["u1"]


def again():
    return {"note": None, "resume": 0, "stale": 0}


async def test_a_job_that_is_deleted_leaves_nothing_in_it(store, make_job, monkeypatch):
    monkeypatch.setattr(retention, "ROWS", 2)
    monkeypatch.setattr(retention, "STEP_S", 0.0)
    mine, other = await make_job(5, name="mine"), await make_job(5, name="other")
    for job in (mine, other):
        for n in range(1, 6):
            await answer(store, job, f"u{n}", "words")
        await store.write(control.cancel, job.number, Order(by="test"), now=NOW)
    await store.write(retention.mark_deleted, mine, now=NOW)
    while await store.write(backlog.step, job=mine.number, now=NOW):
        await require_kept(store)
    assert await find(store, other, "words") == [f"u{n}" for n in range(1, 6)]
    assert len(await indexed(store)) == 5
    sql = "SELECT COUNT(*) FROM said WHERE said MATCH 'words'"
    assert (await store.read(lambda tx: tx.execute(sql).fetchone()[0])) == 5


async def test_what_is_found_is_cut_where_it_is_too_much_and_said(store, make_job, monkeypatch):
    monkeypatch.setattr(search, "MOST", 3)
    job = await make_job(5)
    hits = await store.read(search.find, job, "u", ALL)
    assert (len(hits.numbers), hits.is_cut) == (3, True)
    hits = await store.read(search.find, job, "u5", ALL)
    assert (len(hits.numbers), hits.is_cut) == (1, False)


# Stores of an older batchproc.


@pytest.fixture
def old_home(tmp_path):
    """A store of version 4 with 25 units that have ended, and three that wait."""
    home = tmp_path / "old"
    home.mkdir(mode=0o700)
    connection = engine.sqlite.connect(str(home / "batch.db"), isolation_level=None)
    for version in range(1, 5):
        migrations.apply(connection, version, migrations.steps()[version])
    connection.executescript("""
        INSERT INTO jobs (job_id, name, instructions, source, options, status, credential, published, total_units,
            created_at, started_at, approved_at) VALUES ('job-1', 'n', 'do', 'list', '{}', 'running', 'login', 1, 28, 1, 1, 1);
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 28)
        INSERT INTO units (job, key, payload, row) SELECT 1, 'u' || i, '{}', i FROM n;
        UPDATE units SET status = 'succeeded', attempt = 1, charged = 1, finished_at = 61, text = 'old words' WHERE row <= 20;
        UPDATE units SET status = 'failed', attempt = 1, charged = 1, finished_at = 130, error = 'old error', signature = 's'
            WHERE row BETWEEN 21 AND 25;
        INSERT INTO attempts (unit, n, epoch, started_at, finished_at, outcome, cost_usd, input_tokens, cache_read_tokens)
            SELECT number, 1, 1, 1, finished_at, status, 0.5, 10, 4 FROM units WHERE finished_at IS NOT NULL;
    """)  # noqa: E501 - as one would write it
    connection.close()
    return home


async def test_units_of_an_older_store_are_taken_in_a_step_at_a_time_and_the_search_says_so(old_home, monkeypatch):
    from batchproc.store import db
    from tests.conftest import OPTIONS

    monkeypatch.setattr(search, "STEP", 7)
    async with db.Database(old_home) as store:
        from batchproc.store import rows

        await store.write(lambda tx: tx.execute("UPDATE jobs SET options = ?", (rows.dump_options(OPTIONS),)).rowcount)
        job = await store.read(jobs.by_id, "job-1")
        assert (await store.read(search.find, job, "old", ALL)).missing
        found = []
        await answer(store, job, "u3", "new words")  # before it is taken in
        await store.write(lambda tx: tx.execute(backlog.PUT_BACK, {**again(), "units": "[4]"}).rowcount)
        assert await find(store, job, "new") == ["u3"]
        while await store.write(search.take_in_some):
            hits = await store.read(search.find, job, "old", ALL)
            assert list(hits.numbers)[-len(found) :] == found or not found
            found = list(hits.numbers)
        assert not hits.missing and await store.read(search.is_whole)
        meant = [n for n in range(1, 26) if n not in {3, 4}]
        assert found == meant
        assert await find(store, job, "new") == ["u3"]
        assert await find(store, job, "error") == [f"u{n}" for n in range(21, 26)]
        await require_kept(store)


async def test_minutes_of_an_older_store_are_counted_when_it_is_upgraded(old_home):
    from batchproc.store import db

    async with db.Database(old_home) as store:
        sql = "SELECT minute, succeeded, flagged, failed, other, cost_usd, tokens, cache_read FROM job_minutes"
        found = [tuple(row) for row in await store.read(lambda tx: tx.execute(f"{sql} ORDER BY minute").fetchall())]
    assert found == [(1, 20, 0, 0, 0, 10.0, 280, 80), (2, 0, 0, 5, 0, 2.5, 70, 20)]


async def test_a_new_store_has_nothing_to_take_in(store, make_job):
    await make_job(2)
    assert await store.read(search.is_whole)
    assert not await store.write(search.take_in_some)


END = "UPDATE units SET status = ?, attempt = 1, charged = 1, finished_at = 1, signature = ? WHERE number % 4 = ?"
ENDS = [("succeeded", None, 0), ("failed", "s", 1), ("flagged", "s", 2)]


async def test_pages_cost_the_same_at_any_depth(store, make_job):
    """In steps of SQLite's machine: those know nothing of how busy this computer is."""
    small, big = await make_job(100, name="small"), await make_job(20_000, name="big")
    await store.write(lambda tx: [tx.execute(END, one).rowcount for one in ENDS])

    def steps(tx, job, wanted, place):
        taken = 0

        def count():
            nonlocal taken
            taken += 1

        tx.set_progress_handler(count, 1)
        try:
            page = browsing.page(tx, job, wanted, place, limit=50)
        finally:
            tx.set_progress_handler(None, 0)
        return taken, page

    for wanted in (ALL, *(Wanted(status=one) for one in ("pending", "succeeded", "failed")), Wanted(signature="s")):
        first, _ = await store.read(steps, small, wanted, Place())
        total = (await store.read(steps, big, wanted, Place()))[1].total
        deep = (await store.read(browsing.page, big, wanted, Place(skip=total * 9 // 10 - 1), limit=1)).lines[0]
        by_cursor, _ = await store.read(steps, big, wanted, Place(after=deep.number, before=total * 9 // 10))
        assert by_cursor <= 2 * first, (wanted, by_cursor, first)
    by_offset, page = await store.read(steps, big, ALL, Place(skip=18_000))
    assert by_offset <= 2 * first and page.lines[0].key == "u18001"


async def test_a_key_is_found_among_units_that_are_not_in_order_of_their_keys(store, make_job):
    job = await make_job(11)
    assert (await store.read(units.by_key, job.number, "u10")).row == 10
    assert await find(store, job, "1") == ["u1", "u10", "u11"]


async def test_a_job_that_is_deleted_leaves_in_many_small_steps_or_a_few_large_ones(store, make_job, monkeypatch):
    monkeypatch.setattr(retention, "ROWS", 2)
    taken = []
    for seconds in (0.0, 1e9):
        monkeypatch.setattr(retention, "STEP_S", seconds)
        job = await make_job(9)
        await store.write(control.cancel, job.number, Order(by="test"), now=NOW)
        while await store.write(backlog.step, job=job.number, now=NOW):
            pass
        await store.write(retention.mark_deleted, job, now=NOW)
        steps = 0
        while await store.write(retention.erase_some, job.number):
            steps += 1
        taken.append(steps)
        assert await store.read(jobs.by_id, job.job_id) is None
        assert await store.read(lambda tx: tx.execute("SELECT COUNT(*) FROM units").fetchone()[0]) == 0
    assert taken[0] >= 6 and taken[1] == 2  # all rows at once, then the job's own
