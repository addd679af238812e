"""Bounds that hold as often as they say, on whichever part is wrong; held against tables and exact fractions."""

from fractions import Fraction
from math import comb, isclose

import pytest

from batchproc import confidence

GRID = [n / 400 for n in range(401)]


def binomial(k, n, p):
    """P(X <= k), in exact fractions."""
    return sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


def hypergeometric(k, n, wrong, whole):
    """P(X = k) where n are drawn without replacement."""
    return Fraction(comb(wrong, k) * comb(whole - wrong, n - k), comb(whole, n))


def test_none_wrong_of_59_says_at_most_5_percent():
    assert isclose(confidence.upper(0, 59), 1 - 0.05 ** (1 / 59), rel_tol=1e-12)
    assert 0.0494 < confidence.upper(0, 59) < 0.05 < confidence.upper(0, 58)


PUBLISHED = [  # two-sided, 95 %: Clopper and Pearson's intervals as textbooks and R's binom.test print them
    (0, 10, 0.0000000, 0.3084971),
    (1, 10, 0.0025286, 0.4450161),
    (2, 10, 0.0252107, 0.5560955),
    (5, 10, 0.1870860, 0.8129140),
    (10, 10, 0.6915029, 1.0000000),
    (3, 20, 0.0320709, 0.3789268),
    (10, 100, 0.0490047, 0.1762226),
    (7, 20, 0.1539092, 0.5921885),
]


@pytest.mark.parametrize(("wrong", "drawn", "low", "high"), PUBLISHED)
def test_the_interval_is_the_published_one(wrong, drawn, low, high):
    found = confidence.interval(wrong, drawn)
    assert found.low == pytest.approx(low, abs=2e-6) and found.high == pytest.approx(high, abs=2e-6)


NEWCOMBE = [(81, 263, 0.2527, 0.3676), (15, 148, 0.0578, 0.1617), (0, 20, 0.0, 0.1684), (1, 29, 0.0009, 0.1776)]
"""R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998),
table I, method 5."""


@pytest.mark.parametrize(("wrong", "drawn", "low", "high"), NEWCOMBE)
def test_the_interval_is_the_one_of_newcombes_table(wrong, drawn, low, high):
    found = confidence.interval(wrong, drawn)
    assert found.low == pytest.approx(low, abs=5.1e-5) and found.high == pytest.approx(high, abs=5.1e-5)


@pytest.mark.parametrize("n", [1, 2, 7, 20, 59])
def test_the_bound_is_where_the_exact_tail_crosses_5_percent(n):
    step = Fraction(1, 10**9)
    for k in range(n):
        bound = Fraction(confidence.upper(k, n))
        assert binomial(k, n, bound + step) < Fraction(1, 20) < binomial(k, n, bound - step), (k, n)


@pytest.mark.parametrize("n", [1, 3, 10, 20, 59, 120])
def test_it_covers_the_truth_in_95_of_100_samples_whatever_the_truth_is(n):
    bounds = [confidence.upper(k, n) for k in range(n + 1)]
    both = [confidence.interval(k, n) for k in range(n + 1)]
    for p in GRID:
        chance = [comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
        assert sum(c for c, high in zip(chance, bounds, strict=True) if high >= p) >= 0.95 - 1e-9, p
        assert sum(c for c, (low, high) in zip(chance, both, strict=True) if low <= p <= high) >= 0.95 - 1e-9, p


def test_the_coverage_check_finds_a_bound_that_is_too_low():
    """The control: the normal approximation, as it is often used, does not cover."""
    n = 20
    bounds = [k / n + 1.645 * (k / n * (1 - k / n) / n) ** 0.5 for k in range(n + 1)]
    chance = [comb(n, k) * 0.05**k * 0.95 ** (n - k) for k in range(n + 1)]
    assert sum(c for c, high in zip(chance, bounds, strict=True) if high >= 0.05) < 0.7


@pytest.mark.parametrize("whole", [1, 2, 5, 12, 30, 60])
def test_it_covers_as_well_where_it_is_drawn_without_replacement(whole):
    """Every size of sample, and every number of wrong ones."""
    for n in range(1, whole + 1):
        bounds = [Fraction(confidence.upper(k, n)) for k in range(n + 1)]
        for wrong in range(whole + 1):
            missed = sum(
                (hypergeometric(k, n, wrong, whole) for k in range(n + 1) if bounds[k] < Fraction(wrong, whole)),
                Fraction(0),
            )
            assert missed <= Fraction(1, 20), (whole, n, wrong)


def test_bounds_grow_with_what_is_wrong_and_shrink_with_what_is_drawn():
    for n in (5, 50, 1000):
        found = [confidence.upper(k, n) for k in range(0, n + 1, max(1, n // 5))]
        assert found == sorted(found) and found[-1] == 1.0
    assert confidence.upper(0, 1000) < confidence.upper(0, 100) < confidence.upper(0, 10)
    assert confidence.lower(0, 10) == 0.0 and confidence.lower(10, 10) > 0.7
    assert confidence.upper(999, 1000) < 1


@pytest.mark.parametrize(("wrong", "drawn"), [(-1, 5), (6, 5), (0, 0)])
def test_a_sample_that_cannot_be_is_refused(wrong, drawn):
    with pytest.raises(ValueError, match="no such sample"):
        confidence.upper(wrong, drawn)
