"""Pure: what may still be started under a job's caps. Money is reserved before it is spent."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchproc.models import REHEARSAL, AgentOptions
from batchproc.models.spec import UNITS_IN_A_BUDGET
from batchproc.prices import dollars, price_of

WINDOW = 200_000
"""Tokens that one request is taken to read before enough was measured: all that most models take."""
FRAME = 20_000
"""Tokens that every request holds beside the job's own texts: the tools, what the CLI says, a few turns of talk."""
BYTES_PER_TOKEN = 2.5
"""Fewer than in any language that was looked at, so that a unit's size is not taken for too few tokens."""
MOST_OF_A_FILE = 400_000
"""Bytes of a file that one request is taken to hold: the Read tool gives out no more in a few turns."""
GROWTH = 1.25
"""A request may turn out this much larger than the largest one that was measured."""
ENOUGH = 5
"""Attempts that have to be measured before the largest of their requests is trusted."""
DUST = 1e-9  # dollars: what adding up floating point numbers may be off by


@dataclass(frozen=True, kw_only=True, slots=True)
class Spending:
    """What a job has spent, and what its running attempts may still: dollars, tokens, units begun, seconds."""

    cost_usd: float
    reserved_usd: float
    tokens: int
    begun: int
    active_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """How many attempts may start, how many of them for units that were never started; and the cap that says so."""

    attempts: int
    fresh: int
    reached: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reservation:
    """The most that one attempt can cost: its cap, which the CLI looks at after each request, and one last request.

    `shared` is the bytes that every request of the job holds beside a unit's data: its instructions, above all.
    `largest_request` is the largest one of the `measured` attempts of the job so far, in tokens; 0: none was. Agents of
    the rehearsal model are free.
    """

    options: AgentOptions
    shared: int
    largest_request: int
    measured: int = ENOUGH

    def usd(self, size: int) -> float:
        """For a unit of `size` bytes. Before enough was measured its agent might send all that a model takes."""
        known = self.largest_request > 0 and self.measured >= ENOUGH
        return self._usd(max(0 if known else WINDOW, self._seen(size)))

    def alone_usd(self, size: int) -> float:
        """The same for one that runs alone, to be measured: by what is known so far, and its own size."""
        return self._usd(self._seen(size))

    def _seen(self, size: int) -> float:
        return max(self.largest_request * GROWTH, _tokens(self.shared + size))

    def _usd(self, read: float) -> float:
        if self.options.model == REHEARSAL:
            return 0.0
        last = price_of(self.options.model).request_usd(read=read, written=self.options.max_output_tokens)
        return self.options.unit_cap_usd + last


def request_usd(options: AgentOptions, largest_request: int, *, shared: int = 0) -> float:
    """What one request costs that brought no answer, if it read as much as the largest before it (0: none was)."""
    return price_of(options.model).request_usd(read=largest_request * GROWTH or _tokens(shared), written=0)


def _tokens(size: int) -> float:
    """Of a request that holds so many bytes of the job's beside what every request holds."""
    return FRAME + size / BYTES_PER_TOKEN


def size_of(payload: Mapping[str, Any], written: int) -> int:
    """Bytes that a unit may add to a request: its payload, `written` bytes long, and the file that it names."""
    file = payload.get("file_size")
    return written + (min(file, MOST_OF_A_FILE) if isinstance(file, int) and "file_path" in payload else 0)


def room(options: AgentOptions, spending: Spending, *, want: int) -> Room:
    """How many of `want` attempts may start under the caps for tokens, time and units. What runs is not held back by
    them: they stop the next one."""
    if options.max_total_tokens is not None and spending.tokens >= options.max_total_tokens:
        said = f"{spending.tokens:,} of {options.max_total_tokens:,} tokens (max_total_tokens) are used"
        return Room(attempts=0, fresh=0, reached=said)
    if options.max_wall_s is not None and spending.active_s >= options.max_wall_s:
        return Room(attempts=0, fresh=0, reached=f"it has run for {options.max_wall_s:g} s (max_wall_s)")
    fresh = want if options.max_units is None else max(0, options.max_units - spending.begun)
    if fresh < want:
        return Room(attempts=want, fresh=fresh, reached=f"max_units ({options.max_units:,}) units were started")
    return Room(attempts=want, fresh=want)


def fitting(options: AgentOptions, spending: Spending, needs: Sequence[float]) -> int:
    """How many of the attempts that need so many dollars, taken in turn, fit under the budget."""
    left = options.budget_usd - spending.cost_usd - spending.reserved_usd + DUST
    for count, need in enumerate(needs):
        left -= need
        if left < 0 < need:
            return count
    return len(needs)


def enough_usd(options: AgentOptions, spending: Spending, need: float) -> float:
    """A budget under which one more attempt fits that needs so much now; its cap may grow with the budget."""
    taken = spending.cost_usd + spending.reserved_usd
    if options.unit_budget_usd is not None:
        return math.ceil((taken + need) * 100) / 100
    last = need - options.unit_cap_usd
    return math.ceil((taken + last) / (1 - 1 / UNITS_IN_A_BUDGET) * 100) / 100


def no_money(options: AgentOptions, spending: Spending, need: float) -> str:
    """Why nothing fits under the budget."""
    reserved = dollars(spending.reserved_usd)
    held = f" and {reserved} are reserved for running agents" if spending.reserved_usd > DUST else ""
    spent, most, cap = dollars(spending.cost_usd), dollars(options.budget_usd), dollars(options.unit_cap_usd)
    enough = f"{enough_usd(options, spending, need):.2f}"
    return (
        f"{spent} of the budget of {most} are spent{held}; one more attempt may cost {dollars(need)} (its cap of {cap} "
        f"and one last request); budget_usd {enough} is enough for it"
    )
