"""Jobs whose truth is known: what their units cost is drawn, a few are shown to the quote, the rest judges it."""

import heapq
import math
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from batchproc import quote
from batchproc.quote import Finished, Quote, Range

Shape = Callable[[random.Random], float]
"""Draws what one unit costs."""
CONCURRENCY = 4
STUDENT_80 = {2: 1.886, 9: 1.383, 19: 1.328, 49: 1.299, 99: 1.290}
"""Student's t by degrees of freedom, for 80 %, from the printed tables."""


def heavy(sigma: float, share: float = 0.05, factor: float = 20.0) -> Shape:
    """Lognormal, and a `share` of the units costs `factor` times as much."""
    return lambda chance: math.exp(sigma * chance.gauss()) * (factor if chance.random() < share else 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Of many jobs: how often each range held, and the median width of that for money, as a part of the truth."""

    cost_usd: float
    tokens: float
    time_s: float
    width: float
    student: float
    student_width: float


def judge(shape: Shape, *, known: int, units: int, jobs: int = 200, seed: str = "") -> Verdict:
    """`jobs` jobs of `units` units, quoted after `known` of them."""
    chance = random.Random(f"{seed} {known} {units}")
    held, widths = [], []
    by_student, student_widths = [], []
    for _ in range(jobs):
        costs = [shape(chance) for _ in range(units)]
        said, rest = say(costs, known), sum(costs[known:])
        time = queue_s([60 * cost for cost in costs[known:]], CONCURRENCY)
        held.append(quote.held(said, cost_usd=rest, tokens=tokens(costs[known:]), seconds=time))
        widths.append((said.cost_usd.high - said.cost_usd.low) / rest)
        plain = student(costs[:known], units - known)
        by_student.append(plain.low <= rest <= plain.high)
        student_widths.append((plain.high - plain.low) / rest)
    return Verdict(
        **{name: statistics.mean(row[name] for row in held) for name in ("cost_usd", "tokens", "time_s")},
        width=statistics.median(widths),
        student=statistics.mean(by_student),
        student_width=statistics.median(student_widths),
    )


def say(costs: Sequence[float], known: int) -> Quote:
    """The quote after the first `known` units, if tokens and seconds go with the money."""
    finished = [Finished(cost, tokens([cost]), 60 * cost) for cost in costs[:known]]
    said = quote.quote(finished, remaining=len(costs) - known, concurrency=CONCURRENCY)
    assert said is not None
    return said


def tokens(costs: Sequence[float]) -> int:
    return sum(round(50_000 * cost) for cost in costs)


def student(costs: Sequence[float], remaining: int) -> Range:
    """The plain interval, mean ± t·s for the sum of `remaining` more: what skew does to it is why we have another."""
    mean, deviation = statistics.mean(costs), statistics.stdev(costs)
    doubt = STUDENT_80[len(costs) - 1] * deviation * math.sqrt(remaining**2 / len(costs) + remaining)
    return Range(remaining * mean - doubt, remaining * mean, remaining * mean + doubt)


def queue_s(seconds: Sequence[float], concurrency: int) -> float:
    """Seconds until the last is done, if each starts as soon as one of `concurrency` slots is free."""
    free = [0.0] * concurrency
    for one in seconds:
        heapq.heapreplace(free, free[0] + one)
    return max(free)
