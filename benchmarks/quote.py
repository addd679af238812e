"""quote: how often the 80 % range of a quote holds what the rest of a job then costs and takes, in simulated jobs.

Each row is 200 jobs: what a unit costs is lognormal with that sigma, and 5 % of the units cost 20 times as much. The
peer is the plain Student interval from the same units, mean ± t·s with a term for the rest being a sample too. Of it
both the share that holds and the median width are shown, beside ours: width is in multiples of the truth, and a range
is better for being narrow only while it holds. After pilots of 10 the share is bounded from above too (`at most`): too
wide is no good either.

`live` is the forecast of a job of 2,000 units after 20, 50 and 100 of them. The other shapes are not what the model
was made for, so they have no floor: lognormal without rare units, not lognormal at all, with rare units of another
share and factor. The last row alone is a time: of one quote from 100 units.
"""

import math
import time

from benchmarks.comparison import Row
from tests.simulated_jobs import Shape, Verdict, heavy, judge, say

SIGMAS = (0.5, 1.0, 1.5)
SIZES = (50, 200, 2000)
LEAST, MOST, LEAST_OF_THREE = 0.7, 0.9, 0.6
SHAPES: dict[str, Shape] = {
    "no rare": heavy(0.5, share=0.0),
    "no rare, wide": heavy(1.5, share=0.0),
    "all alike": lambda _: 1.0,
    "uniform": lambda chance: chance.random(),
    "exponential": lambda chance: chance.expovariate(1.0),
    "two kinds 1:5": lambda chance: math.exp(0.3 * chance.gauss()) * chance.choice((1.0, 5.0)),
    "some free": lambda chance: math.exp(0.5 * chance.gauss()) * (chance.random() > 0.1),
    "Pareto 1.5": lambda chance: chance.paretovariate(1.5),
    "2 % x20": heavy(0.5, share=0.02),
    "10 % x20": heavy(0.5, share=0.10),
    "5 % x5": heavy(0.5, factor=5.0),
    "5 % x100": heavy(0.5, factor=100.0),
}


async def measure() -> list[Row]:
    rows: list[Row] = []
    for known in (3, 10):
        for units in SIZES:
            for sigma in SIGMAS:
                found = judge(heavy(sigma), known=known, units=units, seed=f"{sigma}")
                bounds = (LEAST_OF_THREE,) if known == 3 else (LEAST, MOST)
                rows += _rows(f"{known} of {units}, {sigma}", found, *bounds)
    for known in (20, 50, 100):
        for sigma in SIGMAS:
            found = judge(heavy(sigma), known=known, units=2000, seed=f"{sigma}")
            rows += _rows(f"live {known}, {sigma}", found, LEAST)
    for name, shape in SHAPES.items():
        for known in (3, 10, 100):
            rows += _unbound(f"{known}, {name}", judge(shape, known=known, units=1000, seed=name))
    return [*rows, _took()]


def _rows(name: str, found: Verdict, least: float, most: float | None = None) -> list[Row]:
    """The share that held, for money and for time, and Student's; and the widths of both."""
    rows = [
        Row(name=f"{name} $", ours=found.cost_usd, peer=None, unit="held", floor=least),
        Row(name=f"{name} $ at most", ours=found.cost_usd, peer=None, unit="held", floor=most, sense="≤"),
        Row(name=f"{name} time", ours=found.time_s, peer=None, unit="held", floor=least),
        Row(name=f"{name} Student $", ours=found.student, peer=None, unit="held"),
        _width(name, found),
    ]
    return [row for row in rows if row.sense == "≥" or row.floor is not None]


def _unbound(name: str, found: Verdict) -> list[Row]:
    return [Row(name=f"{name} $", ours=found.cost_usd, peer=found.student, unit="held"), _width(name, found)]


def _width(name: str, found: Verdict) -> Row:
    return Row(name=f"{name} width", ours=found.width, peer=found.student_width or None, unit="x truth")


def _took() -> Row:
    """The best of 20, in processor time: other work on the machine is not the quote's."""
    costs = [1.0 + n % 7 for n in range(2000)]
    took = []
    for _ in range(20):
        begun = time.process_time()
        say(costs, 100)
        took.append(time.process_time() - begun)
    return Row(name="quote from 100", ours=min(took) * 1000, peer=None, unit="ms", floor=20, sense="≤")
