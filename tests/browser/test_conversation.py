"""The page of a unit: what each turn read and cost, what tools did, and two answers of it compared."""

import json
import time

from playwright.async_api import expect

from batchproc.store import db, events
from tests.browser.seeding import Seed
from tests.browser.words import key

PICTURE = {"type": "image", "source": "[image/png, 12 kB, not kept]"}
SAID = (
    ("agent.thinking", {"text": "hm", "read": {"tokens": 1_000, "cache_read": 3_000, "usd": 0.00013}}),
    (
        "agent.tool_use",
        {"id": "e", "name": "Edit", "input": {"file_path": "/a", "old_string": "red", "new_string": "blue"}},
    ),
    ("agent.tool_result", {"id": "e", "content": [{"type": "text", "text": "done"}, PICTURE]}),
    ("agent.text", {"text": "ready", "read": {"tokens": 2_000}}),
)
ONE = "SELECT job, number FROM units WHERE key = :key"


async def test_a_turn_says_what_it_read_and_cost_and_a_call_opens_to_what_went_in_and_came_out(serve, open_tab):
    async with serve(Seed(units=3, told=0)) as (dashboard, jobs), open_tab(dashboard) as tab:
        async with db.Database(dashboard.home) as store:
            job, unit = await store.read(lambda tx: tuple(tx.execute(ONE, {"key": key(2)}).fetchone()))
            for kind, data in SAID:
                where = {"job": job, "unit": unit, "attempt": 1}
                await store.write(events.append, kind, at=time.time(), data=data, **where)
        await tab.go(f"/jobs/{jobs[0].job_id}/units/{key(2)}")
        talk = tab.page.get_by_role("region", name="Conversation")
        await expect(talk).to_contain_text("turn 1 · 4,000 tokens read, 75 % from the cache, for $0.00013")
        await expect(talk).to_contain_text("turn 2 · 2,000 tokens read")
        call = talk.locator("details.call")
        assert "red" not in await call.inner_text(), "it is folded"
        await call.locator("summary").click()
        for shown in ("red", "blue", "done", "image/png, 12 kB, not kept"):
            await expect(call).to_contain_text(shown)
        assert await call.locator("img").count() == 0


async def test_two_answers_are_compared_line_by_line_and_the_address_says_which(serve, open_tab):
    async with serve(Seed(units=3, told=0, structured=False)) as (dashboard, jobs), open_tab(dashboard) as tab:
        async with db.Database(dashboard.home) as store:
            job, unit = await store.read(lambda tx: tuple(tx.execute(ONE, {"key": key(2)}).fetchone()))
            await store.write(lambda tx: tx.execute(SECOND, {"unit": unit}).rowcount)
            for attempt, text in ((1, "the same\nit was red"), (2, "the same\nit is blue")):
                where = {"job": job, "unit": unit, "attempt": attempt}
                await store.write(events.append, "agent.text", at=time.time(), data={"text": text}, **where)
        await tab.go(f"/jobs/{jobs[0].job_id}/units/{key(2)}?a=1&b=2")
        compared = tab.page.locator("details.compare")
        for shown in ("the same", "it was red", "it is blue"):
            await expect(compared.get_by_text(shown, exact=False).first).to_be_visible()
        assert json.loads(await compared.evaluate(SIDES)) == {"before": "1", "after": "2"}


SECOND = """
INSERT INTO attempts (unit, n, epoch, started_at, finished_at, outcome, charged, cost_usd, input_tokens, output_tokens,
    cache_read_tokens, cache_write_tokens, turns, trial)
SELECT unit, 2, epoch, started_at + 1, finished_at + 1, outcome, 1, 0, 0, 0, 0, 0, 1, trial FROM attempts
WHERE unit = :unit AND n = 1
"""
SIDES = """(one) => {
  const [before, after] = [...one.querySelectorAll("select")].map((select) => select.value);
  return JSON.stringify({before, after});
}"""
