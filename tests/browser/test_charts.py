"""What a job did over time: drawn, and as a table."""

from tests.browser.seeding import Seed

UNITS = 6
RATES = """
() => {
  const cells = (row) => [...row.cells].map((cell) => cell.textContent);
  const ended = (row) => row.slice(1, 4).reduce((sum, n) => sum + Number(n), 0);
  return [...document.querySelectorAll(".charts tbody tr")].map(cells).map((row) => [ended(row), Number(row[4])]);
}
"""


async def test_a_span_that_is_over_has_its_own_number_though_nothing_happened_since(serve, open_tab):
    """While it is not over, it has a rate for the part that has passed, which is higher."""
    async with serve(Seed(units=UNITS)) as (dashboard, jobs), open_tab(dashboard) as tab:
        await tab.page.clock.install()
        await tab.go(f"/jobs/{jobs[0].job_id}")
        await tab.page.get_by_role("region", name="Over time").first.get_by_text("As a table").click()
        await tab.page.wait_for_function(f"() => ({RATES})().length > 0")
        assert sum(ended for ended, _ in await tab.page.evaluate(RATES)) == UNITS
        await tab.page.clock.fast_forward("02:00")
        await tab.page.wait_for_function(f"() => ({RATES})().every(([ended, rate]) => ended === rate)")
