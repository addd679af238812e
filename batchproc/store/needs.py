"""Whether the store needs a supervisor."""

from batchproc.store import backlog, engine, jobs, updates

RUNNING = "SELECT 1 FROM units WHERE status = 'running' LIMIT 1"


def supervisor(tx: engine.Tx) -> bool:
    """Whether a job is to be worked on, now or at its time; a unit is marked as running; a source is to be read anew;
    or an order is to be done."""
    is_busy = bool(jobs.active(tx)) or tx.execute(RUNNING).fetchone() is not None
    return is_busy or bool(updates.being_read(tx)) or not backlog.is_empty(tx)


WAS_KILLED = "SELECT ended_at IS NULL FROM supervisors ORDER BY epoch DESC LIMIT 1"


def another_supervisor(tx: engine.Tx) -> bool:
    """The same, where the last one did not end by itself or because somebody said so: asked while none is alive."""
    last = tx.execute(WAS_KILLED).fetchone()
    return last is not None and bool(last[0]) and supervisor(tx)
