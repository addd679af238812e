"""What a job says now beside what it said before: which fields, old beside new, without secrets, however long."""

from dataclasses import replace

import pytest

from batchproc import present_changed
from batchproc.models import LIVE, Profile, Trial
from tests.conftest import OPTIONS

TOOLS = {"command": "tool", "args": ["--quick"], "env": {"TOKEN": "hunter2"}}
FAR = {"type": "http", "url": "https://example.org/", "headers": {"Authorization": "Bearer hunter2"}}


def trial(instructions="Count.", round=1, **options):
    known = {"model": "haiku", **options}
    told = {"instructions": instructions, "options": replace(OPTIONS, **known), "has_ended": True}
    return Trial(n=round, round=round, variant=None, **told)


def differing(before, after):
    return {one.field: (one.before, one.after) for one in present_changed.differences(before, after)}


def said(before, after):
    return present_changed.answer(before, after, whole=True)


CASES = {
    "a model": ({}, {"model": "sonnet"}, ("options.model", "haiku", "sonnet"), "model haiku → sonnet"),
    "no model": ({"model": None}, {}, ("options.model", None, "haiku"), "model not set → haiku"),
    "a profile": ({}, {"profile": Profile.FULL}, ("options.profile", "answer", "full"), "profile answer → full"),
    "a number": ({}, {"max_turns": 3}, ("options.max_turns", None, "3"), "max_turns not set → 3"),
    "a list": (
        {"allowed_tools": ["Read"]},
        {"allowed_tools": ["Read", "WebFetch"]},
        ("options.allowed_tools", '["Read"]', '["Read", "WebFetch"]'),
        'allowed_tools ["Read"] → ["Read", "WebFetch"]',
    ),
    "a schema": (
        {"output_schema": {"type": "object"}},
        {"output_schema": {"type": "object", "title": "é"}},
        ("output_schema", '{\n  "type": "object"\n}', '{\n  "type": "object",\n  "title": "é"\n}'),
        "output_schema (+2 −1 lines)",
    ),
    "the content of a check": (
        {"check": ["/bin/ok", "a.py"], "check_files": {"a.py": "aa", "/bin/ok": ""}},
        {"check": ["/bin/ok", "a.py"], "check_files": {"a.py": "bb", "/bin/ok": ""}},
        (
            "options.check",
            '{\n  "command": [\n    "/bin/ok",\n    "a.py"\n  ],\n  "files": {\n    "a.py": "aa"\n  }\n}',
            '{\n  "command": [\n    "/bin/ok",\n    "a.py"\n  ],\n  "files": {\n    "a.py": "bb"\n  }\n}',
        ),
        "check (+1 −1 lines)",
    ),
}


@pytest.mark.parametrize(("was", "now", "shown", "words"), CASES.values(), ids=CASES.keys())
def test_each_kind_of_option_is_named_as_update_job_names_it(was, now, shown, words):
    found = said(trial(**was), trial(**now, round=2))
    assert [(one.field, one.before, one.after) for one in found.differences] == [shown]
    assert found.words == f"changed since round 1: {words}"


LINES = {
    "Count.\nThen stop.": "+1 line",
    "Spell.\nThen stop.": "+2 −1 lines",
    "Spell.": "+1 −1 lines",
    "Count.\n": "the order of its lines, or its end",
}


@pytest.mark.parametrize(("text", "counts"), LINES.items())
def test_instructions_are_counted_in_lines_and_shown_whole(text, counts):
    found = said(trial(), trial(text, round=2))
    assert found.words == f"changed since round 1: instructions ({counts})"
    assert [(one.before, one.after) for one in found.differences] == [("Count.", text)]


def test_what_is_the_same_is_not_named_nor_is_what_changes_no_answer():
    assert said(trial(), trial(round=2)).words == "nothing is changed since round 1"
    now = {name: getattr(OPTIONS, name) for name in LIVE} | {"budget_usd": 77.0, "max_attempts": 9}
    assert differing(trial(), trial(**now)) == {}


def test_outside_of_a_review_there_are_only_the_words():
    found = present_changed.answer(trial(), trial("Spell."), whole=False)
    assert found.differences == [] and "instructions" in found.words


@pytest.mark.parametrize(("config", "part"), [(TOOLS, "env"), (FAR, "headers")])
def test_secrets_of_servers_are_not_shown_but_whether_they_are_others(config, part):
    other = {**config, part: dict.fromkeys(config[part], "swordfish")}
    new, changed, same = (
        differing(trial(**was), trial(mcp_servers={"x": now}, **more))
        for was, now, more in (
            ({}, config, {}),
            ({"mcp_servers": {"x": config}}, other, {}),
            ({"mcp_servers": {"x": config}}, config, {"max_turns": 2}),
        )
    )
    assert "hunter2" not in f"{new}{changed}{same}" and "swordfish" not in f"{new}{changed}"
    assert present_changed.SECRET in new["options.mcp_servers"][1]
    assert present_changed.ANOTHER_SECRET in changed["options.mcp_servers"][1]
    assert same.keys() == {"options.max_turns"}


def test_of_long_texts_what_differs_is_shown_with_a_little_around_it():
    lines = [f"rule {n}: leave it as it is" for n in range(4_000)]
    before, after = ("\n".join([*lines[:2_000], word, *lines[2_000:]]) for word in ("be brief", "be exact"))
    found = said(trial(before), trial(after, round=2))
    [one] = found.differences
    assert found.words.endswith("instructions (+1 −1 lines)")
    assert max(len(one.before), len(one.after)) < 1_000
    assert one.before.replace("be brief", "be exact") == one.after and "rule 1999: leave" in one.after
    first, *_, last = one.after.split("\n")
    assert first.startswith("[… ") and last.endswith(" characters that are the same]")
    hidden = sum(int(line.split()[1].replace(",", "")) for line in (first, last))
    assert hidden + len(one.after) - len(first) - len(last) - 2 == len(after)


def test_where_nearly_all_of_a_long_text_is_another_one_it_is_cut_and_says_so():
    found = said(trial("a" * 150_000), trial("b" * 200_000, round=2))
    [one] = found.differences
    assert "150,000 characters in all" in one.before and "200,000 characters in all" in one.after
    assert max(len(one.before), len(one.after)) < present_changed.LONGEST + 100


@pytest.mark.parametrize(
    ("one", "other"),
    [("x" * 5_000, "x" * 5_001), ("ab" * 3_000, "ab" * 3_000 + "ab"), ("\n" * 5_000, "\n" * 4_000), ("x" * 5_000, "")],
)
def test_what_repeats_itself_is_never_shown_twice(one, other):
    found = said(trial(system_prompt=one), trial(system_prompt=other, round=2))
    [shown] = found.differences
    assert shown.before != shown.after
    assert all(len(text or "") < present_changed.LONGEST + 200 for text in (shown.before, shown.after))
