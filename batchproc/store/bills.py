"""Bills: what an attempt came to, and all of a job's together, in money, tokens and time."""

from typing import Any

from batchproc import budget
from batchproc.models import FINAL, Cause, Report, Settlement, Tokens
from batchproc.store import engine, rows


def of_attempt(end: Settlement, row: engine.Row) -> dict[str, Any]:
    """What is known of the cost; where no bill came, what was reserved for it."""
    report, tokens = end.report, end.report.tokens if end.report else Tokens()
    billed = not end.started or (report is not None and report.billed)
    cost = (report.cost_usd if report else 0.0) if billed else max(row["reserved_usd"], _known_cost(report))
    if report is not None and billed and report.cut_off:  # the API may charge for the request that was under way
        largest = report.largest_request or row["largest_request"]
        cut = budget.request_usd(rows.load_options(row["options"]), largest, shared=row["shared"])
        cost = max(cost, min(row["reserved_usd"], cost + cut))
        billed = cost == report.cost_usd
    return {
        "cost_usd": cost,
        "billed": int(billed),
        "turns": report.turns if report else 0,
        "tokens": tokens.total,
        "input": tokens.input,
        "output_tokens": tokens.output,
        "cache_read": tokens.cache_read,
        "cache_write": tokens.cache_write,
    }


def _known_cost(report: Report | None) -> float:
    return report.cost_usd if report else 0.0


COST_OF = "SELECT cost_usd FROM attempts WHERE unit = :unit AND n = :n AND billed = 1"


def cost_before(tx: engine.Tx, unit: int, resumed_from: int | None, end: Settlement) -> float:
    """What the attempt whose conversation went on had cost, if its bill is known: it was not wasted after all."""
    if resumed_from is None or end.cause is Cause.NO_CONVERSATION or end.report is None or not end.report.api_calls:
        return 0.0
    row = tx.execute(COST_OF, {"unit": unit, "n": resumed_from}).fetchone()
    return float(row["cost_usd"]) if row else 0.0


def add_up(tx: engine.Tx, job: int, end: Settlement, bill: dict[str, Any], *, before: float) -> None:
    """Add the bill to the job's. `before` is what an attempt cost that turns out to have been of use."""
    measured = max(1, end.report.largest_request) if end.report and end.report.api_calls else 0  # 0: nothing was
    wasted = bill["cost_usd"] if end.status not in FINAL else 0.0
    add(
        tx,
        job,
        bill["cost_usd"],
        bill["tokens"],
        cache_read=bill["cache_read"],
        cache_write=bill["cache_write"],
        wasted_usd=wasted - before,
        saved_usd=before,
        largest_request=measured,
    )


ADD = """
UPDATE jobs SET cost_usd = cost_usd + :cost_usd, tokens = tokens + :tokens, wasted_usd = wasted_usd + :wasted_usd,
    saved_usd = saved_usd + :saved_usd, cache_read = cache_read + :cache_read, cache_write = cache_write + :cache_write,
    largest_request = MAX(largest_request, :largest_request),
    measured = measured + (:largest_request > 0)
WHERE number = :number
"""


def add(
    tx: engine.Tx,
    number: int,
    cost_usd: float,
    tokens: int,
    *,
    cache_read: int = 0,
    cache_write: int = 0,
    wasted_usd: float = 0.0,
    saved_usd: float = 0.0,
    largest_request: int = 0,
) -> None:
    """What an attempt came to. `wasted_usd` and `saved_usd` may be negative: what was wasted turns out to be of use."""
    values = {"cost_usd": cost_usd, "tokens": tokens, "wasted_usd": wasted_usd, "saved_usd": saved_usd}
    values |= {"cache_read": cache_read, "cache_write": cache_write}
    if any(values.values()) or largest_request:
        tx.execute(ADD, {"number": number, "largest_request": largest_request, **values})


ADD_TIME = "UPDATE jobs SET active_s = active_s + :seconds WHERE number = :number AND status IN ('pilot', 'running')"


def add_time(tx: engine.Tx, number: int, seconds: float) -> None:
    tx.execute(ADD_TIME, {"number": number, "seconds": seconds})
