"""The composition root: the only file that names concrete classes and introduces them to each other."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from batchproc import answers, present
from batchproc.dashboards import Dashboards
from batchproc.errors import InvalidJob, SupervisorError
from batchproc.launcher import Launcher
from batchproc.service import BatchService
from batchproc.settings import Settings
from batchproc.store.db import Database, make_private


def make_home(settings: Settings) -> None:
    """Make the store's folder, which nobody else may enter. Raises `StoreError` if it is somebody else's."""
    make_private(settings.home)


@asynccontextmanager
async def open_service(
    settings: Settings, environ: Mapping[str, str] = os.environ, *, by: str = "python"
) -> AsyncIterator[BatchService]:
    """The service over the store in `settings.home`, for the face `by`."""
    async with Database(settings.home) as store:
        service = BatchService(store, Launcher(settings, environ), settings, environ=environ, clock=time.time, by=by)
        try:
            yield service
        finally:
            await service.close()


async def supervisor_status(settings: Settings) -> answers.SupervisorAnswer:
    """Whether a supervisor lives, and what it says of itself. Needs no store."""
    launcher = Launcher(settings)
    return present.supervisor(await launcher.hello(), alive=launcher.is_alive)


async def stop_supervisor(settings: Settings, *, now: bool = False) -> bool:
    """Ask the supervisor to end. False: none was alive. Needs no store: it may be one that only an older supervisor can
    open."""
    return await Launcher(settings).stop(now=now)


async def open_dashboard(
    settings: Settings,
    environ: Mapping[str, str] = os.environ,
    *,
    job_id: str | None = None,
    port: int | None = None,
    socket: Path | None = None,
    at_terminal: bool = False,
) -> answers.DashboardAnswer:
    """A one-time link to the dashboard, which is started in the background unless one serves. Needs no store.

    Raises `InvalidJob` if one serves elsewhere than is asked for, `SupervisorError` if none comes up.
    """
    way = Dashboards(settings, environ)
    await way.ensure(port, socket)
    found = await way.link(None if job_id is None else f"/jobs/{quote(job_id, safe='')}", at_terminal=at_terminal)
    if found is None:
        raise SupervisorError(f"the dashboard does not answer; see {settings.home / 'dashboard.log'}")
    if port not in {None, 0, found["port"]} or str(socket or found["socket"]) != str(found["socket"]):
        serves = f"port {found['port']}" + (f" and {found['socket']}" if found["socket"] else "")
        field, value = ("port", port) if port not in {None, 0, found["port"]} else ("socket", str(socket))
        way_out = f"it serves at {serves} already; end it first: `batchproc dashboard --stop`"
        raise InvalidJob(field, value, way_out)
    return present.dashboard(found)


async def dashboard_link(
    settings: Settings, environ: Mapping[str, str] = os.environ, *, at_terminal: bool = False
) -> answers.DashboardAnswer:
    """A new link to the dashboard that serves; without `url` if none does."""
    return present.dashboard(await Dashboards(settings, environ).link(at_terminal=at_terminal))


async def stop_dashboard(settings: Settings) -> bool:
    """Ask the dashboard to end. False: none was alive."""
    return await Dashboards(settings).stop()


async def run_supervisor(settings: Settings) -> str:
    """Be the supervisor of the store in `settings.home`; returns why it ended."""
    from batchproc.agents import guard
    from batchproc.agents.checker import Checker
    from batchproc.agents.claude import ClaudeAgent
    from batchproc.platform import processes
    from batchproc.supervisor import process

    make_private(settings.home)
    warm_ups: list[asyncio.Task[None]] = []

    async def hire(tag: str) -> process.Hired:
        await asyncio.to_thread(processes.sweep, guard.TAG, f"{tag}:", prefix=True)
        tied = await guard.probe(guard.find_cli() or Path("claude"))
        agent = ClaudeAgent(guard=tied, slots=settings.slots, tag=tag)
        warm_ups.append(asyncio.create_task(agent.warm_up(), name="warm up"))
        checker = Checker(guard=tied, tag=tag)
        return process.Hired(agent=agent, guard=tied.level, sandbox=tied.sandbox, mark=guard.TAG, checker=checker)

    return await process.run(settings, hire)
