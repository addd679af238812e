"""What programs say beside the facts: for people who look for a cause."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from batchproc.store import engine, paced, rows

LEVELS = ("debug", "info", "warning", "error")
"""The least first."""

APPEND = """
INSERT INTO logs (at, source, level, job, unit, text) VALUES (:at, :source, :level, :job, :unit, :text)
"""


def append(
    tx: engine.Tx,
    text: str,
    *,
    at: float,
    source: str,
    level: str = "info",
    job: int | None = None,
    unit: int | None = None,
) -> None:
    tx.execute(APPEND, {"at": at, "source": source, "level": level, "job": job, "unit": unit, "text": rows.clean(text)})


OF_JOB = """
SELECT number, at, source, level, unit, text FROM logs WHERE job = :job AND number > :after
AND (:source IS NULL OR source = :source) AND (:level IS NULL OR level = :level) AND (:unit IS NULL OR unit = :unit)
ORDER BY number LIMIT :limit
"""


def of_job(
    tx: engine.Tx,
    job: int,
    *,
    after: int = 0,
    source: str | None = None,
    level: str | None = None,
    unit: int | None = None,
    limit: int = 100,
) -> list[engine.Row]:
    """The next `limit` lines of one job after line number `after`, filtered by source, level and unit number."""
    values = {"job": job, "after": after, "source": source, "level": level, "unit": unit, "limit": limit}
    return list(tx.execute(OF_JOB, values))


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    number: int
    at: datetime
    source: str
    level: str
    job_id: str | None
    key: str | None
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Sought:
    """Which lines: of a job, a unit, a source; of a `level` or a worse one; with a text in them; `since` a time in
    seconds since 1970."""

    job: int | None = None
    unit: int | None = None
    source: str | None = None
    level: str = "debug"
    text: str | None = None
    since: float | None = None


PAGE = r"""
SELECT l.number, l.at, l.source, l.level, l.text, j.job_id, u.key FROM logs l {index}
LEFT JOIN jobs j ON j.number = l.job LEFT JOIN units u ON u.number = l.unit
WHERE {narrowed} AND l.number < :before AND l.number >= :first
    AND (:job IS NULL OR l.job = :job) AND (:source IS NULL OR l.source = :source)
    AND (:level = 'debug' OR l.level IN (SELECT value FROM json_each(:levels)))
    AND (:since IS NULL OR l.at >= :since) AND (:like IS NULL OR l.text LIKE :like ESCAPE '\')
ORDER BY l.number DESC LIMIT :limit
"""
FIRST_SINCE = "SELECT MIN(number) AS number FROM logs INDEXED BY logs_by_time WHERE at >= :since"


def page(tx: engine.Tx, sought: Sought, *, before: int, limit: int) -> list[Line]:
    """The next `limit` lines older than number `before`, newest first."""
    first = 0 if sought.since is None else tx.execute(FIRST_SINCE, {"since": sought.since}).fetchone()["number"]
    if first is None:
        return []
    plain = ("job", "unit", "level", "since")
    values: dict[str, Any] = {name: getattr(sought, name) for name in plain}
    values |= {"levels": rows.dump(LEVELS[LEVELS.index(sought.level) :]), "source": rows.clean(sought.source)}
    values |= {"first": first, "like": rows.like(sought.text), "before": before, "limit": limit}
    return [_line(row) for row in tx.execute(PAGE.format(**narrowed(sought)), values)]


def narrowed(sought: Sought) -> dict[str, str]:
    """The index that has the lines in order, and the condition that it takes."""
    match sought:
        case Sought(unit=int()):
            return {"index": "INDEXED BY logs_by_unit", "narrowed": "l.unit = :unit"}
        case Sought(job=int(), level="debug"):
            return {"index": "INDEXED BY logs_by_job", "narrowed": "l.job = :job"}
        case Sought(job=int()):
            return {"index": "INDEXED BY logs_plain_by_job", "narrowed": "l.job = :job AND l.level <> 'debug'"}
        case Sought(source=str()) if sought.source != "agent":
            return {"index": "INDEXED BY logs_of_house", "narrowed": "l.source = :source AND l.source <> 'agent'"}
        case Sought(level="debug"):
            return {"index": "NOT INDEXED", "narrowed": "TRUE"}
        case _:
            return {"index": "INDEXED BY logs_plain", "narrowed": "l.level <> 'debug'"}


def _line(row: engine.Row) -> Line:
    plain = ("number", "source", "level", "job_id", "key", "text")
    return Line(**{name: row[name] for name in plain}, at=rows.certain(row["at"]))


PRUNE = """
DELETE FROM logs WHERE number IN
    (SELECT number FROM logs INDEXED BY logs_by_time WHERE at < :before ORDER BY at LIMIT :limit)
"""
ROWS = 100
"""At once: about a thousandth of a second."""
STEP_S = 0.003
"""How long one transaction works: it takes several times as long to write it down."""


def prune(tx: engine.Tx, *, before: float) -> int:
    """Delete lines from before that time, in seconds since 1970, the oldest first, for `STEP_S`. Returns how many; 0:
    there are none left."""
    old = {"before": before, "limit": ROWS}
    return paced.repeat(lambda: int(tx.execute(PRUNE, old).rowcount), for_s=STEP_S)
