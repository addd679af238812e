"""Who is drawn: each answer as likely as any other, the risky ones sooner in their own sample, and nobody twice."""

import itertools
import math
from collections import Counter

import pytest

from batchproc import risk, sampling
from batchproc.models import UnitStatus
from batchproc.risk import Signs, Usual
from batchproc.sampling import Place

POPULATION = [(unit, 1) for unit in range(1, 41)]


def seeds(n):
    return [f"{number:032x}" for number in range(n)]


def drawn(seed, population, n):
    return [one.unit for one in sampling.lowest(n, by_chance(seed, population))]


def by_chance(seed, population):
    place = sampling.places(seed)
    return [Place(place(*one)[0], *one) for one in population]


def chi_square(counts, expected):
    return sum((n - expected) ** 2 / expected for n in counts)


def most(degrees):
    """The 99.9 % point of chi-square, by Wilson and Hilferty (1931)."""
    return degrees * (1 - 2 / (9 * degrees) + 3.0902 * math.sqrt(2 / (9 * degrees))) ** 3


def test_each_answer_is_as_likely_as_any_other_to_be_drawn():
    n, rounds = 10, 4_000
    hits = Counter(unit for seed in seeds(rounds) for unit in drawn(seed, POPULATION, n))
    # Without replacement the counts vary less than independent ones, by (N - n)/(N - 1).
    stretched = (40 - 1) / (40 - n)
    found = stretched * chi_square([hits[unit] for unit, _ in POPULATION], rounds * n / 40)
    assert found < most(39), found


def test_each_set_of_answers_is_as_likely_as_any_other():
    small, rounds = POPULATION[:6], 20_000
    hits = Counter(frozenset(drawn(seed, small, 3)) for seed in seeds(rounds))
    sets = [frozenset(one) for one in itertools.combinations([unit for unit, _ in small], 3)]
    assert chi_square([hits[one] for one in sets], rounds / len(sets)) < most(len(sets) - 1)


def test_the_uniformity_check_finds_a_sample_that_is_not():
    """The control: a key that grows with the number."""
    rounds = 4_000
    hits = Counter(u for seed in seeds(rounds) for u in sorted(range(1, 41), key=lambda u: u % 7 + len(seed) % 2)[:10])
    assert chi_square([hits[unit] for unit in range(1, 41)], rounds / 4) > most(39)


def test_a_larger_sample_holds_the_smaller_one():
    for seed in seeds(50):
        few, many = drawn(seed, POPULATION, 7), drawn(seed, POPULATION, 20)
        assert many[:7] == few and len(set(many)) == 20


def test_answers_that_come_later_take_their_place_as_if_they_had_been_there():
    for seed in seeds(50):
        early, late = POPULATION[:25], POPULATION[25:]
        kept = sampling.lowest(10, by_chance(seed, early))
        grown = sampling.lowest(10, kept, by_chance(seed, late))
        assert [one.unit for one in grown] == drawn(seed, POPULATION, 10)


def test_what_leaves_makes_room_for_the_next_and_moves_nobody_else():
    for seed in seeds(50):
        before = drawn(seed, POPULATION, 10)
        after = drawn(seed, [one for one in POPULATION if one[0] != before[3]], 10)
        assert after[:9] == before[:3] + before[4:]


def test_a_unit_that_is_run_again_has_another_place():
    place = sampling.places(seeds(1)[0])
    assert len({place(7, attempt) for attempt in range(1, 200)}) == 199
    assert place(1, 12) != place(11, 2)


def test_the_two_samples_know_nothing_of_each_other():
    place = sampling.places(seeds(1)[0])
    both = [place(u, 1) for u in range(1, 2001)]
    half = 1 << 63
    cells = Counter((a < half, b < half) for a, b in both)
    assert chi_square(cells.values(), 500) < most(3)


def test_the_first_of_the_weighted_sample_comes_with_a_chance_in_proportion_to_its_weight():
    weights = {1: 1.0, 2: 1.0, 3: 2.0, 4: 4.0, 5: 8.0}
    rounds = 16_000
    hits = Counter()
    for seed in seeds(rounds):
        place = sampling.places(seed)
        [first] = sampling.lowest(1, [sampling.by_weight(place(u, 1)[1], u, 1, w) for u, w in weights.items()])
        hits[first.unit] += 1
    expected = {u: rounds * w / 16 for u, w in weights.items()}
    assert sum((hits[u] - e) ** 2 / e for u, e in expected.items()) < most(4)


def test_whoever_stands_behind_the_floor_would_not_have_been_taken():
    for seed in seeds(30):
        place = sampling.places(seed)
        weigh = {u: 1.0 + (u % 24) * (22.5 / 23) for u in range(1, 3001)}
        everybody = sampling.lowest(20, [sampling.by_weight(place(u, 1)[1], u, 1, w) for u, w in weigh.items()])
        kept, asked = [], 0
        for first in range(1, 3001, 100):
            floor = sampling.floor(sampling.farthest(20, kept), risk.HEAVIEST)
            close = [u for u in range(first, first + 100) if place(u, 1)[1] >= floor]
            asked += len(close)
            kept = sampling.lowest(20, kept, [sampling.by_weight(place(u, 1)[1], u, 1, weigh[u]) for u in close])
        assert kept == everybody and asked < 2_000


USUAL = Usual(cost_usd=0.01, length=400)


def signs(**more):
    known = {"status": UnitStatus.SUCCEEDED, "attempts": 1, "cost_usd": 0.01, "length": 400}
    return Signs(**{**known, "has_nulls": False, "is_mended": False, **more})


def test_an_answer_like_all_others_has_the_weight_of_one():
    assert risk.weight(signs(), USUAL) == 1.0
    assert risk.why(signs(), USUAL) == "nothing speaks against it; it came by chance"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"status": UnitStatus.FLAGGED}, "it was flagged"),
        ({"attempts": 3}, "it took 3 attempts"),
        ({"attempts": 2, "is_mended": True}, "it did not fit the schema at first and was mended"),
        ({"has_nulls": True}, "it has fields without a value"),
        ({"is_disputed": True}, "the variants of the pilot disagreed on it"),
        ({"cost_usd": 0.06}, "it cost $0.0600, 6 times the median ($0.0100)"),
        ({"length": 12}, "the answer has 12 characters, a small part of the median (400)"),
    ],
)
def test_each_sign_of_risk_makes_it_likelier_and_is_said(more, said):
    assert risk.weight(signs(**more), USUAL) > 1.0
    assert risk.why(signs(**more), USUAL) == said


def test_signs_add_up_and_are_all_said():
    one = signs(status=UnitStatus.FLAGGED, attempts=2, has_nulls=True)
    assert risk.weight(one, USUAL) == 1 + 8 + 2 + 1.5
    assert risk.why(one, USUAL).count(";") == 2


def test_no_answer_weighs_more_than_the_heaviest():
    worst = {"status": UnitStatus.FLAGGED, "attempts": 9, "has_nulls": True, "is_disputed": True, "length": 9}
    weights = [risk.weight(signs(**worst, cost_usd=9, is_mended=mended), USUAL) for mended in (True, False)]
    assert max(weights) == risk.HEAVIEST


def test_without_medians_nothing_is_far_from_them():
    assert risk.weight(signs(cost_usd=99, length=9), Usual()) == 1.0
