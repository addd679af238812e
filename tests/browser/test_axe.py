"""axe finds nothing serious on any page, light or dark, wide or on a phone; and none is wider than the window."""

from typing import get_args

import pytest

from tests.browser import axe, watching
from tests.browser.watching import Theme
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
