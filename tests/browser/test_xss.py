"""Nothing that a stranger wrote runs in the page or calls home, wherever it is shown; and we would notice if it did."""

import contextlib

import pytest
from playwright.async_api import Error

from tests import xss
from tests.browser import serving, watching
from tests.browser.naughty import Naughty
from tests.browser.seeding import Seed

UNSANITISED = """
from batchproc import markup
markup.render = lambda text: text
"""
TOUCH = """
() => {
  for (const one of document.querySelectorAll("details")) one.open = true;
  for (const one of document.querySelectorAll("main *")) {
    for (const kind of ["mouseover", "pointerenter"]) one.dispatchEvent(new MouseEvent(kind, {bubbles: true}));
    if (one.closest(".prose")) one.focus?.({preventScroll: true});
  }
}
"""
OTHER = "(label) => document.querySelector('section.to-judge')?.getAttribute('aria-label') !== label"
GO = "(path) => { history.pushState(null, '', path); dispatchEvent(new PopStateEvent('popstate')); }"


def every(step: int) -> Naughty:
    return Naughty([*xss.payloads(), *xss.naughty()][::step])


def seeds(words: Naughty, names: int) -> list[Seed]:
    """Jobs with such names, and one with all of it in its units."""
    named = [Seed(name=words.said(n * 7) or "?", units=1, words=words) for n in range(1, names + 1)]
    return [
        *named,
        Seed(name=words.said(1), units=len(words), words=words, mix=words.end, told=len(words), structured=False),
    ]


async def test_nothing_runs_on_any_page_that_shows_it(serve, open_tab):
    words = every(80)
    async with serve(*seeds(words, 8)) as (dashboard, jobs), open_tab(dashboard) as tab:
        await _everywhere(tab, words, jobs[-1].job_id)


async def test_what_ran_on_a_page_that_was_left_is_noticed_on_the_next_one(serve, open_tab):
    async with serve() as (dashboard, _), open_tab(dashboard) as tab:
        await tab.page.evaluate("alert(1)")
        await tab.go("/logs")
        assert await tab.executed() == []
        assert [one for one in tab.unforgiven() if "script ran: alert" in one]
        tab.forgive("script ran: alert")


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_nothing_of_a_long_list_runs_on_any_page_that_shows_it(serve, open_tab):
    words = every(3)
    assert len(words) > 500
    async with serve(*seeds(words, 60)) as (dashboard, jobs), open_tab(dashboard) as tab:
        await _everywhere(tab, words, jobs[-1].job_id)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_nothing_runs_where_answers_have_fields(serve, open_tab):
    words = every(12)
    fielded = Seed(name="fields", units=len(words), words=words, mix=lambda place: "succeeded", told=0)
    async with serve(fielded) as (dashboard, jobs), open_tab(dashboard) as tab:
        await _everywhere(tab, words, jobs[-1].job_id)


@pytest.mark.long
async def test_without_the_sanitiser_and_the_policy_some_of_it_runs(serve, browser):
    tries = xss.payloads()
    calls = [one for one in tries if xss.HOST in one and "location" not in one]  # whoever goes away shows no more
    words = Naughty([*tries[:8], *calls[-100::20]])
    async with serve(*seeds(words, 1)) as (first, jobs):
        await first.end()
        async with (
            serving.served(first.environ, prelude=UNSANITISED) as dashboard,
            watching.opened(browser, dashboard, bypass_csp=True) as tab,
        ):
            tab.forgive("")
            await tab.sign_in()
            ran = [place for place in range(1, len(words) + 1) if await _runs(tab, words, jobs[-1].job_id, place)]
            assert len(ran) >= 2, "the canary is blind"
            assert any(xss.HOST in url for url in tab.strangers), "nobody would notice a call home"
            tab.strangers.clear()
            await tab.page.close()


async def _runs(tab, words: Naughty, job_id: str, place: int) -> bool:
    """Whether something of a unit runs: it calls the canary, or takes the tab elsewhere."""
    with contextlib.suppress(Error):  # where it takes the tab away while we look
        await tab.go(f"/jobs/{job_id}/units/{watching.quoted(words.key(place))}")
        await tab.page.get_by_role("region", name="Conversation").get_by_role("listitem").first.wait_for()
        await _touched(tab)
        return bool(await tab.executed())
    return not tab.page.url.startswith(tab.dashboard.origin)


@pytest.mark.long
async def test_without_the_sanitiser_the_policy_alone_still_lets_nothing_run(serve, browser):
    words = every(50)
    async with serve(*seeds(words, 1)) as (first, jobs):
        await first.end()
        async with (
            serving.served(first.environ, prelude=UNSANITISED) as dashboard,
            watching.opened(browser, dashboard) as tab,
        ):
            tab.forgive("policy|Content Security|Refused|violates|net::ERR_BLOCKED_BY_CSP|Failed to load resource|404")
            await tab.sign_in()
            await _units(tab, words, jobs[-1].job_id)
            assert await tab.executed() == []
            assert any("policy" in one for one in tab.complaints), "there was nothing to refuse"
            tab.strangers.clear()  # asked for, and refused by the policy


async def _everywhere(tab, words: Naughty, job_id: str) -> None:
    here = f"/jobs/{job_id}"
    for path in (
        "/",
        here,
        f"{here}/units",
        f"{here}/units?status=failed",
        f"{here}/review",
        "/logs",
        "/logs?level=error",
    ):
        await tab.go(path)
        await _touched(tab)
    await _table(tab, here)
    await _asked(tab, here)
    await _judged(tab, here)
    await _units(tab, words, job_id)


async def _table(tab, here: str) -> None:
    """All rows of the table, as one scrolls through it."""
    await tab.go(f"{here}/units")
    grid = tab.page.get_by_role("grid", name="Units")
    rows = int(await grid.get_attribute("aria-rowcount")) - 1
    for row in range(0, rows, 15):
        await tab.page.evaluate("(row) => { document.querySelector('[role=grid]').scrollTop = row * 33; }", row)
        await tab.page.locator(f"[data-index='{min(row + 5, rows - 1)}']").wait_for()
    await _touched(tab)


async def _asked(tab, here: str) -> None:
    """Everything of the results at once, as a table of the query page."""
    await tab.go(f"{here}/query")
    await tab.page.get_by_role("textbox").first.fill("SELECT * FROM results")
    await tab.page.get_by_role("button", name="Run").click()
    await tab.page.get_by_role("table").first.wait_for(timeout=60_000)
    await _touched(tab)


async def _judged(tab, here: str) -> None:
    """Answers as one judges them, one after the other, and the last as one puts it right."""
    await tab.go(f"{here}/review")
    await tab.page.get_by_label("Another number").fill("10")
    await tab.page.get_by_role("button", name="Draw 10").click()
    unit = tab.page.locator("section.to-judge")
    for _ in range(5):
        before = await unit.get_attribute("aria-label")
        await _touched(tab)
        await tab.page.keyboard.press("s")
        await tab.page.wait_for_function(OTHER, arg=before)
    await tab.page.keyboard.press("c")
    await tab.page.get_by_role("button", name="Correct").last.wait_for()
    await _touched(tab)


async def _units(tab, words: Naughty, job_id: str) -> None:
    """Each unit's own page, by the router of the page."""
    for place in range(1, len(words) + 1):
        path = f"/jobs/{job_id}/units/{watching.quoted(words.key(place))}"
        await tab.page.evaluate(GO, path)
        await tab.page.locator("h1", has_text=f"{place}").first.wait_for()
        await tab.page.get_by_role("region", name="Conversation").get_by_role("listitem").first.wait_for()
        await tab.settled()
        await _touched(tab)


async def _touched(tab) -> None:
    """As a hand that passes over everything, and opens what is folded."""
    await tab.page.evaluate(TOUCH)
