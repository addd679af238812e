"""The store's file: how it is opened, written (one writer, group commit) and read (snapshots).

Callers queue a change and await its commit; whatever is queued goes into one transaction, at `synchronous=FULL`, so
that what was acknowledged survives a kill and a power cut.
"""

import asyncio
import logging
import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, cast

import aiosqlite

from batchproc.errors import StoreError
from batchproc.platform import lock
from batchproc.store import apart, engine, migrations, together, troubles

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

OLDER = "end it with `batchproc supervisor stop` (running agents go back to the queue), then call again"
BATCH = 512  # changes in one transaction, at most
BUSY_MS = 15_000  # how long a writer waits for another process's transaction


class _Thread(aiosqlite.Connection):
    """A connection on its own thread that takes a whole function in one hop, not a statement a hop."""

    async def run(self, function: Callable[[engine.Tx], T]) -> T:
        result: T = await self._execute(function, self._conn)  # type: ignore[no-untyped-call]
        return result


class Database:
    """An open store. An async context manager; `write` and `read` take a verb of the store and its arguments."""

    def __init__(self, home: Path, *, checkpoints: bool = False) -> None:
        """`checkpoints`: this process is the supervisor, the only one to checkpoint under an old SQLite."""
        self.home = home
        self.path = home / "batch.db"
        self._is_supervisor = checkpoints
        self._checkpoints = checkpoints or engine.is_safe()
        self._committer = together.Committer()
        self._queue: list[tuple[together.Change, asyncio.Future[Any]]] = []
        self._work = asyncio.Event()
        self._closing = False
        self._after_commit: list[Callable[[], None]] = []

    async def __aenter__(self) -> Self:
        make_private(self.home)
        await asyncio.to_thread(_create, self.home, self.path, by_supervisor=self._is_supervisor)
        self._write_thread = await self._connect(_writer)
        self._read_thread = await self._connect(_reader)
        if not self._checkpoints:
            log.warning(
                "SQLite %s has the WAL-reset bug; only the supervisor checkpoints", engine.sqlite.sqlite_version
            )
            await self._write_thread.run(lambda tx: tx.execute("PRAGMA wal_autocheckpoint = 0"))
        self._writer_task = asyncio.create_task(self._commit_forever(), name="store writer")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._work.set()
        await self._writer_task
        await self._read_thread.close()
        await self._write_thread.close()

    def after_commit(self, announce: Callable[[], None]) -> None:
        """Call `announce()` on the event loop after each of this process's commits."""
        self._after_commit.append(announce)

    async def write(self, verb: Callable[Concatenate[engine.Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `verb(tx, …)` in the next transaction and return its result once that is committed.

        An error of the verb undoes that verb alone. A verb may be run twice, undone in between: it must touch nothing
        but `tx`. A caller that is cancelled may find its change made.
        """
        if self._closing:
            raise StoreError("the store is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append((partial(_call, verb, args, kwargs), future))
        self._work.set()
        return await future

    async def read(self, verb: Callable[Concatenate[engine.Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `verb(tx, …)` on one snapshot of the committed state, beside any writer."""
        try:
            return await self._read_thread.run(partial(_in_snapshot, partial(_call, verb, args, kwargs)))
        except engine.sqlite.DatabaseError as error:
            raise self._in_our_words(error) from error

    async def read_apart(self, verb: Callable[Concatenate[engine.Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Like `read`, for what takes long: on a thread and a connection of its own, so that nobody waits for it.

        Cancelled, it interrupts what the verb reads, and waits until the verb has ended.
        """
        look = partial(_in_snapshot, partial(_call, verb, args, kwargs))
        try:
            return cast("T", await apart.run(partial(_reader, self.path), look))
        except engine.sqlite.DatabaseError as error:
            raise self._in_our_words(error) from error

    async def _connect(self, prepare: Callable[[Path], engine.Tx]) -> _Thread:
        thread = _Thread(partial(prepare, self.path), 64)
        thread._thread.daemon = True  # a process that must end does not wait for a connection nobody closed
        await thread
        return thread

    async def _commit_forever(self) -> None:
        while not (self._closing and not self._queue):
            await self._work.wait()
            self._work.clear()
            while self._queue:
                batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
                await self._commit(batch)

    async def _commit(self, batch: list[tuple[together.Change, asyncio.Future[Any]]]) -> None:
        try:
            outcomes = await self._write_thread.run(partial(self._committer.commit, [change for change, _ in batch]))
        except Exception as error:
            outcomes = [error] * len(batch)
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if future.done():
                continue
            if isinstance(outcome, BaseException):
                future.set_exception(self._in_our_words(outcome))
            else:
                future.set_result(outcome)
        for announce in self._after_commit:
            announce()

    def _in_our_words(self, error: BaseException) -> BaseException:
        if (said := troubles.told(self.path, error)) is None:
            return error
        trouble = StoreError(said)
        trouble.__cause__ = error
        return trouble


def _call(verb: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any], tx: engine.Tx) -> T:
    return verb(tx, *args, **kwargs)


def _in_snapshot(look: together.Change, tx: engine.Tx) -> Any:
    tx.execute("BEGIN")
    try:
        return look(tx)
    finally:
        tx.execute("ROLLBACK")


def make_private(home: Path) -> None:
    """Make the store's folder, or refuse it: before anything is put there, since it has to be empty, or ours."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_IMODE(home.stat().st_mode) != 0o700:
            if any(home.iterdir()) and not (home / "batch.db").exists():
                raise StoreError(
                    f"{home} holds other things and is open to others; set BATCHPROC_HOME to a folder of its own"
                )
            home.chmod(0o700)
    except OSError as error:
        raise StoreError(f"{home} cannot be used as the store ({error.strerror}); set BATCHPROC_HOME") from None


def _create(home: Path, path: Path, *, by_supervisor: bool) -> None:
    """Create or migrate the file, one process at a time; not under a supervisor that knows the older schema only."""
    try:
        with lock.exclusive(home / "store.lock", patience_s=15):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            connection = _writer(path)
            try:
                if not by_supervisor and migrations.is_older(connection) and lock.is_held(home / "supervisor.lock"):
                    raise StoreError(f"a supervisor of an older batchproc works on {home}; {OLDER}")
                migrations.migrate(connection, path)
            finally:
                connection.close()
    except (OSError, engine.sqlite.Error) as error:
        raise StoreError(troubles.told(path, error) or f"{path} cannot be opened as a store: {error}") from error


def _writer(path: Path) -> engine.Tx:
    connection = engine.sqlite.connect(str(path), isolation_level=None, timeout=BUSY_MS / 1000, cached_statements=256)
    connection.row_factory = engine.sqlite.Row
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _reader(path: Path) -> engine.Tx:
    uri = f"{path.as_uri()}?mode=ro"
    connection = engine.sqlite.connect(uri, uri=True, isolation_level=None, timeout=BUSY_MS / 1000)
    connection.row_factory = engine.sqlite.Row
    connection.execute("PRAGMA query_only = ON")
    return connection
