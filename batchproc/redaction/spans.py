"""Where secrets stand in a text, and the text without them."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

LABEL = "[redacted]"
"""Instead of a known value. One that was found by its shape has the kind in it too."""


class Span(NamedTuple):
    start: int
    end: int
    label: str


def cut(text: str, spans: Iterable[Span]) -> str:
    pieces, at = [], 0
    for span in _merged(sorted(spans, key=lambda span: span.start)):
        pieces += [text[at : span.start], span.label]
        at = span.end
    return "".join([*pieces, text[at:]])


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    """Spans that touch become one, under the label of the widest; among equals the first, which is the known one."""
    start, end, widest = -1, -1, Span(0, 0, LABEL)
    for span in spans:
        if span.start > end:
            if end >= 0:
                yield Span(start, end, widest.label)
            start, end, widest = span.start, span.end, span
        end = max(end, span.end)
        widest = max(widest, span, key=lambda one: one.end - one.start)
    yield Span(start, end, widest.label)
