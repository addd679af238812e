"""Files that agents make for the user, with the real CLI: there once their unit has succeeded, and nothing else is."""

import re
from pathlib import Path

import pytest

from batchproc.agents.rehearsal import Reply
from tests.conftest import wait_until

NAME = re.compile(r'^- "(.+)"$', re.M)


def said(call):
    """What the agent was told last, its files among it."""
    texts = [
        block.get("text", "") if isinstance(block, dict) else block
        for message in call.body["messages"]
        if message["role"] == "user"
        for block in (message["content"] if isinstance(message["content"], list) else [message["content"]])
    ]
    return "\n".join(text for text in texts if NAME.search(text)).rpartition("Write ")[2]


def writes_all(call):
    if not call.tool_uses:
        files = NAME.findall(said(call))
        extra = [("Write", {"file_path": "notes/draft.txt", "content": "only for me"})]
        return Reply(tools=[*[("Write", {"file_path": name, "content": f"about {name}"}) for name in files], *extra])
    return Reply(text="RESULT: written")


def forgets_one_first(call):
    """Writes only the first of its files, until it is told what is missing."""
    files, told = NAME.findall(said(call)), "Your work was not accepted" in str(call.body["messages"])
    results = len(call.tool_results)
    if told and results < 3:
        return Reply(tools=[("Write", {"file_path": name, "content": "again"}) for name in files])
    if not told and results < 1:
        return Reply(tools=[("Write", {"file_path": files[0], "content": "first"})])
    return Reply(text="RESULT: done")


def writes_what_it_never_wrote(call):
    if not call.tool_uses:
        files = NAME.findall(said(call))
        return Reply(tools=[("Write", {"file_path": name, "content": f"call {call.number}"}) for name in files])
    return Reply(text="RESULT: written")


def never_writes(call):
    return Reply(text="RESULT: I have written everything.")


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.txt", "sub/b.txt", "übung.txt"):
        (folder / name).write_text(f"text of {name}")
    return {"type": "file", "base_directory": str(folder), "pattern": "**/*.txt"}


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def tree(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


async def published(out: Path) -> dict[str, str]:
    """What lies in the output folder once nothing waits there any more."""
    await wait_until(lambda: not list(out.glob(".batchproc-*")), "no staging is left", 10)
    return tree(out)


def options(out, **more):
    return {"profile": "edit", "outputs": ["{{ relative_path }}.md"], "output_directory": str(out), **more}


async def everything_is_swept(house, out):
    await published(out)
    await wait_until(lambda: not list((house.home / "agents").glob("*/*/*/work")), "no scratch is left", 15)


@pytest.mark.script.with_args(writes_all)
async def test_each_unit_publishes_the_files_that_the_job_names_and_no_others(house, source, out):
    named = options(out, outputs=["{{ relative_path }}.md", "meta/{{ file_name | upper }}.json"])
    status = await house.run("Read it and write.", source, **named)
    assert status.counts["succeeded"] == 3
    meta = ["meta/A.TXT.json", "meta/B.TXT.json", "meta/ÜBUNG.TXT.json"]
    assert await published(out) == {
        name: f"about {name}" for name in ("a.txt.md", "sub/b.txt.md", "übung.txt.md", *meta)
    }
    [a, *_] = await house.results(status.job_id)
    assert a.files == [str(out / "a.txt.md"), str(out / "meta/A.TXT.json")]
    unit = await house.service.get_unit(status.job_id, a.key, events_limit=1000)
    assert unit.files == a.files
    kinds = [event.kind for event in unit.events]
    assert kinds.index("unit.published") < kinds.index("unit.succeeded") and kinds.count("unit.published") == 1
    assert '- "a.txt.md"' in unit.prompt
    await everything_is_swept(house, out)


@pytest.mark.long
@pytest.mark.script.with_args(forgets_one_first)
async def test_an_agent_that_forgot_a_file_is_told_which_and_asked_once_more(house, source, out):
    named = options(out, outputs=["{{ relative_path }}.md", "{{ relative_path }}.json"], model="claude-haiku-4-5")
    status = await house.run("Write about {{ file_path }}.", source, **named)
    assert status.counts["succeeded"] == 3, [one.error for one in await house.results(status.job_id)]
    written = await published(out)
    assert len(written) == 6 and set(written.values()) == {"again"}
    first = (await house.results(status.job_id))[0]
    attempts = (await house.service.get_unit(status.job_id, first.key)).attempts
    assert [one.outcome for one in attempts] == ["empty", "succeeded"]
    assert attempts[1].resumed_from == 1 and "did not write" in attempts[0].error


@pytest.mark.long
@pytest.mark.script.with_args(never_writes)
async def test_an_agent_that_only_says_it_wrote_is_flagged_and_leaves_nothing(house, source, out):
    status = await house.run("Write about {{ file_path }}.", source, **options(out))
    assert status.counts["flagged"] == 3
    assert {one.attempts for one in await house.results(status.job_id)} == {2}
    assert (await house.results(status.job_id))[0].error == "the agent did not write a.txt.md"
    assert await published(out) == {}
    await everything_is_swept(house, out)


@pytest.mark.script.with_args(writes_all)
async def test_what_cannot_be_put_to_its_place_costs_nothing(house, source, out):
    (out / "a.txt.md").write_text("mine")
    (out / "sub").symlink_to(out.parent)
    status = await house.run("Write about {{ file_path }}.", source, **options(out))
    assert (status.counts["succeeded"], status.counts["failed"]) == (1, 2)
    errors = {one.key: one.error for one in await house.results(status.job_id, status="failed")}
    assert "not of this job" in errors["a.txt"] and "links are not followed" in errors["sub/b.txt"]
    assert await published(out) == {"a.txt.md": "mine", "übung.txt.md": "about übung.txt.md"}
    assert {call.prompt.split("in JSON")[1] for call in house.model.calls} == {':\n- "übung.txt.md"\n'}
    assert not (out.parent / "b.txt.md").exists()


@pytest.mark.script.with_args(writes_what_it_never_wrote)
async def test_a_unit_that_is_asked_for_again_replaces_its_own_file_and_not_an_edited_one(house, source, out):
    status = await house.run("Write about {{ file_path }}.", source, **options(out))
    before = await published(out)
    (out / "a.txt.md").write_text("the user's own words")
    keys = [one.key for one in await house.results(status.job_id)]
    await house.service.retry_units(status.job_id, keys=keys)
    again = await house.ended(status.job_id)
    assert (again.counts["succeeded"], again.counts["failed"]) == (2, 1)
    after = await published(out)
    assert after.pop("a.txt.md") == "the user's own words" and before.pop("a.txt.md")
    assert after.keys() == before.keys() and not set(after.values()) & set(before.values())
    assert "was changed since" in (await house.results(status.job_id, status="failed"))[0].error


@pytest.mark.script.with_args(writes_all)
async def test_a_job_that_may_overwrites_what_is_there(house, source, out):
    (out / "a.txt.md").write_text("old")
    status = await house.run("Write about {{ file_path }}.", source, **options(out, overwrite_outputs=True))
    assert status.counts["succeeded"] == 3 and (await published(out))["a.txt.md"] == "about a.txt.md"
    await house.service.delete_job(status.job_id)
    assert len(await published(out)) == 3


async def test_a_dry_run_with_the_rehearsal_model_writes_them_too(house, source, out):
    named = options(out, outputs=["{{ relative_path }}.md", "{{ relative_path }}.txt"], model="rehearsal")
    status = await house.run("Sum it up.", source, **named)
    assert status.counts["succeeded"] == 3, [one.error for one in await house.results(status.job_id)]
    written = await published(out)
    assert len(written) == 6 and "text of a.txt" in written["a.txt.md"]
    assert all("not Claude" in text for text in written.values())
