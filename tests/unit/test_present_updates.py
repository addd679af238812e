"""What was found in a source is said in words that a person decides on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from batchproc import estimates, present_updates
from batchproc.models import Job, JobStatus
from batchproc.store.status import Ended, Snapshot
from batchproc.store.updates import Update
from tests.conftest import OPTIONS

AT = datetime(2026, 7, 1, tzinfo=UTC)
KINDS = ("new", "changed", "unknown", "unanswered", "waiting", "back", "gone", "same")


def job(**more):
    known = dict.fromkeys(Job.__dataclass_fields__)
    numbers = ("number", "cost_usd", "total_units", "round", "trial", "priority", "begun")
    known |= dict.fromkeys(numbers, 0) | {"job_id": "job-1", "options": OPTIONS, "status": JobStatus.COMPLETED}
    return Job(**{**known, "source_version": 1, **more})


def look(one, finished=(), **counts):
    every = dict.fromkeys(("pending", "running", "succeeded", "flagged", "failed", "skipped", "cancelled"), 0)
    return Snapshot(
        job=one,
        counts={**every, **counts},
        running=[],
        failures=[],
        finished=list(finished),
        last_event=0,
        reserved_usd=0.0,
        cancelling=0,
        waits_until=None,
        waits_for=None,
        changes=[],
        pilot=None,
    )


def update(*, touched=None, is_named=True, warnings=(), **counts):
    kinds = dict.fromkeys(KINDS, 0) | counts
    quiet = {"waiting": 0, "unanswered": 0, "same": 0} | (touched or {})
    keys = {kind: [f"{kind}{n}" for n in range(min(n, 5))] for kind, n in counts.items() if kind != "same"}
    plan = {"counts": kinds, "touched": quiet, "keys": keys, "warnings": list(warnings), "is_named": is_named}
    return Update(
        reading=3,
        reader=None,
        state="ready",
        reason=None,
        units_read=sum(kinds.values()) - kinds["gone"],
        plan=plan,
        is_shown=True,
        is_current=True,
    )


def ended(n, cost=0.02):
    one = Ended(at=AT, ran=True, cost_usd=cost, tokens=1_000, seconds=4.0)
    return [replace(one, at=AT - timedelta(seconds=i)) for i in range(n)]


def test_it_says_what_is_new_changed_gone_and_reusable_and_adds_up():
    plan = present_updates.plan(look(job()), update(new=31, changed=12, gone=4, same=433), None)
    assert plan.message == "31 new, 12 changed, 4 gone, 433 reusable" and plan.state == "plan"
    assert sum(plan.counts.model_dump().values()) == plan.read == 476 and plan.gone == 4
    assert plan.keys["gone"] == ["gone0", "gone1", "gone2", "gone3"] and len(plan.keys["new"]) == 5
    assert "update_source(confirmed=true)" in plan.next


def test_what_has_no_answer_and_what_runs_anyhow_is_told_apart():
    found = update(new=1, unanswered=5, waiting=3, back=1, same=2, touched={"waiting": 2, "same": 1})
    plan = present_updates.plan(look(job(status=JobStatus.PAUSED, reason="user")), found, None)
    assert "5 unchanged without an answer, which stay so: retry_units asks for them again" in plan.message
    assert "4 waiting to run (2 of them changed)" in plan.message and "2 that were gone are there again" in plan.message
    assert plan.counts.waiting == 4 and sum(plan.counts.model_dump().values()) == plan.read


@pytest.mark.parametrize("touched", [{}, {"same": 1}, {"waiting": 1}, {"unanswered": 1}])
def test_there_is_something_to_do_only_where_a_row_would_be_written(touched):
    plan = present_updates.plan(look(job()), update(same=5, waiting=2, unanswered=1, touched=touched), None)
    assert plan.state == ("plan" if touched else "same")


def test_an_estimate_rests_on_the_jobs_own_units_and_a_budget_that_is_too_small_is_said():
    seen = look(job(cost_usd=4.9), ended(30))
    said = estimates.of_more(seen, 43)
    plan = present_updates.plan(seen, update(new=31, changed=12, same=1), said)
    assert plan.estimate.units == 43 and plan.estimate.based_on == 30
    assert plan.estimate.cost_usd.low <= 43 * 0.02 <= plan.estimate.cost_usd.high
    assert plan.budget_left_usd == pytest.approx(0.1)
    (warning,) = plan.warnings
    assert "$0.10 of the budget is left" in warning and "control_job(action=set, budget_usd=…)" in warning


def test_where_nothing_has_run_it_says_that_nothing_tells_the_cost():
    seen = look(job(status=JobStatus.READY), pending=2)
    assert estimates.of_more(seen, 2) is None
    plan = present_updates.plan(seen, update(new=2, waiting=2), None)
    assert plan.estimate is None and "nothing tells what the new and changed units will cost" in plan.warnings[0]


def test_row_numbers_and_older_answers_are_warned_of():
    found = update(changed=2, unknown=3, is_named=False, warnings=["2 links were passed over"])
    plan = present_updates.plan(look(job(), ended(5)), found, estimates.of_more(look(job(), ended(5)), 5))
    assert plan.counts.changed == 5 and plan.warnings[0] == "2 links were passed over"
    assert "known by their row numbers" in plan.warnings[1] and plan.warnings[2].startswith("3 of the changed ones ran")
    assert not present_updates.plan(look(job()), update(same=5, is_named=False), None).warnings
