"""A unit may be called anything; also what an address takes for a step in its path."""

from playwright.async_api import expect

from tests.browser import watching, words
from tests.browser.naughty import Naughty
from tests.browser.seeding import Seed

STEPS = (".", "..", "~", "~..", "a/../b")


class Steps(Naughty):
    """Units whose keys are these, and nothing else of them."""

    def key(self, place: int) -> str:
        return self.said(place)


async def test_a_unit_whose_key_is_a_step_in_a_path_has_a_page_of_its_own(serve, open_tab):
    seed = Seed(units=len(STEPS), words=Steps(STEPS), mix=words.each_end)
    async with serve(seed) as (dashboard, jobs), open_tab(dashboard) as tab:
        units = f"/jobs/{jobs[0].job_id}/units"
        await tab.go(units)
        for key in STEPS:
            await tab.page.get_by_role("grid").get_by_role("link", name=key, exact=True).click()
            await expect(tab.page.get_by_role("heading", level=1)).to_have_text(key)
            assert tab.page.url.startswith(f"{dashboard.origin}{units}/{watching.quoted(key)}?")
            await tab.page.go_back()
        await tab.go(f"{units}/{watching.quoted('..')}")
        await expect(tab.page.get_by_role("heading", level=1)).to_have_text("..")
