"""Answers are drawn for a person to look at: gone through page by page, so that nobody waits for all of it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from batchproc import comparison, risk, sampling
from batchproc.models import Job, UnitStatus
from batchproc.risk import Signs, Usual
from batchproc.sampling import Place, Places
from batchproc.store import answered, db, draws, trials
from batchproc.store.draws import Draw

PAGE = 5_000
MOST_RISKY = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """How many are drawn by chance, in which order, and what is usual among all."""

    n: int
    places: Places
    usual: Usual
    disputed: frozenset[int]

    def sees(self, unit: int, signs: Signs) -> Signs:
        return replace(signs, is_disputed=True) if unit in self.disputed else signs


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What the pages so far came to."""

    population: int = 0
    by_chance: Sequence[Place] = ()
    risky: Sequence[Place] = ()


def beside(n: int) -> int:
    """How many are drawn for their risk beside `n` by chance."""
    return min(MOST_RISKY, (n + 1) // 2)


async def draw(store: db.Database, job: Job, n: int, before: Draw | None, seed: str, *, now: float) -> bool:
    """Draw `n` by chance, and some more for their risk; keep them in the place of the draw `before`. False: somebody
    else has drawn meanwhile. Answers that come or go while it is at it are told by the mark: it was taken first."""
    mark = await store.read(answered.mark, job.number)
    usual = await store.read(answered.usual, job.number)
    wanted = Wanted(n=n, places=sampling.places(seed), usual=usual, disputed=await _disputed(store, job))
    kept, after = Kept(), 0
    while page := await store.read(answered.page, job.number, after=after, limit=PAGE):
        kept, close = await asyncio.to_thread(_looked_through, kept, page, wanted)
        kept = await _weighed(store, kept, close, wanted)
        after = page[-1]["number"]
    new = Draw(seed=seed, n=n, population=kept.population, trial=job.trial, mark=mark)
    risky = await _with_why(store, kept.risky, wanted)
    return await store.write(draws.keep, job.number, new, kept.by_chance, risky, before=before, now=now)


def _looked_through(kept: Kept, page: Sequence[Any], wanted: Wanted) -> tuple[Kept, dict[int, tuple[int, int]]]:
    """What a page adds by chance; and those of its answers that stand close enough to be among the risky ones, if they
    are: their attempts and places."""
    nearer = sampling.farthest(wanted.n, kept.by_chance)
    floor = sampling.floor(sampling.farthest(beside(wanted.n), kept.risky), risk.HEAVIEST)
    found, close, population = [], {}, kept.population
    for unit, attempt, status, gone in page:
        if gone is not None or status not in answered.ANSWERED:
            continue
        by_chance, by_risk = wanted.places(unit, attempt)
        if by_risk >= floor:
            close[unit] = (attempt, by_risk)
        if status == UnitStatus.SUCCEEDED:
            population += 1
            if by_chance < nearer:
                found.append(Place(by_chance, unit, attempt))
    return replace(kept, population=population, by_chance=sampling.lowest(wanted.n, kept.by_chance, found)), close


async def _weighed(store: db.Database, kept: Kept, close: Mapping[int, tuple[int, int]], wanted: Wanted) -> Kept:
    if not close:
        return kept
    signs = await store.read(answered.signs, list(close))
    risky = [
        sampling.by_weight(place, unit, attempt, risk.weight(wanted.sees(unit, signs[unit]), wanted.usual))
        for unit, (attempt, place) in close.items()
        if unit in signs and signs[unit].attempts == attempt
    ]
    return replace(kept, risky=sampling.lowest(beside(wanted.n), kept.risky, risky))


async def _with_why(store: db.Database, risky: Sequence[Place], wanted: Wanted) -> list[tuple[Place, str]]:
    signs = await store.read(answered.signs, [one.unit for one in risky])
    return [
        (one, risk.why(wanted.sees(one.unit, signs[one.unit]), wanted.usual))
        for one in risky
        if one.unit in signs and signs[one.unit].attempts == one.attempt
    ]


async def _disputed(store: db.Database, job: Job) -> frozenset[int]:
    """Units of the pilot on which its newest variants did not agree, where answers have fields."""
    tried = await store.read(trials.trials, job.number)
    named = {one.variant: one.n for one in tried if one.round == job.round and one.variant and one.has_ended}
    results = {name: await store.read(trials.results, job.number, n) for name, n in named.items()}
    apart = {one.key for one in comparison.compare(results).disagreements if one.field != comparison.TEXT}
    return frozenset(one.unit for found in results.values() for one in found if one.key in apart)
