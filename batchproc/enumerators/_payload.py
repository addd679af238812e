"""The only place that knows what a payload may hold: JSON that can be written and read back without loss."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import islice
from math import isfinite
from typing import Any

MAX_DEPTH = 250
"""orjson writes 254 levels."""


def fault(payload: Mapping[str, Any]) -> str | None:
    """What in `payload` JSON cannot carry, in words; None if all is well."""
    try:
        raw = _writer()(payload)
    except TypeError:
        return _search(payload, "", 0) or "cannot be written as JSON"
    # orjson silently writes NaN and Infinity as null: only then is it worth looking at each value.
    return _search(payload, "", 0) if b"null" in raw else None


@cache
def _writer() -> Callable[[Any], bytes]:
    import orjson  # 10 ms that the server need not spend at its start

    return orjson.dumps


def names(several: Iterable[str]) -> str:
    """Field names for a person to choose from, the first twenty."""
    shown = [repr(name) for name in islice(several, 21)]
    return ", ".join(shown[:20] + ["..."] * (len(shown) > 20)) or "none"


def _search(value: Any, path: str, depth: int) -> str | None:
    where = f"field {path!r}" if path else "it"
    match value:
        case dict() | list() if depth > MAX_DEPTH:
            return f"is nested more than {MAX_DEPTH} levels deep; flatten it"
        case dict():
            return _search_object(value, path, depth)
        case list() | tuple():
            return next(filter(None, (_search(v, f"{path}[{i}]", depth + 1) for i, v in enumerate(value))), None)
        case float() if not isfinite(value):
            return f"{where} is {value}, which JSON does not have; write null or a text in its place"
        case int() if not -(2**63) <= value < 2**64:
            return f"{where} is a whole number beyond 64 bits; write it as text, in quotes"
        case str() if not _is_text(value):
            return f"{where} holds half of a surrogate pair, which is not valid text; mend or remove that character"
        case str() | int() | float() | None:
            return None
        case _:
            return f"{where} is a Python {type(value).__name__}, which JSON does not have; write it as text"


def _search_object(value: dict[Any, Any], path: str, depth: int) -> str | None:
    for name, inner in value.items():
        if not isinstance(name, str) or not _is_text(name):
            return f"the field name {name!r} is not valid text; rename it"
        found = _search(inner, f"{path}.{name}" if path else name, depth + 1)
        if found:
            return found
    return None


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
