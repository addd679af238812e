"""Answers that were drawn for a person to look at: which, out of how many, and what he said of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from batchproc.models import Judgement, Unit
from batchproc.sampling import Place
from batchproc.store import answered, engine, rows, verdicts

RANDOM, RISK = "random", "risk"


@dataclass(frozen=True, kw_only=True, slots=True)
class Draw:
    """`n` were asked for, of `population` answers under the description `trial`. `mark` says how the job stood then."""

    seed: str
    n: int
    population: int
    trial: int
    mark: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """Of the answers that were drawn: `replaced` are not there any more, and count as not judged. One that was drawn by
    chance and for its risk is among those by chance only."""

    drawn: int = 0
    accepted: int = 0
    rejected: int = 0
    corrected: int = 0
    replaced: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewLook:
    """What a person has seen of a job. `is_current`: no answer came or went since the draw. `is_tainted`: an
    answer that was drawn by chance gave way under the same description, judged or not: somebody may have asked for it
    again because he saw that it was wrong, so that those left look better than the rest."""

    draw: Draw
    is_current: bool
    is_tainted: bool
    random: Counts
    risk: Counts


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A unit to be judged. `kind` is by chance or for its risk; `why` says what makes it risky."""

    kind: str
    place: int
    why: str | None
    unit: Unit
    judgement: Judgement | None


# The draw.

CURRENT = "SELECT seed, n, population, trial, mark FROM draws WHERE job = :job"


def current(tx: engine.Tx, job: int) -> Draw | None:
    row = tx.execute(CURRENT, {"job": job}).fetchone()
    return None if row is None else Draw(**dict(row))


FORGET = "DELETE FROM drawn_units WHERE job = :job"
KEEP = """
INSERT INTO draws (job, seed, n, population, trial, mark, drawn_at)
VALUES (:job, :seed, :n, :population, :trial, :mark, :now)
ON CONFLICT (job) DO UPDATE SET seed = excluded.seed, n = excluded.n, population = excluded.population,
    trial = excluded.trial, mark = excluded.mark, drawn_at = excluded.drawn_at
"""
KEEP_UNIT = """
INSERT INTO drawn_units (job, kind, place, unit, attempt, why)
VALUES (:job, :kind, :place, :unit, :attempt, :why)
"""


def keep(
    tx: engine.Tx,
    job: int,
    draw: Draw,
    by_chance: Sequence[Place],
    risky: Sequence[tuple[Place, str]],
    *,
    before: Draw | None,
    now: float,
) -> bool:
    """Keep a draw in the place of the one `before`. False: somebody else has drawn meanwhile. Verdicts stay where they
    hold."""
    if current(tx, job) != before:
        return False
    tx.execute(FORGET, {"job": job})
    known = {"seed": draw.seed, "n": draw.n, "population": draw.population, "trial": draw.trial, "mark": draw.mark}
    tx.execute(KEEP, {"job": job, **known, "now": now})
    places: list[tuple[str, int, Place, str | None]] = [(RANDOM, n, one, None) for n, one in enumerate(by_chance, 1)]
    places += [(RISK, n, one, why) for n, (one, why) in enumerate(risky, 1)]
    for kind, place, one, why in places:
        values = {"kind": kind, "place": place, "unit": one.unit, "attempt": one.attempt, "why": why}
        tx.execute(KEEP_UNIT, {"job": job, **values})
    return True


PUT_BACK = """
UPDATE drawn_units SET attempt = CASE
    WHEN (SELECT trial FROM draws WHERE job = :job) IN (:trial, :ran_as) AND NOT EXISTS (SELECT 1 FROM attempts a
        WHERE a.unit = drawn_units.unit AND a.trial IN (:trial, :ran_as) AND a.n > drawn_units.attempt)
    THEN (SELECT attempt FROM units WHERE number = drawn_units.unit) ELSE -1 END
WHERE job = :job AND unit IN (SELECT value FROM json_each(:units))
"""
SAME_TRIAL = "UPDATE draws SET trial = :trial WHERE job = :job AND trial = :ran_as"


def put_back(tx: engine.Tx, job: int, units: Sequence[int], *, trial: int) -> None:
    """These units have their answers under `trial` again: those that were drawn of it are there, others are not. What
    ran without a pilot ran as trial 0, and is trial 1 if it is looked back to."""
    told = {"job": job, "trial": trial, "ran_as": 0 if trial == 1 else trial}
    tx.execute(PUT_BACK, {**told, "units": rows.dump(list(units))})
    tx.execute(SAME_TRIAL, told)


# What came of it.

IN_PLACE = "u.attempt = d.attempt AND u.status IN ('succeeded', 'flagged') AND u.gone IS NULL"
COUNTS = f"""
SELECT d.kind, COUNT(*) AS drawn, COUNT(*) FILTER (WHERE v.verdict = 'accept') AS accepted,
    COUNT(*) FILTER (WHERE v.verdict = 'reject') AS rejected,
    COUNT(*) FILTER (WHERE v.verdict = 'correct') AS corrected,
    COUNT(*) FILTER (WHERE NOT ({IN_PLACE})) AS replaced
FROM drawn_units d JOIN units u ON u.number = d.unit
LEFT JOIN verdicts v ON v.unit = d.unit AND {IN_PLACE} AND {verdicts.HOLDS}
WHERE d.job = :job AND NOT (d.kind = 'risk' AND EXISTS (
    SELECT 1 FROM drawn_units r WHERE r.job = d.job AND r.unit = d.unit AND r.kind = 'random')) GROUP BY d.kind
"""  # noqa: S608 - our own conditions
TAINTED = f"""
SELECT 1 FROM draws w JOIN jobs j ON j.number = w.job AND j.trial = w.trial
JOIN drawn_units d ON d.job = w.job AND d.kind = 'random' JOIN units u ON u.number = d.unit
WHERE w.job = :job AND NOT ({IN_PLACE}) LIMIT 1
"""  # noqa: S608


def look(tx: engine.Tx, job: int) -> ReviewLook | None:
    """How the review of a job stands, at a cost in proportion to what was drawn. None: nobody asked for one."""
    draw = current(tx, job)
    if draw is None:
        return None
    counts: Mapping[str, Counts] = {
        row["kind"]: Counts(**{name: row[name] for name in Counts.__dataclass_fields__})
        for row in tx.execute(COUNTS, {"job": job})
    }
    return ReviewLook(
        draw=draw,
        is_current=draw.mark == answered.mark(tx, job),
        is_tainted=tx.execute(TAINTED, {"job": job}).fetchone() is not None,
        random=counts.get(RANDOM, Counts()),
        risk=counts.get(RISK, Counts()),
    )


TO_JUDGE = f"""
SELECT d.kind, d.place, d.why, d.unit, u.key FROM drawn_units d JOIN units u ON u.number = d.unit
LEFT JOIN verdicts v ON v.unit = d.unit AND {verdicts.HOLDS}
WHERE d.job = :job AND v.unit IS NULL AND {IN_PLACE} ORDER BY d.kind, d.place
"""  # noqa: S608
BY_NUMBERS = "SELECT * FROM units WHERE number IN (SELECT value FROM json_each(:units))"


def to_judge(tx: engine.Tx, job: int, *, limit: int, skip: Collection[str] = ()) -> tuple[list[Drawn], int]:
    """The next drawn units that nobody has judged, without those whose keys are to be skipped; and how many more there
    are. Those by chance come first; one that is in both samples comes once."""
    left: dict[int, engine.Row] = {}
    whys: dict[int, str | None] = {}
    for row in tx.execute(TO_JUDGE, {"job": job}):
        if row["key"] not in skip:
            left.setdefault(row["unit"], row)
            whys[row["unit"]] = row["why"]
    shown = list(left)[:limit]
    found = {row["number"]: rows.unit(row) for row in tx.execute(BY_NUMBERS, {"units": rows.dump(shown)})}
    judged = verdicts.on(tx, list(found.values()))
    units = [
        Drawn(
            kind=left[number]["kind"],
            place=left[number]["place"],
            why=whys[number],
            unit=found[number],
            judgement=judged.get(number),
        )
        for number in shown
    ]
    return units, len(left) - len(shown)
