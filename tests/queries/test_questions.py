"""Questions to a real store, answered by the real program."""

import asyncio
import json
import os
import time

import pytest

from batchproc import columns
from batchproc.errors import InvalidJob, NotFound
from batchproc.store import questions
from tests.store.results_support import answer, job_of, judge


async def refused(ask, job, sql, **more):
    with pytest.raises(InvalidJob) as told:
        await ask(job, sql, **more)
    return str(told.value)


async def test_many_answers_become_a_few_lines(store, ask):
    job = await job_of(store, [{"file": f"{n}.pdf"} for n in range(300)])
    for n in range(1, 301):
        await answer(store, job, f"u{n}", output={"vendor": f"V{n % 7 if n % 3 else 100 + n}"})
    sql = "SELECT out_vendor, count(*) FROM results GROUP BY 1 HAVING count(*) > 5 ORDER BY 1;"
    assert [vendor for vendor, _ in await ask(job, sql)] == [f"V{n}" for n in range(7)]


async def test_every_final_unit_of_this_job_is_there_and_nothing_else(ask, job):
    assert await ask(job, "SELECT count(*), min(in_page), max(in_page) FROM results") == [[11, 1, 11]]


async def test_values_have_the_types_that_they_have_in_json(ask, store):
    payload = {"n": 5, "x": 0.5, "yes": True, "t": "5", "none": None, "list": [1, {"a": "e"}], "o": {"b": 1}}
    wide = {"wide": 2**53 + 1, "big": 2**64 + 1, "small": "b"}
    job = await job_of(store, [payload | wide])
    await answer(store, job, "u1")
    names = ", ".join(f"in_{name}" for name in [*payload, *wide])
    types = ", ".join(f"typeof(in_{name})" for name in payload)
    [row] = await ask(job, f"SELECT {names} FROM results")
    assert row == [5, 0.5, 1, "5", None, '[1,{"a":"e"}]', '{"b":1}', 2**53 + 1, str(2**64 + 1), "b"]
    assert await ask(job, f"SELECT {types} FROM results") == [
        ["integer", "real", "integer", "text", "null", "text", "text"]
    ]
    assert await ask(job, "SELECT value FROM results, json_each(in_list) WHERE type = 'integer'") == [[1]]


async def test_a_correction_takes_the_answers_place(ask, store, job):
    sql = "SELECT out_vendor, out_total, text, verdict, corrected_from FROM results WHERE key = 'u3'"
    [[vendor, total, text, verdict, said]] = await ask(job, sql)
    assert (vendor, total, verdict) == ("Vendor 1", 300, "correct") and json.loads(text)["vendor"] == "Vendor 1"
    assert json.loads(said)["vendor"] == "Vendor 3"
    await answer(store, job, "u3", output={"vendor": "Vendor 9"})
    assert await ask(job, sql) == [["Vendor 9", None, "yes", None, None]]


async def test_a_correction_of_a_text_is_a_text(ask, store):
    job = await job_of(store, [{"n": 1}, {"n": 2}])
    for key in ("u1", "u2"):
        await answer(store, job, key, text="low")
    await judge(store, job, "u1", "correct", "high {")
    await judge(store, job, "u2", "reject")
    assert await ask(job, "SELECT text, verdict, corrected_from FROM results") == [
        ["high {", "correct", "low"],
        ["low", "reject", None],
    ]


async def test_units_that_are_gone_are_there_and_marked(ask, store):
    job = await job_of(store, [{"n": 1}, {"n": 2}])
    await answer(store, job, "u1", gone=2)
    await answer(store, job, "u2", status="failed", error="broken", text=None)
    assert await ask(job, "SELECT key, gone, status, error FROM results ORDER BY key") == [
        ["u1", 1, "succeeded", None],
        ["u2", 0, "failed", "broken"],
    ]


NAMES = [
    "a b",
    'a"b',
    "a'b",
    "a\\b",
    "a.b",
    "a[0]",
    "é",
    "😀",
    "$",
    "key",
    "Key",
    "KEY",
    "",
    "a\tb",
    "--",
    ";",
]


async def test_fields_of_any_name_can_be_asked_for(ask, service, store):
    job = await job_of(store, [{name: n for n, name in enumerate(NAMES)}])
    await answer(store, job, "u1")
    described = (await service.query_results(job.job_id)).rows[9:]
    assert len({name.lower() for name, *_ in described}) == len(NAMES)
    asked = ", ".join(name for name, *_ in described)
    assert await ask(job, f"SELECT {asked} FROM results") == [list(range(len(NAMES)))]


async def test_without_a_question_the_columns_are_told_with_types_and_samples(service, job):
    told = await service.query_results(job.job_id)
    assert told.columns == ["column", "type", "row 1", "row 2", "row 3"]
    rows = {name: rest for name, *rest in told.rows}
    assert rows["in_page"] == ["integer", 1, 2, 3]
    assert rows["out_vendor"] == ["text", "Vendor 1", "Vendor 2", "Vendor 1"]
    assert rows["out_paid"] == ["0 or 1", 0, 1, None]
    assert rows["out_lines"][:2] == ["JSON text, or of several types", '[1,{"of":1}]']
    assert "1 of 12 units are not final yet" in told.message


async def test_a_job_without_answers_says_so(service, store):
    job = await job_of(store, [{"n": 1}])
    assert (await service.query_results(job.job_id)).columns == ["column", "type"]
    found = await service.query_results(job.job_id, "SELECT * FROM results")
    assert found.rows == [] and "1 of 1 units are not final yet" in found.message
    with pytest.raises(NotFound):
        await service.query_results("job-0", "SELECT 1")


async def test_numbers_that_are_text_are_told_of(service, store):
    job = await job_of(store, [{"amount": "9.5", "name": "x"}, {"amount": "-12", "name": "7"}])
    for key in ("u1", "u2"):
        await answer(store, job, key)
    said = (await service.query_results(job.job_id, "SELECT max(in_amount) FROM results")).message
    assert "in_amount" in said and "CAST(in_amount AS REAL)" in said and "in_name" not in said
    asked = await service.query_results(job.job_id, "SELECT max(CAST(in_amount AS REAL)) FROM results")
    assert (asked.rows, asked.message) == ([[9.5]], None)


async def test_a_field_that_few_units_have_is_found_when_it_is_named(service, ask, store, monkeypatch):
    monkeypatch.setattr(questions, "FEW", 10)
    monkeypatch.setattr(questions, "EACH_END", 3)
    job = await job_of(store, [{"n": n} | ({"rare": "x"} if n == 15 else {}) for n in range(1, 31)])
    for n in range(1, 31):
        await answer(store, job, f"u{n}", output={"common": 1} | ({"odd": n} if n == 16 else {}))
    found = await service.query_results(job.job_id, "SELECT * FROM results LIMIT 1")
    assert "in_rare" not in found.columns
    assert "* has the fields of 6 of 30 units" in found.message
    assert await ask(job, "SELECT count(in_rare), max(out_odd) FROM results") == [[1, 16]]
    assert await ask(job, 'SELECT count("in_rare") FROM results') == [[1]]
    assert "no column in_rar;" in await refused(ask, job, "SELECT in_rar FROM results")
    assert "in_rare, " in await refused(ask, job, "SELECT in_rar FROM results")


async def test_a_sample_never_reads_all_units(store, job):
    """However many there are: both ends are found in an index, and only those units are read."""
    sql = questions.SAMPLE.format(column="payload")
    plan = await store.read(
        lambda tx: [
            row["detail"] for row in tx.execute(f"EXPLAIN QUERY PLAN {sql}", {"job": job.number, "n": 5}).fetchall()
        ]
    )
    assert "SEARCH u USING INTEGER PRIMARY KEY (rowid=?)" in plan
    assert sum("units USING INDEX units_final (job=?)" in step for step in plan) == 2, plan
    assert not [step for step in plan if step.startswith(("SCAN u", "SCAN units"))]


WRONG = {
    "SELECT out_vendro FROM results": "no column out_vendro; it has out_vendor, key",
    "SELECT vendor FROM results": "no column vendor; it has out_vendor, key",
    "SELECT results.vendor FROM results": "no column vendor; it has out_vendor, key",
    'SELECT "out_vendro" FROM results': "no column out_vendro; it has out_vendor, key",
    "SELECT in_Pages FROM results": "no column in_Pages; it has in_page, ",
    "SELECT * FROM bills": "no such table: bills; there is one table, results",
    "SELECT key FROM": "SQLite says: incomplete input",
    "SELEC key FROM results": 'near "SELEC": syntax error',
    "": "write one SELECT or WITH query of the table results, or leave it out",
    " ;; ": "write one SELECT or WITH query of the table results, or leave it out",
    "SELECT 1; SELECT 2": "more than one statement",
    "SELECT key FROM results WHERE key = :key": "it has parameters",
    "SELECT '" + "x" * 100_000 + "'": "longer than 100,000 characters",
}


@pytest.mark.parametrize("sql", WRONG, ids=lambda sql: sql[:40])
async def test_what_is_wrong_is_said_with_a_way_out(ask, job, sql):
    assert WRONG[sql] in await refused(ask, job, sql)


async def test_half_a_character_is_said_to_be_one_as_any_other_fault(ask, job):
    told = await refused(ask, job, "SELECT '\ud800' AS a")
    assert told.startswith("sql = \"SELECT '\\ud800' AS a\": character 9 is half of a surrogate pair")


async def test_how_long_a_question_is_is_looked_at_before_anything_else(service):
    endless = " " * 50_000_000 + "x"
    began = time.perf_counter()
    told = await refused(service.query_results, "no such job", endless)
    assert "longer than 100,000 characters" in told and time.perf_counter() - began < 10


async def test_a_long_space_within_a_question_holds_nobody_up(ask, job):
    """Each character of it was looked at from each other one: minutes in which the whole service stood still."""
    async with asyncio.timeout(30):
        assert await ask(job, "SELECT" + " " * 90_000 + "count(*) FROM results ;\n; ") == [[11]]


HONEST = {
    'SELECT out_vendor AS "in_all", count(*) AS \'n\' FROM results GROUP BY 1 ORDER BY "in_all" LIMIT 1': [
        ["Vendor 0", 2]
    ],
    "WITH jobs AS (SELECT 1 AS a) SELECT a FROM jobs": [[1]],
    "WITH some AS (SELECT key FROM results WHERE in_page > 6) SELECT count(*) FROM some": [[5]],
    "SELECT count(*) FROM results a JOIN results b USING (key)": [[11]],
    "SELECT count(*) FROM results a NATURAL FULL JOIN (SELECT 'x' AS key)": [[12]],
    "SELECT key FROM results WHERE key IN (SELECT key FROM results WHERE in_page = 2)": [["u2"]],
    "SELECT key FROM results WHERE out_vendor = 'Vendor 2' ORDER BY out_total DESC LIMIT 1 -- the largest;": [["u10"]],
    "SELECT in_page, rank() OVER (ORDER BY out_total DESC) AS nr FROM results ORDER BY nr LIMIT 2": [[3, 1], [11, 2]],
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 9) SELECT max(n) FROM c": [[9]],
    "SELECT json_extract(out_lines, '$[1].of') FROM results WHERE key = 'u4'": [[4]],
    "SELECT upper('drop table units; attach'), date('2026-01-01', '+1 day'), round(sqrt(2), 2)": [
        ["DROP TABLE UNITS; ATTACH", "2026-01-02", 1.41]
    ],
    "SELECT group_concat(key, ', ' ORDER BY key DESC) FROM results WHERE in_page < 3": [["u2, u1"]],
    "SELECT text FROM results WHERE text LIKE '%BILL 1%' ORDER BY 1": [["bill 1"], ["bill 10"], ["bill 11"]],
    "SELECT typeof(text), 9e999, -9e999, x'00ff', CAST(x'ff' AS TEXT) FROM results WHERE key = 'u1'": [
        ["text", "inf", "-inf", "00ff", "\ufffd"]
    ],
    "VALUES (1, 'a'), (2, NULL)": [[1, "a"], [2, None]],
    "SELECT KEY, In_Page FROM Results WHERE Key = 'u1'": [["u1", 1]],
}


@pytest.mark.parametrize("sql", HONEST, ids=lambda sql: sql[:40])
async def test_honest_questions_are_answered(ask, job, sql):
    assert await ask(job, sql) == HONEST[sql]


async def test_rows_beyond_the_limit_are_told_of(service, job):
    found = await service.query_results(job.job_id, "SELECT key FROM results ORDER BY in_page", limit=4)
    assert [row[0] for row in found.rows] == ["u1", "u2", "u3", "u4"]
    assert found.truncated and "first 4 rows" in found.message and "OFFSET" in found.message
    whole = await service.query_results(job.job_id, "SELECT key FROM results", limit=11)
    assert len(whole.rows) == 11 and not whole.truncated


async def test_rows_and_cells_that_are_too_long_are_told_of(service, job):
    found = await service.query_results(job.job_id, "SELECT key, hex(zeroblob(2500)) AS wide FROM results")
    assert found.truncated and "cells end after 4,000 characters; substr(column, 4001)" in found.message
    assert found.rows[0][1] == "0" * 4000 + "… [5,000 characters]"
    found = await service.query_results(
        job.job_id, "SELECT results.key, hex(zeroblob(1900)) AS wide FROM results, json_each('[1,2,3,4]')"
    )
    assert len(found.rows) == 26 and len(found.model_dump_json()) < 101_000
    assert found.truncated and "first 26 rows; the next one does not fit in 100 kB" in found.message


@pytest.mark.parametrize(("argument", "value"), [("limit", 0), ("limit", 100_001), ("timeout_s", 0.5)])
async def test_limits_have_limits(ask, job, argument, value):
    assert f"{argument} = {value}" in await refused(ask, job, "SELECT 1", **{argument: value})


async def test_a_question_that_takes_too_long_is_told_so(ask, job):
    endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c"
    assert "took longer than 1 s and was stopped; filter with WHERE" in await refused(ask, job, endless, timeout_s=1)


async def test_answers_are_of_one_moment_while_somebody_writes(ask, store):
    """A writer moves an amount from one unit to the other, and back; their sum never changes."""
    job = await job_of(store, [{"n": 1}, {"n": 2}])
    for key in ("u1", "u2"):
        await answer(store, job, key, cost_usd=1.0)
    move = "UPDATE units SET cost_usd = 2.0 - cost_usd + (CASE key WHEN 'u1' THEN ? ELSE -? END) WHERE job = ?"
    moved = 0

    async def write():
        nonlocal moved
        while True:
            await store.write(lambda tx: tx.execute(move, (0.5, 0.5, job.number)).rowcount)
            moved += 1

    writing = asyncio.create_task(write())
    sums = [await ask(job, "SELECT sum(cost_usd), max(cost_usd) <> 1.0 FROM results") for _ in range(8)]
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    assert moved > 8 and all(rows[0][0] == 2.0 for rows in sums) and any(rows[0][1] for rows in sums)


async def test_the_environment_is_not_the_questions_business(ask, job, monkeypatch):
    """A plan of the user's own for Python does not change what runs."""
    monkeypatch.setitem(os.environ, "PYTHONSTARTUP", "/nowhere")
    monkeypatch.setitem(os.environ, "PYTHONPATH", "/nowhere")
    assert await ask(job, "SELECT 1") == [[1]]


async def test_fields_beyond_the_most_are_together_in_one_column(ask, service, store):
    job = await job_of(store, [{f"f{n}": n for n in range(columns.MOST + 2)}, {"f1": 5}])
    for key in ("u1", "u2"):
        await answer(store, job, key)
    [first, second] = await ask(job, "SELECT in_other_fields, in_f1 FROM results ORDER BY key")
    assert json.loads(first[0]) == {f"f{n}": n for n in (columns.MOST, columns.MOST + 1)}
    assert second == [None, 5]
    assert len((await service.query_results(job.job_id, "SELECT * FROM results")).columns) == columns.MOST + 10
