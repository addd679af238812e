"""Pure: how risky an answer looks, and why. What looks risky is shown sooner; it proves nothing of the rest."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from batchproc.models import UnitStatus

FAR = 4.0
"""How many times the median, or how small a part of it, is far from it."""
HEAVIEST = 1.0 + 8.0 + 4.0 + 4.0 + 1.5 + 2.0 + 3.0
"""No answer weighs more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Signs:
    """What is known of an answer without reading it. `length` is in characters; `is_mended`: it did not fit the schema
    at first; `is_disputed`: the variants of the pilot said different things of the unit."""

    status: UnitStatus
    attempts: int
    cost_usd: float
    length: int
    has_nulls: bool
    is_mended: bool
    is_disputed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Usual:
    """Medians of the job's answers; 0 where they are not known."""

    cost_usd: float = 0.0
    length: float = 0.0


class Sign(NamedTuple):
    weight: float
    why: str


def signs(one: Signs, usual: Usual) -> Iterator[Sign]:
    """What makes it risky. The weights add up, to the 1 that every answer has."""
    if one.status is UnitStatus.FLAGGED:
        yield Sign(8.0, "it was flagged")
    if one.is_mended:
        yield Sign(4.0, "it did not fit the schema at first and was mended")
    elif one.attempts > 1:
        yield Sign(2.0, f"it took {one.attempts} attempts")
    if one.is_disputed:
        yield Sign(4.0, "the variants of the pilot disagreed on it")
    if one.has_nulls:
        yield Sign(1.5, "it has fields without a value")
    if far := _far(one.cost_usd, usual.cost_usd):
        yield Sign(2.0, f"it cost ${one.cost_usd:.4f}, {far} (${usual.cost_usd:.4f})")
    if far := _far(one.length, usual.length):
        yield Sign(3.0, f"the answer has {one.length:,} characters, {far} ({usual.length:,.0f})")


def weight(one: Signs, usual: Usual) -> float:
    return 1.0 + sum(sign.weight for sign in signs(one, usual))


def why(one: Signs, usual: Usual) -> str:
    return "; ".join(sign.why for sign in signs(one, usual)) or "nothing speaks against it; it came by chance"


def _far(value: float, usual: float) -> str | None:
    if usual <= 0:
        return None
    if value >= FAR * usual:
        return f"{value / usual:.0f} times the median"
    return "a small part of the median" if value * FAR <= usual else None
