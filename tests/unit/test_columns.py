"""Results as a table: which columns, of what kind, called what."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchproc import columns
from batchproc.columns import Block, Fields, Kind

UNIT = [[n] for n in range(len(columns.UNIT))]


def fields(**types):
    return Fields(types={name: set(kinds) for name, kinds in types.items()})


def names(payload, answer):
    return [column.name for column in columns.table(payload, answer).columns][len(UNIT) :]


def test_every_unit_has_the_same_nine_columns_and_then_its_own_fields():
    table = columns.table(fields(id=["text"], n=["integer"]), fields(party=["text"]))
    assert [c.name for c in table.columns] == [
        *("key", "status", "text", "cost_usd", "attempts", "error", "verdict", "corrected_from", "gone"),
        *("in_id", "in_n", "out_party"),
    ]
    assert table.values(Block(UNIT, [{"n": 5, "id": "a"}], [{}])) == [*UNIT, ["a"], [5], [None]]


KINDS = [
    ([], Kind.TEXT),
    (["null"], Kind.TEXT),
    (["text", "null"], Kind.TEXT),
    (["true"], Kind.BOOLEAN),
    (["true", "false", "null"], Kind.BOOLEAN),
    (["integer"], Kind.INTEGER),
    (["integer", "wide"], Kind.INTEGER),
    (["integer", "real"], Kind.REAL),
    (["wide", "real"], Kind.JSON),  # a float would round it
    (["big"], Kind.JSON),
    (["true", "integer"], Kind.JSON),
    (["text", "integer"], Kind.JSON),
    (["array"], Kind.JSON),
    (["object", "null"], Kind.JSON),
]


@pytest.mark.parametrize(("types", "kind"), KINDS)
def test_a_column_is_of_the_narrowest_kind_that_loses_nothing(types, kind):
    assert columns.kind_of(types) is kind


def test_names_are_unique_whatever_case_they_are_in():
    payload = fields(a=["text"], A=["text"], a_2=["text"])
    assert names(payload, fields()) == ["in_a", "in_A_2", "in_a_2_2"]


def test_names_have_no_character_that_nobody_sees_and_a_length():
    payload = fields(**{"a\x00b\n": ["text"], "": ["text"], "\u202egnp": ["text"], "x" * 500: ["text"]})
    assert names(payload, fields()) == ["in_a_b_", "in_unnamed", "in__gnp", "in_" + "x" * 100]


@given(st.lists(st.text(), unique=True, max_size=30))
def test_whatever_the_fields_are_called_a_database_takes_their_names(given_names):
    fields = Fields()
    for name in given_names:
        fields.see(name, "text")
    found = [column.name for column in columns.table(fields, fields).columns]
    quoted = ", ".join('"' + name.replace('"', '""') + '" TEXT' for name in found)
    sqlite3.connect(":memory:").execute(f"CREATE TABLE results ({quoted})")
    assert len({name.casefold() for name in found}) == len(found) == len(UNIT) + 2 * len(given_names)


def test_fields_beyond_the_bound_share_a_column_and_none_is_lost():
    payload = Fields()
    for n in range(columns.MOST + 5):
        payload.see(f"f{n}", "integer")
    table = columns.table(payload, fields())
    assert table.columns[-1].name == "in_other_fields" and table.columns[-1].kind is Kind.JSON
    values = table.values(Block(UNIT, [{"f0": 1, "f903": 2, "f904": 3}], [{}]))
    assert values[len(UNIT)] == [1] and values[-1] == [{"f903": 2, "f904": 3}]
    assert table.values(Block(UNIT, [{"f0": 1}], [{}]))[-1] == [None]


def test_a_schema_names_its_fields_in_its_order_with_what_it_allows():
    schema = {
        "type": "object",
        "properties": {
            "party": {"type": ["string", "null"]},
            "amount": {"type": "number"},
            "risk": {"enum": ["low", "high"]},
            "money": {"$ref": "#/$defs/money"},
            "sure": {"type": "boolean"},
        },
        "$defs": {"money": {"type": "object"}},
    }
    table = columns.table(fields(), columns.declared(schema))
    found = {c.name: c.kind for c in table.columns[len(UNIT) :]}
    assert found == {
        "out_party": Kind.TEXT,
        "out_amount": Kind.REAL,
        "out_risk": Kind.TEXT,
        "out_money": Kind.JSON,
        "out_sure": Kind.BOOLEAN,
    }
    assert columns.declared(None).types == {}
