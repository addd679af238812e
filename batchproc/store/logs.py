"""What programs say beside the facts: for people who look for a cause."""

from batchproc.store import engine, rows

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
