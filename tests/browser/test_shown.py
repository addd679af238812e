"""What strangers wrote is shown without what is not seen or turns the writing; what is sent and copied keeps it."""

import re

from playwright.async_api import expect

from tests.browser import watching
from tests.browser.naughty import Naughty
from tests.browser.seeding import Seed

ODD = "live \u202elive\u202c \x1b[31mred\x07 \u2067x\u2069 \x9f\U0001f600"
SEEN = "live live [31mred x \U0001f600"
WORDS = Naughty([ODD, f"**{ODD}** and [\u202elive\u202c](https://example.org) &#x202e;live"])
LEFTWARD = "\u05d0\u05d1\u05d2"
FIND = r"""
() => {
  const odd = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/, found = [document.title];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) found.push(texts.currentNode.data);
  for (const one of document.querySelectorAll("*"))
    for (const name of ["title", "aria-label", "placeholder"]) found.push(one.getAttribute(name) ?? "");
  return found.filter((one) => odd.test(one));
}
"""
BESIDE = """
(bdi) => {
  const after = document.createRange();
  after.selectNodeContents(bdi.parentElement);
  after.setStartAfter(bdi);
  const lefts = [...after.getClientRects()].map((one) => one.left);
  return Math.min(...lefts) - bdi.getBoundingClientRect().right;
}
"""


async def test_no_page_shows_a_control_or_a_mark_that_turns_the_writing(serve, open_tab):
    seed = Seed(name=ODD, units=6, words=WORDS, mix=WORDS.end, structured=False)
    async with serve(seed) as (dashboard, jobs), open_tab(dashboard) as tab:
        here = f"/jobs/{jobs[0].job_id}"
        unit = f"{here}/units/{watching.quoted(WORDS.key(2))}"
        for path in ("/", here, f"{here}/units", unit, f"{here}/review", "/logs"):
            await tab.go(path)
            await expect(tab.page.get_by_text(SEEN).first).to_be_attached()
            assert await tab.page.evaluate(FIND) == [], path
        await tab.go(unit)
        await expect(tab.page.locator(".prose a").first).to_have_text("live")
        await expect(tab.page).to_have_title(re.compile(re.escape(SEEN)))


async def test_what_is_asked_for_sent_and_copied_is_as_it_was_written(serve, open_tab):
    async with serve(Seed(name=ODD, units=2, words=WORDS)) as (dashboard, jobs), open_tab(dashboard) as tab:
        key = WORDS.key(1)
        await tab.go(f"/jobs/{jobs[0].job_id}/units")
        assert (await tab.ask("GET", f"/jobs/{jobs[0].job_id}"))["name"] == ODD
        await tab.page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
        link = tab.page.get_by_role("link", name=f"1 {SEEN}")
        assert (await link.get_attribute("href")).split("?")[0].endswith(f"/units/{watching.quoted(key)}")
        await link.click()
        await tab.page.get_by_role("button", name="Copy key").click()
        assert await tab.page.evaluate("window.copied") == key
        await tab.go(f"/logs?job_id={jobs[0].job_id}&key={watching.quoted(key)}")
        await expect(tab.page.get_by_label("Unit", exact=True)).to_have_value(re.compile("\u202elive\u202c"))


async def test_a_name_from_right_to_left_turns_nothing_beside_it(serve, open_tab):
    async def paused(route):
        found = await route.fetch()
        change = {"at": "2026-01-01T12:34:00Z", "kind": "job.paused", "by": LEFTWARD, "why": None}
        await route.fulfill(response=found, json={**await found.json(), "reason": "user", "changes": [change]})

    async with serve(Seed(name=LEFTWARD, state="paused", pending=2)) as (dashboard, jobs), open_tab(dashboard) as tab:
        await tab.page.clock.set_fixed_time("2026-01-01T12:35:00Z")  # a time without its day: figures alone are turned
        await tab.page.route(f"**/api/v1/jobs/{jobs[0].job_id}", paused)
        await tab.go(f"/jobs/{jobs[0].job_id}")
        by = tab.page.locator("strong bdi", has_text=LEFTWARD)
        assert await by.evaluate(BESIDE) >= -1
        await by.evaluate("(bdi) => { bdi.style.unicodeBidi = 'normal'; }")
        assert await by.evaluate(BESIDE) < -1, "it would not be seen if something was turned"
        await expect(tab.page).to_have_title(f"\u2068{LEFTWARD}\u2069 · batchproc")
        await tab.go("/")
        await expect(tab.page.get_by_role("link", name=LEFTWARD)).to_have_css("unicode-bidi", "isolate")
