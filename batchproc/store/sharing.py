"""Identical units of a job that asks for it: one of them runs, and the others get its answer.

Nobody keeps who is whose: what is found at a claim decides, so that whatever becomes of a unit, the others run or have
its answer. Identical are units with the same `same`, a digest that was taken when the source was read.
"""

from collections.abc import Sequence

from batchproc import staleness
from batchproc.models import Job
from batchproc.store import engine, events, jobs, rows

LONG_S = 60.0
"""Units wait so long at most before it is looked again whether an identical one runs; its end is seen to at once."""
ROUNDS = 20
GIVEN = 5_000
"""Units that get an answer in one transaction; the others are due, and get it at the next claim."""

KEPT_FROM = """
SELECT number, key, payload, note, input, fingerprint, status FROM units
WHERE job = :job AND same = :same AND (status = 'running' OR (status = 'succeeded' AND shared_from IS NULL))
ORDER BY status, number LIMIT 10
"""
WAIT = """
UPDATE units SET due_at = :until, reason = 'identical'
WHERE job = :job AND same = :same AND status = 'pending' AND number <> :but
    AND due_at <= :now AND (:all OR pilot = 1)
"""
GO = """
UPDATE units SET due_at = 0, reason = NULL WHERE job = :job AND same = :same AND status = 'pending'
    AND reason = 'identical'
"""
OTHERS = """
SELECT number, key, payload, note FROM units
WHERE job = :job AND same = :same AND status = 'pending' AND note IS NULL AND (:all OR pilot = 1) LIMIT :most
"""
KEY = "SELECT key FROM units WHERE number = :unit"
GIVE = """
UPDATE units SET status = 'succeeded', finished_at = :now, due_at = 0, reason = NULL, error = NULL, signature = NULL,
    resumes = NULL, text = (SELECT text FROM units WHERE number = :from_unit),
    output = (SELECT output FROM units WHERE number = :from_unit), shared_from = :from_unit,
    input = value ->> 1, fingerprint = value ->> 2
FROM json_each(:others) WHERE number = value ->> 0
"""


def sift(tx: engine.Tx, job: Job, due: Sequence[engine.Row], now: float) -> bool:
    """See to units that are due: those get an answer that an identical one has, those wait whose identical one runs or
    is due before them. True: some did, so that others may be due now."""
    known, met, changed = staleness.Fingerprints(job), set[str](), False
    for row in due:
        if row["same"] is None or row["same"] in met or row["note"]:
            continue
        met.add(row["same"])
        changed |= _see_to(tx, job, known, row, now)
    return changed


def _see_to(tx: engine.Tx, job: Job, known: staleness.Fingerprints, row: engine.Row, now: float) -> bool:
    found = tx.execute(KEPT_FROM, {"job": job.number, "same": row["same"]}).fetchall()
    for one in found:
        if one["status"] == "succeeded" and _is_of_use(known, one, row["same"]):
            return give(tx, job, one["number"], row["same"], now) > 0
    runs = any(one["status"] == "running" for one in found)
    but = -1 if runs else row["number"]
    values = {"job": job.number, "same": row["same"], "now": now, "until": now + LONG_S, "but": but}
    return bool(tx.execute(WAIT, {**values, "all": job.approved_at is not None}).rowcount)


def _is_of_use(known: staleness.Fingerprints, one: engine.Row, same: str) -> bool:
    """Whether its answer was given for what it was when the source was read, under what the job says now."""
    payload = rows.load(one["payload"])
    if one["note"] or one["input"] != staleness.input_of(one["key"], payload, staleness.content_in(same)):
        return False
    return bool(known.of(one["key"], payload, input=one["input"]) == one["fingerprint"])


def give(tx: engine.Tx, job: Job, unit: int, same: str, now: float) -> int:
    """Give the answer of a unit that succeeded to those that are identical and wait. Returns how many there were."""
    values = {"job": job.number, "same": same, "all": job.approved_at is not None, "most": GIVEN}
    known, content = staleness.Fingerprints(job), staleness.content_in(same)
    others = []
    for row in tx.execute(OTHERS, values).fetchall():
        payload = rows.load(row["payload"])
        digest = staleness.input_of(row["key"], payload, content)
        others.append([row["number"], digest, known.of(row["key"], payload, input=digest)])
    key = tx.execute(KEY, {"unit": unit}).fetchone()["key"]
    tx.execute(GIVE, {"from_unit": unit, "others": rows.dump(others), "now": now})
    for number, *_ in others:
        data = {"outcome": "shared", "shared_from": key, "cost_usd": 0.0}
        events.append(tx, "unit.succeeded", at=now, job=job.number, unit=number, data=data)
    return len(others)


ENDED = "SELECT job, key, payload, same, status, note, input, fingerprint FROM units WHERE number = :unit"


def ended(tx: engine.Tx, unit: int, now: float) -> None:
    """A unit's attempt has ended: those that waited for it get its answer, or go on without it."""
    row = tx.execute(ENDED, {"unit": unit}).fetchone()
    if row["same"] is None:
        return
    job = jobs.by_number(tx, row["job"])
    is_shared = job.options.share_identical and row["status"] == "succeeded"
    if is_shared and _is_of_use(staleness.Fingerprints(job), row, row["same"]):
        give(tx, job, unit, row["same"], now)
    tx.execute(GO, {"job": row["job"], "same": row["same"]})
