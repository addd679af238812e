"""What may be started under a job's caps: money is reserved before it is spent."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchproc import budget
from batchproc.budget import Spending
from batchproc.prices import PRICES, price_of
from tests.conftest import OPTIONS

NOTHING = Spending(cost_usd=0.0, reserved_usd=0.0, tokens=0, begun=0, active_s=0.0)
PAID = replace(OPTIONS, model="claude-haiku-4-5", budget_usd=1.0, unit_budget_usd=0.1, max_output_tokens=1_000)


def test_an_attempt_reserves_its_cap_and_one_last_request():
    unmeasured = budget.reservation_usd(PAID, 0)
    assert unmeasured == pytest.approx(0.1 + (50_000 * 2 * 1 + 1_000 * 5) / 1e6)
    assert budget.reservation_usd(PAID, 8_000) == pytest.approx(0.1 + (10_000 * 2 * 1 + 1_000 * 5) / 1e6)
    assert budget.reservation_usd(replace(PAID, model="rehearsal"), 0) == 0.0


def test_a_job_without_a_cap_of_its_own_lets_one_attempt_cost_a_tenth():
    assert replace(PAID, unit_budget_usd=None).unit_cap_usd == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("cost", "reserved", "fits"),
    [(0.0, 0.0, 4), (0.5, 0.0, 2), (0.5, 0.25, 1), (0.76, 0.0, 0), (0.75, 0.0, 1), (2.0, 0.0, 0)],
)
def test_only_what_fits_is_started(cost, reserved, fits):
    room = budget.room(PAID, replace(NOTHING, cost_usd=cost, reserved_usd=reserved), want=4, reserve_usd=0.25)
    assert room.attempts == fits
    assert (room.reached is None) == (fits == 4)
    assert fits == 4 or "of the budget of $1.00" in room.reached


@given(st.floats(0, 2), st.floats(0, 2), st.floats(0.001, 0.5), st.integers(1, 64))
def test_whatever_is_started_the_budget_holds(cost, reserved, reserve, want):
    room = budget.room(PAID, replace(NOTHING, cost_usd=cost, reserved_usd=reserved), want=want, reserve_usd=reserve)
    assert 0 <= room.attempts <= want
    assert room.attempts == 0 or cost + reserved + room.attempts * reserve <= 1.0 + 1e-8


def test_caps_for_tokens_units_and_time_say_which_was_reached():
    capped = replace(PAID, max_total_tokens=1_000, max_units=5, max_wall_s=60.0)
    for spent, word in (
        (replace(NOTHING, tokens=1_000), "max_total_tokens"),
        (replace(NOTHING, active_s=60.0), "max_wall_s"),
    ):
        room = budget.room(capped, spent, want=4, reserve_usd=0.0)
        assert room.attempts == 0 and word in room.reached
    room = budget.room(capped, replace(NOTHING, begun=3), want=4, reserve_usd=0.0)
    assert (room.attempts, room.fresh) == (4, 2) and "max_units" in room.reached


def test_a_dated_model_costs_what_its_family_costs_and_an_unknown_one_the_most():
    assert price_of("claude-haiku-4-5-20251001") == PRICES["claude-haiku-4-5"]
    assert price_of("foo-bar-9") == max(PRICES.values(), key=lambda price: price.read)
    assert price_of(None) == PRICES["opus"]


def test_a_long_prompt_of_the_cheapest_model_is_reserved_at_its_higher_price():
    haiku = price_of("haiku")
    assert haiku.request_usd(read=100_001, written=0) == pytest.approx(
        5 * haiku.request_usd(read=100_000, written=0), rel=1e-3
    )
