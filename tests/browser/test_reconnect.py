"""A page that is left open survives its server: it goes on by itself, and shows what happened meanwhile, once."""

import time

from playwright.async_api import expect

from batchproc.store import db, events
from tests.browser import seeding
from tests.browser.seeding import Seed
from tests.browser.words import key

GONE = "|".join(
    (
        *("ERR_CONNECTION_REFUSED", "ERR_CONTENT_LENGTH_MISMATCH", "ERR_INCOMPLETE_CHUNKED", "ERR_CONNECTION_RESET"),
        *("ERR_EMPTY_RESPONSE", "network error"),
    )
)
RUNNING = "SELECT job, number FROM units WHERE status = 'running' LIMIT 1"


async def test_a_page_goes_on_after_its_server_was_killed(serve, open_tab):
    async with (
        serve(Seed(state="running", units=8, pending=3, running=2)) as (dashboard, _),
        open_tab(dashboard) as tab,
    ):
        tab.forgive(GONE)
        await tab.page.evaluate("window.isTheSamePage = true")
        await expect(tab.page.get_by_text("live", exact=True)).to_be_visible()
        for n in range(2):
            await dashboard.kill()
            await expect(tab.page.get_by_text("reconnecting…").first).to_be_visible()
            await seeding.home_with(dashboard.home, Seed(name=f"made meanwhile {n}"), now=time.time())
            await dashboard.start()
            await expect(tab.page.get_by_role("link", name=f"made meanwhile {n}")).to_be_visible(timeout=20_000)
            await expect(tab.page.get_by_text("live", exact=True)).to_be_visible()
        assert await tab.page.evaluate("window.isTheSamePage") is True


async def test_a_conversation_misses_nothing_and_repeats_nothing(serve, open_tab):
    async with (
        serve(Seed(state="running", units=8, pending=3, running=2)) as (dashboard, jobs),
        open_tab(dashboard) as tab,
    ):
        tab.forgive(GONE)
        await tab.go(f"/jobs/{jobs[0].job_id}/units/{key(4)}")
        await expect(tab.page.get_by_text("I look up the order of").first).to_be_visible()
        for n in range(2):
            await _speak(dashboard.home, f"said before {n}")
            await expect(tab.page.get_by_text(f"said before {n}")).to_have_count(1)
            await dashboard.kill()
            await _speak(dashboard.home, *(f"said while nobody served {n}.{i}" for i in range(30)))
            await dashboard.start()
            for i in range(30):
                await expect(tab.page.get_by_text(f"said while nobody served {n}.{i}", exact=True)).to_have_count(1)
            await _speak(dashboard.home, f"said after {n}")
            await expect(tab.page.get_by_text(f"said after {n}")).to_have_count(1)


async def test_what_could_not_be_renewed_is_said_over_the_page_and_nothing_moves(serve, open_tab):
    async with serve(Seed(state="running", pending=1, running=2)) as (dashboard, _), open_tab(dashboard) as tab:
        tab.forgive("ERR_FAILED")
        page = tab.page
        job = page.get_by_role("link", name="Support tickets: triage")
        await expect(page.get_by_text("today")).to_be_visible()  # the last part that comes in
        before = await job.bounding_box()
        await page.route("**/api/v1/jobs**", lambda route: route.abort())
        await seeding.home_with(dashboard.home, Seed(name="made meanwhile"), now=time.time())
        said = page.get_by_role("status").filter(has_text="No connection")
        await expect(said).to_be_visible()
        assert await job.bounding_box() == before
        await page.unroute("**/api/v1/jobs**")
        await said.get_by_role("button", name="Try again").click()
        await expect(page.get_by_role("link", name="made meanwhile")).to_be_visible()
        await expect(said).to_have_count(0)


async def _speak(home, *texts: str) -> None:
    """As the agent of the unit that runs."""

    def tell(tx) -> None:
        job, unit = tx.execute(RUNNING).fetchone()
        for text in texts:
            events.append(tx, "agent.text", at=time.time(), job=job, unit=unit, attempt=1, data={"text": text})

    async with db.Database(home) as store:
        await store.write(tell)
