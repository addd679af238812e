"""What may be started under a job's caps: money is reserved before it is spent."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchproc import budget
from batchproc.budget import Reservation, Spending
from batchproc.prices import PRICES, price_of
from tests.conftest import OPTIONS

NOTHING = Spending(cost_usd=0.0, reserved_usd=0.0, tokens=0, begun=0, active_s=0.0)
PAID = replace(OPTIONS, model="claude-haiku-4-5", budget_usd=1.0, unit_budget_usd=0.1, max_output_tokens=1_000)


def reservation(options=PAID, largest_request=0, shared=0):
    return Reservation(options=options, shared=shared, largest_request=largest_request)


def test_an_attempt_reserves_its_cap_and_one_last_request():
    def last(read):
        return (read * 1.25 * 1 + 1_000 * 5) / 1e6

    assert reservation(largest_request=40_000).usd(size=1_000) == pytest.approx(0.1 + last(50_000))
    assert reservation(largest_request=8_000).usd(size=250_000) == pytest.approx(0.1 + last(120_000))
    assert reservation().usd(size=1_000) == pytest.approx(0.1 + last(200_000))
    few = replace(reservation(largest_request=40_000), measured=4)
    assert few.usd(size=1_000) == pytest.approx(0.1 + last(200_000)), "a few say little of the others"
    assert few.alone_usd(size=1_000) == pytest.approx(0.1 + last(50_000))
    assert reservation().alone_usd(size=25_000) == pytest.approx(0.1 + last(30_000))
    assert reservation(replace(PAID, model="rehearsal")).usd(size=10**9) == 0.0


def test_what_all_units_share_is_reserved_for_each_of_them():
    def read(kept):
        return (kept.alone_usd(size=25_000) - 0.1 - 1_000 * 5 / 1e6) / 1.25 * 1e6

    assert read(reservation()) == pytest.approx(30_000)
    assert read(reservation(shared=500_000)) == pytest.approx(230_000)
    assert read(reservation(shared=500_000, largest_request=10_000)) == pytest.approx(230_000)
    assert reservation(shared=1_000_000).usd(0) > reservation().usd(0), "more than the usual window is not forgotten"
    cut = budget.request_usd(PAID, 0, shared=50_000)
    assert cut == pytest.approx(40_000 * 1.25 / 1e6) and budget.request_usd(PAID, 8_000, shared=50_000) < cut


def test_a_unit_is_as_large_as_its_payload_and_the_part_of_its_file_that_one_request_can_hold():
    assert budget.size_of({"name": "Ann"}, 14) == 14
    assert budget.size_of({"file_path": "/x", "file_size": 5_000}, 40) == 5_040
    assert budget.size_of({"file_path": "/x", "file_size": 10**9}, 40) == 400_040
    assert budget.size_of({"file_size": 10**9}, 40) == 40, "a column of that name is no file"


def test_a_job_without_a_cap_of_its_own_lets_one_attempt_cost_a_tenth():
    assert replace(PAID, unit_budget_usd=None).unit_cap_usd == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("cost", "reserved", "fits"),
    [(0.0, 0.0, 4), (0.5, 0.0, 2), (0.5, 0.25, 1), (0.76, 0.0, 0), (0.75, 0.0, 1), (2.0, 0.0, 0)],
)
def test_only_what_fits_is_started(cost, reserved, fits):
    spent = replace(NOTHING, cost_usd=cost, reserved_usd=reserved)
    assert budget.fitting(PAID, spent, [0.25] * 4) == fits
    assert "of the budget of $1.00" in budget.no_money(PAID, spent, 0.25)


def test_free_agents_need_no_money_even_if_all_is_spent():
    assert budget.fitting(PAID, replace(NOTHING, cost_usd=3.0), [0.0, 0.0]) == 2


@given(st.floats(0, 2), st.floats(0, 2), st.lists(st.floats(0.001, 0.5), min_size=1, max_size=64))
def test_whatever_is_started_the_budget_holds(cost, reserved, needs):
    fits = budget.fitting(PAID, replace(NOTHING, cost_usd=cost, reserved_usd=reserved), needs)
    assert fits == 0 or cost + reserved + sum(needs[:fits]) <= 1.0 + 1e-8


def test_caps_for_tokens_units_and_time_say_which_was_reached():
    capped = replace(PAID, max_total_tokens=1_000, max_units=5, max_wall_s=60.0)
    for spent, word in (
        (replace(NOTHING, tokens=1_000), "max_total_tokens"),
        (replace(NOTHING, active_s=60.0), "max_wall_s"),
    ):
        room = budget.room(capped, spent, want=4)
        assert room.attempts == 0 and word in room.reached
    room = budget.room(capped, replace(NOTHING, begun=3), want=4)
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


def test_a_budget_of_less_than_a_cent_is_named_as_what_it_is():
    small = replace(PAID, budget_usd=0.001, unit_budget_usd=0.0005)
    assert "$0.00 of the budget of $0.001 are spent" in budget.no_money(small, NOTHING, 0.25)


@pytest.mark.parametrize(
    ("model", "kind", "count", "usd"),
    [
        ("haiku", "tokens", 50_000, 0.005),
        ("haiku", "cache_read", 50_000, 0.0005),
        ("haiku", "cache_write", 50_000, 0.00625),
        ("haiku", "cache_read", 200_000, 0.01),
        ("sonnet", "cache_read", 50_000, 0.005),
        ("sonnet", "cache_read", 200_000, 0.02),
        ("opus", "tokens", 50_000, 0.2),
        ("opus", "cache_read", 50_000, 0.01),
        ("opus", "cache_write", 90_000, 0.45),
        ("claude-opus-4-5", "cache_read", 50_000, 0.025),
        ("claude-sonnet-4-5", "cache_read", 50_000, 0.015),
        ("claude-haiku-4-5", "cache_read", 50_000, 0.005),
        ("claude-3-5-haiku-latest", "cache_read", 50_000, 0.004),
        ("rehearsal", "tokens", 50_000, 0),
    ],
)
def test_what_a_request_reads_costs_what_the_cli_bills_for_it(model, kind, count, usd):
    """Each is a bill of the CLI for one request that read so much, and nothing else."""
    assert price_of(model).reading_usd(**{kind: count}) == pytest.approx(usd)
