"""Units: enumerated into the store, waited for, read. Their attempts are in `attempts`."""

from batchproc.models import Item, Unit, UnitStatus
from batchproc.store import engine, readings, rows

ADD = """
INSERT INTO units (job, key, payload, row, same)
SELECT :job, value ->> 0, value -> 1, value ->> 2, value ->> 3 FROM json_each(:chunk)
"""
WHERE_IS = "SELECT row FROM units WHERE job = :job AND key = :key"


class KeyTaken(Exception):
    """Two items of one source have the key `key`, at rows `first` and `second`."""

    def __init__(self, key: str, first: int, second: int) -> None:
        super().__init__(key, first, second)
        self.key, self.first, self.second = key, first, second


def add_many(tx: engine.Tx, job: int, reading: int, chunk: str) -> int:
    """Add the items of `chunk`, a JSON array of [key, payload, row], or [key, payload, row, what identical ones have in
    common]; nobody sees them until the reading is published.

    One statement for the whole chunk: SQLite takes it apart without Python's lock, so that reading goes on meanwhile.
    Returns how many were read so far. Raises `TakenOver` if another reading of this job began, `KeyTaken` on a
    duplicate.
    """
    readings.require_reading(tx, job, reading)
    try:
        added = tx.execute(ADD, {"job": job, "chunk": chunk}).rowcount
    except engine.sqlite.IntegrityError:
        find_duplicate(tx, WHERE_IS, job, chunk)
        raise
    return readings.count_read(tx, job, added)


def find_duplicate(tx: engine.Tx, where_is: str, job: int, chunk: str) -> None:
    """Raises `KeyTaken` for the first item whose key the chunk has twice, or is there: `where_is` finds its row."""
    seen: dict[str, int] = {}
    for key, _, row, *_ in rows.load(chunk):
        if key in seen:
            raise KeyTaken(key, seen[key], row) from None
        if (found := tx.execute(where_is, {"job": job, "key": key}).fetchone()) is not None:
            raise KeyTaken(key, found["row"], row) from None
        seen[key] = row


PAYLOADS = """
SELECT number, key, payload, row FROM units WHERE +job = :job AND number > :after ORDER BY number LIMIT :limit
"""


def payloads(tx: engine.Tx, job: int, *, after: int, limit: int) -> list[tuple[int, Item]]:
    """The next `limit` units after number `after`, each as its number and what was enumerated."""
    found = tx.execute(PAYLOADS, {"job": job, "after": after, "limit": limit})
    return [(row["number"], Item(row["key"], rows.load(row["payload"]), row["row"])) for row in found]


NEXT_DUE = "SELECT MIN(due_at) FROM units WHERE job = :job AND status = 'pending'"


NEXT_DUE_PILOT = "SELECT MIN(due_at) FROM units WHERE job = :job AND pilot = 1 AND status = 'pending'"


def next_due(tx: engine.Tx, job: int, *, pilot: bool = False) -> float | None:
    """When the job's next pending unit may run, or the next one of its `pilot` (seconds since 1970); None if none is
    pending."""
    due = tx.execute(NEXT_DUE_PILOT if pilot else NEXT_DUE, {"job": job}).fetchone()[0]
    return None if due is None else float(due)


BRING_FORWARD = """
UPDATE units SET due_at = :now WHERE job = :job AND status = 'pending' AND due_at > :horizon
"""


def bring_forward(tx: engine.Tx, job: int, *, horizon: float, now: float) -> int:
    """Make units due that would wait beyond `horizon`, as after the clock was set back; returns how many."""
    return int(tx.execute(BRING_FORWARD, {"job": job, "horizon": horizon, "now": now}).rowcount)


BY_KEY = "SELECT * FROM units WHERE job = :job AND key = :key"


def by_key(tx: engine.Tx, job: int, key: str) -> Unit | None:
    row = tx.execute(BY_KEY, {"job": job, "key": key}).fetchone()
    return None if row is None else rows.unit(row)


FIRST_PENDING = """
SELECT * FROM units WHERE job = :job AND status = 'pending' ORDER BY due_at, number LIMIT :limit
"""


def first(tx: engine.Tx, job: int, *, limit: int) -> list[Unit]:
    """The job's first units that do not run now, in the order of its source."""
    pending = [rows.unit(row) for row in tx.execute(FIRST_PENDING, {"job": job, "limit": limit})]
    final = final_page(tx, job, status=None, after=0, limit=limit)
    return sorted([*pending, *final], key=lambda unit: unit.number)[:limit]


FINAL_PAGE = """
SELECT * FROM units WHERE job = :job AND number > :after AND finished_at IS NOT NULL ORDER BY number LIMIT :limit
"""
FINAL_PAGE_BY_STATUS = """
SELECT * FROM units WHERE job = :job AND status = :status AND number > :after AND finished_at IS NOT NULL
ORDER BY number LIMIT :limit
"""


def final_page(tx: engine.Tx, job: int, *, status: UnitStatus | None, after: int, limit: int) -> list[Unit]:
    """The next `limit` final units after number `after`, in the order of the source."""
    statement = FINAL_PAGE if status is None else FINAL_PAGE_BY_STATUS
    values = {"job": job, "after": after, "limit": limit} | ({} if status is None else {"status": status})
    return [rows.unit(row) for row in tx.execute(statement, values)]
