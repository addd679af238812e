"""What is forgotten with time: old log lines. Never events, answers, or what a job came to."""

import asyncio
import logging
from collections.abc import Callable

from batchproc.store import db, logs

log = logging.getLogger(__name__)

DAY_S = 86_400.0
EVERY_S = 3_600.0
REST_S = 0.05
"""Between two steps, so that others come to write."""


async def old_lines(store: db.Database, *, days: int, clock: Callable[[], float]) -> None:
    """Delete log lines that are older than `days`, again and again, until it is cancelled; 0: none ever."""
    while days:
        try:
            await prune(store, before=clock() - days * DAY_S, days=days)
        except Exception as error:  # it can wait
            log.warning("old log lines stay for now: %s", error)
        await asyncio.sleep(EVERY_S)


async def prune(store: db.Database, *, before: float, days: int) -> int:
    """Delete the lines from before that time, a little at a time, and say once how many."""
    gone = 0
    try:
        while n := await store.write(logs.prune, before=before):
            gone += n
            await asyncio.sleep(REST_S)
    finally:
        if gone:
            log.info("log lines older than %d days are deleted (BATCHPROC_LOG_DAYS): %d", days, gone)
    return gone
