"""What is asked before something is done: it says what is wrong in its own words, where it is."""

import asyncio

from playwright.async_api import expect

from tests.browser.seeding import Seed

REFUSED = "422"


async def test_a_limit_that_cannot_be_so_says_that_beside_its_field_by_the_name_that_stands_there(serve, open_tab):
    async with serve(Seed(state="paused", pending=2)) as (dashboard, jobs), open_tab(dashboard) as tab:
        tab.forgive(REFUSED)
        await tab.go(f"/jobs/{jobs[0].job_id}")
        await tab.page.get_by_text("More", exact=True).click()
        await tab.page.get_by_role("button", name="Change limits…").click()
        dialog = tab.page.get_by_role("dialog")
        cap, agents = dialog.get_by_label("Cap of one attempt, $"), dialog.get_by_label("Agents at a time")
        change = dialog.get_by_role("button", name="Change", exact=True)
        await cap.fill("50")
        await change.click()
        await expect(cap).to_be_focused()
        await expect(cap).to_have_attribute("aria-invalid", "true")
        await expect(cap).to_have_accessible_description("It is more than the whole job may cost (“Budget, $”).")
        await cap.fill("0.1")
        await agents.fill("999")
        await change.click()
        await expect(agents).to_have_accessible_description("Input should be less than or equal to 256.")
        await expect(dialog.get_by_role("alert")).to_have_text("Nothing was changed: look at “Agents at a time”.")
        await expect(cap).not_to_have_attribute("aria-invalid", "true")
        await agents.fill("many")
        await change.click()
        await expect(agents).to_have_accessible_description("“many” is not a number.")
        assert "_usd" not in await dialog.inner_text()


async def test_a_cap_that_is_emptied_is_taken_away_and_a_budget_is_not(serve, open_tab):
    async with serve(Seed(state="paused", pending=2)) as (dashboard, jobs), open_tab(dashboard) as tab:
        here = f"/jobs/{jobs[0].job_id}"
        await tab.ask("POST", f"{here}/set", {"max_units": 40, "max_wall_s": 900})
        await tab.go(here)
        await tab.page.get_by_text("More", exact=True).click()
        await tab.page.get_by_role("button", name="Change limits…").click()
        dialog = tab.page.get_by_role("dialog")
        units, budget = dialog.get_by_label("Units that may be started"), dialog.get_by_label("Budget, $")
        change = dialog.get_by_role("button", name="Change", exact=True)
        await expect(units).to_have_value("40")
        await expect(dialog.get_by_text("no cap any more")).to_have_count(0)
        await units.fill(" ")
        await expect(dialog.get_by_text("no cap any more")).to_have_count(1)
        await budget.fill("")
        await change.click()
        await expect(budget).to_have_accessible_description("A job has a budget: it can be set, not taken away.")
        limits = (await tab.ask("GET", here))["limits"]
        assert (limits["max_units"], limits["max_wall_s"]) == (40, 900)
        await budget.fill("7")
        await change.click()
        await expect(dialog).to_have_count(0)
        changed = (await tab.ask("GET", here))["limits"]
        assert changed == {**limits, "max_units": None, "budget_usd": 7}


async def test_all_of_a_job_is_not_started_before_what_that_means_was_read(serve, open_tab):
    async with serve(Seed(state="ready")) as (dashboard, jobs), open_tab(dashboard) as tab:
        held, sent = asyncio.Queue(), []
        tab.page.on("request", lambda request: sent.append(request.method))
        await tab.page.route("**/plan?*", held.put)
        await tab.go(f"/jobs/{jobs[0].job_id}")
        await tab.page.get_by_role("button", name="Start…").click()
        reading = await asyncio.wait_for(held.get(), 30)
        dialog = tab.page.get_by_role("dialog")
        await dialog.get_by_role("radio").nth(1).check()
        await dialog.get_by_role("button", name="Start", exact=True).click()
        await expect(dialog.get_by_role("alert")).to_contain_text("nothing was started")
        assert "POST" not in sent
        await reading.continue_()
        await expect(dialog.get_by_text("would run at once without a pilot")).to_be_visible()


async def test_an_error_that_comes_after_its_dialog_was_closed_is_still_said(serve, open_tab):
    async with serve(Seed(state="paused", pending=2)) as (dashboard, jobs), open_tab(dashboard) as tab:
        tab.forgive("409")
        held = asyncio.Queue()
        await tab.page.route("**/resume", held.put)
        await tab.go(f"/jobs/{jobs[0].job_id}")
        await tab.page.get_by_role("button", name="Resume…").click()
        dialog = tab.page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Resume", exact=True).click()
        asked = await asyncio.wait_for(held.get(), 10)
        await dialog.get_by_role("button", name="Keep as it is").click()
        await expect(dialog).to_have_count(0)
        await asked.fulfill(status=409, json={"title": "It does not fit the status", "detail": "it has ended"})
        said = tab.page.get_by_role("status").filter(has_text="Resume: it has ended")
        await expect(said).to_be_visible()
