"""What waits for a person: read in full, allowed or declined by exactly its hash."""

from dataclasses import replace

import pytest

from batchproc.errors import InvalidJob, NeedsApproval, NotFound
from batchproc.models import Order, Profile
from batchproc.store import approvals as given
from batchproc.store import control, events
from tests.conftest import OPTIONS
from tests.store.results_support import job_of

NOW = 1_800_000_000.0
FULL = replace(OPTIONS, profile=Profile.FULL, working_directory="/data")
SERVER = replace(OPTIONS, mcp_servers={"clock": {"command": "/bin/false", "env": {"TOKEN": "t0p-s3cret"}}})


@pytest.fixture
async def jobs(store):
    return [await job_of(store, [{"n": 1}], options, key=f"k{n}") for n, options in enumerate((OPTIONS, FULL, SERVER))]


async def ask_for_source(store, digest="ab" * 16):
    await store.write(given.ask, digest, "The items come from Python code", Order(by="mcp"), now=NOW)
    return digest


async def test_what_waits_is_listed_with_all_its_text_and_no_secret(service, store, jobs):
    digest = await ask_for_source(store)
    server, shell, source = (await service.list_approvals()).approvals
    assert (shell.name, shell.job_id) == (jobs[1].job_id, jobs[1].job_id) and "shell" in shell.text
    assert server.job_id == jobs[2].job_id and "/bin/false" in server.text and "s3cret" not in server.text
    assert (source.name, source.hash, source.job_id, source.asked_by) == (digest, digest, None, "mcp")
    assert source.asked_at == "2027-01-15T08:00:00.000Z"


async def test_what_is_allowed_waits_no_more_and_is_allowed_by_its_hash_only(service, store, jobs):
    digest = await ask_for_source(store)
    for one in (await service.list_approvals()).approvals:
        with pytest.raises(InvalidJob, match="hash"):
            await service.approve_named(one.name, "0" * 32, by="a person")
        assert await service.approve_named(one.name, one.hash, by="a person")
        assert not await service.approve_named(one.name, one.hash, by="a person")
        assert await store.read(given.is_approved, one.hash)
    assert (await service.list_approvals()).approvals == []
    assert await service.requested_approval(digest) is None


async def test_what_is_declined_waits_for_nobody_until_it_is_asked_for_again(service, store, jobs):
    digest = await ask_for_source(store)
    for one in (await service.list_approvals()).approvals:
        with pytest.raises(InvalidJob, match="hash"):
            await service.decline_approval(one.name, "0" * 32, by="a person")
        assert await service.decline_approval(one.name, one.hash, by="a person")
        assert not await service.decline_approval(one.name, one.hash, by="a person")
        assert not await store.read(given.is_approved, one.hash)
    assert (await service.list_approvals()).approvals == []
    told = [one.kind for one in await store.read(events.after, 0, limit=100)]
    assert told.count("programs.declined") == 3
    with pytest.raises(NeedsApproval):
        await service.start_job(jobs[1].job_id)
    await ask_for_source(store)
    assert [one.name for one in (await service.list_approvals()).approvals] == [jobs[1].job_id, digest]


async def test_what_was_allowed_meanwhile_is_not_declined(store, jobs):
    digest = await ask_for_source(store)
    for job in (None, jobs[1].number):
        assert await store.write(given.approve, digest, "text", Order(by="a person"), job=job, now=NOW) is (job is None)
        assert not await store.write(given.refuse, digest, by="another", job=job, now=NOW)
    assert "programs.declined" not in [one.kind for one in await store.read(events.after, 0, limit=100)]


async def test_what_was_declined_can_still_be_allowed(service, store, jobs):
    shell = (await service.list_approvals()).approvals[1]
    assert await service.decline_approval(shell.name, shell.hash, by="a person")
    assert await service.approve_named(shell.name, shell.hash, by="a person")
    assert await store.read(given.is_approved, shell.hash)


async def test_a_job_that_has_ended_waits_for_nothing(service, store, jobs):
    await store.write(control.cancel, jobs[1].number, Order(by="test"), now=NOW)
    assert [one.name for one in (await service.list_approvals()).approvals] == [jobs[2].job_id]


async def test_nothing_waits_under_a_name_that_nobody_knows(service, jobs):
    assert not await service.approve_named("cd" * 16, "cd" * 16, by="a person")
    assert not await service.decline_approval("cd" * 16, "cd" * 16, by="a person")
    assert not await service.decline_approval(jobs[0].job_id, "0" * 32, by="a person")
    with pytest.raises(NotFound):
        await service.approve_named("job-0000000000", "0" * 32, by="a person")


async def test_a_plan_says_what_would_happen_and_nothing_where_nobody_has_to_agree(service, jobs):
    ready = await service.plan_answer(jobs[0].job_id)
    assert ready.model_dump() == {"text": None, "plan": None, "needs_choice": False, "variants": []}
    whole = await service.plan_answer(jobs[0].job_id, skip_pilot=True)
    assert jobs[0].job_id in whole.text and whole.plan and not whole.needs_choice
    with pytest.raises(NotFound):
        await service.plan_answer("job-0000000000")
