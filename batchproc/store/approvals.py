"""What a person allowed, by the hash of its exact description."""

from batchproc.models import Order
from batchproc.store import engine, events

APPROVE = """
INSERT OR IGNORE INTO approvals (hash, text, approved_at, approved_by) VALUES (:hash, :text, :now, :by)
"""


def approve(tx: engine.Tx, digest: str, text: str, order: Order, *, job: int, now: float) -> bool:
    """Record the approval. False: it was given before."""
    if not tx.execute(APPROVE, {"hash": digest, "text": text, "now": now, "by": order.by}).rowcount:
        return False
    events.append(tx, "programs.approved", at=now, job=job, data={"hash": digest, "by": order.by})
    return True


IS_APPROVED = "SELECT 1 FROM approvals WHERE hash = :hash"


def is_approved(tx: engine.Tx, digest: str) -> bool:
    return tx.execute(IS_APPROVED, {"hash": digest}).fetchone() is not None
