"""Pure: the units that are finished → what the rest will cost and take, each as a range; and whether it did.

The quote after a pilot and the forecast of a running job are the same function. For each of a few hundred populations
that may have given what was seen (`population.draws`) it draws what the rest of the job comes to; the range holds the
middle `level` of those, so it covers both kinds of doubt: what units are like, and which of them are left.

Money and tokens are sums. Time is that of a queue, `concurrency` at a time: it is over when the last unit is, so a long
one that starts late counts nearly whole (`_wall`).

What it takes for granted: the finished units are like the rest (`pilot_sample` sees to that for a pilot; while a job
runs, a source that is sorted by size is not like that, and the first to finish are the short ones), and units run all
the time (a wait for a quota, for a backoff or for a person is not counted).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from batchproc import population
from batchproc.population import Population

FEW = 10
"""Fewer finished units than this prove little, and the quote says so."""
RARE_PERCENT = 5
"""The example that the quote gives for what few units do not show: one unit in 20 ..."""
RARE_TIMES = 20
"""... that costs 20 times as much."""


@dataclass(frozen=True, slots=True)
class Finished:
    """One unit, all its attempts together: dollars, tokens, seconds of running, bytes of its payload and file.

    The size is for whoever chooses or shows units. The quote does not use it: in simulated jobs whose costs follow the
    size, a pilot that was stratified by size came as near to the truth without a regression on size as with one.
    """

    cost_usd: float
    tokens: int
    seconds: float
    size: int = 0


@dataclass(frozen=True, slots=True)
class Range:
    """`mid` is the median: as likely too low as too high. It is under the mean, for the dear end is the long one."""

    low: float
    mid: float
    high: float


@dataclass(frozen=True, slots=True)
class Quote:
    """What `units` more units will cost and take, as `based_on` finished ones let expect. An estimate, not a promise:
    with the probability `level` (0.8: four times in five) each range holds what it says, each for itself."""

    level: float
    units: int
    based_on: int
    cost_usd: Range
    tokens: Range
    time_s: Range
    """Wall-clock seconds from now, if the units run `concurrency` at a time without a pause."""
    basis: str
    """In plain words: what it rests on, and how much that proves."""


def quote(finished: Sequence[Finished], *, remaining: int, concurrency: int, level: float = 0.8) -> Quote | None:
    """The quote for `remaining` more units; None if nothing is finished. The same input gives the same quote.

    `remaining` counts units that are running as if they were yet to start. Raises ValueError for a number that cannot
    be: a negative or infinite cost, NaN, no concurrency, a level outside 0 to 1.
    """
    _require(finished, remaining, concurrency, level)
    if not finished:
        return None
    if not remaining:
        nothing = Range(0.0, 0.0, 0.0)
        return Quote(level, 0, len(finished), nothing, nothing, nothing, "no unit is left")
    spent = _totals([unit.cost_usd for unit in finished], remaining)
    used = _totals([float(unit.tokens) for unit in finished], remaining)
    lasted = population.draws([unit.seconds for unit in finished])
    took = [_wall(lasting, remaining, concurrency) for lasting in lasted]
    return Quote(
        level=level,
        units=remaining,
        based_on=len(finished),
        cost_usd=_range(spent, level),
        tokens=_range(used, level),
        time_s=_range(took, level),
        basis=_basis(len(finished), remaining, level),
    )


def held(quoted: Quote, *, cost_usd: float, seconds: float, tokens: float) -> dict[str, bool]:
    """Whether what the same units then cost and took lies in the quote's ranges, ends included."""
    return {
        "cost_usd": _within(quoted.cost_usd, cost_usd),
        "tokens": _within(quoted.tokens, tokens),
        "time_s": _within(quoted.time_s, seconds),
    }


def _within(said: Range, found: float) -> bool:
    """Sums of floating point numbers may be off by a little."""
    dust = 1e-9 * max(1.0, abs(said.high))
    return said.low - dust <= found <= said.high + dust


def _require(finished: Sequence[Finished], remaining: int, concurrency: int, level: float) -> None:
    checks: list[tuple[str, float, Callable[[float], bool], str]] = [
        ("remaining", remaining, lambda value: value >= 0, "0 or more"),
        ("concurrency", concurrency, lambda value: value >= 1, "1 or more"),
        ("level", level, lambda value: 0 < value < 1, "between 0 and 1, for example 0.8"),
    ]
    for name in ("cost_usd", "tokens", "seconds"):
        for at, unit in enumerate(finished):
            checks.append((f"finished[{at}].{name}", getattr(unit, name), lambda value: value >= 0, "0 or more"))
    for name, value, fits, need in checks:
        if not (math.isfinite(value) and fits(value)):
            raise ValueError(f"{name} = {value!r}: it must be a finite number, {need}")


def _totals(values: Sequence[float], remaining: int) -> list[float]:
    return [population.total(found, remaining) for found in population.draws(values)]


def _wall(lasting: Population, remaining: int, concurrency: int) -> float:
    """Seconds until the last of the rest is done. Never less than the longest unit, nor than work / concurrency.

    What decides beside the sum is when the longest unit starts. Its place in the queue is drawn: among the first
    `concurrency` it starts at once, else after its part of the others' work. In the last place that gives Graham's
    (1966) bound for a queue in any order: (work - longest) / concurrency + longest.
    """
    longest = population.longest(lasting, remaining)
    if remaining <= concurrency:
        return longest
    work = max(longest, population.total(lasting, remaining))
    before = max(0.0, lasting.luck.place - concurrency / remaining)
    return max(work / concurrency, before * (work - longest) / concurrency + longest)


def _range(drawn: Sequence[float], level: float) -> Range:
    ordered = sorted(drawn)
    low, mid, high = (_quantile(ordered, part) for part in ((1 - level) / 2, 0.5, (1 + level) / 2))
    return Range(low, mid, high)


def _quantile(ordered: Sequence[float], part: float) -> float:
    place = min(max(part * len(ordered) - 0.5, 0.0), len(ordered) - 1.0)
    at = min(int(place), len(ordered) - 2)
    return ordered[at] + (place - at) * (ordered[at + 1] - ordered[at])


def _basis(known: int, remaining: int, level: float) -> str:
    units = "1 unit" if known == 1 else f"{known:,} units"
    said = (
        f"an estimate for {remaining:,} more from {units} that finished; each range is meant to hold in "
        f"{100 * level:.0f} % of cases, and allows for a few units that cost many times as much as the others"
    )
    unseen = round(100 * (1 - RARE_PERCENT / 100) ** known)
    if not unseen:
        return said
    little = "" if known >= FEW else f"{units} prove{'s' if known == 1 else ''} little: "
    return (
        f"{said}; {little}if one unit in {100 // RARE_PERCENT} costs {RARE_TIMES} times as much, {units} "
        f"show{'s' if known == 1 else ''} none of them in {unseen} % of cases"
    )
