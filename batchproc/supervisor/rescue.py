"""What a new supervisor finds: units that a dead one left running, and how they go on."""

import logging
import random
from collections.abc import Callable

from batchproc import judge, retry
from batchproc.models import Cause, Outcome, Settlement, UnitStatus, Verdict
from batchproc.store import db, units

log = logging.getLogger(__name__)

LOST = "worker lost: the supervisor was killed or the machine stopped"
OUTCOME = Outcome(verdict=Verdict.FAILED, cause=Cause.WORKER_LOST, message=LOST, signature=judge.signature(LOST))


async def rescue(
    store: db.Database,
    epoch: int,
    *,
    backoff: retry.Backoff,
    clock: Callable[[], float],
    jitter: Callable[[], float] = random.random,
) -> int:
    """Give every unit left running back to the queue, or fail it if that was its last attempt. Returns how many.

    A lost attempt is charged: nobody knows what it did.
    """
    left = await store.read(units.left_running, epoch=epoch)
    for fence, charged, max_attempts in left:
        decision = retry.decide(
            OUTCOME, attempt=1, charged=charged, max_attempts=max_attempts, backoff=backoff, jitter=jitter
        )
        await store.write(units.rescue, fence, _end(decision.status), epoch=epoch, now=clock())
    if left:
        log.warning("rescued %d units that a dead supervisor left running", len(left))
    return len(left)


def _end(status: UnitStatus) -> Settlement:
    failed = status is UnitStatus.FAILED
    return Settlement(
        status=status,
        outcome="lost",
        error=OUTCOME.message,
        signature=OUTCOME.signature if failed else None,
        reason=None if failed else "rescued",
    )
