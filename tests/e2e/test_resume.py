"""A lost attempt's conversation goes on in the next one, if the job allows it; waste and savings are counted."""

import os
import signal
from pathlib import Path

import pytest

from batchproc.agents.rehearsal import Reply
from batchproc.models import Tokens
from tests.conftest import wait_until

USAGE = Tokens(input=10_000, output=100)


def reads_then_thinks(call):
    """Reads its file, then thinks for long; in a conversation that goes on it answers at once."""
    if "You were interrupted" in str(call.body["messages"]):
        return Reply(text=f"RESULT: went on after {len(call.tool_results)} results", usage=USAGE)
    if not call.tool_results:
        path = call.prompt.split('"file_path": "')[1].split('"')[0]
        return Reply(tools=[("Read", {"file_path": path})], usage=USAGE)
    return Reply(text="RESULT: from the start", delay_s=reads_then_thinks.thinks_s, usage=USAGE)


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.txt").write_text("The word is whale.")
    reads_then_thinks.thinks_s = 60
    return {"type": "file", "base_directory": str(folder), "pattern": "*.txt"}


async def in_the_middle(house, source, **options):
    created = await house.create("Say what is in it.", source, model="claude-haiku-4-5", **options)
    await house.start(created.job_id)
    await wait_until(lambda: house.model.count >= 2, "it has read its file and thinks", 30)
    await wait_until(lambda: _kept(house), "its conversation is on the disk", 10)
    return created.job_id


def _kept(house):
    """The CLI writes a tool's result down some 85 ms after it told of it."""
    return any("whale" in path.read_text() for path in _conversations(house))


def _conversations(house):
    """A walk, since it does not mind that folders go away meanwhile; a glob of Python 3.11 does."""
    walk = os.walk(house.home / "agents")
    return [Path(folder, name) for folder, _, names in walk for name in names if name.endswith(".jsonl")]


@pytest.mark.script.with_args(reads_then_thinks)
async def test_a_killed_supervisors_unit_goes_on_where_it_was(house, source):
    job_id = await in_the_middle(house, source)
    os.kill((await house.launcher.hello())["pid"], signal.SIGKILL)
    await wait_until(lambda: not house.launcher.is_alive, "it is dead", 5)
    await house.start(job_id)
    ended = await house.ended(job_id)
    [result] = await house.results(job_id)
    unit = await house.service.get_unit(job_id, "a.txt")
    assert (result.status, result.text) == ("succeeded", "RESULT: went on after 1 results")
    assert [(a.outcome, a.resumed_from, a.charged) for a in unit.attempts] == [
        ("lost", None, True),
        ("succeeded", 1, True),
    ]
    lost, last = unit.attempts
    assert not lost.billed and lost.cost_usd > 0.5, "what is not known is charged as reserved"
    assert last.billed and last.cost_usd == pytest.approx(0.0105)
    assert ended.spending.saved_usd == 0, "nobody knows what it cost, so nobody knows what was saved"
    assert ended.spending.wasted_usd == pytest.approx(lost.cost_usd)
    await wait_until(lambda: not _conversations(house), "and its conversation is tidied away", 10)


@pytest.mark.script.with_args(reads_then_thinks)
async def test_a_job_that_forbids_it_begins_anew_and_counts_the_waste(house, source):
    job_id = await in_the_middle(house, source, resume=False)
    os.kill((await house.launcher.hello())["pid"], signal.SIGKILL)
    reads_then_thinks.thinks_s = 0
    await wait_until(lambda: not house.launcher.is_alive, "it is dead", 5)
    await house.start(job_id)
    ended = await house.ended(job_id)
    unit = await house.service.get_unit(job_id, "a.txt")
    assert unit.text == "RESULT: from the start" and unit.attempts[-1].resumed_from is None
    assert ended.spending.wasted_usd == pytest.approx(unit.attempts[0].cost_usd) and ended.spending.saved_usd == 0


@pytest.mark.script.with_args(reads_then_thinks)
async def test_a_released_unit_brings_its_bill_and_goes_on(house, source):
    job_id = await in_the_middle(house, source)
    await house.service.control_job(job_id, "pause", drain=False)

    async def back():
        return (await house.service.get_status(job_id)).counts["pending"] == 1

    await wait_until(back, "it is back", 10)
    await house.service.control_job(job_id, "resume")
    ended = await house.ended(job_id)
    unit = await house.service.get_unit(job_id, "a.txt")
    released, last = unit.attempts
    assert (released.outcome, released.billed, released.charged) == ("released", False, True)
    assert released.cost_usd == pytest.approx(0.0105 + 10_000 * 1.25 * 1.25 / 1e6), (
        "its bill, and the request that was cut"
    )
    assert last.billed and last.cost_usd == pytest.approx(0.0105)
    assert (last.resumed_from, unit.text) == (1, "RESULT: went on after 1 results")
    assert ended.spending.wasted_usd == pytest.approx(released.cost_usd, abs=1e-5) and ended.spending.saved_usd == 0


@pytest.mark.script.with_args(reads_then_thinks)
async def test_a_conversation_that_is_gone_is_begun_anew_at_once_and_uncharged(house, source):
    job_id = await in_the_middle(house, source)
    os.kill((await house.launcher.hello())["pid"], signal.SIGKILL)
    await wait_until(lambda: not house.launcher.is_alive, "it is dead", 5)
    for path in _conversations(house):
        path.unlink()
    reads_then_thinks.thinks_s = 0
    await house.start(job_id)
    await house.ended(job_id)
    unit = await house.service.get_unit(job_id, "a.txt")
    assert unit.text == "RESULT: from the start"
    assert [(a.outcome, a.cause, a.charged) for a in unit.attempts] == [
        ("lost", "worker_lost", True),
        ("unrun", "no_conversation", False),
        ("succeeded", None, True),
    ]
