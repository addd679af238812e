"""What is the same on every page: themes, the ways between pages, keys, and that it fits a phone."""

import re

import pytest
from playwright.async_api import expect

from tests.browser import watching
from tests.browser.seeding import Seed
from tests.browser.words import key

PAPER = "getComputedStyle(document.body).backgroundColor"


async def test_the_theme_is_the_systems_until_one_is_chosen_and_then_stays(serve, open_tab):
    async with serve() as (dashboard, _), open_tab(dashboard, theme="dark") as tab:
        dark = await tab.page.evaluate(PAPER)
        switch = tab.page.get_by_role("button", name="Colours")
        await switch.click()
        await expect(switch).to_have_accessible_name("Colours: light")
        light = await tab.page.evaluate(PAPER)
        assert light != dark
        await tab.page.reload()
        await tab.settled()
        assert await tab.page.evaluate(PAPER) == light
        await switch.click()
        await expect(switch).to_have_accessible_name("Colours: dark")
        assert await tab.page.evaluate(PAPER) == dark


async def test_back_and_forward_go_through_the_pages_as_they_were(serve, open_tab):
    async with serve(Seed(units=300)) as (dashboard, _), open_tab(dashboard) as tab:
        page = tab.page
        await page.get_by_role("link", name="Support tickets: triage").first.click()
        await page.get_by_role("link", name="Units", exact=True).click()
        await page.get_by_role("navigation", name="By status").get_by_role("link", name="failed").click()
        await expect(page.get_by_role("row").nth(1)).to_contain_text(key(7))
        await page.go_back()
        await expect(page.get_by_role("row").nth(1)).to_contain_text(key(1))
        await page.go_back()
        await expect(page).to_have_url(re.compile(r"/jobs/job-\w+$"))
        await page.go_back()
        await expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
        for _ in range(3):
            await page.go_forward()
        await expect(page).to_have_url(re.compile(r"\?.*status=failed"))
        await expect(page.get_by_role("row").nth(1)).to_contain_text(key(7))


async def test_whoever_has_no_mouse_reaches_a_unit_and_comes_back(serve, open_tab):
    async with serve(Seed(units=300)) as (dashboard, jobs), open_tab(dashboard) as tab:
        page = tab.page
        await tab.go(f"/jobs/{jobs[0].job_id}/units")
        await expect(page.get_by_role("row").nth(1)).to_contain_text(key(1))
        for press in ("j", "j", "j", "k"):
            await page.keyboard.press(press)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_contain_text(key(2))
        await page.go_back()
        await expect(page.get_by_role("grid")).to_be_focused()
        await page.keyboard.press("x")
        await expect(page.get_by_role("region", name="What is selected")).to_contain_text("1 unit selected")
        await page.keyboard.press("/")
        await page.keyboard.type("error_max_turns")
        await expect(page.get_by_role("row").nth(1)).to_contain_text("error_max_turns")
        assert "text=error_max_turns" in page.url
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("searchbox")).not_to_be_focused()
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("note")).to_contain_text("error_max_turns")


async def test_the_first_tab_stop_leads_past_the_navigation(serve, open_tab):
    async with serve() as (dashboard, _), open_tab(dashboard) as tab:
        await tab.go("/logs")
        await tab.page.keyboard.press("Tab")
        await expect(tab.page.get_by_role("link", name="To the content")).to_be_focused()
        await tab.page.keyboard.press("Enter")
        assert await tab.page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("size", [watching.WIDE, watching.PHONE], ids=["wide", "phone"])
async def test_what_is_not_there_says_so_and_shows_a_way_on(serve, open_tab, size):
    async with serve() as (dashboard, _), open_tab(dashboard, size=size) as tab:
        tab.forgive("404")
        await tab.go("/nowhere")
        await expect(tab.page.get_by_role("heading", name="There is no such page")).to_be_visible()
        await tab.go("/jobs/job-0000000000")
        await expect(tab.page.get_by_role("heading", name="There is no such job")).to_be_visible()
        await expect(tab.page.get_by_role("main").get_by_role("link", name="All jobs")).to_be_visible()


async def test_in_a_low_window_the_table_of_units_can_have_nearly_all_of_it(serve, open_tab):
    """As of a zoom of 200 %."""
    low = (640, 400)
    async with serve(Seed(units=300)) as (dashboard, jobs), open_tab(dashboard, size=low) as tab:
        await tab.go(f"/jobs/{jobs[0].job_id}/units")
        await expect(tab.page.get_by_role("row").nth(1)).to_contain_text(key(1))
        await expect(tab.page.get_by_role("row").nth(3)).to_be_in_viewport(ratio=0.9)
        under = tab.page.get_by_role("status").filter(has_text="300 units")
        await under.scroll_into_view_if_needed()
        await expect(under).to_be_in_viewport()
        table = await tab.page.get_by_role("grid").bounding_box()
        assert table["height"] > 300
