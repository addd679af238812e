"""A blocking iterator, read one step ahead on a thread of its own, awaited from the event loop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class ReadAhead(Generic[T]):
    """`async for` over a blocking iterator, holding at most `depth` values that nobody took yet.

    The thread is a daemon: a source that hangs cannot keep the process from ending. `stop` makes it close the iterator
    at its next step.
    """

    def __init__(self, source: Iterator[T], *, depth: int = 2) -> None:
        self._source = source
        self._free = threading.Semaphore(depth)
        self._stopped = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._values: asyncio.Queue[tuple[bool, T | BaseException | None]] = asyncio.Queue()
        self._thread = threading.Thread(target=self._read, name="read ahead", daemon=True)

    def stop(self) -> None:
        """Take no more. Returns at once."""
        self._stopped.set()
        self._free.release()

    async def __aiter__(self) -> AsyncIterator[T]:
        self._thread.start()
        try:
            while True:
                more, value = await self._values.get()
                if isinstance(value, BaseException):
                    raise value
                if not more or value is None:
                    return
                yield value
                self._free.release()
        finally:
            self.stop()

    def _read(self) -> None:
        try:
            for value in self._source:
                self._free.acquire()
                if self._stopped.is_set():
                    break
                self._hand(True, value)
            self._hand(False, None)
        except BaseException as error:
            self._hand(False, error)
        finally:
            close = getattr(self._source, "close", None)
            if close is not None:
                close()

    def _hand(self, more: bool, value: T | BaseException | None) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._values.put_nowait, (more, value))
