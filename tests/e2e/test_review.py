"""A person judges some answers of a job whose agents are real: at a terminal, in the shell, through MCP; and what he
said is held against the next description of the job."""

import asyncio
import contextlib
import json
import os
import pty
import sys

import pytest

from batchproc.agents.rehearsal import Reply
from batchproc.models import JobOptions, JobSpec
from tests.conftest import wait_until
from tests.e2e.test_cli_control import does, shell
from tests.e2e.test_mcp import call, connect

ANSWER = "StructuredOutput"
BILLS = {"type": "list", "items": [{"n": f"b{n}", "note": f"Vale owes {n}"} for n in range(1, 9)], "key_field": "n"}
SCHEMA = {"party": "string", "amount": "number", "proof": "quote?"}


def reads(request):
    """Answers right; but of b3 it says too much, unless it is told to be exact; told to be brief, it cuts the party."""
    said = json.dumps(request.body["messages"]) + json.dumps(request.body.get("system", ""))
    amount = next(n for n in range(1, 9) if f"Vale owes {n}" in said)
    wrong = amount == 3 and "exactly" not in said
    party = "V." if "briefly" in said else "Vale"
    answer = {"party": party, "amount": 30 if wrong else amount, "proof": f"owes {amount}"}
    return Reply(tools=[(ANSWER, answer)])


async def create(house, bills=8, **options):
    spec = JobSpec(
        name="bills",
        instructions="Who owes how much?",
        enumerator={**BILLS, "items": BILLS["items"][:bills]},
        output_schema=SCHEMA,
        options=JobOptions(profile="answer", **options),
    )
    return (await house.service.create_job(spec)).job_id


async def done(house, **options):
    job = await create(house, **options)
    await house.start(job)
    assert (await house.ended(job)).counts["succeeded"] == 8
    return job


@pytest.mark.long
@pytest.mark.script.with_args(reads)
async def test_a_correction_takes_the_answers_place_and_the_verdicts_are_counted(house):
    job = await done(house)
    page = await does(house, "review", job, "20")
    assert len(page["units"]) == 8 and page["review"]["population"] == 8
    assert (
        page["units"][0]["evidence"][0]["field"] == "proof"
        and page["units"][0]["evidence"][0]["quote"] in (page["units"][0]["payload"]["note"])
    )
    right = json.dumps({"party": "Vale", "amount": 3, "proof": "owes 3"})
    kept = await does(house, "judge", job, "b3", "correct", "--correction", right, "--note", "a digit too many")
    assert kept["verdict"] == "correct" and kept["review"]["corrected"] == 1
    for key in (unit["key"] for unit in page["units"] if unit["key"] != "b3"):
        await house.service.record_verdict(job, key, "accept")
    [b3] = [one for one in await house.results(job) if one.key == "b3"]
    assert (b3.verdict, b3.output["amount"], b3.corrected_from["amount"]) == ("correct", 3, 30)
    assert json.loads(b3.text) == b3.output
    unit = await house.service.get_unit(job, "b3")
    assert (unit.output["amount"], unit.verdict.correction["amount"], unit.verdict.holds) == (30, 3, True)
    assert unit.verdict.note == "a digit too many" and unit.verdict.by.startswith("shell: ")
    look = await house.service.get_status(job)
    assert look.review.words == "all 8 succeeded answers were judged: 1 wrong (12.5 %)"
    code, out, _ = await shell(house, "status", job)
    assert code == 0 and "judged: all 8 succeeded answers were judged: 1 wrong" in out
    code, out, _ = await shell(house, "unit", job, "b3")
    assert "correct by shell: " in out and '"amount": 30' in out and '"amount": 3' in out
    await house.service.retry_units(job, keys=["b3"])
    await house.ended(job)
    [b3] = [one for one in await house.results(job) if one.key == "b3"]
    assert (b3.verdict, b3.attempts) == ("correct", 2), "the answer is the very one that was judged"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("judge", "JOB", "b3", "correct"), "correction = None: say what the answer should be; or reject it"),
        (
            ("judge", "JOB", "b3", "correct", "--correction", "@/nowhere"),
            "--correction = '@/nowhere': it cannot be read",
        ),
        (("judge", "JOB", "b9", "accept"), "no unit 'b9'; see `batchproc results"),
        (("judge", "JOB", "b3", "accept"), "the unit is pending, so it has no answer to judge"),
        (("review", "JOB"), "it has no answers yet; `batchproc status"),
        (("review", "JOB", "5000"), "n = 5000: give a number between 1 and 1,000"),
    ],
)
async def test_what_cannot_be_is_refused_in_the_shell(house, words, said):
    job = await create(house)
    code, _, error = await shell(house, *[job if word == "JOB" else word for word in words])
    assert code == 1 and said in error, error


class Terminal:
    """The shell at a terminal, and somebody who types."""

    def __init__(self, house, *words):
        self.house, self.words, self.seen = house, words, ""

    async def __aenter__(self):
        self.ours, theirs = pty.openpty()
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "batchproc", *self.words),
            env=dict(self.house.environ), stdin=theirs, stdout=theirs, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        os.set_blocking(self.ours, False)
        return self

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        os.close(self.ours)

    def _read(self):
        with contextlib.suppress(OSError):  # nothing there yet, or nobody at the other end any more
            self.seen += os.read(self.ours, 1 << 16).decode("utf-8", "replace")
        return self.seen

    async def sees(self, text):
        """Waits until it is shown; what came before is forgotten."""
        await wait_until(lambda: text in self._read(), f"the terminal shows {text!r}", 30)
        before, _, self.seen = self.seen.partition(text)
        return before

    def types(self, line):
        os.write(self.ours, f"{line}\n".encode())


@pytest.mark.script.with_args(reads)
async def test_a_person_at_a_terminal_judges_one_unit_after_the_other(house):
    job = await done(house)
    order = [unit.key for unit in (await house.service.review_units(job, 8)).units]
    others = [key for key in order if key != "b3"]
    async with Terminal(house, "review", job, "8") as terminal:
        for key in order:
            shown = await terminal.sees("[q]uit > ")
            assert key in shown and "evidence" in shown and "drawn by chance" in shown
            if key == "b3":
                terminal.types("c")
                await terminal.sees("as JSON; or @FILE")
                terminal.types("amount=thirty")
                terminal.types("")
                await terminal.sees("note (Enter for none): ")
                terminal.types("")
                await terminal.sees("does not fit output_schema")
                await terminal.sees("[q]uit > ")
                terminal.types("c")
                await terminal.sees("as JSON; or @FILE")
                terminal.types("amount=3")
                terminal.types("")
                await terminal.sees("note (Enter for none): ")
                terminal.types("a digit too many")
            elif key == others[0]:
                terminal.types("s")
            elif key == others[1]:
                terminal.types("r")
                await terminal.sees("note (Enter for none): ")
                terminal.types("")
            else:
                terminal.types("a")
        shown = await terminal.sees("are\r\n")
        assert "7 of all 8 succeeded answers judged, 2 wrong: at most 37.5 %" in shown
        await wait_until(lambda: terminal.process.returncode is not None, "it has ended", 10)
    found = {one.key: one for one in await house.results(job)}
    assert (found["b3"].output["amount"], found["b3"].verdict) == (3, "correct")
    assert (found[others[0]].verdict, found[others[1]].verdict) == (None, "reject")
    assert {found[key].verdict for key in others[2:]} == {"accept"}


@pytest.mark.script.with_args(reads)
async def test_a_model_shows_the_answers_and_keeps_what_the_user_says(house):
    job = await done(house)
    async with connect(house) as client:
        page = await call(client, "review_units", job_id=job, n=5)
        assert page["review"]["drawn"] == 5 and "do not judge for him" in page["next"]
        one = page["units"][0]
        kept = await call(
            client, "record_verdict", job_id=job, key=one["key"], verdict="accept", attempt=one["attempt"]
        )
        assert kept["review"]["judged"] == 1
        right = {"party": "Vale", "amount": 3, "proof": None}
        kept = await call(client, "record_verdict", job_id=job, key="b3", verdict="correct", correction=right)
        assert "takes the answer's place" in kept["message"]
        status = await call(client, "get_status", job_id=job)
        assert "review_units draws" in status["next"] and status["review"]["drawn"] == 5
        refused = await client.call_tool("record_verdict", {"job_id": job, "key": "b3", "verdict": "fine"})
        assert refused.is_error and "say one of accept, reject, correct" in refused.content[0].text


@pytest.mark.long
@pytest.mark.script.with_args(reads)
async def test_after_a_change_judged_units_are_held_against_what_they_were_and_regressions_come_first(house):
    job = await create(house, bills=4, pilot_units=4)
    await house.service.start_job(job)
    first = await house.reviewed(job)
    assert first.pilot.gold is None and len(first.pilot.results) == 4
    right = {"party": "Vale", "amount": 3, "proof": None}
    await house.service.record_verdict(job, "b3", "correct", correction=right)
    for key in ("b1", "b2"):
        await house.service.record_verdict(job, key, "accept")
    await house.service.record_verdict(job, "b4", "reject")
    await house.service.update_job(job, instructions="Who owes how much, exactly?")
    better = await house.reviewed(job)
    assert better.pilot.gold.counts == {"regressed": 0, "still_wrong": 1, "changed": 0, "mended": 1, "held": 2}
    assert better.pilot.gold.words == "no regressions of 4 judged units (1 still wrong, 1 mended, 2 as right as before)"
    await house.service.update_job(job, instructions="Who owes how much? Say it briefly.")
    worse = await house.reviewed(job)
    gold = worse.pilot.gold
    assert (gold.units, gold.counts["regressed"], gold.counts["still_wrong"]) == (4, 2, 1)
    assert [(d.key, d.standing, d.field, d.expected, d.got) for d in gold.differences][:2] == [
        ("b1", "regressed", "party", '"Vale"', '"V."'),
        ("b2", "regressed", "party", '"Vale"', '"V."'),
    ]
    assert ("b3", "still_wrong", "amount", "3", "30") in [
        (d.key, d.standing, d.field, d.expected, d.got) for d in gold.differences
    ]
    plan = (await house.service.plan(job)).text.splitlines()
    assert plan[1].startswith("Gold set: 2 regressions of 4 judged units (1 still wrong, 1 changed")
    assert plan[2] == '  regressed: b1 · party: should be "Vale", is "V."'
    code, out, _ = await shell(house, "status", job)
    assert code == 0 and "2 regressions of 4 judged units" in out and "regressed: b1 · party" in out
    assert "should be Vale\n" in out and "is now    V.\n" in out
