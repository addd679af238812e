"""Whether the store needs a supervisor."""

from batchproc.store import backlog, engine, jobs

RUNNING = "SELECT 1 FROM units WHERE status = 'running' LIMIT 1"


def supervisor(tx: engine.Tx) -> bool:
    """Whether a job is to be worked on, now or at its time; a unit is marked as running; or an order is to be done."""
    return bool(jobs.active(tx)) or tx.execute(RUNNING).fetchone() is not None or not backlog.is_empty(tx)
