"""A job that all of was allowed to run is described anew: a few of its units run first, then a person decides again.

The units are those that a person has judged, the gold set; where there are none, those of the pilot. All others keep
their answers until the change is approved; then what is stale is run again (`backlog`). What was before is kept as a
trial of its own, and can be taken up again as it was.
"""

from collections.abc import Sequence

from batchproc.models import Credential, Job, Order
from batchproc.store import earlier, engine, events, jobs, pilots, rows

GOLD = """
SELECT v.unit FROM verdicts v JOIN units u ON u.number = v.unit
WHERE v.job = :job AND u.gone IS NULL AND u.status NOT IN ('skipped', 'cancelled') ORDER BY v.judged_at DESC LIMIT :most
"""
PILOT = """
SELECT number AS unit FROM units
WHERE job = :job AND pilot = 1 AND gone IS NULL AND status NOT IN ('skipped', 'cancelled')
"""


def units_to_try(tx: engine.Tx, job: int, *, most: int) -> list[int]:
    """The units, by their numbers, that run before all others when the job's description changes: the gold set, those
    that were judged last if there are more than `most`; else those of its pilot; none if it had neither."""
    gold = [row["unit"] for row in tx.execute(GOLD, {"job": job, "most": most})]
    return sorted(gold) or [row["unit"] for row in tx.execute(PILOT, {"job": job})]


JUDGED = "SELECT COUNT(*) FROM verdicts WHERE unit IN (SELECT value FROM json_each(:units))"


def judged(tx: engine.Tx, units: Sequence[int]) -> int:
    """How many of these units a person has judged."""
    return int(tx.execute(JUDGED, {"units": rows.dump(list(units))}).fetchone()[0])


BUSY = """
SELECT 1 FROM units WHERE job = :job AND status = 'running' UNION ALL SELECT 1 FROM retries WHERE job = :job LIMIT 1
"""


def is_busy(tx: engine.Tx, job: int) -> bool:
    """Whether a unit of the job runs, or many are being put back into the queue."""
    return tx.execute(BUSY, {"job": job}).fetchone() is not None


CHANGEABLE = """
SELECT 1 FROM jobs WHERE number = :number AND deleting = 0 AND approved_at IS NOT NULL
    AND (status = 'completed' OR (status = 'paused' AND paused_from = 'running'))
"""
REVISE = """
UPDATE jobs SET status = 'pilot', reason = NULL, detail = NULL, paused_from = NULL, resume_at = NULL,
    credential = :credential, started_at = COALESCE(started_at, :now), resumed_at = :now, starts = starts + 1,
    finished_at = NULL, approved_at = NULL, quote = NULL, approved_trial = :before, round = :round, trial = :trial,
    instructions = :instructions, options = :options
WHERE number = :number
"""
NO_PILOT = "UPDATE units SET pilot = 0 WHERE job = :job AND pilot = 1"
OF_THEM = "SELECT number FROM units WHERE number IN (SELECT value FROM json_each(:units)) AND finished_at IS NOT NULL"


def begin(
    tx: engine.Tx,
    job: Job,
    new: pilots.Description,
    *,
    units: Sequence[int],
    credential: Credential,
    order: Order,
    now: float,
) -> bool:
    """Try the `new` description on these units, as the pilot's next round. What they came to before is kept beside it.

    False: the job's status does not allow it, something of it runs, or it is not any more as it was seen (`job`).
    """
    changeable = tx.execute(CHANGEABLE, {"number": job.number}).fetchone() is not None
    if not changeable or not pilots.is_as_seen(tx, job) or is_busy(tx, job.number):
        return False
    before, known = _keep_before(tx, job, units, now)
    values = {"number": job.number, "before": before, "trial": known + 1, "round": job.round + 1 + (job.trial == 0)}
    paid = {"credential": credential, "now": now}
    tx.execute(REVISE, {**values, **paid, **pilots.told_description(new)})
    tx.execute(NO_PILOT, {"job": job.number})
    pilots.add_round(tx, job.number, [new], units=units, now=now)
    data = {"round": values["round"], "trial": values["trial"], "credential": credential, "changed": True}
    events.append(tx, "job.pilot", at=now, job=job.number, data={**data, **jobs.told(order)})
    pilots.end_if_drained(tx, job.number, now=now)
    return True


FIRST_TRIAL = """
INSERT INTO trials (job, n, round, instructions, options, ended_at)
VALUES (:job, 1, 1, :instructions, :options, :now)
"""


def _keep_before(tx: engine.Tx, job: Job, units: Sequence[int], now: float) -> tuple[int, int]:
    """The description that is in force, and the answers of these units under it, as a trial. Returns its number, and
    the newest one's. A job without a pilot had none: what ran then, ran as trial 0."""
    if job.trial == 0:
        told = pilots.told_description(pilots.Description(instructions=job.instructions, options=job.options))
        tx.execute(FIRST_TRIAL, {"job": job.number, "now": now, **told})
    before = job.trial or 1
    final = [row["number"] for row in tx.execute(OF_THEM, {"units": rows.dump(list(units))})]
    pilots.record(tx, final, trial=before, ran_as=job.trial)
    earlier.keep(tx, final, why="description", now=now)
    return before, pilots.newest(tx, job.number)


RERUN = """
SELECT (SELECT SUM(n) FROM counters WHERE job = :job AND status IN ('succeeded', 'flagged', 'failed'))
    - (SELECT COUNT(*) FROM units WHERE job = :job AND pilot = 1 AND status IN ('succeeded', 'flagged', 'failed'))
    - (SELECT COUNT(*) FROM units WHERE job = :job AND gone IS NOT NULL AND status IN ('succeeded', 'flagged', 'failed')
        AND pilot = 0) AS n
"""


def run_again(tx: engine.Tx, job: Job) -> int:
    """How many final units an approval of the change would run again, at most: those whose prompt stays as it is are
    not."""
    if job.approved_at is not None or job.approved_trial in {None, job.trial}:
        return 0
    return int(tx.execute(RERUN, {"job": job.number}).fetchone()["n"] or 0)
