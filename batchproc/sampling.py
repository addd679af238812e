"""Pure: which answers a person is shown: some by pure chance, and some more, likelier the riskier they look.

Every answer has its *place* in a random order: a keyed hash of its unit's number and attempt. A sample by chance is the
`n` answers with the lowest places ("bottom-k"): a uniform random sample of those that there are, whoever comes or goes;
a larger one holds the smaller one; and a unit that is run again has a place that nobody has seen.

The other sample is weighted, without replacement: P. S. Efraimidis and P. G. Spirakis, "Weighted random sampling with a
reservoir", Information Processing Letters 97 (2006), 181-185. Those with the largest u^(1/w) are taken, u being the
place as a number between 0 and 1; here as the smallest -ln(u)/w, which is the same order. Most answers stand too far
back whatever their weight is (`floor`), so that theirs is never asked for.
"""

import heapq
import math
import secrets
import struct
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

_WHOLE = 1 << 64
_TWO = struct.Struct(">QQ")
Places = Callable[[int, int], tuple[int, int]]


class Place(NamedTuple):
    """Where an answer stands: the lower, the sooner it is drawn. `weight` is how risky it looks."""

    at: float
    unit: int
    attempt: int
    weight: float = 1.0


def seed() -> str:
    return secrets.token_hex(16)


def places(seed: str) -> Places:
    """The random order that the seed gives to (unit, attempt): a place for each of the two samples, which know nothing
    of each other."""
    keyed = blake2b(key=bytes.fromhex(seed), digest_size=_TWO.size)

    def place(unit: int, attempt: int) -> tuple[int, int]:
        hashed = keyed.copy()
        hashed.update(b"%d.%d" % (unit, attempt))
        by_chance, by_risk = _TWO.unpack(hashed.digest())
        return by_chance, by_risk

    return place


def by_weight(place: int, unit: int, attempt: int, weight: float) -> Place:
    u = (place + 1) / (_WHOLE + 1)
    return Place(-math.log(u) / weight, unit, attempt, weight)


def floor(farthest: float, heaviest: float) -> int:
    """A place at or under this stands behind `farthest`, even with the weight of the heaviest."""
    return 0 if farthest == math.inf else max(0, int(_WHOLE * math.exp(-farthest * heaviest)) - (1 << 12))


def farthest(n: int, kept: Sequence[Place]) -> float:
    """Where the last of `n` stands; infinitely far while there are fewer."""
    return kept[-1].at if len(kept) >= n else math.inf


def lowest(n: int, *seen: Iterable[Place]) -> list[Place]:
    """The `n` lowest of all, lowest first. What is kept of one page goes into the next."""
    return heapq.nsmallest(n, (one for some in seen for one in some))
