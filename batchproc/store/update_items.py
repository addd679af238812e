"""The items of a source that is read once more, laid beside the units that there are. Each has a kind:

new         no unit has its key
changed     its unit ran, for something else than it is now; `unknown`: under a batchproc that did not say for what
unanswered  its unit is as it was, and has no answer; or a person cancelled it: it stays so
waiting     its unit is to run anyhow
back        its unit was skipped because it was gone
gone        no item has its key any more: a unit, not an item

The rest is the `same`, with its answer: no kind, unless it has the mark `gone`, which is to be taken away. Its place in
the source may be another one: a unit's `row` is that in the reading that its payload came in with (`source_version`),
or each row that is put in would have all after it written anew.
"""

from typing import Any

from batchproc.store import engine, units

WINDOW = 20_000
"""Units that are looked at in one step."""
SHOWN = 5
RUN = ("new", "changed", "unknown", "back")
"""What will run."""


NOTED = "SELECT 1 FROM units WHERE job = :job AND note IS NOT NULL LIMIT 1"
NOTES = """
SELECT u.key, u.note FROM json_each(:chunk) i JOIN units u ON u.job = :job AND u.key = i.value ->> 0
WHERE u.note IS NOT NULL
"""


def has_notes(tx: engine.Tx, job: int) -> bool:
    """Whether a person added something to the instructions for any unit. Looks at all of them if not."""
    return tx.execute(NOTED, {"job": job}).fetchone() is not None


def notes(tx: engine.Tx, job: int, chunk: str) -> dict[str, str]:
    """What was added for the items of a chunk, by their keys."""
    return {row["key"]: row["note"] for row in tx.execute(NOTES, {"job": job, "chunk": chunk})}


ADD = """
WITH item AS (
    SELECT value ->> 0 AS key, value -> 1 AS payload, value ->> 2 AS row, value ->> 3 AS fingerprint,
        value ->> 5 AS same
    FROM json_each(:chunk)
), beside AS (
    SELECT i.key, i.row, i.payload, i.same, u.number AS unit, u.payload IS NOT i.payload AS differs,
        u.gone IS NOT NULL AS found,
        CASE
            WHEN u.number IS NULL THEN 'new'
            WHEN u.status = 'pending' THEN 'waiting'
            WHEN u.status = 'skipped' AND u.gone IS NOT NULL AND u.reason = 'gone' THEN 'back'
            WHEN u.status NOT IN ('succeeded', 'failed', 'flagged') THEN 'unanswered'
            WHEN u.fingerprint = i.fingerprint THEN CASE WHEN u.status <> 'succeeded' THEN 'unanswered' END
            WHEN u.fingerprint IS NOT NULL THEN 'changed'
            WHEN u.status = 'succeeded' THEN 'unknown'
            WHEN u.payload IS NOT i.payload THEN 'changed'
            ELSE 'unanswered'
        END AS kind
    FROM item i LEFT JOIN units u ON u.job = :job AND u.key = i.key
)
INSERT INTO update_items (job, key, row, unit, kind, touched, same, payload)
SELECT :job, key, row, unit, CASE WHEN kind IS NULL AND found THEN 'same' ELSE kind END,
    CASE WHEN kind IN ('new', 'changed', 'unknown', 'back') THEN 1 WHEN kind IS NULL THEN found
        ELSE found OR differs END,
    CASE WHEN kind IS NOT NULL THEN same END, CASE WHEN kind IS NOT NULL AND differs THEN payload END
FROM beside
"""
WHERE_IS = "SELECT row FROM update_items WHERE job = :job AND key = :key"


def add_many(tx: engine.Tx, job: int, chunk: str) -> int:
    """Lay the items of `chunk`, a JSON array of [key, payload, row, fingerprint, digest, what identical ones have in
    common], beside the job's units. Returns how many there were. Raises `KeyTaken` on a duplicate."""
    try:
        return int(tx.execute(ADD, {"job": job, "chunk": chunk}).rowcount)
    except engine.sqlite.IntegrityError:
        units.find_duplicate(tx, WHERE_IS, job, chunk)
        raise


WINDOW_ENDS = "SELECT key FROM units WHERE job = :job AND key > :after ORDER BY key LIMIT 1 OFFSET :n"
MISS = """
INSERT INTO update_items (job, key, row, unit, kind, touched)
SELECT u.job, u.key, u.row, u.number, 'gone', 1 FROM units u
WHERE u.job = :job AND u.key > :after AND u.key <= :upto AND (u.gone IS NULL OR u.status = 'pending')
    AND NOT EXISTS (SELECT 1 FROM update_items i WHERE i.job = :job AND i.key = u.key)
"""
MISS_LAST = MISS.replace("AND u.key <= :upto ", "")


def miss(tx: engine.Tx, job: int, *, after: str) -> str | None:
    """Find which units have no item, among the next ones after the key `after`. Returns where to go on; None: that was
    all."""
    row = tx.execute(WINDOW_ENDS, {"job": job, "after": after, "n": WINDOW}).fetchone()
    if row is None:
        tx.execute(MISS_LAST, {"job": job, "after": after})
        return None
    tx.execute(MISS, {"job": job, "after": after, "upto": row["key"]})
    return str(row["key"])


QUIET = ("waiting", "unanswered", "same")
KINDS = ("new", "changed", "unknown", "unanswered", "waiting", "back", "gone", "same")
COUNT = "SELECT COUNT(*) AS n FROM update_items WHERE job = :job AND kind = :kind"
COUNT_TOUCHED = COUNT + " AND touched = 1"
FIRST = "SELECT key FROM update_items WHERE job = :job AND kind = :kind AND touched = 1 ORDER BY row LIMIT :limit"
FIRST_UNTOUCHED = FIRST.replace("touched = 1", "touched = 0")


def found(tx: engine.Tx, job: int, read: int) -> dict[str, Any]:
    """Counts by kind, of `read` items that there are, and the first keys of each. `touched` are those that do not run
    for it, and yet are written: they have another payload, or were gone."""
    counts = {kind: int(tx.execute(COUNT, {"job": job, "kind": kind}).fetchone()["n"]) for kind in KINDS}
    counts["same"] = read - sum(n for kind, n in counts.items() if kind not in {"same", "gone"})
    touched = {kind: tx.execute(COUNT_TOUCHED, {"job": job, "kind": kind}).fetchone()["n"] for kind in QUIET}
    return {
        "counts": counts,
        "touched": touched,
        "keys": {kind: _first(tx, job, kind) for kind in KINDS if counts[kind]},
    }


def _first(tx: engine.Tx, job: int, kind: str) -> list[str]:
    values = {"job": job, "kind": kind, "limit": SHOWN}
    keys = [row["key"] for sql in (FIRST, FIRST_UNTOUCHED) for row in tx.execute(sql, values)]
    return keys[:SHOWN]


DISCARD = """
DELETE FROM update_items WHERE job = :job AND key IN (SELECT key FROM update_items WHERE job = :job LIMIT :limit)
    AND EXISTS (SELECT 1 FROM source_updates WHERE job = :job AND reading = :reading
                AND (state IN ('failed', 'applied') OR (state = 'reading' AND units_read = 0)))
"""


def discard(tx: engine.Tx, job: int, reading: int, *, limit: int) -> int:
    """Delete some of what is of no use any more, in the name of the newest reading, before it adds anything or after
    its end. Returns how many there were."""
    return int(tx.execute(DISCARD, {"job": job, "reading": reading, "limit": limit}).rowcount)
