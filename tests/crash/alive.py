"""Who is alive: processes that carry a store's mark, and how old they are."""

import os
import time
from pathlib import Path

from batchproc.agents import guard
from batchproc.platform import processes
from tests.conftest import wait_until

TICKS = os.sysconf("SC_CLK_TCK")


def now() -> float:
    """Seconds since boot, as the start of a process is counted."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def marked(tag: str, *, before: float | None = None) -> list[int]:
    """Living processes of agents of the store with this tag; with `before`, those that began by that moment."""
    found = processes.marked(f"{guard.TAG}={tag}:".encode(), prefix=True)
    return [pid for pid, started in found if before is None or int(started) / TICKS <= before]


async def seconds_until_gone(tag: str, moment: float, limit_s: float) -> float | None:
    """How long agents that began by `moment` are still alive after it; None: longer than `limit_s`."""
    try:
        await wait_until(lambda: not marked(tag, before=moment), "its agents are gone", limit_s - (now() - moment), 1)
    except AssertionError:
        return None
    return now() - moment


def of_home(home: Path) -> list[str]:
    """Agents and supervisors that were started below this store, by what is in their environment or on their command
    line: whatever their mark, even before the store has a name."""
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            environ = Path(f"/proc/{pid}/environ").read_bytes()
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        agent = b"BATCHPROC_AGENT=" in environ and str(home).encode() in environ
        if agent or (b"supervisor\0run" in command and str(home).encode() in environ):
            found.append(f"{pid}: {command[:200].replace(bytes(1), b' ').decode(errors='replace')}")
    return found


def is_running(pid: int) -> bool:
    """Whether the process is there, and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False
