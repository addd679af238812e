"""What an approval makes of a quote: a budget under which the quote's high end fits, with the last unit in it."""

from dataclasses import replace

import pytest

from batchproc import budget, estimates, quote
from batchproc.models import REHEARSAL, TrialResult, UnitStatus
from tests.conftest import OPTIONS

UNSET = replace(OPTIONS, model="haiku", budget_given=False)


def result(cost_usd, size=100):
    return TrialResult(
        trial=1,
        unit=1,
        key="1",
        status=UnitStatus.SUCCEEDED,
        text="x",
        output=None,
        error=None,
        cost_usd=cost_usd,
        tokens=100,
        seconds=1.0,
        size=size,
    )


@pytest.fixture
async def job(make_job):
    return replace(await make_job(200), cost_usd=0.03, measured=3, largest_request=5_000)


def said(high):
    some = quote.Range(low=high / 3, mid=high / 2, high=high)
    return quote.Quote(level=0.8, units=197, based_on=3, cost_usd=some, tokens=some, time_s=some, basis="")


@pytest.mark.parametrize("high", [0.05, 1.0, 40.0, 5_000.0])
async def test_the_last_unit_still_fits_when_the_high_end_is_spent(job, high):
    results = [result(0.01), result(0.02)]
    options = estimates.approved_options(job, UNSET, said(high), results)
    assert options.budget_usd > job.cost_usd + high
    spent = budget.Spending(cost_usd=job.cost_usd + high, reserved_usd=0, tokens=0, begun=0, active_s=0)
    reservation = budget.Reservation(options=options, shared=10, largest_request=5_000)
    assert budget.fitting(options, spent, [reservation.alone_usd(100)]) == 1


async def test_a_small_quote_does_not_cut_off_a_unit_that_costs_twenty_times_as_much(job):
    options = estimates.approved_options(job, UNSET, said(0.3), [result(0.01)])
    assert options.unit_cap_usd == pytest.approx(0.2) and options.budget_usd < 5
    assert estimates.approved_options(job, UNSET, said(0.3), [result(0.4)]).unit_cap_usd == UNSET.unit_cap_usd
    assert estimates.approved_options(job, UNSET, said(900.0), [result(0.01)]).unit_budget_usd is None


async def test_a_budget_that_somebody_gave_and_a_free_model_stay_as_they_are(job):
    given, free = replace(UNSET, budget_given=True), replace(UNSET, model=REHEARSAL)
    for options in (given, free):
        assert estimates.approved_options(job, options, said(100.0), [result(0.01)]) == options
    assert estimates.approved_options(job, UNSET, None, []) == UNSET


async def test_a_quote_that_is_kept_reads_back_as_it_was(job):
    known = said(3.0)
    kept = replace(job, quote=estimates.kept(job, known))
    assert estimates.approved(kept) == known and estimates.approved(job) is None and estimates.reality(kept) is None
