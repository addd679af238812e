"""Answers that gave way: kept before a unit is run again, since its description or its payload is another one."""

from collections.abc import Sequence
from typing import Literal

from batchproc.models import EarlierAnswer
from batchproc.store import engine, rows

KEEP = """
INSERT INTO earlier_answers (unit, attempt, source_version, payload, status, text, output, error, fingerprint, why,
    replaced_at)
SELECT number, attempt, source_version, CASE WHEN :why = 'source' THEN payload END, status, text, output, error,
    fingerprint, :why, :now
FROM units WHERE number IN (SELECT value FROM json_each(:units)) AND finished_at IS NOT NULL
    AND (attempt > 0 OR shared_from IS NOT NULL)
"""


def keep(tx: engine.Tx, units: Sequence[int], *, why: Literal["description", "source"], now: float) -> int:
    """Keep what final units, by their numbers, came to: before they are put back, in the same transaction. One that
    never ran has nothing to keep. Returns how many were kept."""
    return int(tx.execute(KEEP, {"units": rows.dump(list(units)), "why": why, "now": now}).rowcount)


OWN_PAYLOADS = """
UPDATE earlier_answers SET payload = (SELECT payload FROM units WHERE number = earlier_answers.unit)
WHERE payload IS NULL AND unit IN (SELECT value FROM json_each(:units))
"""


def own_payloads(tx: engine.Tx, units: Sequence[int]) -> None:
    """Before the units' payloads change: what their earlier answers were given for stays beside them."""
    tx.execute(OWN_PAYLOADS, {"units": rows.dump(list(units))})


OF_UNIT = "SELECT * FROM earlier_answers WHERE unit = :unit ORDER BY number DESC LIMIT :limit"


def of_unit(tx: engine.Tx, unit: int, *, limit: int) -> list[EarlierAnswer]:
    """The newest first."""
    return [rows.earlier_answer(row) for row in tx.execute(OF_UNIT, {"unit": unit, "limit": limit})]
