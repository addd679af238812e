"""What a source holds now becomes the job's: new units, changed ones, gone ones; all of it or nothing.

Only rows that are other than they were are written. What runs afterwards is what is new, changed or back; every other
unit keeps its answer, and its lineage.
"""

from collections.abc import Mapping
from typing import Any

from batchproc.models import Credential, Job, JobStatus, Order
from batchproc.store import earlier, engine, events, jobs, rows, update_items, updates
from batchproc.store.updates import Changed, Update

ENDED = {JobStatus.COMPLETED, JobStatus.CANCELLED}
CHANGED = ("changed", "unknown")


def runs(update: Update) -> int:
    """How many units will run that would not without it."""
    return sum(_counts(update)[kind] for kind in update_items.RUN)


def needs_payer(job: Job, update: Update) -> bool:
    """Whether the job, which does not run, is to go on with it."""
    if job.status is JobStatus.REVIEW:
        return any(_counts(update)[kind] for kind in CHANGED)
    return job.status in ENDED and runs(update) > 0


def _counts(update: Update) -> Mapping[str, int]:
    return {} if update.plan is None else update.plan["counts"]


def apply(
    tx: engine.Tx,
    number: int,
    reading: int,
    order: Order,
    *,
    credential: Credential | None = None,
    quote: Mapping[str, Any] | None = None,
    now: float,
) -> Job:
    """Apply what the reading found, and somebody was shown. A job that has ended, or is in review, and has more to run
    goes on, paid with `credential`; `quote` takes the place of what was said of its rest.

    Raises `Changed` if anything of the job is not as it was when it was read, or nobody was shown this.
    """
    job, update = _require(tx, number, reading)
    if needs_payer(job, update) and credential is None:
        raise Changed(f"job {job.job_id} has more to run, and nothing to pay with")
    version = job.source_version + 1
    known = {"job": number, "version": version, "now": now, "data": rows.dump(jobs.told(order))}
    events.append(tx, "job.refreshed", at=now, job=number, data=_told(update, version, order))
    if job.status in ENDED and runs(update) and credential is not None:
        jobs.reopen(tx, number, credential=credential, now=now, order=order)
    _take_in(tx, known)
    if runs(update) and job.approved_at is not None:
        tx.execute(QUOTE, {"job": number, "quote": None if quote is None else rows.dump(quote)})
    _go_on(tx, job, update, order, credential, now)
    tx.execute(BE_APPLIED, {"job": number})
    return jobs.by_number(tx, number)


def _take_in(tx: engine.Tx, known: dict[str, Any]) -> None:
    _tell_found(tx, known)
    _change(tx, known)
    _take_note(tx, known)
    added = _add(tx, known)
    _mark_gone(tx, known)
    tx.execute(TAKE_IN, {"job": known["job"], "version": known["version"], "added": added})


def _require(tx: engine.Tx, number: int, reading: int) -> tuple[Job, Update]:
    update = updates.look(tx, number)
    is_it = update is not None and update.reading == reading and update.state == "ready" and update.is_shown
    if update is None or not is_it or not update.is_current or updates.is_deleted(tx, number):
        raise Changed("the job was changed since its source was read")
    return updates.require_still(tx, number), update


def _told(update: Update, version: int, order: Order) -> dict[str, Any]:
    counts = {kind: n for kind, n in _counts(update).items() if n}
    return {"source_version": version, **counts, **jobs.told(order)}


TAKE_IN = "UPDATE jobs SET source_version = :version, total_units = total_units + :added WHERE number = :job"
QUOTE = "UPDATE jobs SET quote = :quote WHERE number = :job"
BE_APPLIED = "UPDATE source_updates SET state = 'applied' WHERE job = :job"

# Units that are there.

OF_KIND = """
SELECT unit FROM update_items WHERE job = :job AND kind = :kind AND touched = 1 AND (payload IS NOT NULL OR :all)
ORDER BY row
"""
CHANGE = """
UPDATE units SET status = 'pending', payload = COALESCE(i.payload, units.payload), row = i.row, reason = 'source',
    source_version = :version, requests = requests + 1, charged = 0, due_at = 0, finished_at = NULL, text = NULL,
    output = NULL, error = NULL, signature = NULL, resumes = NULL, gone = NULL, input = NULL, fingerprint = NULL,
    shared_from = NULL, same = i.same
FROM update_items i WHERE i.job = :job AND i.kind = :kind AND i.touched = 1 AND units.number = i.unit
"""


def _change(tx: engine.Tx, known: Mapping[str, Any]) -> None:
    """Put back what ran for something else than it is now, with all its attempts; its answer is kept."""
    for kind in CHANGED:
        if found := _units(tx, known, kind):
            earlier.own_payloads(tx, found)
            earlier.keep(tx, found, why="source", now=known["now"])
            tx.execute(CHANGE, {**known, "kind": kind})
            _tell(tx, known, "unit.reopened", found)


TAKE_NOTE = """
UPDATE units SET payload = COALESCE(i.payload, units.payload), gone = NULL,
    row = IIF(i.payload IS NULL, units.row, i.row),
    source_version = IIF(i.payload IS NULL, source_version, :version),
    requests = requests + (i.payload IS NOT NULL AND charged > 0), charged = IIF(i.payload IS NULL, charged, 0),
    resumes = IIF(i.payload IS NULL, resumes, NULL),
    same = IIF(i.payload IS NULL, units.same, i.same)
FROM update_items i WHERE i.job = :job AND i.kind = :kind AND i.touched = 1 AND units.number = i.unit
"""
WAIT_AGAIN = """
UPDATE units SET status = 'pending', reason = 'source', error = NULL, finished_at = NULL
WHERE number IN (SELECT value FROM json_each(:units))
"""


def _take_note(tx: engine.Tx, known: Mapping[str, Any]) -> None:
    """What has yet to run is what it is now, and what was gone and is there has no mark of it. What was skipped because
    it was gone waits again."""
    for kind in ("waiting", "unanswered", "back", "same"):
        found = _units(tx, known, kind, changed=True)
        earlier.own_payloads(tx, found)
        tx.execute(TAKE_NOTE, {**known, "kind": kind})
        _tell(tx, known, "unit.changed", found)
    if back := _units(tx, known, "back"):
        tx.execute(WAIT_AGAIN, {"units": rows.dump(back)})
        _tell(tx, known, "unit.reopened", back)


def _units(tx: engine.Tx, known: Mapping[str, Any], kind: str, *, changed: bool = False) -> list[int]:
    """Those of a kind, by their numbers; with `changed` the ones that have another payload now."""
    values = {"job": known["job"], "kind": kind, "all": not changed}
    return [row["unit"] for row in tx.execute(OF_KIND, values)]


# New ones and gone ones.

ADD = """
INSERT INTO units (job, key, payload, row, same, source_version)
SELECT job, key, payload, row, same, :version FROM update_items
WHERE job = :job AND kind = 'new' AND touched = 1 ORDER BY row
"""
COUNT = "UPDATE counters SET n = n + :added WHERE job = :job AND status = 'pending'"
TELL_ADDED = """
INSERT INTO events (at, kind, job, unit, data)
SELECT :now, 'unit.added', :job, u.number, :data FROM update_items i JOIN units u ON u.job = i.job AND u.key = i.key
WHERE i.job = :job AND i.kind = 'new' AND i.touched = 1 ORDER BY i.row
"""


def _add(tx: engine.Tx, known: Mapping[str, Any]) -> int:
    added = int(tx.execute(ADD, known).rowcount)
    tx.execute(COUNT, {"job": known["job"], "added": added})  # the trigger that counts sees changes of status only
    tx.execute(TELL_ADDED, known)
    return added


GONE_PENDING = """
SELECT u.number FROM update_items i JOIN units u ON u.number = i.unit
WHERE i.job = :job AND i.kind = 'gone' AND i.touched = 1 AND u.status = 'pending' ORDER BY i.row
"""
MARK = "UPDATE units SET gone = :version WHERE number IN (SELECT value FROM json_each(:units)) AND gone IS NULL"
SKIP = """
UPDATE units SET status = 'skipped', reason = 'gone', error = 'not run: its source does not have it any more',
    finished_at = :now, due_at = 0, resumes = NULL
WHERE number IN (SELECT value FROM json_each(:units))
"""
FOUND = """
INSERT INTO events (at, kind, job, unit, data)
SELECT :now, 'unit.found', :job, u.number, :data FROM units u JOIN update_items i ON i.job = u.job AND i.key = u.key
WHERE u.job = :job AND u.gone IS NOT NULL AND i.kind IS NOT 'gone'
"""


def _mark_gone(tx: engine.Tx, known: Mapping[str, Any]) -> None:
    """Answers stay. What has none, and was to run, is skipped."""
    if not (found := _units(tx, known, "gone")):
        return
    skipped = [row["number"] for row in tx.execute(GONE_PENDING, known)]
    tx.execute(MARK, {**known, "units": rows.dump(found)})
    tx.execute(SKIP, {**known, "units": rows.dump(skipped)})
    _tell(tx, known, "unit.gone", found)
    _tell(tx, known, "unit.skipped", skipped)


def _tell_found(tx: engine.Tx, known: Mapping[str, Any]) -> None:
    tx.execute(FOUND, known)


TELL = """
INSERT INTO events (at, kind, job, unit, data) SELECT :now, :kind, :job, value, :data FROM json_each(:units)
"""


def _tell(tx: engine.Tx, known: Mapping[str, Any], kind: str, units: list[int]) -> None:
    if units:
        tx.execute(TELL, {**known, "kind": kind, "units": rows.dump(units)})


# The job.

UNTRY = """
UPDATE trial_results SET status = 'cancelled', text = NULL, output = NULL, signature = NULL, input = NULL,
    fingerprint = NULL, error = 'its source has changed since'
WHERE job = :job AND unit IN (SELECT value FROM json_each(:units))
"""
"""Who chooses an earlier variant has these units run under it (`trials.approve`)."""
PILOT_AGAIN = """
UPDATE jobs SET status = 'pilot', credential = :credential, resumed_at = :now, starts = starts + 1
WHERE number = :job AND status = 'review'
"""


def _go_on(tx: engine.Tx, job: Job, update: Update, order: Order, credential: Credential | None, now: float) -> None:
    """In review only units of the pilot have run: those that changed run once more before anybody decides. What is
    paused stays so, unless nothing is left of it."""
    if job.status is JobStatus.REVIEW and needs_payer(job, update):
        for kind in CHANGED:
            tx.execute(UNTRY, {"job": job.number, "units": rows.dump(_units(tx, {"job": job.number}, kind))})
        tx.execute(PILOT_AGAIN, {"job": job.number, "credential": credential, "now": now})
        told = {"credential": credential, **jobs.told(order)}
        events.append(tx, "job.started", at=now, job=job.number, data=told)
    elif job.status is JobStatus.PAUSED:
        jobs.complete_if_drained(tx, job.number, now=now)
