"""What batchproc needs on this machine, looked at one by one, each with the way out."""

import asyncio
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from batchproc import credentials
from batchproc.agents import guard
from batchproc.errors import BatchprocError, CredentialMissing
from batchproc.launcher import Launcher
from batchproc.platform import jail
from batchproc.settings import Settings
from batchproc.store import db, engine, processes


class Check(BaseModel):
    """One thing looked at. Without a required one batchproc does not work."""

    name: str
    ok: bool
    required: bool
    found: str
    way_out: str = ""


async def examine(settings: Settings, environ: Mapping[str, str] = os.environ) -> list[Check]:
    """Every check, in the order in which one would mend them. Changes nothing but the store's own first opening."""
    cli = guard.find_cli()
    probed = None if cli is None else await guard.probe(cli)
    return [
        _cli(cli),
        _credential(environ),
        await _store(settings),
        _sqlite(),
        _guard(probed),
        _sandbox(probed),
        await _jail(),
        await _supervisor(settings, environ),
    ]


def _cli(cli: Path | None) -> Check:
    version = guard.cli_version(cli) if cli else None
    return Check(
        name="Claude Code CLI",
        ok=version is not None,
        required=True,
        found=f"{version} at {cli}" if cli else "not found",
        way_out="reinstall batchproc: the CLI comes with the claude-agent-sdk package",
    )


def _credential(environ: Mapping[str, str]) -> Check:
    try:
        found, ok, way_out = credentials.choose(None, environ).value, True, ""
    except CredentialMissing as error:
        found, ok, way_out = 'none; jobs with model "rehearsal" and the demo work', False, str(error)
    return Check(name="credential", ok=ok, required=False, found=found, way_out=way_out)


async def _store(settings: Settings) -> Check:
    try:
        async with db.Database(settings.home) as store:
            await store.write(processes.store_id, now=time.time())
    except BatchprocError as error:
        way_out = "set BATCHPROC_HOME to a folder of yours on a local disk"
        return Check(name="store", ok=False, required=True, found=str(error), way_out=way_out)
    return Check(name="store", ok=True, required=True, found=f"{settings.home} is writable")


def _sqlite() -> Check:
    return Check(
        name="SQLite",
        ok=engine.is_safe(),
        required=False,
        found=engine.sqlite.sqlite_version,
        way_out="older than 3.51.3 has a WAL bug that several writers can trip over; install pysqlite3 0.6.1 or newer",
    )


def _guard(probed: guard.Guard | None) -> Check:
    return Check(
        name="guard",
        ok=probed is not None and probed.level == "full",
        required=False,
        found="unknown without the CLI" if probed is None else f"{probed.level} ({probed.name})",
        way_out="an agent's children may outlive a killed supervisor until the next one starts; on Linux allow user "
        "namespaces and install util-linux (setpriv, unshare) or bubblewrap",
    )


def _sandbox(probed: guard.Guard | None) -> Check:
    """As the guard's own probe found it: a shell inside it could not read, write or connect where it must not."""
    missing = [name for name in ("bwrap", "socat") if shutil.which(name) is None]
    ok = probed is not None and probed.sandbox
    return Check(
        name="sandbox for profile full",
        ok=ok,
        required=False,
        found="stands inside the guard"
        if ok
        else f"missing: {', '.join(missing)}"
        if missing
        else "does not hold here",
        way_out="install bubblewrap and socat, and allow user namespaces; without it jobs of profile full pause",
    )


async def _jail() -> Check:
    """What a source that is a program runs in."""
    found = await asyncio.to_thread(jail.best)
    return Check(
        name="sandbox for dynamic sources",
        ok=found is not None,
        required=False,
        found=f"stands ({found})" if found else "none holds here",
        way_out="on Linux install bubblewrap and allow user namespaces; without it `dynamic` sources are refused",
    )


async def _supervisor(settings: Settings, environ: Mapping[str, str]) -> Check:
    launcher = Launcher(settings, environ)
    hello = await launcher.hello()
    found = f"alive, pid {hello['pid']}, epoch {hello['epoch']}" if hello else "asleep; it starts when a job needs it"
    ok = hello is not None or not launcher.is_alive
    way_out = f"it holds the lock but does not answer; see {settings.home / 'supervisor.log'}"
    return Check(name="supervisor", ok=ok, required=False, found=found if ok else "does not answer", way_out=way_out)
