"""Work on many rows, a little at a time: the writer is held for so long and no longer, whatever a row costs there."""

import time
from collections.abc import Callable


def repeat(some: Callable[[], int], *, for_s: float, clock: Callable[[], float] = time.perf_counter) -> int:
    """Do `some`, which says how many rows it did, until it does none, or the next time would probably be too much.

    Returns how many rows were done; 0: there were none.
    """
    begun = now = clock()
    done = 0
    while n := some():
        done += n
        before, now = now, clock()
        if now - begun + (now - before) > for_s:
            break
    return done
