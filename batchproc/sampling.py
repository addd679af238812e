"""Pure: which answers a person is shown: some by pure chance, and some more, likelier the riskier they look.

Every answer has its *place* in a random order: a keyed hash of its unit's number and attempt. A sample by chance is the
`n` answers with the lowest places ("bottom-k"): a uniform random sample of those that there are, whoever comes or goes;
a larger one holds the smaller one; and a unit that is run again has a place that nobody has seen.

The other sample is weighted, without replacement: P. S. Efraimidis and P. G. Spirakis, "Weighted random sampling with a
reservoir", Information Processing Letters 97 (2006), 181-185. Those with the largest u^(1/w) are taken, u being the
place as a number between 0 and 1; here as the smallest -ln(u)/w, which is the same order.
"""

import heapq
import math
import secrets
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import NamedTuple

BYTES = 8
_WHOLE = 1 << (8 * BYTES)
Places = Callable[[int, int], int]


class Place(NamedTuple):
    """Where an answer stands: the lower, the sooner it is drawn. `weight` is how risky it looks."""

    at: float
    unit: int
    attempt: int
    weight: float = 1.0


def seed() -> str:
    return secrets.token_hex(16)


def places(seed: str, what: str) -> Places:
    """The random order that the seed gives to (unit, attempt), one for each thing that is drawn."""
    keyed = blake2b(key=bytes.fromhex(seed), digest_size=BYTES, person=what.encode())

    def place(unit: int, attempt: int) -> int:
        hashed = keyed.copy()
        hashed.update(b"%d.%d" % (unit, attempt))
        return int.from_bytes(hashed.digest(), "big")

    return place


def by_chance(place: Places, unit: int, attempt: int) -> Place:
    return Place(place(unit, attempt), unit, attempt)


def by_weight(place: Places, unit: int, attempt: int, weight: float) -> Place:
    u = (place(unit, attempt) + 1) / (_WHOLE + 1)  # neither 0 nor 1
    return Place(-math.log(u) / weight, unit, attempt, weight)


def lowest(n: int, *seen: Iterable[Place]) -> list[Place]:
    """The `n` lowest of all, lowest first. What is kept of one page goes into the next."""
    return heapq.nsmallest(n, (one for some in seen for one in some))
