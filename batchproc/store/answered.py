"""A job's answers as they are drawn from: what is known of each without reading it."""

import statistics
from collections.abc import Sequence

from batchproc.models import UnitStatus
from batchproc.risk import Signs, Usual
from batchproc.store import engine, rows

ANSWERED = frozenset({UnitStatus.SUCCEEDED, UnitStatus.FLAGGED})
SPREAD = 500
"""Answers whose medians stand for those of all."""

MARK = """
SELECT j.trial, j.source_version, c.n, (SELECT seq FROM events WHERE job = :job AND kind > 'unit.' AND kind < 'unit/'
    AND kind NOT IN ('unit.claimed', 'unit.retried', 'unit.judged', 'unit.published') ORDER BY seq DESC LIMIT 1)
FROM jobs j JOIN counters c ON c.job = j.number AND c.status = 'succeeded' WHERE j.number = :job
"""
"""The newest event that an answer may have come or gone with: its number only grows, whatever clocks say."""


def mark(tx: engine.Tx, job: int) -> str:
    """How the job's answers stand; another mark says that some came or went. Costs the same however many there are."""
    return rows.dump(list(tx.execute(MARK, {"job": job}).fetchone()))


PAGE = """
SELECT number, attempt, status, gone FROM units
WHERE job = :job AND number > :after AND finished_at IS NOT NULL ORDER BY number LIMIT :limit
"""


def page(tx: engine.Tx, job: int, *, after: int, limit: int) -> list[engine.Row]:
    """The next `limit` final units after number `after`: number, attempt, status, gone."""
    found: list[engine.Row] = tx.execute(PAGE, {"job": job, "after": after, "limit": limit}).fetchall()
    return found


SIGNS = """
SELECT u.number, u.attempt, u.status, u.cost_usd, COALESCE(LENGTH(u.output), LENGTH(u.text), 0) AS length,
    INSTR(u.output, '":null') AS nulls,
    u.attempt > 1 AND EXISTS (SELECT 1 FROM attempts a WHERE a.unit = u.number AND a.cause = 'schema') AS mended
FROM units u WHERE u.number IN (SELECT value FROM json_each(:units)) AND u.status IN ('succeeded', 'flagged')
"""


def signs(tx: engine.Tx, units: Sequence[int]) -> dict[int, Signs]:
    """What is known of those of the units that have an answer."""
    return {
        row["number"]: Signs(
            status=UnitStatus(row["status"]),
            attempts=row["attempt"],
            cost_usd=row["cost_usd"],
            length=row["length"],
            has_nulls=bool(row["nulls"]),
            is_mended=bool(row["mended"]),
        )
        for row in tx.execute(SIGNS, {"units": rows.dump(list(units))})
        if row["length"]
    }


BOUNDS = """
SELECT MIN(number) AS number FROM units WHERE job = :job AND finished_at IS NOT NULL
UNION ALL SELECT MAX(number) FROM units WHERE job = :job AND finished_at IS NOT NULL
"""


def usual(tx: engine.Tx, job: int) -> Usual:
    """Medians of the job's answers, from some that are spread evenly over its source."""
    first, last = (row["number"] for row in tx.execute(BOUNDS, {"job": job}))
    if first is None:
        return Usual()
    steps = min(SPREAD, last - first + 1)
    starts = (first + step * (last - first + 1) // steps for step in range(steps))
    looked = {row["number"] for start in starts for row in page(tx, job, after=start - 1, limit=1)}
    found = [one for one in signs(tx, list(looked)).values() if one.status is UnitStatus.SUCCEEDED]
    if not found:
        return Usual()
    return Usual(
        cost_usd=statistics.median(one.cost_usd for one in found),
        length=statistics.median(one.length for one in found),
    )
