"""What the dashboard is for, once through, with the real CLI: look at a pilot, change it, let the rest run, watch, mend
what failed, judge, ask, take the results away."""

import asyncio
import contextlib
import csv
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from batchproc import app, settings
from batchproc.agents.rehearsal import Call, RehearsalModel, Reply
from batchproc.agents.rehearsal.answers import unit_data
from batchproc.launcher import Launcher
from batchproc.models import Tokens
from tests.browser import serving
from tests.conftest import wait_until
from tests.e2e.conftest import House, environment, put_to_rest

UNITS = 16
QUESTION = "SELECT status, COUNT(*) AS n FROM results GROUP BY 1"
BAD = 3
"""Units whose agents fail alike until they are asked gently."""


class Script:
    """Reads the file, then counts or spells, as it is told. Of the units after the pilot the first one's agent waits
    until we let it go on, and those of the next ones fail."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.is_approved = False
        self.after_pilot: list[int] = []

    @property
    def slow(self) -> int | None:
        return self.after_pilot[0] if self.after_pilot else None

    async def __call__(self, call: Call) -> Reply:
        path = (unit_data(call.prompt) or {})["file_path"]
        number = int(Path(path).stem.removeprefix("doc-"))
        said, usage = str(call.body), Tokens(input=400, output=20)
        if self.is_approved and number not in self.after_pilot:
            self.after_pilot.append(number)
        if number in self.after_pilot[1 : 1 + BAD] and "gently" not in said:
            return Reply(status=400, message="there is no such clause", error_type="invalid_request_error")
        if not call.tool_results:
            return Reply(text=f"I read document **{number}**", tools=[("Read", {"file_path": path})], usage=usage)
        if number == self.slow:
            await self.may_end.wait()
        verb = "Spelt" if "Spell what" in said else "Counted"
        return Reply(text=f"{verb} {number}:\n\n- a *list*\n- of things", usage=usage)


@contextlib.asynccontextmanager
async def house_with(place: Path, script: Script) -> AsyncIterator[House]:
    async with RehearsalModel(script) as model:
        environ = environment(place, **model.environment())
        async with app.open_service(settings.load(environ), environ) as service:
            yield House(service, model, environ)
        await put_to_rest(Launcher(settings.load(environ), environ))


@pytest.mark.timeout(200)
async def test_from_the_link_to_the_exported_file(tmp_path, open_tab):
    folder = tmp_path / "documents"
    folder.mkdir()
    for n in range(1, UNITS + 1):
        (folder / f"doc-{n:02d}.txt").write_text(f"document {n}\n" * 20)
    script = Script()
    async with house_with(tmp_path, script) as house:
        source = {"type": "file", "base_directory": str(folder)}
        job = (await house.create("Count what is in it.", source, model="haiku", max_attempts=1, breaker=0)).job_id
        await house.service.start_job(job)
        async with serving.served(house.environ) as dashboard, open_tab(dashboard) as tab:
            page = tab.page
            await page.get_by_role("link", name="a job").first.click()
            await _pilot(page, script)
            await _watch(page, script)
            await _mend(page)
            await _judge(page, house, job)
            await _ask(page)
            await _take(page, house, job, tmp_path)


async def _pilot(page: Page, script: Script) -> None:
    """Three units ran: change what they are told, see old beside new, approve of the plan."""
    pilot = page.get_by_role("region", name="Pilot review")
    await expect(pilot.get_by_role("article")).to_have_count(3, timeout=60_000)
    await expect(pilot).to_contain_text("Counted")
    await pilot.get_by_role("button", name="Change", exact=True).click()
    await page.get_by_label("Instructions").fill("Spell what is in it.")
    await page.get_by_label("Why").fill("not what I meant")
    await page.get_by_role("button", name="Change and try again").click()
    await expect(page.get_by_role("heading", name="Pilot, round 2")).to_be_visible()
    await expect(pilot.get_by_role("table").first).to_contain_text("Counted", timeout=60_000)
    await expect(pilot.get_by_role("table").first).to_contain_text("Spelt")
    await pilot.get_by_role("button", name="Approve…").click()
    plan = page.get_by_role("dialog")
    await expect(plan).to_contain_text("13")
    script.is_approved = True
    await plan.get_by_role("button", name="Approve and start").click()
    await expect(page.get_by_role("heading", name="Running now")).to_be_visible()


async def _watch(page: Page, script: Script) -> None:
    """The ledger moves by itself; the slow unit's page shows what its agent says as it says it."""
    slow = await wait_until(lambda: script.slow, "its agent began", 60)
    running = page.get_by_role("region", name="Running now")
    await running.get_by_role("link", name=f"doc-{slow:02d}.txt").click(timeout=60_000)
    talk = page.get_by_role("region", name="Conversation")
    await expect(talk.get_by_text(f"I read document {slow}")).to_be_visible(timeout=30_000)
    await expect(talk.locator("strong", has_text=str(slow))).to_be_visible()
    await expect(page.get_by_role("heading", level=1).locator("xpath=../..")).to_contain_text("running")
    await page.evaluate("window.isTheSamePage = true")
    script.may_end.set()
    await expect(talk.get_by_text(f"Spelt {slow}")).to_be_visible()
    await expect(page.get_by_role("region", name="Answer")).to_contain_text(f"Spelt {slow}")
    assert await page.evaluate("window.isTheSamePage")
    await page.get_by_role("navigation", name="Where this is").get_by_role("link", name="a job").click()
    await expect(page.get_by_text("completed").first).to_be_visible(timeout=60_000)


async def _mend(page: Page) -> None:
    """Retry what failed alike, with a hint."""
    failures = page.get_by_role("region", name="Failures")
    await expect(failures).to_contain_text("there is no such clause")
    await failures.get_by_role("button", name="Retry this group").first.click()
    again = page.get_by_role("dialog")
    await again.get_by_label("Further instructions").fill("Ask gently.")
    await again.get_by_role("button", name=f"Retry {BAD} units").click()
    await expect(failures).to_contain_text("None.", timeout=60_000)
    await expect(page.get_by_text("completed").first).to_be_visible(timeout=60_000)


async def _judge(page: Page, house: House, job: str) -> None:
    """Ten units, and a few that look risky: one is wrong, one is put right by hand, all others are right."""
    await page.get_by_role("navigation", name="Pages of this job").get_by_role("link", name="Review").click()
    await page.get_by_label("Another number").fill("10")
    await page.get_by_role("button", name="Draw 10").click()
    unit = page.get_by_role("region", name="Unit doc-")
    end = page.get_by_role("heading", name="All that was drawn is judged")
    await expect(unit).to_be_visible()
    for n in itertools.count():
        label = await unit.get_attribute("aria-label")
        if n == 8:
            await page.keyboard.press("c")
            await page.get_by_role("textbox").last.fill("Spelt by hand")
            await page.get_by_role("button", name="Correct").last.click()
        else:
            await page.keyboard.press("r" if n == 5 else "a")
        await expect(page.get_by_label(str(label), exact=True)).to_have_count(0)
        if await end.or_(unit).first.get_attribute("aria-label") is None:
            break
    await expect(end).to_be_visible()
    proof = (await house.service.get_status(job)).review
    assert (proof.judged, proof.rejected, proof.corrected) == (10, 1, 1)
    await expect(page.get_by_text(proof.words).first).to_be_visible()


async def _ask(page: Page) -> None:
    await page.get_by_role("navigation", name="Pages of this job").get_by_role("link", name="Query").click()
    await page.get_by_label("One SELECT of the table results").fill(
        "SELECT status, COUNT(*) AS n FROM results GROUP BY 1"
    )
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("region", name="Rows").get_by_role("row").nth(1)).to_contain_text(f"succeeded{UNITS}")
    async with page.expect_download() as download:
        await page.get_by_role("button", name="As CSV").click()
    rows = list(csv.reader(Path(await (await download.value).path()).read_text("utf-8").splitlines()))
    assert rows == [["status", "n"], ["succeeded", str(UNITS)]]


async def _take(page: Page, house: House, job: str, place: Path) -> None:
    """The file that the browser gets holds what the service says."""
    await page.get_by_role("navigation", name="Pages of this job").get_by_role("link", name="Overview").click()
    await page.evaluate("delete window.showSaveFilePicker")  # as in a browser that has none
    await page.get_by_role("button", name="Export…").click()
    async with page.expect_download() as download:
        await page.get_by_role("dialog").get_by_role("button", name="Export").click()
    found = await download.value
    assert found.suggested_filename == f"{job}.csv"
    await found.save_as(place / "results.csv")
    with (place / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["key"]: row for row in csv.DictReader(file)}
    results = await house.results(job)
    assert len(rows) == len(results) == UNITS
    assert {key: row["text"] for key, row in rows.items()} == {one.key: one.text for one in results}
    assert sum(row["text"] == "Spelt by hand" for row in rows.values()) == 1
