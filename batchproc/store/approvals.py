"""What a person allowed, and what waits for one, by the hash of its exact description."""

from batchproc.models import Order
from batchproc.store import engine, events

APPROVE = """
INSERT OR IGNORE INTO approvals (hash, text, approved_at, approved_by) VALUES (:hash, :text, :now, :by)
"""


ANSWERED = "DELETE FROM approval_requests WHERE hash = :hash"


def approve(tx: engine.Tx, digest: str, text: str, order: Order, *, job: int | None = None, now: float) -> bool:
    """Record the approval. False: it was given before."""
    tx.execute(ANSWERED, {"hash": digest})
    if not tx.execute(APPROVE, {"hash": digest, "text": text, "now": now, "by": order.by}).rowcount:
        return False
    events.append(tx, "programs.approved", at=now, job=job, data={"hash": digest, "by": order.by})
    return True


IS_APPROVED = "SELECT 1 FROM approvals WHERE hash = :hash"


def is_approved(tx: engine.Tx, digest: str) -> bool:
    return tx.execute(IS_APPROVED, {"hash": digest}).fetchone() is not None


ASK = """
INSERT OR IGNORE INTO approval_requests (hash, text, asked_at, asked_by) VALUES (:hash, :text, :now, :by)
"""


def ask(tx: engine.Tx, digest: str, text: str, order: Order, *, now: float) -> None:
    """Keep what is to be allowed, so that a person can read it: there is no job of it yet."""
    tx.execute(ASK, {"hash": digest, "text": text, "now": now, "by": order.by})


REQUESTED = "SELECT text FROM approval_requests WHERE hash = :hash"


def requested(tx: engine.Tx, digest: str) -> str | None:
    """The text of what was asked for; None if nothing was, or it is answered."""
    row = tx.execute(REQUESTED, {"hash": digest}).fetchone()
    return None if row is None else str(row["text"])
