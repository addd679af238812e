"""The API's limits as one lane for all: it widens, narrows once an episode, closes, is probed, and ramps up again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchproc.supervisor.lanes import Lane


def ten_seconds(strikes):
    return 10.0 * strikes


def test_a_lane_starts_low_and_widens_only_when_it_is_full():
    lane = Lane(cap=8)
    assert lane.allows(0) == 4
    lane.went_well(0, at_work=2)
    assert lane.allows(0) == 4
    for at_work in (4, 5, 6, 7, 8, 8):
        lane.went_well(0, at_work=at_work)
    assert lane.allows(0) == 8


def test_it_is_never_wider_than_the_cap():
    assert Lane(cap=2).allows(0) == 2
    assert Lane(cap=1).allows(0) == 1


def test_many_rate_limits_of_one_episode_narrow_it_once():
    lane = Lane(cap=10, ceiling=10)
    assert lane.heard_of_limit(began=1, now=5)
    for began in (1, 2, 3, 5):
        assert not lane.heard_of_limit(began=began, now=6)
    assert lane.ceiling == 8
    assert lane.heard_of_limit(began=5.5, now=7) and lane.ceiling == pytest.approx(6.4)


def test_a_refusal_closes_it_then_one_probes_then_it_ramps_up():
    lane = Lane(cap=8)
    assert lane.refused(1, 5, None, ten_seconds, "rate limit")
    assert lane.allows(14.9) == 0 and lane.reason == "rate limit"
    assert lane.allows(15) == 1 and lane.allows(16) == 1
    lane.went_well(began=2, at_work=1)
    assert lane.allows(16) == 1, "what began before the refusal says nothing"
    lane.went_well(began=15, at_work=1)
    assert lane.allows(16) == 2
    lane.went_well(began=16, at_work=2)
    assert lane.allows(17) == 3


def test_a_probe_that_is_refused_waits_longer():
    lane = Lane(cap=8)
    lane.refused(1, 5, None, ten_seconds, "x")
    assert lane.allows(15) == 1
    lane.refused(15, 16, None, ten_seconds, "x")
    assert lane.allows(35.9) == 0 and lane.allows(36) == 1


def test_those_that_were_under_way_do_not_make_it_wait_longer():
    lane = Lane(cap=8)
    lane.refused(1, 5, None, ten_seconds, "x")
    for began in (1, 2, 3):
        assert not lane.refused(began, 6, None, ten_seconds, "x")
    assert lane.allows(15) == 1


def test_a_quota_that_says_when_it_ends_is_waited_for_even_if_a_shorter_wait_was_known():
    lane = Lane(cap=8)
    lane.refused(1, 5, None, ten_seconds, "rate limit")
    assert lane.refused(2, 6, 3600, ten_seconds, "quota")
    assert lane.allows(3605.9) == 0 and lane.reason == "quota"


def test_a_reset_that_has_passed_by_our_clock_is_not_hammered():
    lane = Lane(cap=8)
    lane.refused(1, 5, -300, ten_seconds, "quota")
    assert lane.allows(14) == 0


@given(
    st.lists(st.tuples(st.sampled_from(["well", "heard", "refused", "wait"]), st.floats(0, 100))), st.integers(1, 64)
)
def test_whatever_happens_it_allows_between_0_and_the_cap_and_opens_again(steps, cap):
    lane, now = Lane(cap=cap), 0.0
    for what, by in steps:
        began, now = now, now + by
        match what:
            case "well":
                lane.went_well(began, at_work=cap)
            case "heard":
                lane.heard_of_limit(began, now)
            case "refused":
                lane.refused(began, now, None, ten_seconds, "x")
        assert 0 <= lane.allows(now) <= cap
    assert 1 <= lane.allows(now + 10.0 * (len(steps) + 1)) <= cap
