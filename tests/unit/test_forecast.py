"""What the pace of finishes says, and when it says nothing."""

from datetime import UTC, datetime, timedelta

from batchproc.forecast import pace

START = datetime(2026, 1, 1, tzinfo=UTC)


def finishes(n, every_s):
    return [START + timedelta(seconds=every_s * i) for i in range(n, 0, -1)]


def test_under_five_units_nothing_is_said():
    found = pace(finishes(4, 10), started_at=START, remaining=10, now=START + timedelta(seconds=40))
    assert (found.rate_per_min, found.eta_s) == (None, None)


def test_a_steady_pace_gives_its_rate_and_the_rest():
    found = pace(finishes(10, 10), started_at=START, remaining=30, now=START + timedelta(seconds=100))
    assert found.rate_per_min == 6 and found.eta_s == 300


def test_a_job_that_stands_still_is_seen_to_slow_down():
    now = START + timedelta(seconds=1000)
    assert pace(finishes(10, 10), started_at=START, remaining=30, now=now).rate_per_min < 1


def test_nothing_left_takes_no_time():
    assert pace([], started_at=None, remaining=0, now=START).eta_s == 0
