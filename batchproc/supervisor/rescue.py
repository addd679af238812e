"""Units that are marked as running and that nobody runs: how they go on."""

import logging
from collections.abc import Callable, Collection

from batchproc import judge, ledger
from batchproc.models import AgentOptions, Cause, Settlement, UnitStatus
from batchproc.store import attempts, db, publications
from batchproc.supervisor import publishing

log = logging.getLogger(__name__)

LOST = "worker lost: the supervisor was killed, the machine stopped, or its attempt could not be followed"


async def rescue(store: db.Database, epoch: int, *, running: Collection[int], clock: Callable[[], float]) -> int:
    """Give every unit that runs nowhere back to the queue, or fail it if that was its last attempt. Returns how many.

    `running` are the numbers of the units that this supervisor runs. One whose files were promised is ended as that
    says. A lost attempt is charged: nobody knows what it
    did. Its conversation may go on in the next one.
    """
    lost = [found for found in await store.read(attempts.running) if found[0].unit not in running]
    for fence, charged, options in lost:
        if (promise := await store.read(publications.promised, fence)) is not None:
            await publishing.keep(store, promise, fence, epoch=epoch, clock=clock)
            continue
        end = _end(options, last=charged + 1 >= options.max_attempts)
        await store.write(attempts.rescue, fence, end, epoch=epoch, now=clock())
    if lost:
        log.warning("rescued %s that nobody ran any more", ledger.units(len(lost)))
    return len(lost)


def _end(options: AgentOptions, *, last: bool) -> Settlement:
    if last:
        signature = judge.signature(LOST)
        return Settlement(
            status=UnitStatus.FAILED, outcome="lost", cause=Cause.WORKER_LOST, error=LOST, signature=signature
        )
    return Settlement(
        status=UnitStatus.PENDING,
        outcome="lost",
        cause=Cause.WORKER_LOST,
        error=LOST,
        reason="rescued",
        resumable=options.resume,
    )
