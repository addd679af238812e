"""The only place that parses many JSON values at once: quickly where nothing can get lost, and else not at all.

The parser is exact with whole numbers of any size, and refuses half of a surrogate pair and numbers beyond all; but of
two fields with one name it keeps the last, without a word, and it reads what cannot be written.
"""

from collections.abc import Callable
from functools import cache
from typing import Any


def lines(text: bytes) -> list[Any] | None:
    """The value of each line; None if they are better read one by one, because something is wrong, or might be."""
    try:
        values = list(map(_parser(), text.removesuffix(b"\n").split(b"\n")))
    except Exception:  # whatever it is: reading them one by one will tell
        return None
    return values if _nothing_is_lost(values, text) else None


def elements(text: str) -> list[Any] | None:
    """The values of an array whose inside this is; None as above."""
    inside = text.encode()
    try:
        values: list[Any] = _parser()(b"[%b]" % inside)
    except Exception:
        return None
    return values if _nothing_is_lost(values, inside) else None


def _nothing_is_lost(values: list[Any], text: bytes) -> bool:
    """Whether `values` can be written again, with as many colons as are in the text: one for each field, and others."""
    import orjson

    try:
        written = orjson.dumps(values)
    except TypeError:
        return False
    # An escaped colon (\\u003a) in a text would make up for one that is lost.
    return written.count(b":") == text.count(b":") and not (b"\\" in text and b"\\u003" in text)


@cache
def _parser() -> Callable[[bytes], Any]:
    import msgspec  # only if there is JSON to read: a server starts without it

    return msgspec.json.Decoder().decode
