"""What all jobs of a store share: their lanes, and what is kept of them for the next supervisor."""

import time
from dataclasses import replace

import pytest

from batchproc import retry
from batchproc.errors import StoreError
from batchproc.models import Cause, Credential, Hold, Message, Outcome, Pause, Verdict
from batchproc.store import jobs
from batchproc.store import limits as kept
from batchproc.supervisor.limits import Limits
from batchproc.supervisor.machine import Machine
from batchproc.supervisor.pauses import Pauses, _is_due
from batchproc.supervisor.purse import Purse
from tests.supervisor.test_attempt import room

QUOTA = Outcome(verdict=Verdict.UNRUN, cause=Cause.QUOTA, message="hit your limit", signature="x")
OK = Outcome(verdict=Verdict.SUCCEEDED)


def fill(tx):
    """More than there is room for."""
    tx.execute("INSERT INTO logs (at, source, level, text) VALUES (1, 's', 'info', :text)", {"text": "x" * 100_000})


class Clock:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def limits(store, clock):
    return limits_of(store, clock)


def limits_of(store, clock, payer=lambda job: "anna"):
    machine = Machine(home=store.home, tag_variable="X", tag="x", memory_reserve_mb=1, disk_reserve_mb=1)
    backoff = retry.Backoff(first_s=5, max_s=300)
    return Limits(store=store, machine=machine, slots=8, backoff=backoff, payer=payer, clock=clock, monotonic=clock)


async def test_a_quota_stops_every_job_of_its_credential_and_model_and_no_other(store, make_job, limits, clock):
    mine = await make_job(1)
    other = replace(mine, number=99, options=replace(mine.options, model="haiku"))
    await limits.ended(limits.key(mine), 900.0, replace(QUOTA, until=4_600.0), at_work=1)
    hold = limits.closed(mine)
    assert (hold.reason, hold.resume_at, limits.allows(mine)) == (Pause.QUOTA, 4_600.0, 0)
    assert limits.closed(other) is None and limits.allows(other) == 4
    clock.now = 4_600.0
    assert limits.closed(mine) is None and limits.allows(mine) == 1


async def test_the_next_supervisor_knows_what_the_last_one_learned(store, make_job, limits, clock):
    job = await make_job(1)
    await limits.ended(limits.key(job), 900.0, replace(QUOTA, until=4_600.0), at_work=1)
    after = limits_of(store, clock)
    await after.load()
    assert after.closed(job).resume_at == pytest.approx(4_600.0)


@pytest.mark.parametrize("until", [9_999_999_999.0, 1_000.0 + 46 * 86_400, None])
async def test_no_limit_is_believed_that_lasts_longer_than_any_does(make_job, limits, until):
    job = await make_job(1)
    await limits.ended(limits.key(job), 900.0, replace(QUOTA, until=until), at_work=1)
    assert limits.closed(job).resume_at == pytest.approx(1_900.0), "a quarter of an hour, then one tries"


async def test_a_person_who_starts_a_job_that_waits_has_it_tried_at_once(make_job, limits):
    job = await make_job(1)
    await limits.ended(limits.key(job), 900.0, replace(QUOTA, until=4_600.0), at_work=1)
    assert limits.closed(job) is not None
    assert limits.closed(replace(job, starts=job.starts + 1)) is None
    assert limits.allows(replace(job, starts=job.starts + 1)) == 1


async def test_a_full_disk_does_not_cost_an_attempt_that_tells_of_a_limit_its_end(store, make_job, limits):
    job = await make_job(1)
    await store.write(room, 0)
    with pytest.raises(StoreError):
        await store.write(fill)
    await limits.ended(limits.key(job), 900.0, replace(QUOTA, until=4_600.0, message="x" * 100_000), at_work=1)
    assert limits.closed(job) is not None and await store.read(kept.known) == []


async def test_what_the_cli_announces_narrows_the_lane_and_an_outage_does_not(make_job, limits):
    job = await make_job(1)
    outage = Message(kind="api_retry", data={"error_status": 500})
    await limits.heard(limits.key(job), 900.0, outage)
    assert limits.lane(job).ceiling == 4
    await limits.heard(limits.key(job), 900.0, Message(kind="api_retry", data={"error_status": 429}))
    assert limits.lane(job).ceiling == pytest.approx(3.2)


@pytest.mark.parametrize("cause", [Cause.INVALID_REQUEST, Cause.CONTEXT_TOO_LONG, Cause.REFUSAL, Cause.TIMEOUT])
async def test_a_probe_that_was_let_in_opens_the_lane_however_it_ended(make_job, limits, clock, cause):
    job = await make_job(1)
    await limits.ended(limits.key(job), 900.0, replace(QUOTA, until=1_100.0), at_work=1)
    clock.now = 1_100.0
    assert limits.allows(job) == 1
    clock.now = 1_101.0
    failed = Outcome(verdict=Verdict.FAILED, cause=cause, message="m", signature="m")
    await limits.ended(limits.key(job), 1_100.5, failed, at_work=1)
    assert limits.allows(job) == 2


async def test_what_ran_before_the_last_start_does_not_blind_the_breaker(make_job, limits):
    job = replace(await make_job(1), starts=2)
    bad = Outcome(verdict=Verdict.FAILED, cause=Cause.REFUSAL, message="m", signature="m")
    holds = []
    for n in range(30):
        holds.append(limits.tripped(job, n, 2, bad))
        if n % 5 == 0:
            assert limits.tripped(job, 1_000 + n, 1, OK) is None
    assert holds[9] is not None and holds[9].reason is Pause.BREAKER


async def test_a_pause_for_the_disk_is_not_looked_at_before_its_time_and_never_waits_for_a_clock_set_back(make_job):
    job = await make_job(1)

    def at(seconds):
        from datetime import UTC, datetime

        return replace(job, resume_at=datetime.fromtimestamp(time.time() + seconds, UTC))

    assert not _is_due(at(20), time.time())
    assert _is_due(at(-1), time.time()) and _is_due(at(3_600), time.time())


async def test_a_quota_is_not_called_over_by_a_supervisor_that_does_not_know_who_pays(store, make_job, limits, clock):
    job = await make_job(1)
    await store.write(jobs.start, job.number, credential=Credential.ENVIRONMENT, now=1_000.0)
    hold = Hold(reason=Pause.QUOTA, detail="hit your limit", resume_at=4_600.0)
    await store.write(jobs.pause, job.number, hold, now=1_000.0)
    pauses = Pauses(store=store, limits=limits, purse=Purse(), sandbox=False, clock=clock)
    paused = await store.read(jobs.by_id, job.job_id)
    assert not await pauses.goes_on(paused, agents=0, young=0)
    assert (await store.read(jobs.by_id, job.job_id)).reason == "quota"
    clock.now = 4_600.0
    assert await pauses.goes_on(paused, agents=0, young=0)
