"""What was learned of the API's limits, so that the next supervisor need not learn it again."""

from dataclasses import dataclass

from batchproc.store import engine


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """A limit for one credential (its fingerprint) and one model. `closed_until` is in seconds since 1970."""

    credential: str
    model: str
    ceiling: float
    closed_until: float | None = None
    reason: str | None = None


ALL = "SELECT credential, model, ceiling, closed_until, reason FROM limits"


def known(tx: engine.Tx) -> list[Known]:
    return [Known(**dict(zip(row.keys(), row, strict=True))) for row in tx.execute(ALL)]


KEEP = """
INSERT INTO limits (credential, model, ceiling, closed_until, reason)
VALUES (:credential, :model, :ceiling, :closed_until, :reason)
ON CONFLICT (credential, model) DO UPDATE SET ceiling = excluded.ceiling, closed_until = excluded.closed_until,
    reason = excluded.reason
"""


def keep(tx: engine.Tx, limit: Known) -> None:
    names = ("credential", "model", "ceiling", "closed_until", "reason")
    tx.execute(KEEP, {name: getattr(limit, name) for name in names})
