"""Which units run first: a pilot that is like the rest, and the same whenever it is asked for."""

import math
import random
import statistics
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from batchproc.pilot_sample import Candidate, choose

candidates = st.lists(
    st.builds(Candidate, st.integers(0, 10**6), st.integers(0, 10**9), st.sampled_from("abcdef")),
    max_size=60,
    unique_by=lambda one: one.number,
)


@given(candidates, st.integers(0, 70), st.randoms(use_true_random=False))
def test_it_is_k_different_candidates_and_the_same_ones_in_any_order(some, k, chance):
    chosen = choose(some, k)
    assert len(chosen) == len(set(chosen)) == min(k, len(some))
    assert set(chosen) <= {one.number for one in some}
    assert choose(chance.sample(some, len(some)), k) == chosen


@given(candidates.filter(bool), st.integers(1, 10))
def test_the_largest_kind_is_never_left_out_and_no_kind_is_far_from_its_share(some, k):
    kinds = {one.number: one.kind for one in some}
    sizes = Counter(kinds.values())
    seats = Counter(kinds[number] for number in choose(some, k))
    assert any(seats[kind] for kind, size in sizes.items() if size == max(sizes.values()))
    for kind, size in sizes.items():
        for other, smaller in sizes.items():
            assert seats[kind] >= seats[other] or size <= smaller, "a larger kind has no fewer seats"


def test_every_part_of_the_sizes_is_in_it():
    some = [Candidate(number, (number * 7919) % 1000, "row") for number in range(1000)]
    sizes = sorted(some[number].size for number in choose(some, 10))
    assert [size // 100 for size in sizes] == list(range(10))


def test_it_is_not_the_first_ones_of_a_source_that_begins_with_the_short_ones():
    some = [Candidate(number, number, "row") for number in range(300)]
    low, middle, high = choose(some, 3)
    assert low < 100 <= middle < 200 <= high
    assert choose(some, 3) != [0, 1, 2]


def test_three_of_two_kinds_hold_both():
    some = [Candidate(number, 100, "pdf" if number % 3 else "image") for number in range(90)]
    assert Counter("pdf" if number % 3 else "image" for number in choose(some, 3)) == {"pdf": 2, "image": 1}


def test_over_many_jobs_the_chosen_are_as_large_as_all():
    """Of skewed sizes the middle of each strip would be too small: by a fifth, for three of a lognormal."""
    chance, ratios, middles = random.Random(4), [], []
    for _ in range(300):
        some = [Candidate(number, int(1e6 * math.exp(chance.gauss())), "file") for number in range(100)]
        everything = statistics.mean(one.size for one in some)
        ratios.append(statistics.mean(some[number].size for number in choose(some, 3)) / everything)
        ordered = sorted(one.size for one in some)
        middles.append(statistics.mean(ordered[at] for at in (16, 50, 83)) / everything)
    assert 0.9 < statistics.mean(ratios) < 1.1
    assert statistics.mean(middles) < 0.85, "the control: it would be seen"
