"""How a face reaches the store's supervisor: starts it if nobody holds the lock, rings it, listens to it."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from batchproc.errors import SupervisorError
from batchproc.platform import doorbell, lock, processes
from batchproc.settings import Settings, variables

LOG_BYTES = 10 << 20  # a longer log is set aside when the next supervisor starts
START_S = 12.0  # how long a starting supervisor may take until it answers
START_AGAIN_S = 3.0  # one that lost a race to a dying holder is started again after this
ANSWER_S = 3.0

KEEP = frozenset({
    "HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TERM",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH", "PYTHONWARNINGS", "VIRTUAL_ENV",
})  # fmt: skip
"""What a supervisor needs of its starter's environment; everything else stays behind, credentials above all."""


def scrubbed(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment that a supervisor starts with, and its agents after it."""
    return {
        name: value
        for name, value in environ.items()
        if name in KEEP or name in variables() or name.startswith(("LC_", "XDG_"))
    }


class Launcher:
    """The way to one store's supervisor. Holds nothing open."""

    def __init__(self, settings: Settings, environ: Mapping[str, str] = os.environ) -> None:
        self._settings = settings
        self._environ = environ
        self._where = doorbell.address(settings.home)

    @property
    def is_alive(self) -> bool:
        """Held flock = alive."""
        return lock.is_held(self._settings.home / "supervisor.lock")

    async def ensure(self) -> Mapping[str, Any]:
        """Start the supervisor unless one lives, and return what it says of itself once it answers.

        Raises `SupervisorError` with the end of its log if it does not come up.
        """
        if (hello := await self._hello_unless_ending()) is not None:
            return hello
        self._settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        turn = lock.FileLock(self._settings.home / "launch.lock")  # of many starters one starts, the others wait for it
        try:
            return await self._start_and_wait(turn)
        finally:
            turn.release()

    async def _start_and_wait(self, turn: lock.FileLock) -> Mapping[str, Any]:
        now = asyncio.get_running_loop().time
        deadline, again_at = now() + START_S, now()
        while now() < deadline:
            if not self.is_alive and now() >= again_at and turn.acquire():
                again_at = now() + START_AGAIN_S
                self._start()
            await asyncio.sleep(0.02)
            if (hello := await self._hello_unless_ending()) is not None:
                return hello
        if (hello := await self.hello()) is not None and hello.get("ending"):
            raise SupervisorError("the supervisor is ending after its running agents; call again in half a minute")
        raise SupervisorError(f"the supervisor did not answer within {START_S:g} s; its log ends: {self._log_tail()}")

    async def _hello_unless_ending(self) -> Mapping[str, Any] | None:
        hello = await self.hello()
        return None if hello is None or hello.get("ending") else hello

    async def hello(self) -> Mapping[str, Any] | None:
        """What the supervisor says of itself (pid, epoch, since, jobs, agents, guard); None if none answers."""
        return await self._ask({"hello": True})

    async def hand_credentials(self, job_id: str, pays: Mapping[str, str]) -> bool:
        """Give the supervisor what a job pays with. It keeps it in memory only."""
        return await self._ask({"credentials": {"job_id": job_id, "variables": dict(pays)}}) is not None

    async def holds_credentials(self, job_id: str) -> bool:
        """Whether the supervisor was given what this job pays with."""
        reply = await self._ask({"holds": job_id})
        return reply is not None and bool(reply.get("holds"))

    async def ring(self) -> bool:
        """Something changed in the store: look. False: nobody was there to hear it, or only one who is about to end."""
        return await self._ask({"ring": True}) is not None

    async def stop(self, *, now: bool) -> bool:
        """Ask the supervisor to end: after its running units, or at once with `now`. False: none was alive."""
        return await self._ask({"stop": "now" if now else "drain"}) is not None

    async def changes(self, *, aside: bool = False) -> AsyncGenerator[int, None]:
        """The number of the last committed event, whenever it grows. Ends when no supervisor is there (any more); one
        that has nothing to do stays for who listens, but not for who stands `aside`."""
        with contextlib.suppress(OSError, ValueError):
            async with contextlib.aclosing(doorbell.watch(self._where, aside=aside)) as news:
                async for seq in news:
                    yield seq

    async def _ask(self, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        try:
            reply = await doorbell.ask(self._where, request, timeout_s=ANSWER_S)
        except (OSError, ValueError):
            return None
        return None if "error" in reply else reply

    def _start(self) -> None:
        home = self._settings.home
        environ = {**scrubbed(self._environ), "BATCHPROC_HOME": str(home)}
        set_aside(home / "supervisor.log")
        argv = [sys.executable, "-m", "batchproc", "supervisor", "run"]
        processes.detach(argv, env=environ, log=home / "supervisor.log", cwd=home)

    def _log_tail(self) -> str:
        try:
            text = (self._settings.home / "supervisor.log").read_text("utf-8", "replace")
        except OSError:
            return "(no log)"
        return " | ".join(text.strip().splitlines()[-5:]) or "(empty)"


def set_aside(log: Path) -> None:
    """Keep one old log beside the new one."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > LOG_BYTES:
            log.replace(log.with_name(f"{log.name}.1"))
