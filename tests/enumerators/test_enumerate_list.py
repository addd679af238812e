"""Lists: items written into the job itself."""

from typing import Any

import pytest
from enumerate_help import complaint, keys, payloads, refusal


def test_objects_are_payloads_and_everything_else_becomes_a_value() -> None:
    found = payloads("list", items=[{"a": 1}, "x", 2, None, True, [1, 2]])

    assert found == [{"a": 1}, {"value": "x"}, {"value": 2}, {"value": None}, {"value": True}, {"value": [1, 2]}]


def test_the_number_is_the_key_or_a_field() -> None:
    assert keys("list", items=["x", "y"]) == ["1", "2"]
    assert keys("list", items=[{"k": 5}, {"k": "b"}, {"k": True}, {"k": 1.5}], key_field="k") == [
        "5",
        "b",
        "true",
        "1.5",
    ]


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ({"a": 1}, "element 2: has no field 'k', only 'a'"),
        ("x", "element 2: has no field 'k', only 'value'"),
        ({"k": None}, "element 2: 'k' is empty"),
        ({"k": ""}, "element 2: 'k' is empty"),
        ({"k": [1]}, "element 2: 'k' holds a list or an object"),
    ],
)
def test_an_element_without_a_key_is_told(item: Any, told: str) -> None:
    assert told in complaint("list", items=[{"k": "first"}, item], key_field="k")


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ({"a": {"b": [0, float("nan")]}}, "element 1: field 'a.b[1]' is nan"),
        ({"a": float("-inf")}, "field 'a' is -inf"),
        ({"a": 2**64}, "field 'a' is a whole number beyond 64 bits"),
        ({"a": -(2**63) - 1}, "beyond 64 bits"),
        ({"a": "\ud800"}, "field 'a' holds half of a surrogate pair"),
        ({"\ud800": 1}, "is not valid text"),
        ({1: 2}, "the field name 1 is not valid text"),
        ({"a": b"x"}, "field 'a' is a Python bytes"),
        ("\udfff", "field 'value' holds half"),
    ],
)
def test_what_json_cannot_carry_is_told_with_its_field(item: Any, told: str) -> None:
    assert told in complaint("list", items=[item])


def test_what_is_nested_too_deep_is_told() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = [deep]

    assert "nested more than 250 levels" in complaint("list", items=[deep])


def test_a_null_is_no_fault() -> None:
    assert payloads("list", items=[{"a": None, "b": 2**64 - 1, "c": "null"}]) == [
        {"a": None, "b": 2**64 - 1, "c": "null"}
    ]


def test_an_empty_or_endless_list_is_refused() -> None:
    assert "at least 1 item" in refusal("list", items=[])
    assert "at most 100000 items" in refusal("list", items=[0] * 100_001)
