"""The effect log: what agents did, written by themselves; and what can be read from it whatever the store says."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple


class Effect(NamedTuple):
    """At monotonic moment `t`, attempt `n` of `unit` did `what`: start, beat, tool, done. `who`: main, or a stray."""

    t: float
    what: str
    unit: int
    n: int
    who: str
    key: str
    session: str


Attempt = tuple[int, int]


def read(log: Path) -> list[Effect]:
    if not log.exists():
        return []
    return [Effect(**json.loads(line)) for line in log.read_bytes().splitlines() if line.endswith(b"}")]


def started_twice(effects: Iterable[Effect]) -> list[Attempt]:
    seen: dict[Attempt, int] = defaultdict(int)
    for one in effects:
        seen[one.unit, one.n] += one.what == "start"
    return [attempt for attempt, times in seen.items() if times > 1]


def spans(effects: Iterable[Effect], who: str | None = None) -> dict[Attempt, tuple[float, float]]:
    """The first and last sign of life of each attempt, its strays included unless `who` names one."""
    found: dict[Attempt, tuple[float, float]] = {}
    for one in effects:
        if who in (None, one.who):
            first, last = found.get((one.unit, one.n), (one.t, one.t))
            found[one.unit, one.n] = (min(first, one.t), max(last, one.t))
    return found


def overlaps(effects: Sequence[Effect]) -> list[tuple[Attempt, Attempt]]:
    """Pairs of attempts of one unit of which the earlier one gave a sign of life after the later one's first."""
    by_unit: dict[int, list[tuple[int, float, float]]] = defaultdict(list)
    for (unit, n), (first, last) in spans(effects).items():
        by_unit[unit].append((n, first, last))
    found = []
    for unit, attempts in by_unit.items():
        attempts.sort()
        for (n, _, last), (m, first, _) in pairwise(attempts):
            if last >= first:
                found.append(((unit, n), (unit, m)))
    return found


def most_at_once(effects: Iterable[Effect]) -> int:
    """How many agents were at work at a time, at most, from their first sign of life to their last."""
    edges = [edge for first, last in spans(effects, "main").values() for edge in ((first, 1), (last, -1))]
    most = now = 0
    for _, change in sorted(edges):
        now += change
        most = max(most, now)
    return most


def after_death(effects: Iterable[Effect], epochs: dict[Attempt, int], deaths: dict[int, float]) -> dict[Effect, float]:
    """Effects of attempts whose supervisor was dead, with the seconds since."""
    found = {}
    for one in effects:
        death = deaths.get(epochs.get((one.unit, one.n), 0))
        if death is not None and one.t > death:
            found[one] = one.t - death
    return found
