"""How changes that wait together become one transaction, in which each is done, or undone alone."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from batchproc.store import engine, sayings

log = logging.getLogger(__name__)

Change = Callable[[engine.Tx], Any]

BROKEN = "the index of what was said is broken (%s); looking whether the rest of the store's file is sound"
MADE_ANEW = (
    "the index of what was said was made anew, empty: nothing else is lost, and searches say that there may be more "
    "until all units are in it again"
)


class Committer:
    """Commits changes. What it could not mend once, it does not try to mend again."""

    def __init__(self) -> None:
        self._is_beyond_us = False

    def commit(self, changes: Sequence[Change], tx: engine.Tx) -> list[Any]:
        """Run all changes in one transaction; each returns its result or the error that undid it alone.

        Errors are rare, so the first try does without savepoints; an error undoes it all, and all run once more with
        them. If the index of what was said is at fault, it is made anew, and all run once more.
        """
        for run in (_plainly, _alone_unless_broken):
            try:
                return _committed([partial(run, one) for one in changes], tx)
            except Exception as error:
                if engine.is_unavailable(error):  # the disk, not a change: another try would only wait as long again
                    raise
                if sayings.may_be_broken(error):
                    return self._mended(changes, tx, error)
                if run is not _plainly:
                    raise
        raise AssertionError("the second run returns or raises")

    def _mended(self, changes: Sequence[Change], tx: engine.Tx, error: Exception) -> list[Any]:
        if not self._is_beyond_us:
            log.warning(BROKEN, error)
            if sayings.is_all_that_is_broken(tx):
                try:
                    once_more = [partial(_alone_unless_broken, one) for one in changes]
                    outcomes = _committed([sayings.make_anew, *once_more], tx)
                except Exception as again:
                    if engine.is_unavailable(again):
                        raise
                    log.error("the index of what was said cannot be made anew: %s", again)
                else:
                    log.warning(MADE_ANEW)
                    return outcomes[1:]
            self._is_beyond_us = True
        return _committed([partial(_alone, one) for one in changes], tx)


def _committed(changes: Sequence[Change], tx: engine.Tx) -> list[Any]:
    tx.execute("BEGIN IMMEDIATE")
    try:
        outcomes = [change(tx) for change in changes]
        tx.execute("COMMIT")
    except BaseException:
        if tx.in_transaction:
            tx.execute("ROLLBACK")
        raise
    return outcomes


def _plainly(change: Change, tx: engine.Tx) -> Any:
    return change(tx)


def _alone(change: Change, tx: engine.Tx) -> Any:
    tx.execute("SAVEPOINT change")
    try:
        outcome = change(tx)
    except Exception as error:
        if not tx.in_transaction:  # SQLite gave up the whole transaction: disk full, I/O error
            raise
        tx.execute("ROLLBACK TO change")
        outcome = error
    tx.execute("RELEASE change")
    return outcome


def _alone_unless_broken(change: Change, tx: engine.Tx) -> Any:
    outcome = _alone(change, tx)
    if isinstance(outcome, Exception) and sayings.may_be_broken(outcome):
        raise outcome
    return outcome
