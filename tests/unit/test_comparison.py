"""What variants said of the same units, field by field."""

import pytest

from batchproc import comparison
from batchproc.models import TrialResult, UnitStatus


def said(key, output=None, text=None, status=UnitStatus.SUCCEEDED, cost_usd=0.0, seconds=1.0):
    return TrialResult(
        trial=1,
        unit=1,
        key=key,
        status=status,
        text=text,
        output=output,
        error=None,
        cost_usd=cost_usd,
        tokens=1,
        seconds=seconds,
        size=1,
    )


def test_agreement_is_counted_by_field_and_only_disagreements_are_shown():
    tried = {
        "a": [said("1", {"party": "ACME  Ltd", "risk": "low"}), said("2", {"party": "Bo", "risk": "high"})],
        "b": [said("1", {"party": "acme ltd", "risk": "low"}), said("2", {"party": "Bo", "risk": "low"})],
    }
    found = comparison.compare(tried)
    assert found.agreement == {"party": 1.0, "risk": 0.5}
    [apart] = found.disagreements
    assert (apart.key, apart.field, apart.values) == ("2", "risk", {"a": "high", "b": "low"})


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (None, "", False),
        (None, "none", False),
        ("1", 1, False),
        (["a", "b"], ["A", "b "], True),
        (["a", "b"], ["b", "a"], False),
        ({"x": {"y": 1}}, {"x": {"y": 1}}, True),
        ("Größe", "GRÖSSE", True),
    ],
)
def test_what_counts_as_the_same(one, other, agree):
    found = comparison.compare({"a": [said("1", {"f": one})], "b": [said("1", {"f": other})]})
    assert all(part == (1.0 if agree else 0.0) for part in found.agreement.values())


def test_fields_of_nested_objects_are_compared_by_their_path_and_a_missing_one_disagrees():
    tried = {"a": [said("1", {"who": {"name": "x", "age": 1}})], "b": [said("1", {"who": {"name": "x"}})]}
    found = comparison.compare(tried)
    assert found.agreement == {"who.name": 1.0, "who.age": 0.0}
    assert found.disagreements[0].values == {"a": 1, "b": None}


def test_a_unit_without_an_answer_of_one_variant_does_not_count_but_its_failure_does():
    tried = {
        "a": [
            said("1", text="x", cost_usd=0.5, seconds=2),
            said("2", status=UnitStatus.FAILED, cost_usd=0.25, seconds=4),
        ],
        "b": [said("1", text="x"), said("2", text="y", status=UnitStatus.FLAGGED)],
    }
    found = comparison.compare(tried)
    assert found.agreement == {"text": 1.0} and not found.disagreements
    a, b = found.costs["a"], found.costs["b"]
    assert (a.units, a.failed, a.flagged, a.cost_usd, a.seconds) == (2, 0.5, 0.0, 0.75, 3.0)
    assert (b.failed, b.flagged) == (0.0, 0.5)


def test_three_variants_agree_only_if_all_do():
    tried = {name: [said("1", {"f": value})] for name, value in (("a", 1), ("b", 1), ("c", 2))}
    found = comparison.compare(tried)
    assert found.agreement == {"f": 0.0} and found.disagreements[0].values == {"a": 1, "b": 1, "c": 2}


def test_nothing_that_ran_compares_to_nothing():
    found = comparison.compare({"a": [], "b": []})
    assert not found.agreement and not found.disagreements and found.costs["a"].units == 0
