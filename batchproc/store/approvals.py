"""What a person allowed, and what waits for one, by the hash of its exact description."""

from dataclasses import dataclass
from datetime import datetime

from batchproc import approvals
from batchproc.models import Job, Order
from batchproc.store import engine, events, jobs, rows

APPROVE = """
INSERT OR IGNORE INTO approvals (hash, text, approved_at, approved_by) VALUES (:hash, :text, :now, :by)
"""


ANSWERED = "DELETE FROM approval_requests WHERE hash = :hash"


def approve(tx: engine.Tx, digest: str, text: str, order: Order, *, job: int | None = None, now: float) -> bool:
    """Record the approval. False: it was given before."""
    tx.execute(ANSWERED, {"hash": digest})
    ask_anew(tx, digest)
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
    ask_anew(tx, digest)
    tx.execute(ASK, {"hash": digest, "text": text, "now": now, "by": order.by})


REQUESTED = "SELECT text FROM approval_requests WHERE hash = :hash"


def requested(tx: engine.Tx, digest: str) -> str | None:
    """The text of what was asked for; None if nothing was, or it is answered."""
    row = tx.execute(REQUESTED, {"hash": digest}).fetchone()
    return None if row is None else str(row["text"])


ASK_ANEW = "DELETE FROM refusals WHERE hash = :hash"


def ask_anew(tx: engine.Tx, digest: str) -> None:
    """It waits for a person again, whatever was said before."""
    tx.execute(ASK_ANEW, {"hash": digest})


REFUSE = "INSERT OR IGNORE INTO refusals (hash, refused_at, refused_by) VALUES (:hash, :now, :by)"
IS_REFUSED = "SELECT 1 FROM refusals WHERE hash = :hash"


def refuse(tx: engine.Tx, digest: str, *, by: str, job: int | None = None, now: float) -> bool:
    """A person does not allow it. False: he said so before, or it was allowed meanwhile."""
    if is_approved(tx, digest):
        return False
    asked = tx.execute(ANSWERED, {"hash": digest}).rowcount
    refused = 0 if job is None else tx.execute(REFUSE, {"hash": digest, "now": now, "by": by}).rowcount
    if not asked and not refused:
        return False
    events.append(tx, "programs.declined", at=now, job=job, data={"hash": digest, "by": by})
    return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What a source would run, that was asked for and is not answered."""

    hash: str
    text: str
    at: datetime
    by: str


REQUESTS = "SELECT hash, text, asked_at, asked_by FROM approval_requests ORDER BY asked_at DESC LIMIT 200"


def requests(tx: engine.Tx) -> list[Request]:
    """The newest first."""
    return [
        Request(hash=row["hash"], text=row["text"], at=rows.certain(row["asked_at"]), by=row["asked_by"])
        for row in tx.execute(REQUESTS)
    ]


NOT_ENDED = f"""
SELECT {jobs.COLUMNS} FROM jobs WHERE status IN ('ready', 'pilot', 'review', 'running', 'paused') AND deleting = 0
"""  # noqa: S608 - our own columns


def of_jobs(tx: engine.Tx) -> list[tuple[Job, approvals.Approval]]:
    """Jobs that have not ended and wait for an approval that nobody gave or refused, the newest first."""
    found = [(job, approvals.needed(job.options)) for job in map(rows.job, tx.execute(NOT_ENDED).fetchall())]
    waiting = [(job, one) for job, one in found if one is not None and not _is_answered(tx, one.hash)]
    return sorted(waiting, key=lambda one: -one[0].number)


def _is_answered(tx: engine.Tx, digest: str) -> bool:
    values = {"hash": digest}
    return any(tx.execute(sql, values).fetchone() for sql in (IS_APPROVED, IS_REFUSED))
