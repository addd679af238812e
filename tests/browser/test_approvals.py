"""What waits for a person stands there with all of its text; only a person who came from a terminal may allow it."""

import time

from playwright.async_api import expect

from batchproc import app, settings
from batchproc.models import Order
from batchproc.store import approvals as given
from batchproc.store import db
from tests.browser import watching

CODE = "\n".join(["The items come from Python code:", *(f"line_{n} = {n}" for n in range(300)), "<b>the last line</b>"])
ALLOWED, DECLINED = "ab" * 16, "cd" * 16


async def ask_for(home, *digests: str) -> None:
    async with db.Database(home) as store:
        for digest in digests:
            await store.write(given.ask, digest, CODE, Order(by="mcp"), now=time.time())


async def allowed(home) -> list[bool]:
    async with db.Database(home) as store:
        return [await store.read(given.is_approved, digest) for digest in (ALLOWED, DECLINED)]


async def test_a_person_reads_all_of_it_and_allows_one_and_declines_the_other(serve, open_tab):
    async with serve() as (dashboard, _):
        await ask_for(dashboard.home, ALLOWED, DECLINED)
        async with open_tab(dashboard) as tab:
            await tab.go("/approvals")
            cards = tab.page.locator("section.card")
            await expect(cards).to_have_count(2)
            for card in await cards.all():
                assert CODE in await card.locator("pre").inner_text()
            await cards.filter(has_text=ALLOWED).get_by_role("button", name="Approve…").click()
            assert await allowed(dashboard.home) == [False, False]
            await tab.page.get_by_role("dialog").get_by_role("button", name="Approve", exact=True).click()
            await expect(cards).to_have_count(1)
            await cards.filter(has_text=DECLINED).get_by_role("button", name="Decline…").click()
            await tab.page.get_by_role("dialog").get_by_role("button", name="Decline", exact=True).click()
            await expect(tab.page.get_by_text("Nothing waits for you")).to_be_visible()
            assert await allowed(dashboard.home) == [True, False]


async def test_a_browser_that_a_chat_let_in_may_read_and_not_allow(serve, browser):
    async with serve() as (dashboard, _):
        await ask_for(dashboard.home, ALLOWED)
        known = settings.load(dashboard.environ)
        link = (await app.dashboard_link(known, dashboard.environ, at_terminal=False)).url
        async with watching.opened(browser, dashboard) as tab:
            tab.forgive("403")
            await tab.sign_in(link)
            await tab.go("/approvals")
            await tab.page.get_by_role("button", name="Approve…").click()
            dialog = tab.page.get_by_role("dialog")
            await dialog.get_by_role("button", name="Approve", exact=True).click()
            await expect(dialog.get_by_role("alert")).to_contain_text("batchproc dashboard")
            assert await allowed(dashboard.home) == [False, False]
