"""The schema of an answer: short or long, refused with the place and the way out, cut to what the CLI takes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchproc import schemas
from batchproc.errors import InvalidJob

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def obj(**properties):
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


SHORT = [
    ("string", {"type": "string"}),
    ("number?", {"type": ["number", "null"]}),
    ("integer[]", {"type": "array", "items": {"type": "integer"}}),
    ("boolean?[]", {"type": "array", "items": {"type": ["boolean", "null"]}}),
    ("string[]?", {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]}),
    ("quote", {"type": "string", "x-evidence": "quote"}),
    ("quote?", {"type": ["string", "null"], "x-evidence": "quote"}),
    ("quote[]", {"type": "array", "items": {"type": "string", "x-evidence": "quote"}}),
    ("integer: days until\n it ends: or 0", {"type": "integer", "description": "days until it ends: or 0"}),
    (["low", "high"], {"type": "string", "enum": ["low", "high"]}),
    (["low", "high", None], {"enum": ["low", "high", None]}),
    ([1, 2.5, True], {"enum": [1, 2.5, True]}),
    ({"street": "string"}, obj(street={"type": "string"})),
    ([{"name": "string"}], {"type": "array", "items": obj(name={"type": "string"})}),
]


@pytest.mark.parametrize(("short", "long"), SHORT, ids=lambda v: str(v)[:30])
def test_the_short_form_says_what_the_long_one_says(short, long):
    assert schemas.expand({"field": short}) == obj(field=long)


@pytest.mark.parametrize(
    ("short", "null"),
    [("string", True), (["low", "high"], True), ({"a": "string"}, True), ([{"a": "string"}], True), ("string?", True)],
)
def test_a_mark_at_the_end_of_a_name_lets_any_field_be_null(short, null):
    schema = schemas.expand({"field?": short})
    assert list(schema["properties"]) == ["field"]
    assert schemas.problems(schema, {"field": None}) == []
    assert schemas.problems(schema, {"field": 7}) and schemas.problems(schema, {})


def test_names_that_look_like_keywords_are_names():
    schema = schemas.expand({"type": "string", "title": "string"})
    assert list(schema["properties"]) == ["type", "title"]
    assert schemas.expand({"parties": [{"type": "string", "description": "string"}]})


CIRCLE = {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}
REFUSED = [
    ({}, "output_schema = {}", "at least one field"),
    ({"a": "text"}, "output_schema.a = 'text'", "string, number, integer, boolean, quote"),
    ({"a": "String"}, "output_schema.a", "unknown type"),
    ({"a": "string??"}, "output_schema.a", "one ? is enough"),
    ({"a": {"b": {"c": "date"}}}, "output_schema.a.b.c = 'date'", "unknown type"),
    ({"a": [{"b": 3}]}, "output_schema.a[].b = 3", "write a type"),
    ({"a": []}, "output_schema.a", "at least two values"),
    ({"a": ["string"]}, "output_schema.a", '"string[]" for a list'),
    ({"a": ["string", "null"]}, "output_schema.a", '"string?"'),
    ({"a": ["x", "x"]}, "output_schema.a", "each once"),
    ({"a": ["x", {"b": "string"}]}, "output_schema.a", "exactly one object"),
    ({"a": {"type": "string"}}, "output_schema.a", "no JSON Schema in it"),
    ({"a": {"type": "string", "enum": ["x", "y"]}}, "output_schema.a", "no JSON Schema in it"),
    ({"a": {}}, "output_schema.a", "at least one field"),
    ({"a": "string", "a?": "string"}, "output_schema", "a name of its own"),
    ({"Größe": "string"}, "output_schema.properties = 'Größe'", "A-Z a-z 0-9"),
    ({"type": "array", "items": "string"}, "output_schema = ", "no JSON Schema in it"),
    ({"type": "array"}, "output_schema = ", "no JSON Schema in it"),
    ({"properties": {"a": {"type": "string"}}}, "output_schema.type = None", "an answer is an object"),
    ({"$ref": "#/$defs/a", "$defs": {"a": obj()}}, "output_schema.type", "an answer is an object"),
    ({"type": "object", "properties": {"a": {"type": "strin"}}}, "output_schema.properties.a.type", "not JSON Schema"),
    ({"type": "object", "requierd": ["a"]}, "output_schema.requierd", "no keyword"),
    (obj(a={"type": "string", "nullable": True}), "output_schema.properties.a.nullable", '["string", "null"]'),
    (obj(a={"$ref": "https://example.com/a"}), "output_schema.properties.a.$ref", "this very schema"),
    (obj(a={"$ref": "file:///etc/passwd"}), "output_schema.properties.a.$ref", "this very schema"),
    (obj(a={"$ref": "#/$defs/gone"}), "output_schema.properties.a.$ref", "no such part"),
    (obj(a={"$anchor": "x"}), "output_schema.properties.a.$anchor", "#/$defs/name"),
    (obj(a={"type": "string", "pattern": "(a"}), "output_schema.properties.a.pattern = '(a'", "is not a 'regex'"),
    (obj(a={"type": "string", "x-evidence": "yes"}), "output_schema.properties.a.x-evidence", '"quote"'),
    (obj(a={"type": "number", "x-evidence": "quote"}), "output_schema.properties.a.x-evidence", "mark a string"),
    (obj(a={"x-evidence": "quote"}), "output_schema.properties.a.x-evidence", "mark a string"),
    ({"$schema": "https://evil.example/meta", **obj()}, "output_schema.$schema", DRAFT),
    ({"$defs": {"a": {"$ref": "#/$defs/a"}}, **obj(a={"$ref": "#/$defs/a"})}, ".$ref", "in a circle"),
    ({"$defs": CIRCLE, **obj()}, "$ref", "circle"),
    (obj(**{f"f{n}": {"type": "string", "description": "d" * 100} for n in range(400)}), "bytes", "50,000"),
]


@pytest.mark.parametrize(("given", "place", "way_out"), REFUSED, ids=lambda v: str(v)[:40])
def test_what_cannot_work_is_refused_with_its_place_and_the_way_out(given, place, way_out):
    with pytest.raises(InvalidJob) as refused:
        schemas.expand(given)
    assert place in str(refused.value) and way_out in str(refused.value)


def test_absurd_depth_and_fan_out_are_refused_quickly():
    deep, deep_short = obj(), {"a": "string"}
    for _ in range(5_000):
        deep, deep_short = obj(a=deep), {"a": deep_short}
    doubling = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(60)} | {"d60": {}}
    chain = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(1_400)} | {"d1400": {}}
    referring = [{"$defs": defs, **obj(a={"$ref": "#/$defs/d0"})} for defs in (doubling, chain)]
    for absurd in (deep, deep_short, *referring):
        with pytest.raises(InvalidJob, match=r"deep|fan out|chain"):
            schemas.expand(absurd)


def test_json_schema_is_kept_as_it_is():
    node = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}
    given = {"$schema": DRAFT, "$defs": {"node": node}, **obj(tree={"$ref": "#/$defs/node"})}
    assert schemas.expand({"$id": "https://example.com/x", **given}) == given
    assert schemas.problems(given, {"tree": {"kids": [{"kids": []}]}}) == []


FORMATS = [("date", "2026-02-28", "2026-02-30"), ("date-time", "2026-02-28T10:00:00Z", "2026-02-28")]
FORMATS += [("email", "a@b.example", "ab"), ("uuid", "0b9ce1f2-2a2c-4f43-9d92-7a6dbbb2f6a0", "x")]


@pytest.mark.parametrize(("name", "good", "bad"), FORMATS)
def test_formats_are_checked(name, good, bad):
    schema = schemas.expand(obj(a={"type": "string", "format": name}))
    assert schemas.problems(schema, {"a": good}) == []
    assert schemas.problems(schema, {"a": bad}) == [f"a: {bad!r} is not a {name!r}"]


def test_problems_are_few_short_and_placed():
    schema = schemas.expand({"rows": [{"n": "integer"}]})
    found = schemas.problems(schema, {"rows": [{"n": "x" * 5_000} for _ in range(9)]})
    assert found[-1] == "and more" and len(found) == 6 and max(map(len, found)) < 350
    assert found[0].startswith("rows[0].n: 'xxx") and found[0].endswith("is not of type 'integer'")


# What the CLI takes.

QUOTE = {"type": "string", "x-evidence": "quote"}
CUT = [
    ({"type": "string", "x-note": "ours"}, {"type": "string"}),
    ({"type": "string", "deprecated": True, "$comment": "c"}, {"type": "string"}),
    ({"type": "array", "prefixItems": [{"type": "string"}], "items": False}, None),
    ({"type": "array", "contains": {"const": 1}, "minContains": 2}, {"type": "array", "contains": {"const": 1}}),
    ({"type": "array", "contains": {"const": 1}, "minContains": 0}, {"type": "array"}),
    ({"dependentRequired": {"a": ["b"]}}, {"dependencies": {"a": ["b"]}}),
    ({"not": {"type": "string", "x-note": 1}}, {"not": {"type": "string"}}),
    ({"not": {"dependentRequired": {"a": ["b"]}, "unevaluatedItems": False}}, {}),
    ({"oneOf": [{"type": "string", "maxContains": 1}, {"type": "number"}]}, None),
    ({"if": {"unevaluatedProperties": False}, "then": {"required": ["a"]}}, {}),
    ({"patternProperties": {r"^\w+$": {}}, "additionalProperties": False}, {}),
    ({"patternProperties": {"^a[0-9]{1,3}$": {}}, "additionalProperties": False}, None),
]


@pytest.mark.parametrize(("part", "cut"), CUT, ids=lambda v: json.dumps(v)[:50])
def test_the_cli_is_given_what_it_knows_and_nothing_stricter(part, cut):
    given = schemas.for_cli(schemas.expand(obj(a=part)))["properties"]["a"]
    expected = {
        "prefixItems": {"type": "array", "items": [{"type": "string"}], "additionalItems": False},
        "oneOf": {"allOf": [{"anyOf": [{"type": "string"}, {"type": "number"}]}]},
        "patternProperties": part,
    }
    assert given == (expected[next(name for name in expected if name in part)] if cut is None else cut)


def test_the_root_offers_the_api_no_choice():
    given = schemas.for_cli(schemas.expand({**obj(a={}), "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}))
    assert given == obj(a={})


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        (r"^[A-Z]{2}-\d+$", True),
        (r"^(a|b)*\.x{2,}?$", True),
        (r"^(?P<year>\d{4})$", False),
        (r"(?i)abc", False),
        (r"\Aabc\Z", False),
        (r"^\w+$", False),
        (r"a++", False),
        (r"x{,3}", False),
        ("]", False),
        (r"\_", False),
    ],
)
def test_a_pattern_that_javascript_reads_otherwise_is_told_and_checked_by_us(pattern, kept):
    given = schemas.for_cli(schemas.expand(obj(a={"type": "string", "pattern": pattern})))["properties"]["a"]
    assert ("pattern" in given) == kept
    assert kept or given["description"] == f"It must match the regular expression {pattern}"


def test_an_agent_is_told_that_a_quote_is_one():
    given = schemas.for_cli(schemas.expand({"proof": "quote?: what it promises"}))["properties"]["proof"]
    assert given["description"].startswith("what it promises Copy it word for word")
    assert schemas.EVIDENCE not in json.dumps(given)


LEAF = st.sampled_from(["string", "number?", "integer[]", "quote", ["a", "b"], ["a", 1, None]])
NAMES = st.text("abcdefg", min_size=1, max_size=4)
FIELDS = st.recursive(
    st.dictionaries(NAMES, LEAF, min_size=1, max_size=4),
    lambda inner: st.dictionaries(NAMES, inner | inner.map(lambda one: [one]) | LEAF, min_size=1, max_size=3),
    max_leaves=12,
)


@given(FIELDS)
def test_every_short_form_expands_to_a_strict_schema_that_the_rehearsal_model_can_satisfy(fields):
    from batchproc.agents.rehearsal import schema as rehearsal
    from batchproc.agents.rehearsal import text

    schema = schemas.expand(fields)
    answer = rehearsal.value(schemas.for_cli(schema), text.facts("Some words. 7 whales."))
    assert schemas.problems(schema, answer) == []
    assert schemas.problems(schema, {**answer, "zz": 1}) and schemas.problems(schema, {})
    assert schemas.expand(schema) == schema
