"""The supervisor as a process: its lock, its doorbell, its signals, its beginning and its end."""

import asyncio
import hashlib
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batchproc import retry
from batchproc.agents.base import Agent
from batchproc.agents.checker import Checker
from batchproc.platform import doorbell, lock
from batchproc.platform import processes as os_processes
from batchproc.settings import Settings
from batchproc.store import db, events, processes
from batchproc.supervisor import forget, publishing
from batchproc.supervisor.attempt import Attempts
from batchproc.supervisor.chronicle import Chronicle
from batchproc.supervisor.limits import Limits
from batchproc.supervisor.loop import Crew, Supervisor
from batchproc.supervisor.machine import Machine
from batchproc.supervisor.pauses import Pauses
from batchproc.supervisor.purse import Purse
from batchproc.supervisor.rescue import rescue
from batchproc.supervisor.tidy import tidy_after_the_dead
from batchproc.supervisor.warmth import Warmth
from batchproc.workers.base import Workers
from batchproc.workers.inline import InlineWorkers

log = logging.getLogger(__name__)

LOCK_PATIENCE_S = 2.0  # a holder that was just killed may keep it for an instant


@dataclass(frozen=True, kw_only=True)
class Hired:
    """An agent, how surely its processes end with us (`full` or `partial`), and whether a shell's walls work there.
    `mark` is the variable that marks its processes; `checker` runs jobs' checks in the same way."""

    agent: Agent
    guard: str
    sandbox: bool
    mark: str
    checker: Checker | None = None


Hire = Callable[[str], Awaitable[Hired]]
"""Gives the agent whose processes carry the tag, after ending every process of an older epoch of the store."""


async def run(settings: Settings, hire: Hire) -> str:
    """Be the supervisor of the store in `settings.home` until there is a reason to end; returns it.

    `taken` if another one holds the lock.
    """
    held = lock.FileLock(settings.home / "supervisor.lock")
    if not await asyncio.to_thread(held.acquire, LOCK_PATIENCE_S):
        log.info("another supervisor holds the lock; nothing to do")
        return "taken"
    try:
        return await _Post(settings, hire, held).serve()
    finally:
        held.release()


class _Post:
    """The supervisor's seat: answers the door from the first moment, and the rest once there is a supervisor in it."""

    def __init__(self, settings: Settings, hire: Hire, held: lock.FileLock) -> None:
        self._settings, self._hire, self._held = settings, hire, held
        self._supervisor: Supervisor | None = None
        self._seated = asyncio.Event()
        self._dirty = asyncio.Event()
        self._purse = Purse()
        self._since = datetime.now(UTC)
        self._guard = "partial"

    async def serve(self) -> str:
        async with AsyncExitStack() as stack:
            bell = doorbell.Doorbell(doorbell.address(self._settings.home), self._answer)
            await stack.enter_async_context(bell)
            store = await stack.enter_async_context(db.Database(self._settings.home, checkpoints=True))
            await stack.enter_async_context(self._purse)
            await stack.enter_async_context(Chronicle(store, self._purse.discreet))
            supervisor = await self._take_over(store, stack)
            store.after_commit(self._dirty.set)
            announcer = asyncio.create_task(self._announce(store, bell), name="announcer")
            stack.callback(announcer.cancel)
            forgetting = asyncio.create_task(
                forget.old_lines(store, days=self._settings.log_days, clock=time.time), name="forgetting"
            )
            stack.callback(forgetting.cancel)
            self._listen_to_signals(supervisor)
            self._supervisor = supervisor
            self._seated.set()
            why = await supervisor.run(lambda: bell.watchers)
            await store.write(processes.retire, supervisor.epoch, why=why, now=time.time())
            log.info("ended: %s", why)
            return why

    async def _take_over(self, store: db.Database, stack: AsyncExitStack) -> Supervisor:
        """End what an older epoch left, own the store, give its units back, open the slots."""
        settings = self._settings
        store_id = await store.write(processes.store_id, now=time.time())
        tag = tag_of(store_id, settings.home)
        hired = await self._hire(tag)
        self._guard = hired.guard
        me = ":".join(map(str, os_processes.identity() or ()))
        epoch = await store.write(processes.take_over, process=me, guard=hired.guard, now=time.time())
        log.info("supervisor of %s: pid %d, epoch %d, guard %s", settings.home, os.getpid(), epoch, hired.guard)
        await rescue(store, epoch, running=(), clock=time.time)
        await tidy_after_the_dead(store, settings.home)
        await publishing.sweep(store)
        workers = InlineWorkers(hired.agent, slots=settings.slots, pays=self._purse.pays)
        await stack.enter_async_context(workers)
        limits = self._limits(store, hired.mark, tag)
        await limits.load()
        return Supervisor(self._crew(store, workers, limits, hired), epoch=epoch)

    def _limits(self, store: db.Database, mark: str, tag: str) -> Limits:
        settings = self._settings
        machine = Machine(
            home=settings.home,
            tag_variable=mark,
            tag=tag,
            memory_reserve_mb=settings.memory_reserve_mb,
            disk_reserve_mb=settings.disk_reserve_mb,
        )
        return Limits(
            store=store,
            machine=machine,
            slots=settings.slots,
            backoff=retry.Backoff(first_s=settings.backoff_s, max_s=settings.backoff_max_s),
            payer=self._purse.fingerprint,
            clock=time.time,
        )

    def _crew(self, store: db.Database, workers: Workers, limits: Limits, hired: Hired) -> Crew:
        settings = self._settings
        attempts = Attempts(
            store=store,
            workers=workers,
            limits=limits,
            home=settings.home,
            backoff=limits.backoff,
            clock=time.time,
            redactor=self._purse.redactor,
            warmth=Warmth(hold_s=settings.cache_wait_s),
            checker=hired.checker,
        )
        pauses = Pauses(store=store, limits=limits, purse=self._purse, sandbox=hired.sandbox, clock=time.time)
        return Crew(
            store=store,
            attempts=attempts,
            limits=limits,
            pauses=pauses,
            settings=settings,
            clock=time.time,
            is_ours=self._held.is_in_place,
        )

    def _listen_to_signals(self, supervisor: Supervisor) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, supervisor.stop, "signal")

    async def _announce(self, store: db.Database, bell: doorbell.Doorbell) -> None:
        """Tell those who listen how far the events have come, some fifty times a second at most."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            await bell.announce(await store.read(events.last))
            await asyncio.sleep(0.02)

    async def _answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        await self._seated.wait()
        supervisor = self._supervisor
        if supervisor is None:
            return {"error": "not seated"}
        match request:
            case {"hello": True}:
                return {
                    "pid": os.getpid(),
                    "since": self._since.isoformat(),
                    "guard": self._guard,
                    "mode": "inline",
                    **supervisor.facts(),
                }
            case {"stop": ("now" | "drain") as how}:
                supervisor.stop(how)
            case _ if supervisor.is_ending:
                return {"error": "ending"}
            case {"credentials": {"job_id": str(job_id), "variables": dict(variables)}}:
                self._purse.put(job_id, variables)
            case {"holds": str(job_id)}:
                return {"holds": self._purse.holds(job_id)}
            case {"ring": True}:
                self._dirty.set()
                supervisor.ring()
            case _:
                return {"error": "unknown request; this supervisor knows hello, credentials, holds, ring, stop, watch"}
        return {"ok": True}  # and it is: the loop looks once more before it decides to end


def tag_of(store_id: str, home: Path) -> str:
    """Marks the processes of this store's agents; a copy of the store elsewhere has another tag."""
    place = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return f"{store_id[:12]}{place}"
