"""Instructions and payload become the prompt; the payload is data, byte for byte, never template source."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchproc.errors import InvalidJob
from batchproc.prompts import CLOSE, OPEN, Prompt

AWKWARD = [
    '"',
    "\n",
    "{",
    "}",
    "{{ name }}",
    "{% raw %}",
    "%s",
    "😀",
    "﻿",
    "</unit-data>",
    "\\",
    "@/etc/hostname",
    "/cost",
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def data_of(prompt):
    assert prompt.count(OPEN) == 1 and prompt.count(CLOSE) == 1
    return json.loads(prompt.split(OPEN)[1].split(CLOSE)[0])


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), json_values, max_size=5))
def test_the_data_block_decodes_to_exactly_the_payload(payload):
    assert data_of(Prompt("Look at it.").render("k", payload)) == payload


@pytest.mark.parametrize("value", AWKWARD)
def test_awkward_values_reach_a_template_byte_for_byte(value):
    assert Prompt("[{{ v }}]").render("k", {"v": value}) == f"[{value}]"


def test_a_megabyte_is_no_trouble():
    value = "x{{" * 350_000
    assert Prompt("{{ v }}").render("k", {"v": value}) == value
    assert data_of(Prompt("plain").render("k", {"v": value})) == {"v": value}


def test_plain_instructions_may_hold_anything_but_double_braces():
    prompt = Prompt("Is {x} > 100%? {% maybe %} {# note #}").render("k", {"v": 1})
    assert "Is {x} > 100%? {% maybe %} {# note #}" in prompt


def test_a_template_is_the_whole_prompt():
    assert Prompt("{{ a }}-{{ b }}\n").render("k", {"a": 1, "b": [True, None, "ß"]}) == '1-[true,null,"ß"]\n'


def test_a_field_with_a_default_may_be_missing():
    prompt = Prompt("{{ a | default('none') }}{% if b is defined %}{{ b }}{% endif %}")
    assert prompt.missing({}) is None and prompt.render("k", {}) == "none"


def test_a_missing_field_is_found_before_anything_runs():
    assert Prompt("{{ a }} {{ b }}").missing({"a": 1}) == "b"
    assert "city" in Prompt("{{ a.city }}").missing({"a": {}})


def test_a_template_that_does_not_parse_names_its_line():
    with pytest.raises(InvalidJob, match="line 2"):
        Prompt("fine\n{{ oops")


@pytest.mark.parametrize("attack", ["{{ v.__class__.__mro__ }}", "{{ ''.__class__ }}", "{{ v.format.__globals__ }}"])
def test_a_template_cannot_leave_its_sandbox(attack):
    with pytest.raises(InvalidJob):
        Prompt(attack).render("k", {"v": "x"})
