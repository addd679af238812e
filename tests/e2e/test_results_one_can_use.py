"""Sixty files become a table, some queries and a judgement; what is judged keeps a change honest, and only what changed
on disk runs again: the whole way, with the real CLI."""

import json
import re
from pathlib import Path

import pytest

from batchproc import export
from batchproc.agents.rehearsal import Reply
from batchproc.models import JobOptions, JobSpec
from tests.export.support import Page, ending, ledger_of

FILES = 60
SCHEMA = {"vendor": "string", "amount": "number", "risk": ["low", "high"], "proof": "quote"}
FIRST = "Who is the vendor, how much is it, and is it a risk?"
STRICT = "The same, and be strict about risks."
CAREFUL = "The same, be strict about risks, and careful with amounts."


class Clerk:
    """An agent: reads its file, and answers as well as the instructions ask for. What they do not ask for, he misses:
    the risk of the contracts `risky` (by what a person found), and under STRICT the amount of `hard`."""

    def __init__(self):
        self.risky, self.hard = set(), None

    def __call__(self, call):
        system = json.dumps(call.body["system"])
        if not call.tool_results:
            path = json.loads(re.search(r'"file_path": (".*?[^\\]")', call.prompt)[1])
            return Reply(tools=[("Read", {"file_path": path})])
        vendor, amount = re.search(r"Contract (\w+) for (\d+) dollars", call.tool_results[-1].text).groups()
        is_strict, is_careful = "be strict" in system, "careful" in system
        dollars = int(amount) + (vendor == self.hard and is_strict and not is_careful)
        risk = "high" if is_strict and vendor in self.risky else "low"
        proof = f"{vendor} for {amount} dollars"
        return Reply(tools=[("StructuredOutput", {"vendor": vendor, "amount": dollars, "risk": risk, "proof": proof})])


CLERK = Clerk()


def contract(folder: Path, n: int, amount: int | None = None) -> None:
    (folder / f"c{n:02}.txt").write_text(f"Contract V{n:02} for {n * 10 if amount is None else amount} dollars.\n")


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.script.with_args(CLERK)
async def test_from_sixty_files_to_a_table_a_judgement_and_what_changed(house, tmp_path):
    CLERK.risky, CLERK.hard = set(), None
    folder = tmp_path / "contracts"
    folder.mkdir()
    for n in range(1, FILES + 1):
        contract(folder, n)
    source = {"type": "file", "base_directory": str(folder), "pattern": "*.txt"}
    spec = JobSpec(
        name="contracts", instructions=FIRST, enumerator=source, output_schema=SCHEMA, options=JobOptions(model="haiku")
    )
    job = (await house.service.create_job(spec)).job_id
    await house.start(job)
    assert (await house.ended(job, 300)).ledger.startswith("60 succeeded")

    reviewed = await a_person_reviews_twenty_and_corrects_three(house, job)
    await every_format_holds_what_the_store_holds(house, job, reviewed)
    await a_question_gets_few_lines(house, job)
    await a_change_is_held_against_what_was_judged(house, job, reviewed)
    await only_what_changed_on_disk_runs(house, job, folder)


async def a_person_reviews_twenty_and_corrects_three(house, job):
    """Returns the keys of the three that were corrected, and of one of the others."""
    drawn, seen = await house.service.review_units(job, 20), []
    while drawn.units:
        for unit in drawn.units:
            if unit.kind == "random":
                seen.append(unit)
        for unit in drawn.units:
            if unit in seen[:3]:
                right = {**unit.output, "risk": "high"}
                await house.service.record_verdict(job, unit.key, "correct", correction=right, attempt=unit.attempt)
            else:
                await house.service.record_verdict(job, unit.key, "accept", attempt=unit.attempt)
        drawn = await house.service.review_units(job, 20)
    assert len(seen) == 20 == len({unit.key for unit in seen})
    look = (await house.service.get_status(job)).review
    assert (look.drawn, look.judged, look.accepted, look.corrected) == (20, 20, 17, 3)
    assert look.words.startswith("3 of 20 wrong: at most 34.4 % wrong, 95 % confidence")  # Clopper-Pearson: 0.3437
    return [unit.key for unit in seen[:4]]


async def every_format_holds_what_the_store_holds(house, job, reviewed):
    home = Path(house.environ["HOME"])
    for name in export.FORMATS:
        path = home / f"contracts{ending(name)}"
        made = await house.service.export_results(job, name, str(path))
        assert made.rows == FILES and ledger_of(name, path)["counts"]["succeeded"] == FILES
        found = {str(row["key"]): row for row in rows_of(name, path)}
        for n in range(1, FILES + 1):
            row = found[f"c{n:02}.txt"]
            is_corrected = row["key"] in reviewed[:3]
            assert (row["out_vendor"], float(row["out_amount"])) == (f"V{n:02}", 10.0 * n), name
            assert row["out_risk"] == ("high" if is_corrected else "low")
            assert (row["verdict"] == "correct") == is_corrected and row["status"] == "succeeded"
            assert ('"low"' in str(row["corrected_from"])) == is_corrected
            assert row["in_file_name"] == f"c{n:02}.txt"


def rows_of(name, path):
    """Read by a library that did not write it."""
    import csv
    import sqlite3

    import polars

    match name:
        case "csv":
            with path.open(newline="") as file:
                return list(csv.DictReader(file))
        case "jsonl":
            return [json.loads(line) for line in path.read_text().splitlines()]
        case "parquet":
            return polars.read_parquet(path).to_dicts()
        case "sqlite":
            database = sqlite3.connect(path)
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute("SELECT * FROM results")]
        case _:
            return html_rows(path)


def html_rows(path):
    data = Page(path.read_text("utf-8")).data
    return [dict(zip([column["name"] for column in data["columns"]], row, strict=True)) for row in data["rows"]]


async def a_question_gets_few_lines(house, job):
    sql = "SELECT out_risk, count(*) AS n, max(out_amount) AS most FROM results GROUP BY 1 ORDER BY n DESC"
    found = await house.service.query_results(job, sql)
    assert found.columns == ["out_risk", "n", "most"] and not found.truncated
    assert [row[:2] for row in found.rows] == [["low", FILES - 3], ["high", 3]]


async def a_change_is_held_against_what_was_judged(house, job, reviewed):
    """Strictness mends what was corrected and breaks what was right: the plan says so before the rest may run."""
    CLERK.risky, CLERK.hard = {f"V{key[1:3]}" for key in reviewed[:3]}, f"V{reviewed[3][1:3]}"
    calls = len(house.model.calls)
    await house.service.update_job(job, instructions=STRICT, why="risks were missed")
    look = await house.reviewed(job, 120)
    gold = look.pilot.gold
    assert gold.counts["mended"] == 3 and gold.counts["regressed"] == 1
    [worse] = [one for one in gold.differences if one.standing == "regressed"]
    assert worse.key == reviewed[3] and worse.field == "amount"
    plan = await house.service.start_job(job)
    assert plan.status == "review" and "1 regression" in plan.message and reviewed[3] in plan.message
    judged = len(look.pilot.keys)
    assert judged >= 20 and len(house.model.calls) == calls + 2 * judged
    await house.service.update_job(job, instructions=CAREFUL)
    look = await house.reviewed(job, 120)
    assert look.pilot.gold.counts["regressed"] == 0 and look.pilot.gold.counts["mended"] == 3
    await house.service.start_job(job, confirmed=True)
    assert (await house.ended(job, 300)).ledger.startswith("60 succeeded")
    assert len(house.model.calls) == calls + 2 * judged + 2 * FILES
    risks = await house.service.query_results(job, "SELECT count(*) FROM results WHERE out_risk = 'high'")
    assert risks.rows == [[3]]


async def only_what_changed_on_disk_runs(house, job, folder):
    for n in (7, 8, 9):
        contract(folder, n, amount=7)
    contract(folder, 61)
    (folder / "c01.txt").unlink()
    plan = await house.service.update_source(job)
    counts = plan.counts
    assert (counts.new, counts.changed, plan.gone, counts.reusable) == (1, 3, 1, 56)
    assert "1 new, 3 changed, 1 gone, 56 reusable" in plan.message
    calls = len(house.model.calls)
    await house.service.update_source(job, confirmed=True)
    ended = await house.ended(job, 120)
    assert ended.counts["succeeded"] == 61 and len(house.model.calls) == calls + 2 * 4
    changed = await house.service.query_results(job, "SELECT key FROM results WHERE out_amount = 7 ORDER BY key")
    assert [key for (key,) in changed.rows] == ["c07.txt", "c08.txt", "c09.txt"]
    gone = await house.service.query_results(job, "SELECT key, out_amount FROM results WHERE gone")
    assert gone.rows == [["c01.txt", 10]]
