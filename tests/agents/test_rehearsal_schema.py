"""Structured answers of the rehearsal model fit the schema, and say what is true where the schema lets them."""

from typing import Any

import jsonschema
import pytest

from batchproc.agents.rehearsal import answers, schema, text

FACTS = text.facts("# Kettles\n\nKettles boil water. Ask ann@example.org by 2026-05-04 about order AB-1234.\n")
NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "n": {"type": "integer"}}, "required": ["n"]}

SCHEMAS: list[dict[str, Any]] = [
    {},
    {"type": "string", "minLength": 400},
    {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}$"},
    {"type": "string", "pattern": "^[a-z]+$"},
    {"type": "string", "format": "email"},
    {"type": ["null", "number"], "exclusiveMinimum": 0, "maximum": 1},
    {"type": "integer", "multipleOf": 7, "minimum": 20},
    {"type": "array", "items": {"type": "integer", "minimum": 5}, "minItems": 8, "uniqueItems": True},
    {"type": "array", "items": {"type": "string"}, "minItems": 9, "uniqueItems": True},
    {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True},
    {"type": "array", "items": {"type": "object", "required": ["x"]}, "maxItems": 2},
    {"type": "array", "prefixItems": [{"type": "boolean"}, {"const": 4}], "items": False, "minItems": 2},
    {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2},
    {"type": "object", "required": ["a", "b"], "properties": {"a": {"type": "string"}}},
    {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"s": {"enum": ["tea", "water"]}}}]},
    {"allOf": [{"properties": {"a": {"type": "null"}}}, {"required": ["a", "b"]}], "type": "object"},
    {"$defs": {"node": NODE}, "$ref": "#/$defs/node"},
]


@pytest.mark.parametrize("shape", SCHEMAS, ids=str)
def test_a_value_satisfies_its_schema(shape: dict[str, Any]) -> None:
    jsonschema.validate(schema.value(shape, FACTS), shape)


def test_a_value_is_made_of_the_text() -> None:
    properties = {
        "title": {"type": "string"},
        "topic": {"type": "string"},
        "summary": {"type": "string"},
        "mail": {"type": "string", "format": "email"},
        "due": {"type": "string", "format": "date"},
        "order": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}$"},
        "medium": {"enum": ["air", "water"]},
        "nested": {"type": "object", "properties": {"words": {"type": "integer"}}},
    }
    assert schema.value({"type": "object", "properties": properties}, FACTS) == {
        "title": "Kettles",
        "topic": "kettles",
        "summary": "Kettles boil water.",
        "mail": "ann@example.org",
        "due": "2026-05-04",
        "order": "AB-1234",
        "medium": "water",
        "nested": {"words": 12},
    }


def test_a_schema_that_nothing_satisfies_ends_all_the_same() -> None:
    endless = {"$defs": {"n": {"required": ["n"], "properties": {"n": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"}
    assert schema.value(endless, FACTS)
    assert isinstance(schema.value({"$ref": "#"}, FACTS), str)
    assert isinstance(schema.value({"type": "string", "pattern": "^(?<a>\\p{L})$"}, FACTS), str)


@pytest.mark.parametrize(
    ("prompt", "path"),
    [
        ("Read /data/a.txt.", "/data/a.txt"),
        ("Read (/data/a.b/c.tar.gz), please", "/data/a.b/c.tar.gz"),
        ("See https://example.org/a.txt and/or nothing", None),
        ('Open "/data/x y/z" now', "/data/x y/z"),
        ("Open /data/my file.txt and go", "/data/my file.txt"),
        ("List /data/folder", "/data/folder"),
    ],
)
def test_the_path_in_a_prompt_is_found(prompt: str, path: str | None) -> None:
    assert answers.file_of(prompt, None) == path
