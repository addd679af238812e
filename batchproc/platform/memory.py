"""How much memory is left for agents, and how much they take."""

import contextlib
from pathlib import Path

from batchproc.platform import processes

MB = 1 << 20
_CGROUP = Path("/sys/fs/cgroup")


def available_mb() -> float | None:
    """Memory that can be had without swapping: the machine's, or what the control group leaves of it. None: unknown
    here (macOS has no such figure)."""
    if not processes.LINUX:
        return None
    found = [_meminfo("MemAvailable"), _left_in_group()]
    return min((mb for mb in found if mb is not None), default=None)


def of_marked_mb(variable: str, prefix: str) -> list[float]:
    """Megabytes (PSS: shared pages are shared out) of every process whose environment says `variable=prefix…`."""
    mark = f"{variable}={prefix}".encode()
    return [mb for pid, _ in processes.marked(mark, prefix=True) if (mb := _pss(pid)) is not None]


def _meminfo(name: str) -> float | None:
    for line in (processes.PROC / "meminfo").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return None


def _left_in_group() -> float | None:
    """What control group version 2 leaves, if one is set; its page cache can be had back."""
    with contextlib.suppress(OSError, ValueError):
        limit = int((_CGROUP / "memory.max").read_text())
        used = int((_CGROUP / "memory.current").read_text())
        stat = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
        return (limit - used + int(stat.get("inactive_file", 0))) / MB
    return None


def _pss(pid: int) -> float | None:
    with contextlib.suppress(OSError):
        for line in (processes.PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return None
