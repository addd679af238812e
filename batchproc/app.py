"""The composition root: the only file that names concrete classes and introduces them to each other."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from batchproc.launcher import Launcher
from batchproc.service import BatchService
from batchproc.settings import Settings
from batchproc.store.db import Database


@asynccontextmanager
async def open_service(settings: Settings, environ: Mapping[str, str] = os.environ) -> AsyncIterator[BatchService]:
    """The service over the store in `settings.home`, for a face."""
    async with Database(settings.home) as store:
        yield BatchService(store, Launcher(settings, environ), settings, environ=environ, clock=time.time)


async def run_supervisor(settings: Settings) -> str:
    """Be the supervisor of the store in `settings.home`; returns why it ended."""
    from batchproc.agents import guard
    from batchproc.agents.claude import ClaudeAgent
    from batchproc.platform import processes
    from batchproc.supervisor import process

    async def hire(tag: str) -> process.Hired:
        await asyncio.to_thread(processes.sweep, guard.TAG, tag, prefix=True)
        cli = guard.find_cli()
        tied = await guard.probe(cli) if cli else guard.NO_CLI
        agent = ClaudeAgent(guard=tied, slots=settings.slots, tag=tag)
        return process.Hired(agent=agent, guard=tied.level)

    return await process.run(settings, hire)
