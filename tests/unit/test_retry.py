"""The policy table: what each cause deserves."""

import pytest

from batchproc.models import Cause, Outcome, Pause, UnitStatus, Verdict
from batchproc.retry import TABLE, Backoff, Policy, decide

BACKOFF = Backoff(first_s=5, max_s=300)


def after(verdict, cause=None, *, attempt=1, charged=0, max_attempts=4, jitter=0.0):
    outcome = Outcome(verdict=verdict, cause=cause, message="m", signature="m")
    return decide(
        outcome,
        attempt=attempt,
        charged=charged,
        max_attempts=max_attempts,
        backoff=BACKOFF,
        jitter=lambda: jitter,
    )


def test_every_cause_has_a_policy():
    assert set(TABLE) == set(Cause)


@pytest.mark.parametrize("cause", [c for c, r in TABLE.items() if r.policy is Policy.RETRY and c is not Cause.EMPTY])
def test_what_may_pass_is_retried_until_attempts_are_used_up(cause):
    assert after(Verdict.FAILED, cause, charged=2).status is UnitStatus.PENDING
    last = after(Verdict.FAILED, cause, charged=3)
    assert last.status is UnitStatus.FAILED and last.charged


@pytest.mark.parametrize("cause", [c for c, r in TABLE.items() if r.policy is Policy.GIVE_UP])
def test_what_no_retry_mends_fails_at_once(cause):
    assert after(Verdict.FAILED, cause).status is UnitStatus.FAILED


@pytest.mark.parametrize("cause", [c for c, r in TABLE.items() if r.policy is Policy.PAUSE])
def test_what_a_person_must_mend_pauses_the_job_and_costs_nothing_if_nothing_ran(cause):
    decision = after(Verdict.UNRUN, cause, charged=3)
    assert decision.status is UnitStatus.PENDING and not decision.charged and decision.pause


def test_an_attempt_that_did_not_run_is_not_charged():
    decision = after(Verdict.UNRUN, Cause.RATE_LIMIT, charged=3)
    assert decision.status is UnitStatus.PENDING and not decision.charged


@pytest.mark.parametrize("cause", [c for c, r in TABLE.items() if r.policy is Policy.WAIT])
def test_a_limit_leaves_the_waiting_to_the_limiter_and_charges_only_what_ran(cause):
    unrun = after(Verdict.UNRUN, cause, charged=3)
    assert (unrun.status, unrun.charged, unrun.delay_s, unrun.pause) == (UnitStatus.PENDING, False, 0.0, None)
    assert after(Verdict.FAILED, cause, charged=2).charged
    assert after(Verdict.FAILED, cause, charged=3).status is UnitStatus.FAILED


def test_an_answer_to_be_mended_goes_on_at_once_and_is_flagged_when_that_was_the_last_attempt():
    mend = after(Verdict.EMPTY, Cause.SCHEMA)
    assert (mend.status, mend.charged, mend.delay_s) == (UnitStatus.PENDING, True, 0.0)
    assert after(Verdict.EMPTY, Cause.SCHEMA, charged=3).status is UnitStatus.FLAGGED
    assert after(Verdict.FLAGGED, Cause.SCHEMA).status is UnitStatus.FLAGGED


def test_a_check_that_cannot_be_run_keeps_the_answer_and_pauses_the_job():
    decision = after(Verdict.FLAGGED, Cause.CHECK)
    assert (decision.status, decision.pause) == (UnitStatus.FLAGGED, Pause.MACHINE)
    assert after(Verdict.FLAGGED, Cause.CHECK_CHANGED).pause is Pause.APPROVAL
    assert after(Verdict.FLAGGED).pause is None


def test_an_outage_is_waited_for_longer_than_one_bad_answer():
    outage, empty = after(Verdict.FAILED, Cause.NETWORK), after(Verdict.EMPTY, Cause.EMPTY)
    assert outage.delay_s == 3 * empty.delay_s > 0


def test_a_conversation_that_was_not_kept_is_begun_anew_at_once_and_for_free():
    decision = after(Verdict.UNRUN, Cause.NO_CONVERSATION, charged=3)
    assert (decision.status, decision.charged, decision.delay_s) == (UnitStatus.PENDING, False, 0.0)


def test_empty_answers_are_retried_and_the_last_one_is_flagged():
    assert after(Verdict.EMPTY, Cause.EMPTY, charged=2).status is UnitStatus.PENDING
    assert after(Verdict.EMPTY, Cause.EMPTY, charged=3).status is UnitStatus.FLAGGED


def test_back_off_doubles_is_capped_and_spread():
    delays = [BACKOFF.delay_s(n, lambda: 0.0) for n in (1, 2, 3, 10, 4000)]
    assert delays == [2.5, 5, 10, 150, 150]
    assert BACKOFF.delay_s(1, lambda: 0.999) < 5
