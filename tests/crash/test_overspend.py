"""Eight real agents at a time that cost real figures: the budget is nearly used, and never passed."""

import pytest

from batchproc.agents.rehearsal import Call, Reply
from batchproc.models import Tokens
from tests.crash import judge
from tests.crash.scale import SCALE
from tests.crash.test_overspend_scripted import AT_LEAST_USD, BUDGET_USD
from tests.crash.totals import Broken

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]
MODEL = "claude-haiku-4-5"  # 1 and 5 dollars for a million tokens, 1.25 for what is written to the cache
WRITTEN, CACHED = 256, 4_000
READ = int((SCALE.call_usd - WRITTEN * 5e-6 - CACHED * 1.25e-6) / 1e-6)


def dear(call: Call) -> Reply:
    return Reply(text="RESULT: ok", usage=Tokens(input=READ, output=WRITTEN, cache_write=CACHED), delay_s=0.3)


@pytest.mark.script.with_args(dear)
@pytest.mark.parametrize("round_", range(SCALE.overspends))
async def test_eight_dear_agents_at_a_time_stop_short_of_the_budget(house, totals, round_):
    units = int(1.5 * BUDGET_USD / SCALE.call_usd)
    options = {"model": MODEL, "profile": "answer", "max_concurrency": 8, "max_output_tokens": 256}
    source = {"type": "list", "items": list(range(units))}
    status = await house.run(
        "Do {{ value }}", source, 120, budget_usd=BUDGET_USD, unit_budget_usd=max(0.03, SCALE.call_usd), **options
    )
    store = house.service._store
    found = await store.read(judge.books)
    found.overspend_usd = (await store.read(judge.money, 1)).overspend_usd
    totals.units += units
    totals.add(found)
    spent = await store.read(lambda tx: tx.execute("SELECT cost_usd FROM jobs").fetchone()[0])
    if (status.status, status.reason) != ("paused", "budget") or not AT_LEAST_USD <= spent <= BUDGET_USD:
        raise Broken(f"{status.status} for {status.reason} at ${spent:.3f} of ${BUDGET_USD:.2f}: {status.detail}")
