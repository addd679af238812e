"""Identical units run once, if the job asks for it: with the real CLI."""

import pytest

from batchproc.agents.rehearsal import Reply
from batchproc.errors import InvalidJob
from batchproc.models import JobOptions


def count(request):
    return Reply(text=f"answer to {request.prompt[-400:].count('same')} of it")


@pytest.mark.script.with_args(count)
async def test_files_with_the_same_contents_are_read_once(house, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    for n in range(6):
        (folder / f"{n}.txt").write_text("the same" if n % 2 else f"other {n}")
    source = {"type": "file", "base_directory": str(folder)}
    job = (await house.run("Read it", source, share_identical=True, profile="answer")).job_id
    look = await house.service.get_status(job)
    assert look.ledger.startswith("6 succeeded") and len(house.model.calls) == 4
    shared = await house.service.get_unit(job, "5.txt")
    assert shared.attempts == [] and shared.cost_usd == 0
    assert shared.text == (await house.service.get_unit(job, "1.txt")).text
    with pytest.raises(InvalidJob, match="share_identical"):
        await house.service.update_job(job, options=JobOptions(share_identical=False))


@pytest.mark.script.with_args(count)
async def test_what_comes_into_the_source_later_is_compared_as_well(house, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "0.txt").write_text("the same")
    source = {"type": "file", "base_directory": str(folder)}
    job = (await house.run("Read it", source, share_identical=True, profile="answer")).job_id
    for name, text in (("1.txt", "the same"), ("2.txt", "another"), ("3.txt", "another")):
        (folder / name).write_text(text)
    assert (await house.service.update_source(job)).counts.new == 3
    await house.service.update_source(job, confirmed=True)
    assert (await house.ended(job)).counts["succeeded"] == 4 and len(house.model.calls) == 2
    assert (await house.service.get_unit(job, "1.txt")).text == (await house.service.get_unit(job, "0.txt")).text
