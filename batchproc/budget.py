"""Pure: what may still be started under a job's caps. Money is reserved before it is spent."""

import math
from dataclasses import dataclass

from batchproc.models import REHEARSAL, AgentOptions
from batchproc.prices import price_of

UNMEASURED_REQUEST = 50_000
"""Tokens that one request is taken to read before any was measured: a long document, and a few turns of talk."""
GROWTH = 1.25
"""A request may turn out this much larger than the largest one that was measured."""
DUST = 1e-9  # dollars: what adding up floating point numbers may be off by


@dataclass(frozen=True, kw_only=True, slots=True)
class Spending:
    """What a job has spent, and what its running attempts may still: dollars, tokens, units begun."""

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


def reservation_usd(options: AgentOptions, largest_request: int) -> float:
    """The most that one attempt can cost: its cap, which the CLI looks at after each request, and one last request.

    `largest_request` is what was measured so far, in tokens; 0: nothing. Agents of the rehearsal model are free.
    """
    if options.model == REHEARSAL:
        return 0.0
    price = price_of(options.model)
    read = largest_request * GROWTH if largest_request else UNMEASURED_REQUEST
    return options.unit_cap_usd + price.request_usd(read=read, written=options.max_output_tokens)


def room(options: AgentOptions, spending: Spending, *, want: int, reserve_usd: float) -> Room:
    """How many of `want` attempts may start now. A cap for tokens or time holds nothing back: it stops at the next."""
    if options.max_total_tokens is not None and spending.tokens >= options.max_total_tokens:
        said = f"{spending.tokens:,} of {options.max_total_tokens:,} tokens (max_total_tokens) are used"
        return Room(attempts=0, fresh=0, reached=said)
    if options.max_wall_s is not None and spending.active_s >= options.max_wall_s:
        return Room(attempts=0, fresh=0, reached=f"it has run for {options.max_wall_s:g} s (max_wall_s)")
    fits = _fitting(options.budget_usd - spending.cost_usd - spending.reserved_usd, reserve_usd, want)
    fresh = want if options.max_units is None else max(0, options.max_units - spending.begun)
    if fits < want:
        return Room(attempts=fits, fresh=fresh, reached=_no_money(options, spending, reserve_usd))
    if fresh < want:
        return Room(attempts=fits, fresh=fresh, reached=f"{spending.begun:,} units (max_units) were started")
    return Room(attempts=want, fresh=want)


def _fitting(left_usd: float, reserve_usd: float, want: int) -> int:
    if reserve_usd <= 0:
        return want
    return max(0, min(want, math.floor((left_usd + DUST) / reserve_usd)))


def _no_money(options: AgentOptions, spending: Spending, reserve_usd: float) -> str:
    held = f" and ${spending.reserved_usd:.2f} are reserved for running agents" if spending.reserved_usd > DUST else ""
    return (
        f"${spending.cost_usd:.2f} of the budget of ${options.budget_usd:.2f} are spent{held}; one more attempt may "
        f"cost ${reserve_usd:.2f} (its cap of ${options.unit_cap_usd:.2f} and one last request)"
    )
