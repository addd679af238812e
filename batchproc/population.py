"""Pure: what a few measured units say about all units, as draws from what the population may be like.

What agents cost is skewed: most units are alike on a log scale, and a few run away and cost many times as much. Neither
a mean with Student's t nor a lognormal fit sees those few before they happen. So the model is a mixture, and its prior
is the allowance for what was not seen (Z is standard normal, D the log of a factor, p the share of rare units):

    log x = mu + sigma Z            a usual unit
    log x = mu + D + sigma Z        a rare, dear one
    mu: flat;  sigma: |N(0, 1)|;  D: N(log 20, 0.7 squared);  p: Beta(0.4, 12)

* A lognormal's mean needs the doubt about sigma as much as that about mu: Cox's method in Land (1972), "An evaluation
  of approximate confidence interval estimation methods for lognormal means"; Zhou & Gao (1997), "Confidence intervals
  for the log-normal mean"; Krishnamoorthy & Mathew (2003), "Inferences on the means of lognormal distributions using
  generalized p-values and generalized confidence intervals". The draws of (mu, sigma) stand where the last have their
  generalized pivots. With a flat prior on sigma, two or three values allow a mean without bound (Fabrizi & Trivisano
  2012, "Bayesian estimation of log-normal means with finite quadratic expected loss"), so it is a half normal here and
  ends at 3.
* Which units are the rare ones is not known. The posterior sums over their number, taking the largest for them, and
  over a grid of sigma; given both everything is conjugate, so no chain is run.
* A lognormal that does not fit misleads more, the more is measured. So in n of n + 50 draws the usual units' mean is
  their sample mean, with the variance of the Bayesian bootstrap (Rubin 1981), and not the lognormal's: after 10 units
  it is the model that speaks, after 100 mostly the data.
* Zeros are a share of their own (Aitchison 1955; Zhou & Tu 2000, for the mean of such data).

The draws are a Latin hypercube (McKay, Beckman & Conover 1979) from a fixed seed: the same data give the same answer.
The prior was chosen by simulation, and `python -m benchmarks quote` shows what it gives; it is no finding.
"""

import math
import random
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from statistics import NormalDist
from typing import NamedTuple

DRAWS = 256
SEED = 1
NORMAL = NormalDist()
RARE_SHARE = (0.4, 12.0)
"""Prior of the share of rare, dear units: a Beta distribution with a mean of one unit in 31."""
RARE_FACTOR = (math.log(20), 0.7)
"""Prior of the logarithm of what a rare unit costs, as a multiple of a usual one: from 8 to 49 times with 80 %."""
SPREAD = 1.0
"""Scale of the half normal prior of sigma. At 1, two units in three are within a factor of 2.7 of the median."""
TRUST = 50.0
"""So many usual units weigh as much as the belief that they are lognormal."""
SIGMAS = tuple(0.03 * 100 ** (step / 59) for step in range(60))
"""The grid of sigma, evenly on the log scale. Narrower is as good as equal."""
NEGLIGIBLE = 1e-12
"""A value under this part of the largest counts as zero: nothing is known of it but that."""
_PRIOR = tuple((sigma, math.log(sigma), 0.5 / sigma**2, -0.5 * (sigma / SPREAD) ** 2) for sigma in SIGMAS)
_TINY = 1e-15


class Luck(NamedTuple):
    """What chance contributes to one draw, the same for any data: standard normal deviates (`z_...`) and ranks."""

    z_usual: float
    z_rare: float
    z_total: float
    total: float
    """`z_total` as a probability; the others below are in (0, 1) as well."""
    longest: float
    place: float
    model: float
    share: int
    some: int
    """Of the `DRAWS` quantiles of a share, which one."""


class Population(NamedTuple):
    """One thing that the population may be. `mean` is of any unit; `ratio` is the mean of squares over its square."""

    luck: Luck
    mean: float
    ratio: float
    usual: float
    """Logarithm of the median of the usual units; `sigma` is their spread on that scale, and that of the rare ones."""
    rare: float
    sigma: float
    share: float
    some: float
    """The part of the units that is not zero; `usual`, `rare` and `share` are of those."""


class Split(NamedTuple):
    """The measured values with the `rare` largest of them taken for rare ones; in units of their geometric mean."""

    rare: int
    usual: int
    log_rare: float
    log_usual: float
    scatter: float
    """Sum of the squared distances of the logarithms from their group's mean."""
    mean: float
    square: float
    """Of the usual ones."""


def draws(values: Sequence[float]) -> list[Population]:
    """`DRAWS` populations, each as likely as the next, that may have given these values (at least one, none < 0)."""
    least = NEGLIGIBLE * max(values)
    positive = sorted(value for value in values if value > least)
    if not positive:
        return [Population(luck, *[0.0] * 7) for luck in _lucks()]
    zeros = len(values) - len(positive)
    logs = [math.log(value) for value in positive]
    centre = math.fsum(logs) / len(logs)
    splits = _splits([log - centre for log in logs])
    some = _shares(len(positive) + 0.5, zeros + 0.5) if zeros else [1.0] * DRAWS
    return [
        _population(luck, split, sigma, centre, some[luck.some])
        for luck, (split, sigma) in zip(_lucks(), _chosen(splits), strict=True)
    ]


def _splits(logs: Sequence[float]) -> list[Split]:
    """Up to a quarter of the units, and one more, may be rare; at least one is usual. `logs` ascend around 0."""
    count = len(logs)
    values = [math.exp(log) for log in logs]
    sums, squares = [0.0, *accumulate(logs)], [0.0, *accumulate(log * log for log in logs)]
    firsts, seconds = [0.0, *accumulate(values)], [0.0, *accumulate(value * value for value in values)]
    found = []
    for rare in range(min(count - 1, count // 4 + 1) + 1):
        usual = count - rare
        low, high = sums[usual] / usual, (sums[count] - sums[usual]) / max(rare, 1)
        scatter = max(0.0, squares[count] - usual * low * low - rare * high * high)
        found.append(Split(rare, usual, high, low, scatter, firsts[usual] / usual, seconds[usual] / usual))
    return found


def _chosen(splits: Sequence[Split]) -> Iterator[tuple[Split, float]]:
    """`DRAWS` pairs of a split and a sigma, each as often as its part of the posterior says."""
    weighed = [(log, split, sigma) for split in splits for sigma, log in zip(SIGMAS, _log_weights(split), strict=True)]
    top = max(log for log, _, _ in weighed)
    sums = list(accumulate(math.exp(log - top) for log, _, _ in weighed))
    at = 0
    for draw in range(DRAWS):
        while at < len(sums) - 1 and sums[at] < (draw + 0.5) / DRAWS * sums[-1]:
            at += 1
        yield weighed[at][1:]


def _log_weights(split: Split) -> Iterator[float]:
    """Logarithm of prior times likelihood for each sigma of the grid; mu, D and p are integrated out."""
    rare, usual = split.rare, split.usual
    factor, doubt = RARE_FACTOR
    fixed = math.lgamma(RARE_SHARE[0] + rare) + math.lgamma(RARE_SHARE[1] + usual)
    fixed -= 0.5 * (math.log(usual) + math.log(max(rare, 1)))
    free = usual + max(rare, 1) - 3  # degrees of freedom, less one for a grid that is denser at its low end
    for sigma, log_sigma, half_precision, prior in _PRIOR:
        weight = fixed + prior - free * log_sigma - split.scatter * half_precision
        if rare:
            variance = doubt**2 + sigma**2 * (1 / rare + 1 / usual)
            gap = split.log_rare - split.log_usual - factor
            weight -= 0.5 * (math.log(variance) + gap * gap / variance)
        yield weight


def _population(luck: Luck, split: Split, sigma: float, centre: float, some: float) -> Population:
    """One draw, given which values are rare and how far the others spread: each part from its posterior."""
    usual, rare = _medians(luck, split, sigma)
    share = _shares(RARE_SHARE[0] + split.rare, RARE_SHARE[1] + split.usual)[luck.share]
    skew = math.exp(0.5 * sigma * sigma)
    mean, rare_mean = math.exp(usual) * skew, math.exp(rare) * skew
    square, rare_square = (mean * skew) ** 2, (rare_mean * skew) ** 2
    if luck.model * (TRUST + split.usual) > TRUST:  # the data speak, not the model
        spread = math.log(1 + max(0.0, split.square / split.mean**2 - 1) / (split.usual + 1))
        mean = split.mean * math.exp(luck.z_usual * math.sqrt(spread) - 0.5 * spread)
        square = max(split.square, mean**2)
    mean, square = (1 - share) * mean + share * rare_mean, (1 - share) * square + share * rare_square
    return Population(
        luck, mean * some * math.exp(centre), square / mean**2 / some, usual + centre, rare + centre, sigma, share, some
    )


def _medians(luck: Luck, split: Split, sigma: float) -> tuple[float, float]:
    """A draw of mu and of mu + D."""
    factor, doubt = RARE_FACTOR
    if not split.rare:
        usual = split.log_usual + luck.z_usual * sigma / math.sqrt(split.usual)
        return usual, usual + factor + luck.z_rare * doubt
    by_usual, by_rare = split.usual / sigma**2, 1 / (doubt**2 + sigma**2 / split.rare)
    known = by_usual + by_rare
    usual = (by_usual * split.log_usual + by_rare * (split.log_rare - factor)) / known + luck.z_usual / math.sqrt(known)
    by_prior, by_data = 1 / doubt**2, split.rare / sigma**2
    rare = (by_prior * (usual + factor) + by_data * split.log_rare) / (by_prior + by_data)
    return usual, rare + luck.z_rare / math.sqrt(by_prior + by_data)


def total(found: Population, count: int) -> float:
    """What `count` units of this population add up to: a draw from the lognormal with the mean and variance of that sum
    (Fenton 1960). It never falls when `count` grows (true for deviates under 4)."""
    if not count or not found.mean:
        return 0.0
    variance = math.log(1 + max(0.0, found.ratio - 1) / count)
    return count * found.mean * math.exp(found.luck.z_total * math.sqrt(variance) - 0.5 * variance)


def longest(found: Population, count: int) -> float:
    """The largest of `count` units. If one of the rare ones, it is large where their `total` is: it is why."""
    some, luck = count * found.some, found.luck
    return max(
        _largest(found.usual, found.sigma, some * (1 - found.share), luck.longest),
        _largest(found.rare, found.sigma, some * found.share, luck.total),
    )


def _largest(middle: float, sigma: float, count: float, rank: float) -> float:
    """What the largest of `count` lognormal units, an expected number, stays under with the probability `rank`."""
    below = rank ** (1 / count) if count > _TINY else 0.0
    return math.exp(middle + sigma * NORMAL.inv_cdf(min(below, 1 - _TINY))) if below > _TINY else 0.0


@lru_cache(maxsize=128)
def _shares(a: float, b: float) -> tuple[float, ...]:
    """`DRAWS` evenly spaced quantiles of Beta(a, b), by summing its density over a grid of the log odds."""
    middle, steps = math.log(a / b), 256
    low, high = middle - 8 * (1 / a + a**-0.5), middle + 8 * (1 / b + b**-0.5)
    odds = [low + (high - low) * step / (steps - 1) for step in range(steps)]
    logs = [-a * math.log1p(math.exp(-at)) - b * math.log1p(math.exp(at)) for at in odds]
    top = max(logs)
    sums = [0.0, *accumulate((one + other) / 2 for one, other in pairwise(math.exp(log - top) for log in logs))]
    found, at = [], 1
    for draw in range(DRAWS):
        wanted = (draw + 0.5) / DRAWS * sums[-1]
        while sums[at] < wanted:
            at += 1
        part = (wanted - sums[at - 1]) / (sums[at] - sums[at - 1])
        found.append(1 / (1 + math.exp(-odds[at - 1] - part * (odds[at] - odds[at - 1]))))
    return tuple(found)


@lru_cache(maxsize=1)
def _lucks() -> tuple[Luck, ...]:
    """A Latin hypercube: in each of its dimensions every rank occurs once, in an order of its own."""
    chance = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    columns = [chance.sample(range(DRAWS), DRAWS) for _ in range(8)]
    found = []
    for usual, rare, sums, longest_, place, model, share, some in zip(*columns, strict=True):
        z_usual, z_rare, z_total = (NORMAL.inv_cdf((rank + 0.5) / DRAWS) for rank in (usual, rare, sums))
        total_, longest_, place, model = ((rank + 0.5) / DRAWS for rank in (sums, longest_, place, model))
        found.append(Luck(z_usual, z_rare, z_total, total_, longest_, place, model, share, some))
    return tuple(found)
