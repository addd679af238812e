"""axe finds nothing serious on any page, light or dark, wide or on a phone; and none is wider than the window."""

from typing import get_args

import pytest

from tests.browser import axe, watching
from tests.browser.seeding import Seed
from tests.browser.watching import Theme
from tests.browser.words import key
from tests.shots import SMALL, paths

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
HARD_TO_SEE = """
const text = document.createElement("p");
text.append("hardly to be seen");
text.style.color = "#eee"; text.style.background = "#fff";
document.querySelector("main").append(text, document.createElement("button"));
"""


async def test_axe_sees_what_is_wrong(serve, open_tab):
    async with serve() as (dashboard, _), open_tab(dashboard) as tab:
        await tab.go("/logs")
        await tab.page.evaluate(HARD_TO_SEE)
        found = await axe.findings(tab.page)
        assert {one.split(": ")[1] for one in found} >= {"color-contrast", "button-name"}


@pytest.mark.long
async def test_nothing_serious_on_any_page(serve, open_tab):
    """Each page once, in one theme and width after the other."""
    hows = [(theme, size) for size in (watching.WIDE, watching.PHONE) for theme in get_args(Theme)]
    async with serve(*SMALL) as (dashboard, jobs):
        pages = list(paths(SMALL, jobs).items())
        for n, (theme, size) in enumerate(hows):
            await _look(open_tab, dashboard, dict(pages[n :: len(hows)]), theme, size)


@pytest.mark.long
@pytest.mark.parametrize("size", [watching.WIDE, watching.PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("theme", get_args(Theme))
async def test_nothing_serious_on_any_page_in_any_way(serve, open_tab, theme, size):
    async with serve(*SMALL) as (dashboard, jobs):
        await _look(open_tab, dashboard, paths(SMALL, jobs), theme, size)


@pytest.mark.long
@pytest.mark.parametrize("size", [watching.WIDE, watching.PHONE], ids=["wide", "phone"])
async def test_nothing_serious_where_there_is_nothing(serve, open_tab, size):
    async with serve() as (dashboard, jobs):
        await _look(open_tab, dashboard, paths((), jobs), "dark", size)


async def _look(open_tab, dashboard, pages, theme, size):
    async with open_tab(dashboard, theme=theme, size=size) as tab:
        tab.forgive("404")  # of pages and jobs that there are not
        found = {}
        for name, path in pages.items():
            await tab.go(path)
            found[name] = await axe.findings(tab.page)
            if (pixels := await tab.page.evaluate(SIDEWAYS)) > 0:
                found[name].append(f"it is {pixels} px wider than the window")
        assert {name: said for name, said in found.items() if said} == {}


@pytest.mark.long
@pytest.mark.parametrize("size", [watching.WIDE, watching.PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("theme", get_args(Theme))
async def test_nothing_serious_where_something_was_opened(serve, open_tab, theme, size):
    """What no address leads to: dialogs, a drawn sample and its form, an answer of a query, a selection, open calls."""
    async with serve(Seed(units=60)) as (dashboard, [job]), open_tab(dashboard, theme=theme, size=size) as tab:
        here, found = f"/jobs/{job.job_id}", {}
        async for name in _opened(tab, here):
            await tab.settled()
            found[name] = await axe.findings(tab.page)
            if (pixels := await tab.page.evaluate(SIDEWAYS)) > 0:
                found[name].append(f"it is {pixels} px wider than the window")
        assert len(found) == 8
        assert {name: said for name, said in found.items() if said} == {}


async def _opened(tab, here: str):
    page = tab.page
    await tab.go(here)
    await page.get_by_role("button", name="Export…").click()
    yield "export"
    await tab.go(here)
    await page.get_by_role("button", name="Retry this group").first.click()
    yield "retry a group"
    await tab.go(f"{here}/units?status=failed")
    await page.get_by_role("row").nth(1).get_by_role("checkbox").click()
    yield "a selection"
    await page.get_by_role("button", name="Retry…").click()
    yield "retry the selection"
    await tab.go(f"{here}/query")
    await page.get_by_label("One SELECT of the table results").fill("SELECT * FROM results")
    await page.keyboard.press("Control+Enter")
    await page.get_by_role("region", name="Rows").get_by_role("row").nth(1).wait_for()
    yield "an answer of a query"
    await tab.go(f"{here}/units/{key(2)}")
    await page.evaluate("() => { for (const one of document.querySelectorAll('details')) one.open = true; }")
    yield "a unit, all unfolded"
    await tab.go(f"{here}/review")
    await page.get_by_role("button", name="Draw").click()
    await page.locator("section.to-judge").wait_for()
    yield "a sample"
    await page.keyboard.press("c")
    await page.get_by_role("button", name="Correct").last.wait_for()
    yield "a correction"
