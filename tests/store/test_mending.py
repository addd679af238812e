"""An answer that is to be mended: the next claim of its unit knows why, however often it is lost meanwhile."""

import time

import pytest

from batchproc.models import Cause, Credential, Report, Settlement, UnitStatus
from batchproc.store import attempts, backlog, claims, jobs, processes
from batchproc.supervisor import rescue

NOW = 1_800_000_000.0
REPORT = Report(ended="result", text="x", api_calls=1)
WHY = "the answer does not fit output_schema: n: 'x' is not of type 'integer'"


def refused(**more):
    pending = {"status": UnitStatus.PENDING, "outcome": "empty", "cause": Cause.SCHEMA, "resumable": True}
    return Settlement(**{**pending, "report": REPORT, "error": WHY, "reason": "schema", **more})


def ended(outcome, cause=None, *, resumable=False):
    return Settlement(
        status=UnitStatus.PENDING, outcome=outcome, cause=cause, report=REPORT, reason="x", resumable=resumable
    )


@pytest.fixture
async def taken(store, make_job):
    """Claims the job's only unit, again and again."""
    job = await make_job(1)
    epoch = await store.write(processes.take_over, process="1:2:3", guard="full", now=NOW)
    await store.write(jobs.start, job.number, credential=Credential.LOGIN, now=NOW)

    async def claim():
        [unit] = (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=NOW)).units
        return unit

    claim.job, claim.epoch = job, epoch
    return claim


async def test_the_next_claim_says_what_to_mend_in_which_conversation(store, taken):
    first = await taken()
    assert first.mends is None and first.resumes is None
    await store.write(attempts.settle, first.fence, refused(), now=NOW)
    second = await taken()
    assert (second.mends, second.resumes, second.charged) == (WHY, first.session_id, 1)


@pytest.mark.parametrize(
    "end",
    [
        ended("lost", Cause.WORKER_LOST),
        ended("lost", Cause.WORKER_LOST, resumable=True),
        ended("released", resumable=True),
        ended("unrun", Cause.QUOTA),
    ],
    ids=["silent", "spoken", "released", "unrun"],
)
async def test_a_mending_attempt_that_is_lost_leaves_it_to_be_mended(store, taken, end):
    first = await taken()
    await store.write(attempts.settle, first.fence, refused(), now=NOW)
    for _ in range(3):
        unit = await taken()
        assert unit.mends == WHY and unit.resumes is not None
        await store.write(attempts.settle, unit.fence, end, now=NOW)


async def test_a_killed_supervisors_mending_attempt_is_given_back_with_its_reason(store, taken):
    first = await taken()
    await store.write(attempts.settle, first.fence, refused(), now=NOW)
    await taken()
    await rescue.rescue(store, taken.epoch, running=(), clock=time.time)
    unit = await taken()
    assert (unit.mends, unit.resumes) == (WHY, first.session_id)


@pytest.mark.parametrize("end", [ended("unrun", Cause.NO_CONVERSATION), ended("failed", Cause.NETWORK)])
async def test_a_conversation_that_is_begun_anew_has_nothing_to_mend(store, taken, end):
    await store.write(attempts.settle, (await taken()).fence, refused(), now=NOW)
    await store.write(attempts.settle, (await taken()).fence, end, now=NOW)
    unit = await taken()
    assert (unit.mends, unit.resumes) == (None, None)


async def test_what_was_mended_is_not_mended_again_when_a_person_goes_on(store, taken):
    await store.write(attempts.settle, (await taken()).fence, refused(), now=NOW)
    done = Settlement(status=UnitStatus.SUCCEEDED, outcome="succeeded", report=REPORT, text="x")
    await store.write(attempts.settle, (await taken()).fence, done, now=NOW)
    job = await store.read(jobs.by_id, taken.job.job_id)
    how = backlog.Again(note="more", resume=True, credential=Credential.LOGIN)
    order = backlog.Order(by="test")
    await store.write(backlog.ask_again, job, backlog.Selection(keys=["u1"]), how, order, now=NOW)
    unit = await taken()
    assert unit.resumes is not None and unit.mends is None
