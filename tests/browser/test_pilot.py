"""Who decides on a pilot sees what was changed since the round before: old beside new, as text and nothing else."""

from playwright.async_api import expect

from tests.browser.seeding import INSTRUCTIONS, Seed

TRICK = "<img src=x onerror=alert(1)><b>Be brief.</b>"


async def test_what_was_changed_stands_above_what_it_came_to(serve, open_tab):
    seed = Seed(state="review", changed=INSTRUCTIONS.replace("1 to 5", "1 to 9") + f"\n{TRICK}")
    async with serve(seed) as (dashboard, jobs), open_tab(dashboard) as tab:
        await tab.go(f"/jobs/{jobs[0].job_id}")
        pilot = tab.page.get_by_role("region", name="Pilot review")
        changed = pilot.get_by_role("region", name="What was changed", exact=True)
        await expect(changed).to_contain_text("since round 1")
        lines = changed.get_by_role("group", name="What was changed: instructions")
        await expect(lines.locator(".old")).to_contain_text("how urgent it is from 1 to 5")
        await expect(lines.locator(".new").first).to_contain_text("how urgent it is from 1 to 9")
        await expect(lines.locator(".new").last).to_contain_text(TRICK)
        await expect(lines.locator("img")).to_have_count(0)
        await expect(changed.locator("details")).to_have_attribute("open", "")


async def test_in_the_first_round_nothing_was_changed_and_a_long_change_is_folded(serve, open_tab):
    long = INSTRUCTIONS + "".join(f"\nRule {n}: leave it as it is." for n in range(80))
    seeds = Seed(state="review"), Seed(state="review", changed=long)
    async with serve(*seeds) as (dashboard, jobs), open_tab(dashboard) as tab:
        pilot = tab.page.get_by_role("region", name="Pilot review")
        changed = pilot.get_by_role("region", name="What was changed", exact=True)
        await tab.go(f"/jobs/{jobs[0].job_id}")
        await expect(pilot.get_by_role("article").first).to_be_visible()
        await expect(changed).to_have_count(0)
        await tab.go(f"/jobs/{jobs[1].job_id}")
        await expect(changed.get_by_text("instructions")).to_be_visible()
        await expect(changed.get_by_text("Rule 79")).to_be_hidden()
        await changed.get_by_text("instructions").click()
        await expect(changed.get_by_text("Rule 79")).to_be_visible()
