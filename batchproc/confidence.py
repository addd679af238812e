"""Pure: what a random sample proves of the whole that it was drawn from: exact binomial bounds.

C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
Biometrika 26 (1934), 404-413: the bound is the part at which a sample as good as this one, or better, comes with the
probability `alpha`. Whatever the true part is, a bound for 95 % is at or above it in at least 95 of 100 samples.

We draw without replacement from a finite whole, which tells more than the binomial says (W. Hoeffding, "Probability
inequalities for sums of bounded random variables", JASA 58 (1963), section 6): the bounds are on the safe side, the
more so the larger the sample's part of the whole. A test holds them against the hypergeometric distribution.

A bound is about one sample. Whoever enlarges his until he likes the bound has looked more than once, and the best of
several bounds holds less often than each of them.
"""

import math
from functools import lru_cache
from typing import NamedTuple

ALPHA = 0.05
"""What is left to chance: 95 % confidence."""
_STEPS = 60
"""Halvings: more than a floating point number between 0 and 1 has room for."""


class Interval(NamedTuple):
    low: float
    high: float


@lru_cache(maxsize=1024)
def upper(wrong: int, drawn: int, alpha: float = ALPHA) -> float:
    """The most that may be wrong, as a part of 1, if `wrong` of `drawn` are: one-sided."""
    _require(wrong, drawn)
    if wrong == drawn:
        return 1.0
    low, high = wrong / drawn, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(wrong, drawn, middle) > alpha else (low, middle)
    return high


def lower(wrong: int, drawn: int, alpha: float = ALPHA) -> float:
    """The least that is wrong, as a part of 1: one-sided. It is what `upper` says of the right ones."""
    return 1.0 - upper(drawn - wrong, drawn, alpha)


def interval(wrong: int, drawn: int, alpha: float = ALPHA) -> Interval:
    """Both at once, each with half of `alpha`."""
    return Interval(lower(wrong, drawn, alpha / 2), upper(wrong, drawn, alpha / 2))


def at_most(k: int, n: int, p: float) -> float:
    """The probability of `k` or fewer among `n`, each with the probability `p`."""
    if p <= 0.0 or k >= n:
        return 1.0
    if p >= 1.0:
        return 0.0
    if 2 * k > n:  # the shorter tail
        return 1.0 - math.fsum(_exactly(i, n, p) for i in range(k + 1, n + 1))
    return math.fsum(_exactly(i, n, p) for i in range(k + 1))


def _exactly(k: int, n: int, p: float) -> float:
    ways = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(ways + k * math.log(p) + (n - k) * math.log1p(-p))


def _require(wrong: int, drawn: int) -> None:
    if not 0 <= wrong <= drawn or not drawn:
        raise ValueError(f"{wrong} of {drawn}: there is no such sample")
