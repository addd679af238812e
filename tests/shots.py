"""Pictures of every page of the dashboard for people to look at: `python -m tests.shots OUT [PAGE …]`.

Light and dark, 1280 and 390 wide, over an empty store, one with jobs of 5 units, and one with 100,000. Files are named
STORE-PAGE-WIDTH-THEME.png. With the names of pages only these are made; --quick leaves out the 100,000.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from playwright.async_api import Browser, Error

import hatch_build
from batchproc.models import Job
from tests.browser import chromium, watching, words
from tests.browser.conftest import seeded
from tests.browser.seeding import INSTRUCTIONS, Seed
from tests.browser.serving import Dashboard
from tests.browser.watching import Tab, Theme

SMALL = (
    Seed(name="Contracts: what worries us", state="completed", structured=False, mix=words.each_end),
    Seed(name="Tickets: which are urgent", state="ready"),
    Seed(name="Tickets: refunds", state="paused", pending=2),
    Seed(name="Support tickets: triage", units=5, state="running", pending=1, running=2),
    Seed(name="Support tickets: in review", units=5, state="review", changed=INSTRUCTIONS.replace("1 to 5", "1 to 9")),
)
LARGE = (
    Seed(name="A year of tickets", units=1_000, state="completed"),
    Seed(name="All tickets there ever were", units=100_000, state="running", pending=30_000, running=6),
)
STORES = {"0": (), "5": SMALL, "100000": LARGE}
"""Of each store the last job's pages are shown, and answers of the first one's."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.shots", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("pages", nargs="*", help="such as job, units, unit")
    parser.add_argument("--quick", action="store_true", help="without the store of 100,000 units")
    given = parser.parse_args()
    hatch_build.Dashboard(Path(__file__).parents[1]).build()
    asyncio.run(take(given.out, set(given.pages), quick=given.quick))


async def take(out: Path, wanted: set[str], *, quick: bool) -> None:
    executable = chromium.program()
    assert executable is not None, "no browser on this machine"
    out.mkdir(parents=True, exist_ok=True)
    async with chromium.launched(executable) as browser:
        for name, seeds in STORES.items():
            if quick and name == "100000":
                continue
            with tempfile.TemporaryDirectory(prefix="batchproc-shots-") as place:
                async with seeded(Path(place), *seeds, answers=True) as (dashboard, jobs):
                    await _store(browser, dashboard, paths(seeds, jobs), out / name, wanted)


async def _store(browser: Browser, dashboard: Dashboard, found: dict[str, str], out: Path, wanted: set[str]) -> None:
    pages = {name: path for name, path in found.items() if not wanted or name in wanted}
    for size in (watching.WIDE, watching.PHONE):
        for theme in get_args(Theme):
            async with watching.opened(browser, dashboard, theme=theme, size=size) as tab:
                tab.forgive("")  # what is complained of is printed below
                await tab.sign_in()
                for name, path in pages.items():
                    await _shot(tab, path, out.with_name(f"{out.name}-{name}-{size[0]}-{theme}.png"))
                for one in dict.fromkeys(tab.complaints):
                    print(f"{out.name} {size[0]} {theme}: {one}", flush=True)


async def _shot(tab: Tab, path: str, file: Path) -> None:
    try:
        await tab.go(path)
    except Error as error:
        print(f"{file.stem}: {error.message.splitlines()[0]}", flush=True)
    await tab.page.wait_for_timeout(300)  # numbers and charts that come in after the first ones
    await tab.page.screenshot(path=file)
    wide = await tab.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        print(f"{file.stem}: the page is {wide} px wider than the window", flush=True)


def paths(seeds: Sequence[Seed], jobs: Sequence[Job]) -> dict[str, str]:
    """The pages by their names: those of the house, and those of the last job and each other one's own."""
    found = {"jobs": "/", "approvals": "/approvals", "logs": "/logs", "doctor": "/doctor", "nowhere": "/nowhere"}
    if not jobs:
        return {**found, "missing": "/jobs/job-0000000000"}
    for job in jobs[:-1]:
        found[f"job-{job.status}"] = f"/jobs/{job.job_id}"
    last = f"/jobs/{jobs[-1].job_id}"
    answered = f"/jobs/{jobs[0].job_id}"
    failed = next(place for place in range(1, seeds[0].units) if seeds[0].mix(place) == "failed")
    return {
        **found,
        f"job-{jobs[-1].status}": last,
        "units": f"{last}/units",
        "units-failed": f"{answered}/units?status=failed",
        "units-none": f"{last}/units?text=nothing-like-this",
        "unit": f"{answered}/units/t-000001",
        "unit-failed": f"{answered}/units/t-{failed:06d}",
        "unit-pending": f"{last}/units/t-{jobs[-1].total_units:06d}",
        "review": f"{answered}/review",
        "query": f"{answered}/query",
    }


if __name__ == "__main__":
    main()
