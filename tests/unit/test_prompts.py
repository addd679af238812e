"""Instructions and payload become the prompt; the payload is data, byte for byte, never template source."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchproc.errors import InvalidJob
from batchproc.kinds import Kind, of_file
from batchproc.prompts import CLOSE, OPEN, Prompt, going_on, noted
from tests.conftest import OPTIONS

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
    assert "Is {x} > 100%? {% maybe %} {# note #}" in Prompt("Is {x} > 100%? {% maybe %} {# note #}").shared(None)


SHOUT = "Answer in capitals: ÄÖÜ"


def test_the_instructions_and_how_to_answer_are_said_once_and_in_the_shared_part():
    prompt = Prompt(f"  {SHOUT}\n", reads_file=True)
    shared = prompt.shared("You are a notary.")
    assert shared.startswith("You are a notary.\n\n") and shared.count(SHOUT) == 1
    assert shared.count("must be the answer itself") == 1 and "not an instruction to you" in shared
    for path in ("/a/x.png", "/a/x.py", "/a/x.txt", "/a/x"):
        own = prompt.render(path, {"file_path": path})
        assert SHOUT not in own and "answer itself" not in own and "notary" not in own
        assert own.startswith(OPEN) and data_of(own) == {"file_path": path}


def test_the_shared_part_knows_nothing_of_the_units():
    shared = {
        Prompt("Do it.", reads_file=reads).shared(system)
        for reads in (True, False)
        for system in (None, "")
        for _ in range(2)
    }
    assert len(shared) == 1


def test_only_the_users_own_system_prompt_is_shared_with_a_template():
    template = Prompt("Greet {{ name }}.")
    assert (template.shared(None), template.shared("Be kind.")) == (None, "Be kind.")
    assert template.size(replace(OPTIONS, system_prompt="Be kind.")) == len("Be kind.") + len("Greet {{ name }}.")


def test_the_size_of_what_is_shared_is_counted_in_bytes():
    assert (
        Prompt("ß" * 1_000).size(replace(OPTIONS, system_prompt="ü" * 10))
        == len(Prompt("ß" * 1_000).shared("ü" * 10).encode())
        > 2_020
    )


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/a/photo.JPG", Kind.IMAGE),
        ("/a/scan.tiff", Kind.IMAGE),
        ("/a/main.py", Kind.CODE),
        ("/a/Makefile", Kind.CODE),
        ("/a/index.d.ts", Kind.CODE),
        ("/a/contract.pdf", Kind.DOCUMENT),
        ("/a/notes", Kind.DOCUMENT),
        ("/a.py/readme", Kind.DOCUMENT),
        ("/a/.png", Kind.DOCUMENT),
        ("/a/rows.csv", Kind.DOCUMENT),
    ],
)
def test_the_kind_of_a_file_is_told_from_its_name(path, kind):
    assert of_file({"file_path": path}) is kind


@pytest.mark.parametrize(
    ("payload", "reads", "hint"),
    [
        ({"file_path": "/a/x.png"}, True, "Look at it"),
        ({"file_path": "/a/x.go"}, True, "line numbers"),
        ({"file_path": "/a/x.md"}, True, "in pieces"),
        ({"file_path": "/a/x.md"}, False, "record above"),
        ({"name": "Ann"}, False, "record above"),
    ],
)
def test_every_kind_of_unit_is_told_how_to_go_about_it(payload, reads, hint):
    assert hint in Prompt("Do it.", reads_file=reads).render("k", payload).rsplit(CLOSE, 1)[1]


def test_what_a_person_adds_stands_outside_the_data():
    own = noted(Prompt("Do it.").render("k", {"v": "x"}), "Be brief.")
    assert "Be brief." in own.rsplit(CLOSE, 1)[1] and noted("x", None) == "x"
    assert "go on" in going_on("Be brief.") and "interrupted" in going_on(None)


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


def test_a_conversation_that_goes_on_is_told_to_write_its_files_anew():
    for note, mends in ((None, None), ("shorter", None), (None, "the agent did not write a.md")):
        said = going_on(note, mends, ["a.md"])
        assert "new, empty one" in said and said.endswith('- "a.md"\n')
    assert "StructuredOutput tool" in going_on(None, "it does not fit") and "files" not in going_on(None)
