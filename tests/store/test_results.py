"""Results as the store streams them: fields as they really are, in the order of the source, corrections in place."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchproc.columns import Kind
from batchproc.models import UnitStatus
from batchproc.store import results
from tests.conftest import OPTIONS
from tests.store.results_support import answer, job_of, judge


async def table(store, job, status=None):
    found = await store.read(results.table, job, status)
    return {column.name: column.kind for column in found.columns[9:]}


async def cells(store, job, status=None):
    """Each result as names and values."""

    def look(tx):
        found = results.table(tx, job, status)
        names = [column.name for column in found.columns]
        blocks = map(found.values, results.stream(tx, job.number, status))
        return [dict(zip(names, row, strict=True)) for block in blocks for row in zip(*block, strict=True)]

    return await store.read(look)


async def test_only_final_units_are_results_in_the_order_of_the_source(store):
    job = await job_of(store, [{"n": 1}, {"n": 2}, {"m": "x"}, {"other": 4}])
    for key in ("u3", "u1", "u2"):
        await answer(store, job, key)
    assert [one["key"] for one in await cells(store, job)] == ["u1", "u2", "u3"]
    assert await table(store, job) == {"in_n": Kind.INTEGER, "in_m": Kind.TEXT}


async def test_columns_stand_in_the_order_of_the_source_whenever_units_ended(store):
    job = await job_of(store, [{"a": 1}, {"b": 1}, {"c": 1}])
    for key, at in (("u3", 1), ("u1", 2), ("u2", 3)):
        await answer(store, job, key, output={key: 1})
        await store.write(
            lambda tx, key=key, at=at: tx.execute("UPDATE units SET finished_at = ? WHERE key = ?", (at, key)).rowcount
        )
    assert list(await table(store, job)) == ["in_a", "in_b", "in_c", "out_u1", "out_u2", "out_u3"]


async def test_one_status_may_be_asked_for_and_has_only_its_own_fields(store):
    job = await job_of(store, [{"n": 1}, {"m": "x"}])
    await answer(store, job, "u1")
    await answer(store, job, "u2", status="flagged", error="denied tools", text=None)
    [one] = await cells(store, job, UnitStatus.FLAGGED)
    assert list(one.values()) == ["u2", "flagged", None, 0.01, 1, "denied tools", None, None, False, "x"]
    assert await table(store, job, UnitStatus.FLAGGED) == {"in_m": Kind.TEXT}


async def test_answers_have_the_fields_of_their_schema_and_those_that_are_there(store):
    schema = {"type": "object", "properties": {"party": {"type": "string"}, "amount": {"type": "number"}}}
    job = await job_of(store, [{"n": 1}], replace(OPTIONS, output_schema=schema))
    await answer(store, job, "u1", output={"amount": 5, "extra": [1]})
    assert await table(store, job) == {
        "in_n": Kind.INTEGER,
        "out_party": Kind.TEXT,
        "out_amount": Kind.REAL,
        "out_extra": Kind.JSON,
    }


async def test_numbers_that_a_float_or_64_bits_cannot_hold_stay_exact(store):
    job = await job_of(store, [{"wide": 2**53 + 1, "both": 2**53 + 1, "big": 2**63}, {"both": 0.5, "edge": -(2**63)}])
    for key in ("u1", "u2"):
        await answer(store, job, key)
    assert await table(store, job) == {
        "in_wide": Kind.INTEGER,
        "in_both": Kind.JSON,
        "in_big": Kind.JSON,
        "in_edge": Kind.INTEGER,
    }
    assert (await cells(store, job))[0]["in_big"] == 2**63


async def test_a_correction_takes_the_place_of_the_answer_and_names_what_was_said(store):
    job = await job_of(store, [{"n": n} for n in range(3)])
    await answer(store, job, "u1", output={"risk": "low"}, text="low")
    await answer(store, job, "u2", text="wrong")
    await answer(store, job, "u3", text="fine")
    await judge(store, job, "u1", "correct", {"risk": "high", "why": "see 4.2"})
    await judge(store, job, "u2", "correct", "right")
    await judge(store, job, "u3")
    one, two, three = await cells(store, job)
    assert (one["out_risk"], one["out_why"], one["verdict"]) == ("high", "see 4.2", "correct")
    assert json.loads(one["text"]) == {"risk": "high", "why": "see 4.2"}
    assert json.loads(one["corrected_from"]) == {"risk": "low"}
    assert (two["text"], two["corrected_from"], two["verdict"]) == ("right", "wrong", "correct")
    assert (three["text"], three["corrected_from"], three["verdict"]) == ("fine", None, "accept")


async def test_a_verdict_says_nothing_of_an_answer_that_came_later(store):
    job = await job_of(store, [{"n": 1}])
    await answer(store, job, "u1", text="wrong")
    await judge(store, job, "u1", "correct", "right")
    await answer(store, job, "u1", text="another")
    [one] = await cells(store, job)
    assert (one["text"], one["verdict"], one["corrected_from"]) == ("another", None, None)


async def test_units_that_the_source_lost_are_marked_and_keep_their_answers(store):
    job = await job_of(store, [{"n": 1}, {"n": 2}])
    await answer(store, job, "u1", gone=2)
    await answer(store, job, "u2")
    assert [(one["key"], one["gone"], one["text"]) for one in await cells(store, job)] == [
        ("u1", True, "yes"),
        ("u2", False, "yes"),
    ]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
HOLDS = {
    Kind.TEXT: (str,),
    Kind.BOOLEAN: (bool,),
    Kind.INTEGER: (int,),
    Kind.REAL: (int, float),
}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payloads=st.lists(st.dictionaries(TEXT, VALUE, max_size=4), min_size=1, max_size=4))
async def test_every_value_of_every_payload_is_in_its_column_and_fits_its_kind(store, payloads):
    job = await job_of(store, payloads)
    for n in range(len(payloads)):
        await answer(store, job, f"u{n + 1}")
    found = await store.read(results.table, job)
    for one, payload in zip(await cells(store, job), payloads, strict=True):
        values = [*one.values()][9:]
        assert {name: value for name, value in zip(found.payload, values, strict=True) if name in payload} == payload
        for column, value in zip(found.columns[9:], values, strict=True):
            if value is not None and column.kind is not Kind.JSON:
                assert type(value) in HOLDS[column.kind], (column, value)


async def test_many_units_come_in_blocks_and_none_is_lost(store):
    job = await job_of(store, [{"n": n} for n in range(2 * results.BLOCK + 1)])
    for n in (1, 2 * results.BLOCK + 1):
        await answer(store, job, f"u{n}", output={"x": n})
    await store.write(lambda tx: tx.execute("UPDATE units SET status = 'succeeded', finished_at = 1").rowcount)
    found = await cells(store, job)
    assert [one["in_n"] for one in found] == list(range(2 * results.BLOCK + 1))
    assert [one["out_x"] for one in found if one["out_x"]] == [1, 2 * results.BLOCK + 1]


async def test_a_correction_that_says_nothing_any_more_makes_no_column_and_changes_no_type(store):
    job = await job_of(store, [{"n": 1}])
    await answer(store, job, "u1", text="a", output={"amount": "12 EUR"})
    await judge(store, job, "u1", "correct", {"amount": "13 EUR", "old": True})
    await answer(store, job, "u1", text="b", output={"amount": 12}, attempts=2)
    found = await store.read(results.table, job)
    assert [(one.name, one.kind) for one in found.columns if one.name.startswith("out_")] == [("out_amount", "integer")]


@pytest.mark.parametrize("large", ["text", "payload", "output", "correction"])
async def test_a_block_has_no_more_than_some_characters_however_large_results_are(store, large):
    """Before, 300 answers of a megabyte were in memory at once, several times over."""
    word = "x" * (results.LARGE // 4)
    payloads = [{"n": n} | ({"word": word} if large == "payload" and n > 10 else {}) for n in range(1, 31)]
    job = await job_of(store, payloads)
    for n in range(1, 31):
        said = {large: word if large == "text" else {"word": word}} if large in {"text", "output"} and n > 10 else {}
        await answer(store, job, f"u{n}", **said)
        if large == "correction" and n > 10:
            await judge(store, job, f"u{n}", "correct", word)

    blocks = await store.read(lambda tx: [list(block.unit[0]) for block in results.stream(tx, job.number)])

    assert [key for block in blocks for key in block] == [f"u{n}" for n in range(1, 31)]
    assert [len(block) for block in blocks] == [14, 4, 4, 4, 4]


async def test_a_result_larger_than_a_block_is_one(store):
    job = await job_of(store, [{"n": 1}, {"n": 2}])
    for key in ("u1", "u2"):
        await answer(store, job, key, text="x" * (results.LARGE + 1))
    sizes = await store.read(lambda tx: [len(block.unit[0]) for block in results.stream(tx, job.number)])
    assert sizes == [1, 1]
