"""A body means what it says: a name stands once, a number is no text, and yes is `true`."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from batchproc.interfaces import http_bodies
from batchproc.interfaces import http_words as words
from batchproc.interfaces.http_problems import Refused
from batchproc.interfaces.http_routes import TABLE
from batchproc.models import JobOptions, JobSpec
from tests.interfaces.conftest import Open
from tests.interfaces.test_http_requests import SPEC, created

TWICE = [
    ('{"why": "a", "why": "b"}', "why"),
    ('{"why": "a", "wh\\u0079": "b"}', "why"),
    ('{"a": {"b": [1, {"c": 1, "c": 1}]}}', "a.b.1.c"),
    ('{"a": {"b": 1, "b": 2}, "a": 3}', "a"),
    ('{"": 1, "": 2}', ""),
]


@pytest.mark.parametrize(("body", "place"), TWICE)
def test_a_name_that_stands_twice_is_refused_and_named_with_its_place(body: str, place: str) -> None:
    with pytest.raises(Refused) as refused:
        http_bodies.read(body.encode(), words.Reason)
    problem = refused.value.problem
    [one] = problem.errors
    assert (problem.status, one.field) == (422, place) and "twice" in one.way_out


def test_equal_names_in_different_objects_are_no_fault() -> None:
    body = b'{"name": "n", "instructions": "i", "enumerator": {"name": 1, "items": [{"name": 1}, {"name": 2}]}}'
    assert http_bodies.read(body, JobSpec).enumerator["items"] == [{"name": 1}, {"name": 2}]


async def test_what_was_said_twice_is_not_done(opened: Open) -> None:
    job = await created(opened)
    refused = await opened.ask("POST", f"/jobs/{job}/set", b'{"budget_usd": 2, "budget_usd": 900000}')
    assert refused.status == 422 and refused.json["errors"][0]["field"] == "budget_usd"
    assert (await opened.ask("GET", f"/jobs/{job}")).json["limits"]["budget_usd"] != 900_000


WRONG = [
    (words.Start, {"confirmed": "true"}, "confirmed"),
    (words.Start, {"confirmed": "off"}, "confirmed"),
    (words.Start, {"confirmed": 1}, "confirmed"),
    (words.Start, {"confirmed": 0.0}, "confirmed"),
    (words.Pause, {"drain": "no"}, "drain"),
    (words.Settable, {"max_units": "5"}, "max_units"),
    (words.Settable, {"max_units": True}, "max_units"),
    (words.Settable, {"budget_usd": "5"}, "budget_usd"),
    (words.Settable, {"budget_usd": True}, "budget_usd"),
    (words.Draw, {"n": "5"}, "n"),
    (words.Question, {"timeout_s": "5"}, "timeout_s"),
    (words.Update, {"options": {"resume": "yes"}}, "options.resume"),
    (words.Start, {"variants": [{"options": {"max_turns": "7"}}, {}]}, "variants.0.options.max_turns"),
    (JobSpec, {**SPEC, "options": {"overwrite_outputs": "on"}}, "options.overwrite_outputs"),
    (JobSpec, {**SPEC, "options": {"pilot_units": "3"}}, "options.pilot_units"),
]


@pytest.mark.parametrize(("model", "body", "place"), WRONG, ids=lambda one: str(one)[-40:])
def test_no_text_is_a_number_and_no_number_is_yes(model: Any, body: dict, place: str) -> None:
    with pytest.raises(Refused) as refused:
        http_bodies.read(json.dumps(body).encode(), model)
    assert [one.field for one in refused.value.problem.errors] == [place]


def test_what_the_document_allows_is_read_as_it_is() -> None:
    """A whole number may be written 5.0 in JSON, and what may be left out may be null."""
    body = b'{"max_units": 5.0, "budget_usd": 5, "why": null, "priority": null}'
    assert http_bodies.read(body, words.Settable) == words.Settable(max_units=5, budget_usd=5)
    corrections = ({"a": "1"}, "true", None)
    for one in corrections:
        kept = http_bodies.read(json.dumps({"verdict": "correct", "correction": one}).encode(), words.Verdict)
        assert kept.correction == one
    spec = {**SPEC, "options": {"directories": ["1"], "profile": "edit", "mcp_servers": {"a": {"on": "yes"}}}}
    assert http_bodies.read(json.dumps(spec).encode(), JobSpec) == JobSpec.model_validate(spec)


def _places(kind: str, schema: dict, defs: dict, place: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Where, in what a model's schema describes, fields of a kind are."""
    if "$ref" in schema:
        schema = defs[schema["$ref"].rpartition("/")[2]]
    found = [place] if kind in {one.get("type") for one in (schema, *schema.get("anyOf", ()))} else []
    for one in schema.get("anyOf", ()):
        found += [] if one.get("type") == kind else _places(kind, one, defs, place)
    for name, one in schema.get("properties", {}).items():
        found += _places(kind, one, defs, (*place, name))
    return found


def _nested(place: tuple[str, ...], value: Any) -> Any:
    return value if not place else {place[0]: _nested(place[1:], value)}


@pytest.mark.parametrize("model", sorted({row.body for row in TABLE if row.body}, key=lambda one: one.__name__))
def test_every_yes_or_no_and_every_number_of_the_document_is_strict(model: Any) -> None:
    schema = model.model_json_schema()
    for kind, wrong in (("boolean", ("true", 1)), ("integer", ("1", True)), ("number", ("1", True))):
        for place in _places(kind, schema, schema.get("$defs", {})):
            for value in wrong:
                with pytest.raises(Refused) as refused:
                    http_bodies.read(json.dumps(_nested(place, value)).encode(), model)
                assert ".".join(place) in {one.field for one in refused.value.problem.errors}


def test_other_faces_are_as_lenient_as_they_were() -> None:
    assert JobOptions.model_validate({"resume": "no", "max_units": "5"}) == JobOptions(resume=False, max_units=5)


@pytest.mark.parametrize("key", ["a b", "ö", "x" * 201, "", "\t", "a\x7f"])
async def test_an_idempotency_key_is_what_the_document_says(opened: Open, key: str) -> None:
    answered = await opened.ask("POST", "/jobs", SPEC, [("Idempotency-Key", key)])
    assert answered.status == 422 and answered.json["errors"][0]["field"] == "Idempotency-Key"
    assert (await opened.ask("GET", "/jobs")).json["jobs"] == []


async def test_a_number_of_thousands_of_digits_is_refused(opened: Open) -> None:
    body = b'{"name": "n", "instructions": "i", "enumerator": {"n": ' + b"1" * 5_000 + b"}}"
    assert (await opened.ask("POST", "/jobs", body)).status in {400, 422}


@pytest.mark.parametrize("wait", ["1_0", " 5", "1e1", "nan", "inf", "+5", ""])
async def test_a_number_of_a_query_is_written_in_one_way(opened: Open, wait: str) -> None:
    job = await created(opened)
    refused = await opened.ask("GET", f"/jobs/{job}?wait_s={wait}")
    assert refused.status == 422 and refused.json["errors"][0]["field"] == "wait_s"


async def test_a_limit_is_taken_away_by_its_name_and_null_changes_nothing(opened: Open) -> None:
    job = await created(opened, options={"model": "rehearsal", "max_units": 5})
    path = f"/jobs/{job}/set"
    assert (await opened.ask("POST", path, {"max_units": None, "priority": 1})).status == 200
    assert (await opened.ask("GET", f"/jobs/{job}/spec")).json["options"]["max_units"] == 5
    refused = await opened.ask("POST", path, {"remove": ["budget_usd"]})
    assert refused.status == 422 and refused.json["errors"][0]["field"] == "remove.0"
    assert (await opened.ask("POST", path, {"remove": ["max_units"]})).status == 200
    assert (await opened.ask("GET", f"/jobs/{job}/spec")).json["options"]["max_units"] is None


async def test_a_cap_that_is_taken_away_does_not_keep_the_budget_up(opened: Open) -> None:
    job = await created(opened, options={"model": "rehearsal", "budget_usd": 10, "unit_budget_usd": 2})
    path = f"/jobs/{job}/set"
    assert (await opened.ask("POST", path, {"budget_usd": 1})).json["errors"][0]["field"] == "unit_budget_usd"
    assert (await opened.ask("POST", path, {"budget_usd": 1, "remove": ["unit_budget_usd"]})).status == 200
    kept = (await opened.ask("GET", f"/jobs/{job}/spec")).json["options"]
    assert (kept["budget_usd"], kept["unit_budget_usd"]) == (1, None)


@pytest.mark.parametrize("name", ["enumerator", "output_schema"])
def test_what_is_nested_too_deep_to_be_kept_is_refused_and_what_can_be_kept_is_not(name: str) -> None:
    def said(depth: int) -> bytes:
        content = {**SPEC, name: {"deep": "[" * 8}}
        return json.dumps(content).replace('"[[[[[[[["', "[" * depth + "]" * depth).encode()

    assert http_bodies.read(said(230), JobSpec).digest
    with pytest.raises(ValidationError, match=f"(?s){name}.*nested more than 240 deep"):
        http_bodies.read(said(900), JobSpec)
