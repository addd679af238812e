"""What this machine can carry: memory for one more agent, room on the disk. Asked before agents are started."""

import asyncio
import errno
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from batchproc.models import Hold, Pause
from batchproc.platform import memory

AGENT_MB = 200.0
"""What an agent is taken to need until it was measured: its CLI takes 100 to 160 MB, and its tools some."""
LOOK_EVERY_S = 5.0
YOUNG_S = 10.0
"""An agent so young has not taken its memory yet."""
MB = 1 << 20
DISK_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG})


@dataclass(slots=True)
class Machine:
    """`tag_variable` and `tag` mark the agents' processes. Looks at most every few seconds; in between it counts on."""

    home: Path
    tag_variable: str
    tag: str
    memory_reserve_mb: float
    disk_reserve_mb: float
    agent_mb: float = AGENT_MB
    _available_mb: float | None = None
    _disk_mb: float | None = None
    _looked: float = field(default=float("-inf"))

    async def look(self, now: float, agents: int) -> None:
        """Measure, if that is due. `now` is monotonic; `agents` is how many are at work."""
        if now - self._looked < LOOK_EVERY_S:
            return
        self._looked = now
        self._available_mb, used, self._disk_mb = await asyncio.to_thread(self._measure)
        if agents and used:
            self.agent_mb = max(AGENT_MB, self.agent_mb * 0.8, sum(used) / agents)

    def _measure(self) -> tuple[float | None, list[float], float]:
        free = shutil.disk_usage(self.home).free / MB
        return memory.available_mb(), memory.of_marked_mb(self.tag_variable, f"{self.tag}:"), free

    def agents_that_fit(self, young: int, margin: float = 1.0) -> int:
        """How many more agents may start. `young` were started so lately that they still have to take their memory."""
        if self._available_mb is None:
            return 1 << 20
        return int((self._available_mb - self.memory_reserve_mb * margin) // self.agent_mb) - young

    def trouble(self, agents: int, young: int, now_wall: float, *, margin: float = 1.0) -> Hold | None:
        """Why nothing can be started, although nothing of ours runs that would end one day. `margin` asks for so much
        more room than is needed."""
        again = now_wall + LOOK_EVERY_S
        if self._disk_mb is not None and self._disk_mb < self.disk_reserve_mb * margin:
            needed = f"{self.disk_reserve_mb * margin:g} MB are needed"
            said = f"{self._disk_mb:.0f} MB are left on the disk of {self.home}; {needed}"
            return Hold(reason=Pause.DISK, detail=said, resume_at=again)
        if agents == 0 and self.agents_that_fit(young, margin) < 1:
            said = (
                f"{self._available_mb:.0f} MB of memory are left; an agent takes {self.agent_mb:.0f} MB and "
                f"{self.memory_reserve_mb * margin:g} MB are kept for the rest of the machine"
            )
            return Hold(reason=Pause.MEMORY, detail=said, resume_at=again)
        return None


def is_disk_trouble(error: OSError) -> bool:
    """Whether the disk is full or fails, rather than something else of the machine."""
    return error.errno in DISK_ERRNOS
