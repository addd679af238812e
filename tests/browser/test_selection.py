"""What is done with many units at once is done with those that are marked in the table, and with no other."""

import pytest
from playwright.async_api import expect

from batchproc.store import db
from tests.browser.conftest import seeded
from tests.browser.seeding import Seed
from tests.browser.words import each_end, key

UNITS = 300
FAILED = [key(place) for place in range(1, UNITS + 1) if each_end(place) == "failed"]


@pytest.fixture
async def pending():
    async def read(dashboard) -> set[str]:
        async with db.Database(dashboard.home) as store:
            sql = "SELECT key FROM units WHERE status = 'pending'"
            return await store.read(lambda tx: {row["key"] for row in tx.execute(sql)})

    return read


def row(tab, unit: str):
    return tab.page.get_by_role("row").filter(has_text=unit)


async def retry(tab, units: str) -> None:
    await tab.page.get_by_role("region", name="What is selected").get_by_role("button", name="Retry…").click()
    asked = tab.page.get_by_role("dialog")
    await asked.get_by_role("button", name=f"Retry {units}", exact=True).click()
    await expect(asked).to_have_count(0)
    await expect(tab.page.get_by_role("region", name="What is selected").get_by_role("status")).to_be_empty()


async def test_marked_ones_run_again_and_no_others(tmp_path, open_tab, pending):
    seed = Seed(units=UNITS, mix=each_end, told=0, model="rehearsal")
    async with seeded(tmp_path, seed, answers=True) as (dashboard, jobs), open_tab(dashboard) as tab:
        await tab.go(f"/jobs/{jobs[0].job_id}/units?status=failed")
        await row(tab, FAILED[0]).get_by_role("checkbox").click()
        await row(tab, FAILED[4]).get_by_role("checkbox").click(modifiers=["Shift"])
        chosen = tab.page.get_by_role("region", name="What is selected")
        await expect(chosen).to_contain_text("5 units selected")
        await row(tab, FAILED[2]).get_by_role("checkbox").click()
        await expect(chosen).to_contain_text("4 units selected")
        await retry(tab, "4 units")
        wanted = {FAILED[n] for n in (0, 1, 3, 4)}
        assert await pending(dashboard) == wanted
        await expect(row(tab, FAILED[2])).to_be_visible()
        await expect(row(tab, FAILED[0])).to_have_count(0)


@pytest.mark.long
@pytest.mark.parametrize("text", ["", "&text=t-"])
async def test_all_that_match_but_one_run_again(tmp_path, open_tab, pending, text):
    seed = Seed(units=UNITS, mix=each_end, told=0, model="rehearsal")
    async with seeded(tmp_path, seed, answers=True) as (dashboard, jobs), open_tab(dashboard) as tab:
        await tab.go(f"/jobs/{jobs[0].job_id}/units?status=failed{text}")
        await row(tab, FAILED[0]).get_by_role("checkbox").click()
        await tab.page.get_by_role("button", name=f"All {len(FAILED)} that match").click()
        await row(tab, FAILED[1]).get_by_role("checkbox").click()
        await retry(tab, f"{len(FAILED) - 1} units")
        assert await pending(dashboard) == {*FAILED} - {FAILED[1]}
