"""Fingerprints: the same exactly where an answer would be asked for alike."""

from dataclasses import replace

import pytest

from batchproc import staleness
from batchproc.models import Profile


@pytest.fixture
async def job(make_job):
    return await make_job(1)


def of(job, key="k", payload=None, content=None, note=None):
    payload = {"a": 1, "b": "x"} if payload is None else payload
    digest = staleness.input_of(key, payload, content)
    return staleness.Fingerprints(job).of(key, payload, input=digest, note=note)


def changed(job, **options):
    return replace(job, options=replace(job.options, **options))


def test_the_order_of_a_payloads_fields_says_nothing():
    assert staleness.input_of("k", {"a": 1, "b": 2}, None) == staleness.input_of("k", {"b": 2, "a": 1}, None)


@pytest.mark.parametrize(
    "other", [("j", {"a": 1}, None), ("k", {"a": 2}, None), ("k", {"a": "1"}, None), ("k", {"a": 1}, "c")]
)
def test_key_payload_and_content_are_the_input(other):
    assert staleness.input_of(*other) != staleness.input_of("k", {"a": 1}, None)


@pytest.mark.parametrize(
    "options",
    [
        {"model": "opus"},
        {"profile": Profile.READ_ONLY},
        {"output_schema": {"type": "object"}},
        {"system_prompt": "be brief"},
        {"allowed_tools": ["WebFetch"]},
        {"check": ["/bin/true"]},
        {"outputs": ["{{ b }}.md"]},
        {"output_directory": "/elsewhere"},
    ],
)
def test_what_an_answer_hangs_on_changes_its_fingerprint(job, options):
    assert of(changed(job, **options)) != of(job)


@pytest.mark.parametrize(
    "options", [{"max_concurrency": 9}, {"budget_usd": 77.0}, {"timeout_s": 5.0}, {"overwrite_outputs": True}]
)
def test_what_changes_no_answer_does_not(job, options):
    assert of(changed(job, **options)) == of(job)


def test_instructions_count_by_what_they_say_to_this_unit(job):
    one = replace(job, instructions="Say {{ a }}{% if b == 'y' %} and {{ b }}{% endif %}")
    two = replace(job, instructions="Say {{ a }}{% if b == 'y' %}, also {{ b }}{% endif %}")
    assert of(one) == of(two)
    assert of(one, payload={"a": 1, "b": "y"}) != of(two, payload={"a": 1, "b": "y"})
    assert of(replace(job, instructions="Say it")) != of(replace(job, instructions="Say it now"))


def test_what_a_person_added_for_a_unit_counts(job):
    assert of(job, note="mind the tone") != of(job)


def test_a_template_that_cannot_be_filled_has_none(job):
    assert of(replace(job, instructions="{{ missing }}")) is None


def test_the_content_of_a_file_is_read_as_it_is(tmp_path):
    (tmp_path / "a").write_bytes(b"\x00\xff" * 70_000)
    (tmp_path / "b").write_bytes(b"\x00\xff" * 70_000)
    one, two = (staleness.content({"file_path": str(tmp_path / name)}) for name in "ab")
    assert one == two
    (tmp_path / "b").write_bytes(b"\x00\xff" * 70_000 + b"!")
    assert staleness.content({"file_path": str(tmp_path / "b")}) != one
