"""A dashboard as a person has it: `batchproc dashboard` in a process of its own, over a store of a test's."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from batchproc import app, settings

START_S = 30
MAIN = "from batchproc.__main__ import main; main()"
ARGUMENTS = ("dashboard", "--no-browser", "--json")


class Dashboard:
    """One process that serves, and its first link. `prelude` is run in it before: what is to be otherwise there."""

    def __init__(self, environ: Mapping[str, str], prelude: str = "") -> None:
        self.environ = dict(environ)
        self._prelude = prelude
        self.port = 0
        self.link = ""

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def home(self) -> Path:
        return Path(self.environ["BATCHPROC_HOME"])

    async def start(self) -> None:
        """Serve; again at the same port, if it served before."""
        again = ["--port", str(self.port)] if self.port else ["--port", "0"]
        self._process = await self._run(*again)
        assert self._process.stdout is not None
        line = b""
        with contextlib.suppress(TimeoutError):
            line = await asyncio.wait_for(self._process.stdout.readuntil(b"}\n"), START_S)
        told = json.loads(line or b"{}")
        assert "url" in told, f"the dashboard did not come up: {line!r}"
        self.port, self.link = told["port"], told["url"]

    async def new_link(self) -> str:
        """As `batchproc dashboard --link` gives it while one serves."""
        found = await app.dashboard_link(settings.load(self.environ), self.environ, at_terminal=True)
        assert found.url is not None, "no dashboard serves"
        return found.url

    async def kill(self) -> None:
        """As the kernel ends a process that it has no memory for."""
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()

    async def end(self) -> None:
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(self._process.wait(), 15)

    async def _run(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            f"{self._prelude}\n{MAIN}",
            *ARGUMENTS,
            *arguments,
            env=self.environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )


@contextlib.asynccontextmanager
async def served(environ: Mapping[str, str], prelude: str = "") -> AsyncIterator[Dashboard]:
    """A dashboard that serves, and is gone afterwards."""
    dashboard = Dashboard(environ, prelude)
    await dashboard.start()
    try:
        yield dashboard
    finally:
        await dashboard.end()
