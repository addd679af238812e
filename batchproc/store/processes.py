"""Who owns the store: one supervisor at a time, each takeover with the next epoch."""

import uuid

from batchproc.errors import TakenOver
from batchproc.store import engine, events

OPEN = "INSERT OR IGNORE INTO store (one, store_id, created_at) VALUES (1, :store_id, :now)"
STORE_ID = "SELECT store_id FROM store"


def store_id(tx: engine.Tx, *, now: float) -> str:
    """The store's own name, given once."""
    tx.execute(OPEN, {"store_id": uuid.uuid4().hex, "now": now})
    return str(tx.execute(STORE_ID).fetchone()[0])


TAKE_OVER = "INSERT INTO supervisors (process, guard, started_at) VALUES (:process, :guard, :now)"


def take_over(tx: engine.Tx, *, process: str, guard: str, now: float) -> int:
    """Own the store: returns the new epoch. Writes of earlier epochs change nothing from here on."""
    epoch = int(tx.execute(TAKE_OVER, {"process": process, "guard": guard, "now": now}).lastrowid)
    events.append(tx, "supervisor.started", at=now, data={"epoch": epoch, "guard": guard})
    return epoch


CURRENT = "SELECT MAX(epoch) FROM supervisors"


def require_current(tx: engine.Tx, epoch: int) -> None:
    """Raises `TakenOver` if a newer supervisor owns the store."""
    if tx.execute(CURRENT).fetchone()[0] != epoch:
        raise TakenOver(f"a newer supervisor owns this store; epoch {epoch} is over")


RETIRE = """
UPDATE supervisors SET ended_at = :now, ended_by = :why WHERE epoch = :epoch AND ended_at IS NULL
"""


def retire(tx: engine.Tx, epoch: int, *, why: str, now: float) -> None:
    """The supervisor says goodbye. One that was killed never does."""
    if tx.execute(RETIRE, {"epoch": epoch, "why": why, "now": now}).rowcount:
        events.append(tx, "supervisor.ended", at=now, data={"epoch": epoch, "why": why})
