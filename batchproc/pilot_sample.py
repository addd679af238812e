"""Pure: which units run first, so that the pilot is like the rest of the job.

Not the first k: a source often begins with the oldest, the shortest or the odd ones. The sample is stratified by kind,
then by size, because both decide much of what a unit costs (Cochran 1977, "Sampling techniques", chapter 5):

* Each kind gets seats by its share of the units, by the divisors 1, 3, 5, ... of Webster and Sainte-Laguë, which favour
  neither large nor small kinds (Balinski & Young 1982, "Fair representation"). The largest kind gets the first seat; a
  kind much smaller than 1 / k of the job may get none.
* A kind with n seats is cut into n strips of equally many units by size, and one unit of each strip is drawn. Drawn,
  not the middle one: of skewed sizes the middles have too small a mean.

So each unit is as likely to be chosen as any other, but for the rounding of seats, and a quote may count the finished
ones alike, without weights. It takes them for a simple random sample, which a stratified one of the same size beats or
equals, so its ranges err to the wide side.

The candidates themselves are the seed: the same ones, in any order, give the same pilot. A seed that is the same for
all would choose the same ranks of size in every job of a length, and a quote be off to the same side in all of them.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit that may be in the pilot: its number, the bytes of its payload and file, and what sort of thing it is."""

    number: int
    size: int
    kind: str


def choose(candidates: Sequence[Candidate], k: int) -> list[int]:
    """The numbers of k of them (all, if there are no more), ascending, each once.

    A thousand candidates, taken evenly from the whole source, stand for any number of units.
    """
    ordered = sorted({one.number: one for one in candidates}.values(), key=lambda one: (one.kind, one.size, one.number))
    kinds: dict[str, list[Candidate]] = {}
    for candidate in ordered:
        kinds.setdefault(candidate.kind, []).append(candidate)
    chance = random.Random(repr(ordered))  # noqa: S311 - repeatable, not secret
    chosen = []
    for kind, seats in _seats({kind: len(members) for kind, members in kinds.items()}, k).items():
        members = kinds[kind]
        bounds = [round(seat * len(members) / seats) for seat in range(seats + 1)]
        chosen += [chance.choice(members[low:high]).number for low, high in pairwise(bounds)]
    return sorted(chosen)


def _seats(sizes: dict[str, int], k: int) -> dict[str, int]:
    """How many of k each kind gets; kinds that get none are left out. Of equal claims the name decides."""
    seats: dict[str, int] = {}
    for _ in range(min(k, sum(sizes.values()))):
        open_kinds = [kind for kind, size in sizes.items() if seats.get(kind, 0) < size]
        best = min(open_kinds, key=lambda kind: (-sizes[kind] / (2 * seats.get(kind, 0) + 1), kind))
        seats[best] = seats.get(best, 0) + 1
    return seats
