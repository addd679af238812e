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
