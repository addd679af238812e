"""How a face reaches the store's dashboard: starts it if nobody serves, asks it for a link, ends it."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from batchproc import credentials
from batchproc.errors import SupervisorError
from batchproc.launcher import scrubbed, set_aside
from batchproc.platform import doorbell, lock, processes
from batchproc.settings import Settings
from batchproc.store import db

START_S = 15.0  # how long a starting dashboard may take until it answers
ANSWER_S = 3.0
PROGRAM = "batchproc.interfaces.http_serving"


def address(home: Path) -> Path:
    """Where the dashboard of the store in `home` is asked for links."""
    return doorbell.address(home, "dashboard")


class Dashboards:
    """The way to one store's dashboard. Holds nothing open."""

    def __init__(self, settings: Settings, environ: Mapping[str, str] = os.environ) -> None:
        self._settings, self._environ = settings, environ
        self._log = settings.home / "dashboard.log"

    @property
    def is_alive(self) -> bool:
        """Held flock = alive."""
        return lock.is_held(self._settings.home / "dashboard.lock")

    async def hello(self) -> Mapping[str, Any] | None:
        """What it says of itself (pid, port, socket, since, version, ending); None if none answers."""
        return await self._ask({"hello": True})

    async def link(self, path: str | None = None, *, at_terminal: bool = False) -> Mapping[str, Any] | None:
        """The same with a new one-time `link`. It is handed what jobs are paid with here, to keep in memory only.
        `at_terminal`: a person sits there, who may approve programs in the browser that the link opens."""
        pays = dict(credentials.variables(self._environ))
        return await self._ask({"link": path, "pays": pays, "at_terminal": at_terminal})

    async def stop(self) -> bool:
        """Ask it to end. False: none was alive."""
        return await self._ask({"stop": True}) is not None

    async def ensure(self, port: int | None = None, socket: Path | None = None) -> Mapping[str, Any]:
        """Start one unless one serves, and return what it says of itself. Of many starters one wins; all meet it.

        Raises `SupervisorError` with the end of its log if it does not come up.
        """
        now = asyncio.get_running_loop().time
        deadline, process = now() + START_S, None
        while now() < deadline:
            hello = await self.hello()
            if hello is not None and not hello.get("ending"):
                return hello
            if process is None and not self.is_alive:
                process = await asyncio.to_thread(self._start, _arguments(port, socket))
            if process is not None and not processes.identity(process) and not self.is_alive:
                break
            await asyncio.sleep(0.05)
        raise SupervisorError(f"the dashboard did not come up; its log ends: {self._log_tail()}")

    async def _ask(self, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        try:
            reply = await doorbell.ask(address(self._settings.home), request, timeout_s=ANSWER_S)
        except (OSError, ValueError):
            return None
        return None if "error" in reply else reply

    def _start(self, arguments: Sequence[str]) -> int:
        home = self._settings.home
        db.make_private(home)
        environ = {**scrubbed(self._environ), "BATCHPROC_HOME": str(home)}
        set_aside(self._log)
        argv = [sys.executable, "-m", PROGRAM, *arguments]
        return processes.detach(argv, env=environ, log=self._log, cwd=home)

    def _log_tail(self) -> str:
        try:
            text = self._log.read_text("utf-8", "replace")
        except OSError:
            return "(no log)"
        return " | ".join(text.strip().splitlines()[-5:]) or "(empty)"


def _arguments(port: int | None, socket: Path | None) -> list[str]:
    at_port = [] if port is None else ["--port", str(port)]
    return [*at_port, *([] if socket is None else ["--socket", str(socket)])]
