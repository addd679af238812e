"""Pages of a job's units for somebody who looks around: at any depth, narrowed, at the cost of the page."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from batchproc.models import FINAL, Event, Job, Json, UnitStatus
from batchproc.store import engine, events, jobs, rows, verdicts


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which units of a job: all, or those with a status, a signature, or both."""

    status: UnitStatus | None = None
    signature: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a page begins: after the unit of that number, or so many further than the first. `before` is how many
    match up to the unit `after`, as far as whoever asks knows."""

    after: int = 0
    before: int = 0
    skip: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A unit in a table. Its text and error are cut after some more characters than are shown."""

    number: int
    key: str
    row: int
    status: UnitStatus
    reason: str | None
    attempt: int
    cost_usd: float
    tokens: int
    started_at: datetime | None
    finished_at: datetime | None
    text: str | None
    output: Json
    payload: Mapping[str, Any]
    error: str | None
    signature: str | None
    verdict: str | None
    gone: bool
    last_event: Event | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """`offset` units that match come before the first of `lines`; `more` come after the last."""

    lines: Sequence[Line]
    offset: int
    total: int
    more: bool
    last_event: int


NUMBERS = """
SELECT number FROM units INDEXED BY {index} WHERE job = :job AND {narrowed} AND number > :after
ORDER BY number LIMIT :limit OFFSET :skip
"""
NUMBERS_FROM_THE_END = """
SELECT number FROM units INDEXED BY {index} WHERE job = :job AND {narrowed}
ORDER BY number DESC LIMIT :limit OFFSET :skip
"""
COUNT = "SELECT COUNT(*) FROM units INDEXED BY {index} WHERE job = :job AND {narrowed}"
COUNT_GROUP = "SELECT n FROM failure_groups WHERE job = :job AND signature = :signature"


def page(tx: engine.Tx, job: Job, wanted: Wanted, place: Place, *, limit: int) -> Page:
    """Up to `limit` units in the order of the source."""
    total = _total(tx, job, wanted)
    offset = place.before if place.skip is None else min(place.skip, total)
    numbers = _numbers(tx, job, wanted, place, total, limit + 1)
    return look(tx, numbers, offset=offset, total=total, limit=limit)


def none(tx: engine.Tx) -> Page:
    """A page of nothing."""
    return look(tx, [], offset=0, total=0, limit=1)


def look(tx: engine.Tx, numbers: Sequence[int], *, offset: int, total: int, limit: int) -> Page:
    """The units of these numbers as a page; one more than `limit` says that there are more."""
    shown = _lines(tx, numbers[:limit])
    return Page(lines=shown, offset=offset, total=total, more=len(numbers) > limit, last_event=events.last(tx))


def narrowed(wanted: Wanted) -> dict[str, str]:
    """The index that has such units in the order of the source, and the condition that it takes."""
    match wanted:
        case Wanted(status=None, signature=None):
            return {"index": "units_in_order", "narrowed": "TRUE"}
        case Wanted(status=None):
            return {"index": "units_failures", "narrowed": "signature = :signature"}
        case Wanted(signature=str()):
            return {"index": "units_failures", "narrowed": "signature = :signature AND status = :status"}
        case Wanted(status=UnitStatus.PENDING):
            return {"index": "units_pending", "narrowed": "status = 'pending'"}
        case Wanted(status=UnitStatus.RUNNING):
            return {"index": "units_running", "narrowed": "status = 'running'"}
        case _:
            return {"index": "units_by_status", "narrowed": "status = :status AND finished_at IS NOT NULL"}


def values(job: Job, wanted: Wanted) -> dict[str, Any]:
    return {"job": job.number, "status": wanted.status, "signature": rows.clean(wanted.signature)}


def _total(tx: engine.Tx, job: Job, wanted: Wanted) -> int:
    """From the counters, unless a group is narrowed by a status."""
    if wanted.signature is None:
        ledger = jobs.ledger(tx, job.number)
        return sum(ledger.values()) if wanted.status is None else ledger[wanted.status]
    if wanted.status is not None:
        is_doubted = wanted.status in FINAL
        counted = tx.execute(COUNT.format(**narrowed(wanted)), values(job, wanted)) if is_doubted else None
        return int(counted.fetchone()[0]) if counted else 0
    row = tx.execute(COUNT_GROUP, values(job, wanted)).fetchone()
    return int(row["n"]) if row else 0


ENDS = """
SELECT (SELECT number FROM units INDEXED BY units_in_order WHERE job = :job ORDER BY number LIMIT 1) AS first,
    (SELECT number FROM units INDEXED BY units_in_order WHERE job = :job ORDER BY number DESC LIMIT 1) AS last
FROM jobs WHERE number = :job
"""


def _numbers(tx: engine.Tx, job: Job, wanted: Wanted, place: Place, total: int, limit: int) -> list[int]:
    """What lies far behind is reached from the end; or at once, where the units' numbers have no gaps, as they do if
    no other source was read meanwhile."""
    known = {**values(job, wanted), "after": place.after, "skip": place.skip or 0, "limit": limit}
    forward = NUMBERS.format(**narrowed(wanted))
    if not place.skip:
        return plain(tx, forward, known)
    some = min(limit, total - place.skip)
    if some <= 0:
        return []
    if wanted == Wanted():
        ends = tx.execute(ENDS, known).fetchone()
        if ends["last"] - ends["first"] + 1 == total:
            return plain(tx, forward, {**known, "after": ends["first"] + place.skip - 1, "skip": 0})
    if place.skip <= total // 2:
        return plain(tx, forward, known)
    known |= {"limit": some, "skip": total - place.skip - some}
    return plain(tx, NUMBERS_FROM_THE_END.format(**narrowed(wanted)), known)[::-1]


def of_hits(tx: engine.Tx, hits: Sequence[int], place: Place, *, limit: int) -> Page:
    """A page of units that were found: all their numbers, in the order of the source."""
    begin = bisect_right(hits, place.after) if place.skip is None else min(place.skip, len(hits))
    return look(tx, hits[begin : begin + limit + 1], offset=begin, total=len(hits), limit=limit)


CUT = 241
LINES = f"""
SELECT u.number, u.key, u.row, u.status, u.reason, u.attempt, u.cost_usd, u.tokens, u.started_at, u.finished_at,
    SUBSTR(u.text, 1, {CUT}) AS text, u.output, u.payload, SUBSTR(u.error, 1, {CUT}) AS error, u.signature,
    v.verdict, u.gone
FROM json_each(:numbers) k CROSS JOIN units u ON u.number = k.value
LEFT JOIN verdicts v ON v.unit = u.number AND {verdicts.HOLDS}
"""  # noqa: S608 - our own condition


def _lines(tx: engine.Tx, numbers: Sequence[int]) -> list[Line]:
    return [_line(tx, row) for row in tx.execute(LINES, {"numbers": rows.dump(list(numbers))}).fetchall()]


def _line(tx: engine.Tx, row: engine.Row) -> Line:
    plain = ("number", "key", "row", "reason", "attempt", "cost_usd", "tokens", "text", "error", "signature", "verdict")
    runs = row["status"] == UnitStatus.RUNNING
    return Line(
        **{name: row[name] for name in plain},
        status=UnitStatus(row["status"]),
        started_at=rows.moment(row["started_at"]),
        finished_at=rows.moment(row["finished_at"]),
        output=rows.load(row["output"]),
        payload=rows.load(row["payload"]),
        gone=row["gone"] is not None,
        last_event=next(iter(events.tail_of_unit(tx, row["number"], limit=1)), None) if runs else None,
    )


BEFORE = """
SELECT key FROM units INDEXED BY units_in_order WHERE job = :job AND number < :unit ORDER BY number DESC LIMIT 1
"""
AFTER = """
SELECT key FROM units INDEXED BY units_in_order WHERE job = :job AND number > :unit ORDER BY number LIMIT 1
"""
SIGNATURE = "SELECT signature FROM units WHERE number = :unit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """The keys of the units before one and after it in the order of the source; what its failure has in common with
    others."""

    before: str | None
    after: str | None
    signature: str | None


def beside(tx: engine.Tx, job: int, unit: int) -> Beside:
    found = (tx.execute(sql, {"job": job, "unit": unit}).fetchone() for sql in (BEFORE, AFTER, SIGNATURE))
    before, after, signature = (None if row is None else row[0] for row in found)
    return Beside(before=before, after=after, signature=signature)


def plain(tx: engine.Tx, statement: str, known: Mapping[str, Any]) -> list[int]:
    """Numbers only: rows by name cost more than all else where there are many."""
    cursor = tx.cursor()
    cursor.row_factory = None
    return [number for (number,) in cursor.execute(statement, known)]
