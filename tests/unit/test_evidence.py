"""Whether a quote stands in a text: what is made alike, and all that is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchproc.evidence import found_in, is_joined, normal, readings

TEXT = (
    "# Lease\r\n\r\nThe Tenant\u2019s rent is EUR\u00a01,500.00 \u2014 payable\r\non the 1st.  He was unable to pay "
    "-20 \u00b0C for 10\u00b2 m.\n\n> \u201cNo sub\u00adletting\u201d, 3.14 and 2024-05-17.\n\n**Total:** `500` "
    "\u2026 see Annex A4.\tThe of\ufb01ce isn't let. Jose\u0301 signed.\u200b "
    "\u8cb7\u4e3b\u306f\u4ee3\u91d1\u3092\u652f\u6255\u3046\u3002"
)


def stands(quote, text=TEXT):
    whole, pieced = bool(found_in([quote], [text])), bool(found_in([quote], list(text)))
    assert whole == pieced, "however a text comes, it is the same text"
    return whole


TRUE = [
    "The Tenant's rent is EUR 1,500.00 - payable on the 1st.",
    "The Tenant\u2019s rent\nis  EUR\u202f1,500.00 \u2013 payable",
    "payable\ton the\u2028 1st",
    '"No subletting"',
    "No subletting",
    "\u00abNo subletting\u00bb",
    "\u2026 payable on the 1st. \u2026",
    "[...] He was unable to pay",
    "10\u00b2 m",
    "\u221220 \u00b0C",
    "The office isn\u02bct let",
    "Jos\u00e9 signed",
    "**Total:** `500`",
    "`500` \u2026 see Annex A4",
    "1,500.00",
    "2024-05-17",
    "# Lease The Tenant's rent",
    "\u4ee3\u91d1\u3092\u652f\u6255\u3046",
]
FALSE = {
    "one digit": "The Tenant's rent is EUR 1,600.00",
    "one letter's case": "the Tenant's rent",
    "two passages as one": "The Tenant's rent is unable to pay",
    "two passages, joined": "The Tenant's rent \u2026 unable to pay",
    "two passages, joined in plain": "The Tenant's rent ... unable to pay",
    "two passages, joined in brackets": "The Tenant's rent [...] unable to pay",
    "a word cut at its front": "able to pay",
    "a word cut at its end": "unable to pa",
    "a number cut at its front": "500.00",
    "a number cut at its end": "EUR 1",
    "a decimal cut": "3.1",
    "a sign cut into a name": "Annex A",
    "a power made a number": "102 m",
    "markup left out": "Total: 500",
    "a mark of quotation left out": "unable to pay -20 \u00b0C for 10\u00b2 m. No subletting",
    "punctuation left out": "No subletting 3.14",
    "a word left out": "He was to pay",
    "a space within a word": "un able to pay",
    "words in another order": "pay to unable",
    "a hyphen at the end of a line": "sub-letting",
    "another language": "The tenant pays rent",
}


@pytest.mark.parametrize("quote", TRUE)
def test_a_quote_that_stands_there_is_found(quote):
    assert stands(quote)


@pytest.mark.parametrize("quote", FALSE.values(), ids=FALSE)
def test_one_that_does_not_is_not(quote):
    assert not stands(quote)


@pytest.mark.parametrize("quote", ["", "  \n ", "\u2026", '"', "\u201c \u201d", "- -", "\u200b"])
def test_nothing_is_no_evidence(quote):
    assert readings(quote) == [] and not stands(quote)


def test_an_ellipsis_within_is_told_from_one_around():
    assert is_joined("a \u2026 b") and is_joined('"a [...] b"') and is_joined("a...b")
    assert not is_joined("\u2026a b\u2026") and not is_joined("a b")


def test_what_is_cut_at_the_edges_of_a_text_is_whole():
    assert stands("1,500", "1,500") and stands("able", "able") and not stands("able", "unable")
    assert not stands("1", "1,500") and stands("1", "1, 500")


def test_a_text_without_a_space_is_looked_through():
    text = "\u4ee3" * 200_000 + "\u652f\u6255\u3046" + "\u4ee3" * 200_000
    pieces = [text[at : at + 50_000] for at in range(0, len(text), 50_000)]
    assert found_in(["\u652f\u6255\u3046", "\u6255\u3046\u652f"], pieces) == {"\u652f\u6255\u3046"}


SAID = [
    "one",
    "1,500",
    "2024",
    "\u00e9t\u00e9",
    "e\u0301",
    "\u2019",
    "\u201c",
    "\u2014",
    "x\u00b2",
    "\u4ee3",
    "of\u00adfer",
]
WORDS = st.lists(st.sampled_from(SAID), min_size=3, max_size=40)
SPACES = st.sampled_from([" ", "\n", "\r\n", "\u00a0", "\t", "  ", "\u2003"])


@given(WORDS, st.data())
def test_every_part_of_a_text_is_found_in_it_however_it_is_broken_and_cut(words, data):
    text = "".join(word + data.draw(SPACES) for word in words)
    start = data.draw(st.integers(0, len(words) - 1))
    part = words[start : start + data.draw(st.integers(1, 5))]
    quote = "".join(word + data.draw(SPACES) for word in part)
    size = data.draw(st.integers(1, 30))
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    if readings(quote):
        assert found_in([quote, quote + "zebra"], pieces) == {quote}


@given(st.text(max_size=200))
def test_made_alike_twice_is_made_alike_once(text):
    assert normal(normal(text)) == normal(text)
