"""Work on many rows stops in time, whatever a row costs."""

from batchproc.store import paced


def worked(costs, rows, for_s):
    """How many rows are done at once where one time costs so long after the other."""
    now, left, costs = 0.0, list(rows), iter(costs)

    def some():
        nonlocal now
        now += next(costs)
        return left.pop(0) if left else 0

    return paced.repeat(some, for_s=for_s, clock=lambda: now)


def test_it_goes_on_as_long_as_the_next_time_fits():
    assert worked([5] * 9, [10] * 9, for_s=20) == 40
    assert worked([5, 8, 8], [10] * 9, for_s=20) == 20


def test_one_time_is_always_done_and_one_that_was_dear_is_the_last():
    assert worked([100], [10] * 9, for_s=20) == 10
    assert worked([5], [10], for_s=0) == 10


def test_it_ends_where_nothing_is_left():
    assert worked([1] * 9, [10, 3], for_s=100) == 13
    assert worked([1], [], for_s=100) == 0
