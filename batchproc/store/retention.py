"""How a job leaves the store: marked first, then emptied in small steps (`backlog`), so that nobody waits for it."""

from batchproc.errors import WrongStatus
from batchproc.models import ACTIVE_JOBS, Job, JobStatus, Order
from batchproc.store import engine, events, jobs, paced

ROWS = 250
"""Of each kind, at once: some thousandths of a second."""
STEP_S = 0.02
"""How long one transaction works. Its commit comes on top of it."""


DELETABLE = frozenset(JobStatus) - ACTIVE_JOBS

MARK = "UPDATE jobs SET deleting = 1, idempotency_key = NULL WHERE number = :number AND deleting = 0"
RUNNING_UNITS = "SELECT 1 FROM units WHERE job = :number AND status = 'running' LIMIT 1"


def mark_deleted(tx: engine.Tx, job: Job, *, now: float, order: Order | None = None) -> None:
    """Hide the job from every face. Raises `WrongStatus` while something of it still runs."""
    job = jobs.by_number(tx, job.number)
    busy = tx.execute(RUNNING_UNITS, {"number": job.number}).fetchone() is not None
    if job.status not in DELETABLE or busy:
        ending = job.status in DELETABLE
        way_out = "its last agents are ending; again in some seconds" if ending else "cancel_job first"
        raise WrongStatus(job.job_id, job.status, "be deleted", way_out)
    if tx.execute(MARK, {"number": job.number}).rowcount:
        events.append(tx, "job.deleted", at=now, data={"job_id": job.job_id, "name": job.name, **jobs.told(order)})


STEPS = (
    "DELETE FROM trial_results WHERE job = :number",
    "DELETE FROM drawn_units WHERE job = :number",
    "DELETE FROM publications WHERE unit IN (SELECT number FROM units WHERE job = :number LIMIT :limit)",
    "DELETE FROM verdicts WHERE unit IN (SELECT number FROM units WHERE job = :number LIMIT :limit)",
    "DELETE FROM update_items WHERE job = :number AND key IN "
    "(SELECT key FROM update_items WHERE job = :number LIMIT :limit)",
    "DELETE FROM earlier_answers WHERE unit IN (SELECT number FROM units WHERE job = :number LIMIT :limit)",
    "UPDATE units SET shared_from = NULL WHERE shared_from IN "
    "(SELECT number FROM units WHERE job = :number LIMIT :limit)",
    "DELETE FROM attempts WHERE unit IN (SELECT number FROM units WHERE job = :number LIMIT :limit)",
    "DELETE FROM units WHERE number IN (SELECT number FROM units WHERE job = :number LIMIT :limit)",
    "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE job = :number LIMIT :limit)",
    "DELETE FROM logs WHERE number IN (SELECT number FROM logs WHERE job = :number LIMIT :limit)",
)
LAST_STEPS = (
    "DELETE FROM counters WHERE job = :number",
    "DELETE FROM failure_groups WHERE job = :number",
    "DELETE FROM job_minutes WHERE job = :number",
    "DELETE FROM sources WHERE job = :number",
    "DELETE FROM retries WHERE job = :number",
    "DELETE FROM trials WHERE job = :number",
    "DELETE FROM draws WHERE job = :number",
    "DELETE FROM source_updates WHERE job = :number",
    "DELETE FROM jobs WHERE number = :number AND deleting = 1",
)


IS_MARKED = "SELECT 1 FROM jobs WHERE number = :number AND deleting = 1"


def erase_some(tx: engine.Tx, number: int) -> bool:
    """Delete rows of a job that is marked, for `STEP_S`. False: there is no such job (any more)."""
    if tx.execute(IS_MARKED, {"number": number}).fetchone() is None:
        return False
    rows = {"number": number, "limit": ROWS}
    if not paced.repeat(lambda: sum(tx.execute(step, rows).rowcount for step in STEPS), for_s=STEP_S):
        for last in LAST_STEPS:
            tx.execute(last, {"number": number})
    return True
