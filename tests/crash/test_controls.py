"""Negative controls: houses that were broken on purpose, before the same judges. Each must be found out."""

import time

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from batchproc.models import Credential, Settlement
from batchproc.store import attempts, claims, db, engine, jobs, processes, trials
from batchproc.supervisor.rescue import rescue
from tests.conftest import OPTIONS, wait_until
from tests.crash import effects, judge
from tests.crash.enumerated import enumerate_job
from tests.crash.machine import StoreMachine
from tests.crash.scripted_house import scripted_house
from tests.crash.test_overspend_scripted import spend
from tests.crash.totals import Broken, Totals

pytestmark = [pytest.mark.crash, pytest.mark.timeout(120)]

# What the store's own statements would be without their fences.
NO_LICENCE = (
    attempts.LICENCE.replace("AND a.n = u.attempt", "AND a.n = :attempt")
    .replace("u.status = 'running' AND u.attempt = :attempt AND u.epoch = :epoch", ":epoch = :epoch")
    .replace("AND :epoch = (SELECT MAX(epoch) FROM supervisors)", "")
)
NO_FENCE = attempts.SETTLE.replace("AND status = 'running' AND attempt = :attempt AND epoch = :epoch", "")


def take_the_fence_down(monkeypatch: pytest.MonkeyPatch) -> None:
    assert NO_FENCE != attempts.SETTLE and "supervisors" not in NO_LICENCE and "'running'" not in NO_LICENCE
    monkeypatch.setattr(attempts, "LICENCE", NO_LICENCE)
    monkeypatch.setattr(attempts, "SETTLE", NO_FENCE)


async def back_from_the_dead(store: db.Database) -> None:
    """A supervisor that was taken for dead ends an attempt that its successor has given to another agent."""
    job = await enumerate_job(store, OPTIONS, 1, now=time.time(), interrupted=False)
    await store.write(jobs.start, job.number, credential=Credential.LOGIN, now=time.time())
    taken = []
    for _ in range(2):
        epoch = await store.write(processes.take_over, process="1:2:3", guard="full", now=time.time())
        await rescue(store, epoch, running=(), clock=time.time)
        claim = await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=time.time())
        taken += claim.units
    for unit in taken:
        text = f"by attempt {unit.fence.attempt}"  # uncharged: otherwise a CHECK of the table refuses it, fence or none
        end = Settlement(status="succeeded", outcome="succeeded", text=text, charged=False)
        await store.write(attempts.settle, unit.fence, end, now=time.time())


async def test_an_attempt_that_comes_back_from_the_dead_changes_nothing(store, totals):
    await back_from_the_dead(store)
    totals.add(await store.read(judge.books))


async def test_without_the_fence_a_doubled_result_is_found(store, totals, monkeypatch):
    take_the_fence_down(monkeypatch)
    await back_from_the_dead(store)
    with totals.control("no fence around settle"):
        found = await store.read(judge.books)
        assert found.doubled
        found.require()


@pytest.mark.parametrize("trigger", ["units_said", "units_said_no_more", "attempts_counted"])
def test_an_index_or_a_chart_that_nobody_keeps_is_found(totals, trigger):
    class Unkept(StoreMachine):
        """Its rows change, and what is looked at does not."""

        def __init__(self) -> None:
            super().__init__()
            self.write(lambda tx: tx.execute(f"DROP TRIGGER {trigger}"))

    with totals.control(f"no {trigger}"):
        look_for_a_history(Unkept)


def test_without_the_fence_the_state_machine_finds_a_history(totals, monkeypatch):
    take_the_fence_down(monkeypatch)
    with totals.control("no fence around settle, looked for by the state machine"):
        look_for_a_history(StoreMachine)


def look_for_a_history(machine: type[StoreMachine], most: int = 60) -> None:
    few = settings(max_examples=most, stateful_step_count=50, phases=[Phase.generate], database=None, print_blob=False)
    try:
        run_state_machine_as_test(machine, settings=few)
    except (AssertionError, engine.sqlite.IntegrityError) as found:  # our judge's word, or the table's
        raise Broken(str(found)) from found


def test_a_pilot_that_counts_what_was_said_before_a_change_is_found(totals, monkeypatch):
    every_end_counts = attempts.LICENCE.replace("j.trial AS trial_in_force", "a.trial AS trial_in_force")
    assert every_end_counts != attempts.LICENCE
    monkeypatch.setattr(attempts, "LICENCE", every_end_counts)
    with totals.control("stale ends that count"):
        look_for_a_history(StoreMachine)


def test_a_pilot_that_runs_more_than_its_units_is_found(totals, monkeypatch):
    assert "pilot = 1" in claims.DUE_PILOT
    monkeypatch.setattr(claims, "DUE_PILOT", claims.DUE_PILOT.replace("AND pilot = 1", ""))

    class Unguarded(StoreMachine):
        """Its tables let run whatever is claimed."""

        def __init__(self) -> None:
            super().__init__()
            self.write(lambda tx: tx.execute("DROP TRIGGER units_run_when_allowed"))

    with totals.control("units beyond the pilot that run"):
        look_for_a_history(Unguarded)


def test_a_variant_that_is_chosen_without_its_answers_is_found(totals, monkeypatch):
    monkeypatch.setattr(trials, "_restore", lambda *_: None)
    with totals.control("answers of another variant"):
        look_for_a_history(StoreMachine, 500)  # one history in thirty has two variants, and chooses the first


async def test_without_a_guard_agents_that_outlive_their_supervisor_are_found(tmp_path, totals):
    async with scripted_house(tmp_path) as house:
        house.plan(guard="off")
        house.death_s = 0.3  # instead of five, so as not to wait for what is plain to see
        job_id, job, keys = await house.create(["slow"] * 6)
        await house.start(job_id)
        await wait_until(lambda: len(effects.spans(effects.read(house.log))) >= 3, "agents are at work", 10)
        await house.kill(await house.supervisor())
        [death] = house.deaths.values()
        await wait_until(lambda: effects.read(house.log)[-1].t > death + 0.4, "an agent works on", 5)
        with totals.control("no guard"):
            found = await house.judge(job, keys, slots=6)
            assert found.calls_after_death and found.orphans
            found.require()


async def test_without_reservations_an_overspent_budget_is_found(tmp_path, totals):
    async with scripted_house(tmp_path) as house:
        house.plan(agent="fast", reserve=False)
        with totals.control("no reservations"):
            await spend(house, Totals(), kills=0, units=60)
