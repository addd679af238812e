"""What the supervisor's own log says, kept in the store as well: people look for a cause there, not in a file."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Self

from batchproc.errors import StoreError
from batchproc.store import db, logs

ROOT = "batchproc"
MOST_WAITING = 1_000
"""Lines that wait for the store; what comes while it cannot be written is in the file only."""
LAST_WORDS_S = 2.0
LEVELS = {logging.INFO: "info", logging.WARNING: "warning", logging.ERROR: "error", logging.CRITICAL: "error"}


class Chronicle(logging.Handler):
    """An async context manager: as long as it is open, lines of `batchproc` from INFO on are kept, in their order.

    `discreet` takes secrets out of a text. A line may say what it is about: `extra=about(job, unit)`, by their numbers.
    """

    def __init__(self, store: db.Database, discreet: Callable[[str], str]) -> None:
        super().__init__(logging.INFO)
        self._store, self._discreet = store, discreet
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[logging.LogRecord | None] = asyncio.Queue(MOST_WAITING)

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write(), name="chronicle")
        logging.getLogger(ROOT).addHandler(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logging.getLogger(ROOT).removeHandler(self)
        await asyncio.sleep(0)  # what was said last is noted by then
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                await self._waiting.put(None)
                await self._writer

    def emit(self, record: logging.LogRecord) -> None:
        """From whichever thread it is said."""
        self._loop.call_soon_threadsafe(self._note, record)

    def _note(self, record: logging.LogRecord) -> None:
        if not self._waiting.full():
            self._waiting.put_nowait(record)

    async def _write(self) -> None:
        while (record := await self._waiting.get()) is not None:
            try:
                await self._keep(record)
            except StoreError:  # the file has it
                continue
            except Exception:  # a line that cannot be said, or not so: it must not silence those after it
                self.handleError(record)

    async def _keep(self, record: logging.LogRecord) -> None:
        where = {"job": getattr(record, "job", None), "unit": getattr(record, "unit", None)}
        level = LEVELS.get(record.levelno, "info")
        await self._store.write(
            logs.append, self._said(record), at=record.created, source="supervisor", level=level, **where
        )

    def _said(self, record: logging.LogRecord) -> str:
        """Its line, and of an error what it was; where in our code is in the file only."""
        said = record.getMessage()
        if record.exc_info and (error := record.exc_info[1]) is not None:
            said += f": {type(error).__name__}: {error}"
        return self._discreet(said)


def about(job: int, unit: int | None = None) -> dict[str, int | None]:
    """What a line is about, by its numbers in the store."""
    return {"job": job, "unit": unit}
