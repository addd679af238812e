"""Money in words: a little is not told as nothing."""

import pytest

from batchproc import prices


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0.0, "$0.00"),
        (5.0, "$5.00"),
        (34.449, "$34.45"),
        (0.5, "$0.50"),
        (0.125, "$0.125"),
        (0.001, "$0.001"),
        (0.00123, "$0.0012"),
        (0.99996, "$1.00"),
        (0.00002, "less than $0.0001"),
    ],
)
def test_less_than_a_dollar_has_the_digits_that_it_needs(amount, words):
    assert prices.dollars(amount) == words
