"""Structured answers from the real CLI: valid, mended, given up on, blank, refused by the check, and falsely quoted."""

import hashlib
import json
import os
import re
import signal
import sys

import pytest

from batchproc.agents.guard import TAG
from batchproc.agents.rehearsal import Reply
from batchproc.models import JobOptions, JobSpec
from batchproc.platform import processes
from tests.conftest import wait_until

ANSWER = "StructuredOutput"
INVOICE = {"party": "string", "amount": "number?", "risk": ["low", "high"]}
GOOD = {"party": "Vale GmbH", "amount": 12.5, "risk": "low"}


async def started(house, source, output_schema, **options):
    """The one place that starts a job here."""
    spec = JobSpec(
        name="a job",
        instructions="Who is it with, and for how much?",
        enumerator=source,
        output_schema=output_schema,
        options=JobOptions(**{"profile": "answer", **options}),
    )
    job_id = (await house.service.create_job(spec)).job_id
    await house.start(job_id)
    return job_id


async def asked(house, source, output_schema, limit_s=60, **options):
    job_id = await started(house, source, output_schema, **options)
    await house.ended(job_id, limit_s)
    return job_id


async def one(house, output_schema, **options):
    """The only unit of such a job."""
    job_id = await asked(house, {"type": "list", "items": [{"note": "Vale GmbH owes 12.5"}]}, output_schema, **options)
    [result] = await house.results(job_id)
    return await house.service.get_unit(job_id, result.key)


def gives(**answer):
    return Reply(tools=[(ANSWER, answer)])


def said(call):
    return json.dumps(call.body["messages"])


@pytest.mark.script.with_args(lambda call: gives(**GOOD))
async def test_an_answer_that_fits_is_believed_at_once(house):
    unit = await one(house, INVOICE)
    assert (unit.status, unit.output, unit.error, len(unit.attempts)) == ("succeeded", GOOD, None, 1)
    assert house.model.calls[0].tools[ANSWER]["required"] == ["party", "amount", "risk"]


def strict():
    """What the CLI cannot check and we do."""
    fields = {"party": {"type": "string"}, "until": {"type": "string", "format": "date", "x-note": "ours"}}
    rule = {"dependentRequired": {"party": ["until"]}, "$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {"type": "object", "properties": fields, "required": ["until"], **rule}


def mends(call):
    """Gives a date that is none; told so, a good one."""
    return gives(party="Vale", until="2026-03-01" if "was not accepted" in said(call) else "next March")


@pytest.mark.script.with_args(mends)
async def test_an_answer_that_does_not_fit_is_mended_in_the_same_conversation(house):
    unit = await one(house, strict())
    assert (unit.status, unit.output["until"]) == ("succeeded", "2026-03-01")
    first, second = unit.attempts
    assert (first.outcome, first.cause, first.charged) == ("empty", "schema", True)
    assert "until: 'next March' is not a 'date'" in first.error
    assert (second.outcome, second.resumed_from, second.charged) == ("succeeded", 1, True)
    told, again = house.model.calls
    assert again.prompt == told.prompt
    assert "next March" in str(again.tool_uses), "what it answered first is in the conversation"
    assert "is not a 'date'" in said(again), "and so is the reason"


@pytest.mark.script.with_args(lambda call: gives(party="Vale", until=f"in {call.number} days"))
async def test_an_answer_that_still_does_not_fit_is_flagged_with_all_that_it_said(house):
    unit = await one(house, strict())
    assert (unit.status, len(unit.attempts), house.model.count) == ("flagged", 2, 2)
    assert unit.output == {"party": "Vale", "until": "in 2 days"} and json.loads(unit.text) == unit.output
    assert unit.error.startswith("the answer does not fit output_schema: until: 'in 2 days' is not a 'date'")


@pytest.mark.script.with_args(lambda call: Reply(text="trying", tools=[(ANSWER, {"party": 7})]))
async def test_what_the_cli_gave_up_on_is_asked_for_once_more_and_kept_as_text(house):
    unit = await one(house, INVOICE)
    assert (unit.status, unit.output, json.loads(unit.text)) == ("flagged", None, {"party": 7})
    assert [(a.outcome, a.cause) for a in unit.attempts] == [("empty", "schema"), ("flagged", "schema")]
    assert "party: 7 is not of type 'string'" in unit.error and "'amount' is a required property" in unit.error


@pytest.mark.script.with_args(lambda call: Reply(text="Vale GmbH, 12.5, low"))
async def test_an_agent_that_never_gives_the_structure_is_flagged_with_its_text(house):
    unit = await one(house, INVOICE)
    assert (unit.status, unit.output, unit.text) == ("flagged", None, "Vale GmbH, 12.5, low")
    assert "StructuredOutput was not called" in unit.error and len(unit.attempts) == 2


@pytest.mark.script.with_args(lambda call: gives(party="x", until="tomorrow"))
async def test_with_one_attempt_it_is_flagged_at_once(house):
    unit = await one(house, strict(), max_attempts=1)
    assert (unit.status, len(unit.attempts)) == ("flagged", 1)


@pytest.mark.script.with_args(lambda call: gives(party="N/A", amount=None, note="tbd"))
async def test_placeholders_in_every_field_are_flagged(house):
    unit = await one(house, {"party": "string", "amount": "number?", "note": "string"})
    assert (unit.status, unit.error) == ("flagged", "every text in the answer is only a placeholder: N/A")
    assert unit.output["party"] == "N/A" and len(unit.attempts) == 1


def mends_late(call):
    if "was not accepted" not in said(call):
        return gives(party="Vale", until="soon")
    mends_late.asked += 1
    return Reply(tools=[(ANSWER, {"party": "Vale", "until": "2026-03-01"})], delay_s=60 if mends_late.asked == 1 else 0)


@pytest.mark.script.with_args(mends_late)
async def test_a_mending_attempt_that_is_killed_is_told_once_more_what_to_mend(house):
    mends_late.asked = 0
    source = {"type": "list", "items": [{"note": "x"}]}
    job_id = await started(house, source, strict())
    await wait_until(lambda: mends_late.asked == 1, "it is asked to mend its answer", 30)
    os.kill((await house.launcher.hello())["pid"], signal.SIGKILL)
    await wait_until(lambda: not house.launcher.is_alive, "it is dead", 5)
    await house.start(job_id)
    await house.ended(job_id)
    [result] = await house.results(job_id)
    unit = await house.service.get_unit(job_id, result.key)
    assert (unit.status, unit.output["until"]) == ("succeeded", "2026-03-01")
    assert [(a.cause, a.resumed_from) for a in unit.attempts] == [("schema", None), ("worker_lost", 1), (None, 1)]


# The job's own check.


def a_check(tmp_path, body):
    path = tmp_path / "check.py"
    path.write_text(f"import json, os, subprocess, sys, time\nanswer = json.load(sys.stdin)\n{body}")
    return (sys.executable, str(path))


async def checked(house, check, **options):
    """Asks for two units under a check that a person has approved."""
    source = {"type": "list", "items": [{"id": "good", "n": 1}, {"id": "bad", "n": 2}], "key_field": "id"}
    options = JobOptions(profile="answer", check=check, **options)
    spec = JobSpec(name="j", instructions="n?", enumerator=source, output_schema={"n": "integer"}, options=options)
    job_id = (await house.service.create_job(spec)).job_id
    needed = await house.service.needed_approval(job_id)
    assert check[-1] in needed.text and "OUTSIDE any sandbox" in needed.text
    await house.service.approve(job_id, needed.hash, by="test")
    await house.start(job_id)
    return job_id


def counts(call):
    return gives(n=int(re.search(r'"n": (\d)', call.prompt)[1]))


@pytest.mark.script.with_args(counts, SOME_SECRET="a", ANTHROPIC_CUSTOM_HEADERS="x-secret: b")
async def test_a_check_decides_and_its_words_are_kept(house, tmp_path):
    told = tmp_path / "told.jsonl"
    body = f"open({str(told)!r}, 'a').write(json.dumps([answer, dict(os.environ), os.getcwd()]) + '\\n')\n"
    body += "if answer['output']['n'] == 2: sys.exit('two is too much')\n"
    job_id = await checked(house, a_check(tmp_path, body))
    await house.ended(job_id)
    good, bad = await house.results(job_id)
    assert (good.status, good.output) == ("succeeded", {"n": 1})
    assert (bad.status, bad.output) == ("flagged", {"n": 2})
    assert bad.error == "the job's check says no (exit 1): two is too much"
    lines = [json.loads(line) for line in told.read_text().splitlines()]
    answer, environ, folder = next(line for line in lines if line[0]["key"] == "good")
    assert answer == {"key": "good", "payload": {"id": "good", "n": 1}, "text": '{"n":1}', "output": {"n": 1}}
    assert str(house.home / "agents") in folder and len({line[2] for line in lines}) == 2
    assert not [name for name in environ if "ANTHROPIC" in name or "SECRET" in name or "CLAUDE" in name]


@pytest.mark.script.with_args(lambda call: gives(**GOOD))
async def test_the_shell_shows_the_fields(house, capsys):
    from batchproc.interfaces import cli_show

    job_id = await asked(house, {"type": "list", "items": [{"note": "x"}]}, INVOICE)
    [result] = await house.results(job_id)
    cli_show.result(result)
    assert '"party": "Vale GmbH",' in capsys.readouterr().out


@pytest.mark.long
@pytest.mark.script.with_args(counts)
async def test_a_check_that_takes_too_long_is_killed_with_its_children(house, tmp_path):
    pids = tmp_path / "pids"
    body = f"child = subprocess.Popen(['setsid', 'sleep', '300'])\nopen({str(pids)!r}, 'a').write('x')\ntime.sleep(300)"
    job_id = await checked(house, a_check(tmp_path, body), check_timeout_s=2)
    await house.ended(job_id)
    assert {r.error for r in await house.results(job_id)} == {"the job's check took too long: without a word"}
    assert pids.read_text() == "xx"
    assert not checks()


def checks():
    """The processes of checks that live."""
    marked = processes.marked(f"{TAG}=".encode(), True)
    return [pid for pid, _ in marked if b":check-" in _environ(pid)]


def _environ(pid):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read()
    except OSError:
        return b""


@pytest.mark.script.with_args(counts)
async def test_a_killed_supervisor_leaves_no_check_and_the_units_go_on(house, tmp_path):
    once = tmp_path / "once"
    body = (
        f"if not os.path.exists({str(once)!r}):\n    subprocess.Popen(['setsid', 'sleep', '300'])\n    time.sleep(300)"
    )
    job_id = await checked(house, a_check(tmp_path, body), max_concurrency=1)
    await wait_until(lambda: len(checks()) >= 2, "a check runs, with a child", 30)
    once.touch()
    os.kill((await house.launcher.hello())["pid"], signal.SIGKILL)
    await wait_until(lambda: not checks(), "nothing of it is left", 5)
    await house.start(job_id)
    await house.ended(job_id)
    assert [r.status for r in await house.results(job_id)] == ["succeeded", "succeeded"]


@pytest.mark.script.with_args(counts)
async def test_a_check_that_is_gone_pauses_the_job_and_keeps_the_answer(house, tmp_path):
    program = tmp_path / "check"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o700)
    source = {"type": "list", "items": [{"n": n} for n in range(1, 4)]}
    options = JobOptions(profile="answer", check=(str(program),), max_concurrency=1)
    spec = JobSpec(name="j", instructions="n?", enumerator=source, output_schema={"n": "integer"}, options=options)
    job_id = (await house.service.create_job(spec)).job_id
    program.unlink()
    await house.service.approve(job_id, (await house.service.needed_approval(job_id)).hash, by="test")
    await house.start(job_id)
    ended = await house.ended(job_id)
    assert (ended.status, ended.reason) == ("paused", "machine") and str(program) in ended.detail
    [kept] = await house.results(job_id)
    assert (kept.status, kept.output) == ("flagged", {"n": 1}) and ended.counts["pending"] == 2


@pytest.mark.long
@pytest.mark.script.with_args(counts)
async def test_a_check_that_was_changed_after_its_approval_is_not_run_until_it_is_put_back(house, tmp_path):
    ran = tmp_path / "ran"
    check = a_check(tmp_path, "")
    script = tmp_path / "check.py"
    before = script.read_text()
    source = {"type": "list", "items": [{"n": n} for n in range(1, 4)]}
    options = JobOptions(profile="answer", check=check, max_concurrency=1)
    spec = JobSpec(name="j", instructions="n?", enumerator=source, output_schema={"n": "integer"}, options=options)
    job_id = (await house.service.create_job(spec)).job_id
    needed = await house.service.needed_approval(job_id)
    assert hashlib.sha256(before.encode()).hexdigest() in needed.text
    await house.service.approve(job_id, needed.hash, by="test")
    script.write_text(f"open({str(ran)!r}, 'w')")
    await house.start(job_id)
    ended = await house.ended(job_id)
    assert (ended.status, ended.reason) == ("paused", "approval") and not ran.exists()
    assert str(script) in ended.detail and "update_job(options.check)" in ended.detail
    [kept] = await house.results(job_id)
    assert (kept.status, kept.output) == ("flagged", {"n": 1}) and ended.counts["pending"] == 2
    script.write_text(before)
    await house.start(job_id)
    ended = await house.ended(job_id)
    assert (ended.status, ended.counts["succeeded"], ended.counts["flagged"]) == ("completed", 2, 1)


# Evidence.

CLAUSES = {"party": "string", "clauses": [{"about": "string", "proof": "quote?"}]}


def contract(n):
    """What it says, and how it is written: each file in one of the ways in which files come."""
    fee = f"Vale’s fee for lot {n} is\nEUR {1000 + n},50 — payable “at once”."
    words = f"# Contract {n}\n\n{fee}\n\nSoft\u00adware is excluded."
    encodings = ["utf-8", "utf-16", "utf-8-sig", "cp1252"]
    text = words.replace("\n", "\r\n") if n % 3 == 0 else words.replace(" is\n", "\u00a0is\n")
    return text.encode(encodings[n % 4])


def quotes(call):
    """Reads its file, then quotes from it: truly if its number is even, else in one of five false ways."""
    path = call.prompt.split('"file_path": "')[1].split('"')[0]
    if not call.tool_results:
        return Reply(tools=[("Read", {"file_path": path})])
    n = int(re.search(r"(\d+)\.md", path)[1])
    true = f'Vale\'s fee for lot {n} is EUR {1000 + n},50 - payable "at once".'
    false = [
        true.replace(str(1000 + n), str(1001 + n)),
        f"Vale's fee for lot {n} … Software is excluded.",
        "",
        "vale's fee",
        f"Contract {n} Software is excluded.",
    ]
    first = {"about": "fee", "proof": true}
    other = {"about": "exclusion", "proof": "Software is excluded." if n % 4 else None}
    return gives(party="Vale", clauses=[first, other if n % 2 == 0 else {**other, "proof": false[n % 5]}])


@pytest.mark.timeout(500)
@pytest.mark.long
@pytest.mark.script.with_args(quotes)
async def test_of_80_units_40_with_a_false_quote_are_flagged_and_none_of_the_others(house, tmp_path):
    folder = tmp_path / "contracts"
    folder.mkdir()
    for n in range(80):
        (folder / f"{n:02}.md").write_bytes(contract(n))
    source = {"type": "file", "base_directory": str(folder), "pattern": "*.md"}
    job_id = await asked(house, source, CLAUSES, 400, profile="read-only", max_concurrency=8, breaker=0)
    results = await house.results(job_id)
    flagged = [r.key for r in results if r.status == "flagged"]
    assert flagged == [f"{n:02}.md" for n in range(1, 80, 2)]
    assert {r.status for r in results if r.key not in flagged} == {"succeeded"}
    assert all(r.error.startswith("evidence: clauses[1].proof ") for r in results if r.key in flagged)
    assert all(r.output["party"] == "Vale" and r.text for r in results), "nothing is thrown away"


def reads_beside(call):
    """Quotes from another file of the job's folder, after reading it or without."""
    payload = re.search(r'"id": "(\w+)", *"path": "([^"]+)"', call.prompt.replace("\n", " ").replace("  ", ""))
    if payload[1] == "reads" and not call.tool_results:
        return Reply(tools=[("Read", {"file_path": payload[2]})])
    return gives(proof="the sea was calm")


@pytest.mark.parametrize(("profile", "reads"), [("read-only", "succeeded"), ("edit", "flagged")])
@pytest.mark.script.with_args(reads_beside)
async def test_a_file_that_the_agent_read_counts_where_it_cannot_write(house, tmp_path, profile, reads):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/log.txt").write_text("On that day the sea\nwas calm.")
    items = [{"id": name, "path": str(tmp_path / "data/log.txt")} for name in ("reads", "guesses")]
    source = {"type": "list", "items": items, "key_field": "id"}
    folder = {"working_directory": str(tmp_path / "data")}
    job_id = await asked(house, source, {"proof": "quote"}, profile=profile, **folder)
    assert {r.key: r.status for r in await house.results(job_id)} == {"reads": reads, "guesses": "flagged"}


@pytest.mark.script.with_args(lambda call: gives(proof="A binding promise"))
async def test_a_quote_from_a_file_that_is_no_text_could_not_be_checked(house, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.pdf").write_bytes(b"%PDF-1.7\n%\xe2\xe3 A binding promise\n%%EOF")
    source = {"type": "file", "base_directory": str(tmp_path / "docs"), "pattern": "*.pdf"}
    instructions = "What does {{ file_path }} promise?"
    spec = JobSpec(
        name="j",
        instructions=instructions,
        enumerator=source,
        output_schema={"proof": "quote"},
        options=JobOptions(profile="read-only"),
    )
    job_id = (await house.service.create_job(spec)).job_id
    await house.start(job_id)
    await house.ended(job_id)
    [result] = await house.results(job_id)
    assert result.error == "evidence: proof could not be checked: the file is not text (.pdf)"


KEY = "sk-ant-" + "api03-" + "Q7" * 20


@pytest.mark.script.with_args(lambda call: gives(party=f"the key {KEY}", amount=1, risk="low"))
async def test_a_secret_in_a_structured_answer_is_not_kept(house):
    unit = await one(house, INVOICE)
    assert unit.output["party"] == "the key [redacted: anthropic key]" and KEY not in json.dumps(unit.model_dump())
