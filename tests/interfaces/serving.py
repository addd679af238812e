"""A dashboard that really serves: a process, a port, a client."""

import asyncio
import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from batchproc import settings
from batchproc.dashboards import Dashboards
from batchproc.launcher import Launcher
from batchproc.platform import processes
from tests.conftest import wait_until
from tests.e2e.conftest import environment, put_to_rest


class Server:
    """One dashboard, and a program that asks it."""

    def __init__(self, environ: Mapping[str, str], hello: Mapping[str, Any]) -> None:
        self.environ, self.hello = environ, hello
        self.settings = settings.load(environ)
        self.home = self.settings.home
        self.way = Dashboards(self.settings, environ)
        self.url = f"http://127.0.0.1:{hello['port']}"
        self.headers = {"Authorization": f"Bearer {(self.home / 'tokens' / 'api').read_text().strip()}"}

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        return await asyncio.to_thread(self._ask, method, path, body, headers)

    def _ask(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> tuple[int, Any]:
        known = {"Content-Type": "application/json", **self.headers, **headers}
        data = None if method == "GET" else json.dumps(body or {}).encode()
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, known, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    async def kill(self) -> None:
        """As a crash would: nothing is tidied."""
        who = processes.identity(self.hello["pid"])
        os.kill(self.hello["pid"], signal.SIGKILL)
        await wait_until(lambda: who is None or not processes.is_alive(who), "the dashboard is dead", 10)


@asynccontextmanager
async def serving(environ: Mapping[str, str], **where: Any) -> AsyncIterator[Server]:
    known = settings.load(environ)
    way = Dashboards(known, environ)
    hello = await way.ensure(**where)
    try:
        yield Server(environ, hello)
    finally:
        await gone(way)


async def gone(way: Dashboards) -> None:
    hello = await way.hello()
    if hello is None:
        return
    who = processes.identity(hello["pid"])
    await way.stop()
    await wait_until(lambda: who is None or not processes.is_alive(who), "the dashboard has ended", 10)


@asynccontextmanager
async def serving_in(folder: Path, **more: str) -> AsyncIterator[Server]:
    """With a home of its own, and everything gone afterwards."""
    environ = environment(folder, **more)
    async with serving(environ) as server:
        yield server
    await put_to_rest(Launcher(settings.load(environ), environ))
