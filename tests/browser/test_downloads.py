"""A file of results goes to its place as it comes, where the browser can do that; what fails leaves nothing there."""

from playwright.async_api import expect

from tests.browser.seeding import Seed

PICKER = """
window.showSaveFilePicker = async ({ suggestedName }) => {
  if (window.chosen === false) throw new DOMException("no place", "AbortError");
  return (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true });
};
Response.prototype.blob = () => { throw new Error("all of it would be in memory"); };
"""
KEPT = """
async () => {
  const found = {}, place = await navigator.storage.getDirectory();
  for await (const [name, file] of place) found[name] = await (await file.getFile()).text();
  return found;
}
"""


async def test_a_file_of_results_is_written_as_it_comes(serve, open_tab):
    async with serve(Seed(units=30)) as (dashboard, jobs), open_tab(dashboard) as tab:
        await tab.page.add_init_script(PICKER)
        await tab.go(f"/jobs/{jobs[0].job_id}")
        await _export(tab)
        name = f"{jobs[0].job_id}.csv"
        await expect(tab.page.get_by_role("status").filter(has_text=f"{name} is written")).to_be_visible()
        kept = await tab.page.evaluate(KEPT)
        assert list(kept) == [name] and len(kept[name].splitlines()) == 31


async def test_what_is_refused_or_has_no_place_leaves_nothing_and_says_so(serve, open_tab):
    async with serve(Seed(units=3)) as (dashboard, jobs), open_tab(dashboard) as tab:
        tab.forgive("409")
        await tab.page.add_init_script(PICKER)
        await tab.page.route(
            "**/download?*", lambda route: route.fulfill(status=409, json={"title": "no", "detail": "it is gone"})
        )
        await tab.go(f"/jobs/{jobs[0].job_id}")
        await _export(tab)
        said = tab.page.get_by_role("dialog").get_by_role("alert")
        await expect(said).to_have_text("it is gone")
        assert await tab.page.evaluate(KEPT) == {}
        await tab.page.evaluate("window.chosen = false")
        await tab.page.get_by_role("dialog").get_by_role("button", name="Export").click()
        await expect(said).to_have_text("No place was chosen: nothing was downloaded.")


async def _export(tab) -> None:
    await tab.page.get_by_role("button", name="Export…").click()
    await tab.page.get_by_role("dialog").get_by_role("button", name="Export").click()
