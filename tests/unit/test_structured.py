"""What a structured answer holds: something, only blanks, or claims that can be checked."""

import json

import pytest

from batchproc import schemas
from batchproc.errors import InvalidJob
from batchproc.schemas.parts import LISTED, NAMED, ONE
from batchproc.structured import NOTHING, claims, nothing_in

FIELDS = {"party": "string", "note": "string?", "amount": "number?", "tags": "string[]"}
FULL = {"party": "Vale", "note": None, "amount": 3, "tags": ["a"]}
BLANK = {"party": "N/A", "note": "tbd", "amount": None, "tags": []}


def nothing(fields, output, instructions="Who is it with?"):
    return nothing_in(schemas.expand(fields), output, instructions)


def test_an_answer_that_says_something_is_one():
    assert nothing(FIELDS, FULL) is None
    assert nothing(FIELDS, {**BLANK, "tags": ["x"]}) is None
    assert nothing({"found": "boolean"}, {"found": False}) is None
    assert nothing({"n": "integer", "risk": ["low", "high"]}, {"n": 0, "risk": "low"}) is None
    assert nothing({"risk": ["low", "high"], "note": "string"}, {"risk": "low", "note": ""}) is None, "no comment"


def test_blanks_in_every_text_are_none():
    assert nothing(FIELDS, BLANK) == "every text in the answer is only a placeholder: N/A"
    assert nothing(FIELDS, {**BLANK, "party": "[insert name]"}).endswith("[insert name]")
    assert nothing(FIELDS, {**BLANK, "party": " ", "note": ""}) == "every text in the answer is empty"
    assert nothing({"rows": [{"a": "string"}]}, {"rows": [{"a": "TODO"}, {"a": ""}]}).endswith("TODO")


def test_what_a_field_that_is_no_text_says_does_not_make_a_placeholder_an_answer():
    fields = {"party": "string", "found": "boolean", "n": "integer"}
    for party in ("N/A", "Unknown", ""):
        assert nothing(fields, {"party": party, "found": False, "n": 0}) is not None
    assert nothing(fields, {"party": "N/A", "found": True, "n": 7}).endswith("placeholder: N/A")
    fields |= {"place": "string", "risk": ["low", "high"]}
    for text in ("N/A", "unknown."):
        assert nothing(fields, {**both(text), "found": True, "n": 7, "risk": "high"}).endswith(text)


def both(text):
    return {"party": text, "place": text}


HELD_BACK = ["unknown", "Not specified", " NONE. "]


@pytest.mark.parametrize("word", HELD_BACK)
def test_a_word_that_says_that_there_is_nothing_to_say_is_a_placeholder_in_every_text(word):
    fields = {"party": "string", "place": "string"}
    assert nothing(fields, both(word)).endswith(f"placeholder: {word.strip()}")
    assert nothing(fields, {**both(word), "place": "N/A"}) is not None
    assert nothing(fields, {**both(word), "place": "Vienna"}) is None
    assert nothing(fields, {**both(word), "place": f"{word}: it is torn off"}) is None


@pytest.mark.parametrize("word", HELD_BACK)
def test_such_a_word_is_an_answer_where_somebody_named_it(word):
    plain, fields = word.strip(" .").lower(), {"party": "string", "place": "string"}
    assert nothing(fields, both(word), f'Write "{plain}" where it does not say.') is None
    assert nothing({**fields, "place": f"string: or {plain}"}, both(word)) is None
    assert nothing({**fields, "kind": ["new", plain]}, {**both(word), "kind": "new"}) is None
    assert nothing({**fields, "kind?": ["new", "old"]}, {**both(word), "kind": None}) is not None, "null names nothing"
    assert nothing(fields, both(word), f"x{plain}x") is not None, "a part of a word names nothing"


def test_one_field_alone_may_honestly_be_none():
    assert nothing({"allergens": "string"}, {"allergens": "None"}) is None
    assert nothing({"rows": [{"risk": "string"}]}, {"rows": [{"risk": "none"}, {"risk": "none"}]}) is None
    for word in ("unknown", "not specified"):
        assert nothing({"party": "string"}, {"party": word}) is not None
        assert nothing({"mood": ["good", "bad"], "maker": "string"}, {"mood": "good", "maker": word}) is None


OPEN = {"type": "object", "properties": {"party": {"type": "string"}, "rows": {"type": "array"}}}


@pytest.mark.parametrize("output", [{}, {"rows": []}, {"party": None}, {"rows": [None, [], {}]}])
def test_an_answer_without_any_value_is_none(output):
    schema = {**OPEN, "properties": {**OPEN["properties"], "party": {"type": ["string", "null"]}}}
    assert nothing(schema, output) == NOTHING
    assert nothing(schema, {**output, "n": 0}) is None


def test_null_or_an_empty_list_is_an_answer_where_somebody_named_it():
    for told in ("Give null if there is none.", "an empty list if there are none", "[] if there are none"):
        assert nothing({"party": "string?", "tags": "string[]"}, {"party": None, "tags": []}, told) is None
    assert nothing({"until": "string?: null for ever"}, {"until": None}) is None
    assert nothing({"until": "string?"}, {"until": None}, "Never annul it, leave no field empty: {{note}}") == NOTHING


@pytest.mark.parametrize("where", ["instructions", "description"])
def test_a_blank_that_was_asked_for_is_an_answer(where):
    told = 'Write "n/a" where there is none.'
    field = "string: " + told if where == "description" else "string"
    assert nothing({"party": field}, {"party": "N/A"}, told if where == "instructions" else "x") is None
    assert nothing({"party": "string"}, {"party": "N/A"}, "What is it?") is not None
    assert nothing({"party": "string"}, {"party": ""}, "Leave party empty if there is none.") is None


def test_a_choice_that_the_schema_offers_is_an_answer():
    assert nothing({"risk": ["low", "n/a"]}, {"risk": "n/a"}) is None


def example(**more):
    party = {"type": "string", "examples": ["Acme Corp"]}
    return {"type": "object", "properties": {"party": party, "amount": {"type": "number", "default": 100}}, **more}


def test_the_schemas_own_example_is_none():
    own = "the answer is only the schema's own example"
    assert nothing(example(), {"party": "Acme Corp", "amount": 100}) == own
    assert nothing(example(), {"party": "Acme Corp", "amount": 101}) is None
    assert nothing(example(), {"party": "Vale", "amount": 100}) is None
    assert nothing(example(), {"amount": 100}) is None, "a number may well be its default"
    whole = {"party": "Vale", "amount": 7}
    for given in ({"examples": [{}, whole]}, {"default": whole}, {"example": whole}):
        assert nothing(example(**given), whole) == own


def found(schema, output):
    return [tuple(claim) for claim in claims(schemas.expand(schema), output)]


def test_quotes_are_found_wherever_they_are():
    fields = {"a": "quote?", "b": [{"c": "quote[]", "d": "string"}], "e": {"f?": {"g": "quote"}}}
    output = {"a": None, "b": [{"c": ["x", ""], "d": "y"}], "e": {"f": {"g": "z"}}}
    assert found(fields, output) == [("b[0].c[0]", "x"), ("b[0].c[1]", ""), ("e.f.g", "z")]


def test_quotes_are_found_through_references_choices_and_conditions():
    quote = {"type": "string", "x-evidence": "quote"}
    kinds = [
        {"properties": {"kind": {"const": "said"}, "text": quote}, "required": ["kind"]},
        {"properties": {"kind": {"const": "thought"}, "text": {"type": "string"}}, "required": ["kind"]},
    ]
    schema = {
        "type": "object",
        "$defs": {"quotes": {"type": "array", "items": {"type": "string"}, "x-evidence": "quote"}, "q": quote},
        "properties": {
            "all": {"$ref": "#/$defs/quotes"},
            "some": {"type": "array", "prefixItems": [{"type": "string"}], "items": {"$ref": "#/$defs/q"}},
            "one": {"oneOf": kinds},
            "two": {"oneOf": kinds},
        },
        "patternProperties": {"^p_": quote},
        "additionalProperties": quote,
        "if": {"required": ["strict"]},
        "then": {"properties": {"note": quote}},
        "allOf": [{"properties": {"deep": {"allOf": [quote]}}}],
    }
    output = {
        "all": ["1", "2"],
        "some": ["no", "3"],
        "one": {"kind": "said", "text": "4"},
        "two": {"kind": "thought", "text": "no"},
        "p_x": "5",
        "other": "6",
        "deep": "7",
        "strict": None,
        "note": "8",
    }
    assert sorted(quote for _, quote in found(schema, output)) == list("12345678")


SAID = {"type": "string", "x-evidence": "quote"}
EVERYWHERE = {
    "properties": ({"type": "object", "properties": {"q": SAID}}, {"q": "x"}),
    "patternProperties": ({"type": "object", "patternProperties": {"^q": SAID}}, {"q": "x"}),
    "additionalProperties": ({"type": "object", "additionalProperties": SAID}, {"q": "x"}),
    "unevaluatedProperties": ({"type": "object", "unevaluatedProperties": SAID}, {"q": "x"}),
    "propertyNames": ({"type": "object", "propertyNames": SAID}, {"x": 1}),
    "dependentSchemas": ({"type": "object", "dependentSchemas": {"q": {"properties": {"q": SAID}}}}, {"q": "x"}),
    "items": ({"type": "array", "items": SAID}, ["x"]),
    "prefixItems": ({"type": "array", "prefixItems": [SAID]}, ["x"]),
    "unevaluatedItems": ({"type": "array", "unevaluatedItems": SAID}, ["x"]),
    "contains": ({"type": "array", "contains": SAID}, ["x"]),
    "contentSchema": ({"type": "string", "contentMediaType": "application/json", "contentSchema": SAID}, '"x"'),
    "allOf": ({"allOf": [SAID]}, "x"),
    "anyOf": ({"anyOf": [{"type": "null"}, SAID]}, "x"),
    "oneOf": ({"oneOf": [{"type": "null"}, SAID]}, "x"),
    "not": ({"not": {"not": SAID}}, "x"),
    "if": ({"if": SAID}, "x"),
    "then": ({"if": {"type": "string"}, "then": SAID}, "x"),
    "else": ({"if": {"type": "null"}, "else": SAID}, "x"),
    "then without if": ({"then": SAID}, "x"),
    "else without if": ({"else": SAID}, "x"),
    "$defs": ({"$ref": "#/$defs/said"}, "x"),
    "definitions": ({"$ref": "#/definitions/said"}, "x"),
}
DEFINITIONS = {"$defs": {"said": SAID}, "definitions": {"said": SAID}}


def test_every_keyword_that_holds_schemas_is_tried_here():
    assert {name.split(" ")[0] for name in EVERYWHERE} == ONE | NAMED | LISTED


@pytest.mark.parametrize("where", EVERYWHERE)
@pytest.mark.parametrize("referred", [False, True])
def test_a_quote_is_looked_up_or_its_mark_is_refused(where, referred):
    part, value = EVERYWHERE[where]
    if referred:
        part = json.loads(json.dumps(part).replace(json.dumps(SAID), '{"$ref": "#/$defs/said"}'))
    schema = {"type": "object", "properties": {"a": part}, **DEFINITIONS}
    if where.split(" ")[0] in REFUSED or "without" in where:
        with pytest.raises(InvalidJob) as refused:
            schemas.expand(schema)
        assert f"output_schema.properties.a.{where.split(' ')[0]}." in str(refused.value)
        assert "x-evidence = 'quote'" in str(refused.value) and "mark them in properties" in str(refused.value)
    else:
        [claim] = claims(schemas.expand(schema), {"a": value})
        assert claim.quote == "x"


REFUSED = {"unevaluatedProperties", "propertyNames", "unevaluatedItems", "contains", "contentSchema", "not", "if"}


def test_references_that_lead_round_below_an_unseen_keyword_are_followed_to_their_end():
    tree = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}
    long = {f"d{n}": {"properties": {"a": {"$ref": f"#/$defs/d{n + 1}"}}} for n in range(700)} | {"d700": SAID}
    schema = {"type": "object", "not": {"$ref": "#/$defs/tree"}, "$defs": {"tree": tree}}
    assert schemas.expand(schema) == schema
    with pytest.raises(InvalidJob, match=r"output_schema\.not\.\$ref\S*\.x-evidence"):
        schemas.expand({"type": "object", "not": {"$ref": "#/$defs/d0"}, "$defs": long})


def test_an_empty_list_says_that_there_are_none_and_null_says_nothing():
    lists = schemas.expand({"violations": "string[]", "notes": "string[]"})
    assert nothing_in(lists, {"violations": [], "notes": []}, "List the violations.") is None
    mixed = schemas.expand({"party": "string?", "violations": "string[]"})
    assert "holds nothing" in nothing_in(mixed, {"party": None, "violations": []}, "Who, and what?")
    assert "holds nothing" in nothing_in({"type": "object"}, {}, "List the violations.")
