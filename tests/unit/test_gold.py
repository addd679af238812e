"""What persons said of answers, beside what the same units come to now: what is worse is named, field by field."""

import pytest

from batchproc import gold, schemas
from batchproc.gold import Standing
from batchproc.models import Decision, Gold, TrialResult, UnitStatus

SCHEMA = schemas.expand({"party": "string", "amount": "number?", "tags": "string[]", "proof": "quote?",
                         "clauses": [{"name": "string", "words": "quote"}], "place": {"city": "string"}})  # fmt: skip
OLD = {"party": "Vale", "amount": 12, "tags": ["a", "b"], "proof": "owes 12", "place": {"city": "Bonn"},
       "clauses": [{"name": "term", "words": "two years"}]}  # fmt: skip


def known(decision, said=OLD, correction=None, status=UnitStatus.SUCCEEDED):
    return Gold(unit=1, key="k", decision=decision, correction=correction, status=status, said=said)


def result(output=None, text=None, status=UnitStatus.SUCCEEDED, error=None, unit=1):
    numbers = {"cost_usd": 0.0, "tokens": 0, "seconds": 0.0, "size": 1}
    return TrialResult(trial=2, unit=unit, key="k", status=status, text=text, output=output, error=error, **numbers)


def compared(one, other):
    found = gold.compare(one, other, SCHEMA)
    return found.standing, [(d.field, d.expected, d.got) for d in found.differences]


CASES = {
    "accepted and the same": (Decision.ACCEPT, {}, None, Standing.HELD, []),
    "accepted and different": (Decision.ACCEPT, {"amount": 13}, None, Standing.REGRESSED, [("amount", 12, 13)]),
    "accepted, and a field is lost": (Decision.ACCEPT, {"amount": None}, None, Standing.REGRESSED,
                                      [("amount", 12, None)]),
    "accepted, in another spelling of numbers and spaces": (Decision.ACCEPT, {"amount": 12.0, "party": " Vale\n"}, None,
                                                            Standing.HELD, []),
    "accepted, and another quote": (Decision.ACCEPT, {"proof": "12 EUR"}, None, Standing.HELD, []),
    "accepted, and no quote": (Decision.ACCEPT, {"proof": None}, None, Standing.HELD, []),
    "accepted, and a quote within a list": (Decision.ACCEPT, {"clauses": [{"name": "term", "words": "2 years"}]}, None,
                                            Standing.HELD, []),
    "accepted, and a list with one more": (Decision.ACCEPT, {"tags": ["a", "b", "c"]}, None, Standing.REGRESSED,
                                           [("tags", ["a", "b"], ["a", "b", "c"])]),
    "accepted, and the inside of an object": (Decision.ACCEPT, {"place": {"city": "Köln"}}, None, Standing.REGRESSED,
                                              [("place.city", "Bonn", "Köln")]),
    "accepted, in another case": (Decision.ACCEPT, {"party": "VALE"}, None, Standing.REGRESSED,
                                  [("party", "Vale", "VALE")]),
    "a truth is no number": (Decision.ACCEPT, {"amount": True}, None, Standing.REGRESSED, [("amount", 12, True)]),
    "corrected, and as corrected": (Decision.CORRECT, {"amount": 99}, {"amount": 99}, Standing.MENDED, []),
    "corrected, and as it was": (Decision.CORRECT, {}, {"amount": 99}, Standing.STILL_WRONG, [("amount", 99, 12)]),
    "corrected, and wrong otherwise": (Decision.CORRECT, {"amount": 50}, {"amount": 99}, Standing.STILL_WRONG,
                                       [("amount", 99, 50)]),
    "rejected, and the same": (Decision.REJECT, {}, None, Standing.STILL_WRONG, []),
    "rejected, and another quote only": (Decision.REJECT, {"proof": "x"}, None, Standing.STILL_WRONG, []),
    "rejected, and different": (Decision.REJECT, {"amount": 1}, None, Standing.CHANGED, []),
}  # fmt: skip


@pytest.mark.parametrize(("decision", "now", "correction", "standing", "fields"), CASES.values(), ids=CASES.keys())
def test_fields_are_compared_one_by_one(decision, now, correction, standing, fields):
    one = known(decision, correction=None if correction is None else {**OLD, **correction})
    assert compared(one, result({**OLD, **now})) == (standing, fields)


def test_a_field_that_the_schema_does_not_have_any_more_is_not_missed():
    now = {name: value for name, value in OLD.items() if name != "amount"}
    without = schemas.expand({"party": "string", "tags": "string[]"})
    assert gold.compare(known(Decision.ACCEPT), result(now), without).standing is Standing.HELD
    assert compared(known(Decision.ACCEPT), result(now)) == (Standing.REGRESSED, [("amount", 12, None)])


def test_a_field_that_is_new_is_not_held_against_anything():
    assert compared(known(Decision.ACCEPT), result({**OLD, "more": 1})) == (Standing.HELD, [])


def test_answers_without_a_field_in_common_say_nothing_of_each_other():
    other = schemas.expand({"other": "string"})
    assert gold.compare(known(Decision.ACCEPT), result({"other": "x"}), other).standing is Standing.CHANGED
    assert gold.compare(known(Decision.ACCEPT), result(text="prose"), None).standing is Standing.CHANGED


@pytest.mark.parametrize("status", [UnitStatus.FAILED, UnitStatus.FLAGGED])
def test_what_has_no_answer_any_more_is_worse_or_not_mended(status):
    ended = result(OLD, status=status, error="why")
    lost = [("status", "succeeded", f"{status}: why")]
    assert compared(known(Decision.ACCEPT), ended) == (Standing.REGRESSED, lost)
    assert compared(known(Decision.CORRECT, correction=OLD), ended) == (Standing.STILL_WRONG, lost)
    assert compared(known(Decision.REJECT), ended)[0] is Standing.STILL_WRONG


def test_a_flagged_answer_that_was_accepted_may_be_flagged_again():
    one = known(Decision.ACCEPT, status=UnitStatus.FLAGGED)
    assert compared(one, result(OLD, status=UnitStatus.FLAGGED, error="why")) == (Standing.HELD, [])
    assert compared(one, result(OLD)) == (Standing.HELD, [])
    assert compared(one, result(OLD, status=UnitStatus.FAILED, error="x"))[0] is Standing.REGRESSED


TEXTS = [
    (Decision.ACCEPT, "It is  fine.\n", None, Standing.HELD),
    (Decision.ACCEPT, "It is good.", None, Standing.CHANGED),
    (Decision.REJECT, "It is fine.", None, Standing.STILL_WRONG),
    (Decision.REJECT, "It is not.", None, Standing.CHANGED),
    (Decision.CORRECT, "It is not.", "It is not.", Standing.MENDED),
    (Decision.CORRECT, "It is fine.", "It is not.", Standing.STILL_WRONG),
    (Decision.CORRECT, "It depends.", "It is not.", Standing.CHANGED),
    (Decision.CORRECT, "It is fine.", "It is\nfine.", Standing.STILL_WRONG),
    (Decision.CORRECT, "It is\nfine.", "It is\nfine.", Standing.MENDED),
]


@pytest.mark.parametrize(("decision", "now", "correction", "standing"), TEXTS)
def test_prose_that_differs_is_changed_and_nobody_says_that_it_is_worse(decision, now, correction, standing):
    one = known(decision, said="It is fine.", correction=correction)
    assert gold.compare(one, result(text=now), None).standing is standing


def test_only_units_that_ran_are_compared_and_the_worst_come_first():
    known_ones = [
        Gold(unit=n, key=f"k{n}", decision=d, correction=None, status=UnitStatus.SUCCEEDED, said=OLD)
        for n, d in enumerate([Decision.ACCEPT, Decision.REJECT, Decision.ACCEPT, Decision.ACCEPT], 1)
    ]
    results = [
        *(result(OLD, unit=1), result(OLD, unit=2), result({**OLD, "amount": 1}, unit=3)),
        *(result(None, unit=4, status=UnitStatus.CANCELLED), result(OLD, unit=5)),
    ]
    found = gold.compare_all(known_ones, results, SCHEMA)
    assert [(one.key, one.standing.value) for one in found] == [
        ("k3", "regressed"),
        ("k2", "still_wrong"),
        ("k1", "held"),
    ]


def object_of(**properties):
    """As pydantic writes it: nothing is said of other fields."""
    return {"type": "object", "properties": properties, "required": list(properties)}


TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
MAP = {"type": "object", "additionalProperties": NUMBER}
ADDRESS = object_of(zip=TEXT, city=TEXT)
MAPPED = object_of(counts=MAP)
BOTH = {"type": "object", "properties": {"id": NUMBER}, "additionalProperties": True}
OPTIONAL = object_of(address={"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]}) | {"$defs": {"A": ADDRESS}}
WHOLE = {"allOf": [object_of(a=NUMBER), object_of(b=NUMBER)]}
EITHER = object_of(at={"oneOf": [object_of(kind={"const": "x"}, x=NUMBER), object_of(kind={"const": "y"}, y=NUMBER)]})
ANY = object_of(at={"anyOf": [object_of(a=NUMBER), {"type": "object"}]})
LISTED = object_of(parties={"type": "array", "items": object_of(name=TEXT, role=TEXT)})
PLACES = {"type": "object", "additionalProperties": {"$ref": "#/$defs/A"}, "$defs": {"A": ADDRESS}}
LOST = {
    "an entry of a map": (MAPPED, {"counts": {"x": 1, "y": 2}}, {"counts": {"x": 1}}, "counts"),
    "all entries of a map": (MAPPED, {"counts": {"x": 1, "y": 2}}, {"counts": {}}, "counts"),
    "that a map was empty": (MAPPED, {"counts": {}}, {"counts": {"x": 9}}, "counts"),
    "a null of a map": (object_of(m={"type": "object"}), {"m": {"x": None}}, {"m": {}}, "m"),
    "a value of a map": (MAPPED, {"counts": {"x": 1, "y": 2}}, {"counts": {"x": 1, "y": 3}}, "counts.y"),
    "an entry of an answer that is a map": (MAP, {"x": 1, "y": 2}, {"x": 1}, "output"),
    "all of an answer that is a map": (MAP, {"x": 1}, {}, "output"),
    "an entry beside named fields": (BOTH, {"id": 1, "x": 1}, {"id": 1}, "output"),
    "an entry where nothing is said of fields": (ANY, {"at": {"k": 1}}, {"at": {}}, "at"),
    "a field of what may be null": (OPTIONAL, {"address": {"zip": "1", "city": "B"}}, {"address": {"city": "B"}},
                                    "address.zip"),
    "what may be null": (OPTIONAL, {"address": {"zip": "1", "city": "B"}}, {"address": None}, "address"),
    "a field of one of all": (WHOLE, {"a": 1, "b": 2}, {"a": 1}, "b"),
    "a field of one of several": (EITHER, {"at": {"kind": "x", "x": 1}}, {"at": {"kind": "x"}}, "at.x"),
    "a field of an item": (LISTED, {"parties": [{"name": "V", "role": "r"}]}, {"parties": [{"name": "V"}]},
                           "parties[0].role"),
    "an item": (LISTED, {"parties": [{"name": "V", "role": "r"}]}, {"parties": []}, "parties"),
    "a field of an entry": (PLACES, {"home": {"zip": "1", "city": "B"}}, {"home": {"zip": "2", "city": "B"}},
                            "home.zip"),
}  # fmt: skip


@pytest.mark.parametrize(("schema", "said", "now", "field"), LOST.values(), ids=LOST.keys())
def test_nothing_that_is_lost_is_called_held(schema, said, now, field):
    found = gold.compare(known(Decision.ACCEPT, said=said), result(now), schema)
    assert (found.standing, [d.field for d in found.differences]) == (Standing.REGRESSED, [field])
    assert gold.compare(known(Decision.ACCEPT, said=said), result(said), schema).standing is Standing.HELD


ONE, MORE = {"name": "V", "role": "r"}, {"name": "V", "role": "r", "born": 1}
SAME = {
    "a field added to the items of a list": ([ONE, ONE], [MORE, MORE], object_of(name=TEXT, role=TEXT, born=NUMBER)),
    "a field dropped from them": ([MORE, MORE], [ONE, ONE], object_of(name=TEXT, role=TEXT)),
    "one that holds an object": ([ONE], [ONE | {"at": {"zip": "1"}}], object_of(name=TEXT, role=TEXT, at=ADDRESS)),
    "a quote among them": ([ONE | {"proof": "a"}], [MORE | {"proof": "b"}],
                           object_of(name=TEXT, role=TEXT, born=NUMBER, proof=TEXT | {"x-evidence": "quote"})),
    "a quote in what may be null": ([ONE | {"proof": "a"}], [MORE | {"proof": None}],
                                    {"anyOf": [object_of(name=TEXT, role=TEXT, born=NUMBER, proof={"anyOf": [
                                        TEXT | {"x-evidence": "quote"}, {"type": "null"}]}), {"type": "null"}]}),
}  # fmt: skip


@pytest.mark.parametrize(("said", "now", "item"), SAME.values(), ids=SAME.keys())
def test_what_only_the_schema_gained_or_gave_up_is_no_regression(said, now, item):
    schema = object_of(
        parties={"type": "array", "items": item}, places={"type": "object", "additionalProperties": item}
    )
    before, after = ({"parties": one, "places": {"home": one[0]}} for one in (said, now))
    assert gold.compare(known(Decision.ACCEPT, said=before), result(after), schema).standing is Standing.HELD
    worse = {**after, "parties": [now[0] | {"name": "W"}, *now[1:]]}
    found = gold.compare(known(Decision.ACCEPT, said=before), result(worse), schema)
    assert [(d.field, d.expected, d.got) for d in found.differences] == [("parties[0].name", "V", "W")]
