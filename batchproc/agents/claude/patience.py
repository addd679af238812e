"""How long an attempt is waited for: its time limit, its silence, and a moment for the bill when it is to stop."""

import time

HARVEST_S = 3.0
"""How long an agent that was told to stop may take to say what it cost."""


class Patience:
    """Monotonic: neither a clock that jumps nor a laptop that sleeps makes it run out."""

    def __init__(self, *, timeout_s: float, stall_s: float) -> None:
        self._began = self._heard = time.monotonic()
        self._timeout_s, self._stall_s = timeout_s, stall_s
        self._listens = True
        self._harvest: float | None = None
        self.ended = "result"

    @property
    def until(self) -> float:
        """The moment (of the monotonic clock) at which it runs out."""
        if self._harvest is not None:
            return self._harvest
        deadline = self._began + self._timeout_s
        return min(deadline, self._heard + self._stall_s) if self._listens else deadline

    @property
    def is_over(self) -> bool:
        """Whether the agent was told to stop, and did not even give its bill in time."""
        return self._harvest is not None and time.monotonic() >= self._harvest

    def heard(self, *, waits_for_tool: bool) -> None:
        """The agent said something. While a tool of its own is at work, silence means nothing."""
        self._heard, self._listens = time.monotonic(), not waits_for_tool

    def run_out(self) -> None:
        """It ran out: of time, or of silence."""
        self.stop("timeout" if time.monotonic() >= self._began + self._timeout_s else "stalled")

    def stop(self, ended: str) -> None:
        """The agent is told to stop for this reason; the first one counts."""
        if self._harvest is None:
            self.ended, self._harvest = ended, time.monotonic() + HARVEST_S

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began
