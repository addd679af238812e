"""What one has narrowed down can be sent to somebody: it stands in the address, whole, and opens as it was."""

import re

from playwright.async_api import Page, expect

from tests.browser.seeding import Seed

MOVES = re.compile(r"just now|\d[\d.]* (s|min|h|d) ago|\d\d:\d\d(:\d\d)?|in \d.*? (s|ms)\b")


async def test_units(serve, open_tab):
    async with serve(Seed(units=2_000)) as (dashboard, jobs), open_tab(dashboard) as tab:
        page = tab.page
        await tab.go(f"/jobs/{jobs[0].job_id}/units")
        await page.get_by_role("navigation", name="By status").get_by_role("link", name="failed").click()
        await page.get_by_role("searchbox").fill("overloaded_error")
        await expect(page).to_have_url(re.compile("text=overloaded_error"))
        await page.get_by_text("Columns", exact=True).click()
        await page.get_by_role("checkbox", name="vip").check()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("columnheader", name="vip")).to_be_visible()
        await _is_a_permalink(tab, ["status=failed", "text=overloaded_error", "cols="])
        await tab.page.evaluate("document.querySelector('[role=grid]').scrollTop = 5 * 33")
        await expect(page).to_have_url(re.compile("row=5"))
        await _is_a_permalink(tab, ["row=5"])


async def test_a_group_of_failures(serve, open_tab):
    async with serve(Seed(units=400)) as (dashboard, jobs), open_tab(dashboard) as tab:
        await tab.go(f"/jobs/{jobs[0].job_id}")
        group = tab.page.get_by_role("region", name="Failures").get_by_title("All units of this group").first
        size = int(await group.inner_text())
        await group.click()
        await expect(tab.page.get_by_text(f"{size} units match")).to_be_visible()
        await _is_a_permalink(tab, ["signature="])


async def test_jobs(serve, open_tab):
    seeds = Seed(name="tickets"), Seed(name="letters"), Seed(name="letters", state="ready")
    async with serve(*seeds) as (dashboard, _), open_tab(dashboard) as tab:
        page = tab.page
        await page.get_by_role("navigation", name="Jobs by status").get_by_role("link", name="completed").click()
        await page.get_by_role("searchbox").fill("letters")
        await expect(page).to_have_url(re.compile("text=letters"))
        await expect(page.get_by_role("main").get_by_role("link", name="letters")).to_have_count(1)
        await _is_a_permalink(tab, ["status=completed", "text=letters"])


async def test_logs(serve, open_tab):
    async with serve(Seed(units=20)) as (dashboard, jobs), open_tab(dashboard) as tab:
        await tab.go(f"/logs?job_id={jobs[0].job_id}")
        await tab.page.get_by_label("Level").select_option("warning")
        await tab.page.get_by_label("Source").select_option("agent")
        await tab.page.get_by_label("Text").fill("retry")
        await expect(tab.page.get_by_text("retry in 5 s").first).to_be_visible()
        await expect(tab.page.get_by_text("the agent's process ended")).to_have_count(0)
        await _is_a_permalink(tab, ["job_id=", "level=warning", "source=agent", "text=retry"])


async def test_a_question(serve, open_tab):
    async with serve(Seed(units=60)) as (dashboard, jobs), open_tab(dashboard) as tab:
        await tab.go(f"/jobs/{jobs[0].job_id}/query")
        asked = "SELECT out_category, COUNT(*) AS n FROM results WHERE out_refund GROUP BY 1 ORDER BY 1"
        await tab.page.get_by_label("One SELECT of the table results").fill(asked)
        await tab.page.get_by_role("button", name="Run").click()
        await expect(tab.page.get_by_role("region", name="Rows").get_by_role("row")).not_to_have_count(0)
        await _is_a_permalink(tab, ["sql=SELECT"])


async def _is_a_permalink(tab, parts: list[str]) -> None:
    """Its address holds these parts, and shows the same when it is opened anew."""
    await tab.settled()
    assert [part for part in parts if part not in tab.page.url] == []
    before, address = await _seen(tab.page), tab.page.url
    other = await tab.context.new_page()
    await other.goto(address)
    await expect(other.get_by_role("heading", level=1)).to_be_visible()
    await expect(other.locator(".loading")).to_have_count(0)
    assert await _seen(other) == before
    assert other.url == address
    await other.close()


async def _seen(page: Page) -> str:
    """All that the page says, but for times that pass, once nothing of it changes any more."""
    said = ""
    for _ in range(40):
        now = MOVES.sub("…", await page.inner_text("main"))
        if now == said:
            return now
        said = now
        await page.wait_for_timeout(250)
    raise AssertionError(f"the page does not come to rest: {said[-300:]}")
