"""Whether an answer fits its schema."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from batchproc.models import Json
from batchproc.schemas.parts import place_of

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

MOST = 5
"""Problems that are told at a time."""
LONGEST = 300
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def problems(schema: Mapping[str, Any], output: Json) -> list[str]:
    """What is wrong with an answer, each with its place, the first few; empty if it fits.

    The formats date, date-time, email, ipv4, ipv6 and uuid are checked, others are not.
    """
    validator = _validator(orjson.dumps(schema))
    found: list[str] = []
    try:
        for error in validator.iter_errors(output):
            if len(found) == MOST:
                return [*found, "and more"]
            place = place_of(error.absolute_path)
            found.append(f"{place or 'the answer'}: {_shortened(error.message)}")
    except RecursionError:
        return ["the answer: it is nested too deeply"]
    return found


def fits(root: Mapping[str, Any], part: Any, value: Json) -> bool:
    """Whether a value fits a part of the schema."""
    return bool(_validator(orjson.dumps(root)).evolve(schema=part).is_valid(value))


def _shortened(message: str) -> str:
    return message if len(message) <= LONGEST else f"{message[: LONGEST // 2]} … {message[-LONGEST // 2 :]}"


@lru_cache(maxsize=16)
def _validator(schema: bytes) -> "Draft202012Validator":
    from jsonschema import Draft202012Validator, FormatChecker

    formats = FormatChecker(("email", "ipv4", "ipv6", "uuid"))
    formats.checks("date", raises=ValueError)(_is_date)
    formats.checks("date-time", raises=ValueError)(_is_moment)
    return Draft202012Validator(orjson.loads(schema), format_checker=formats)


def _is_date(value: object) -> bool:
    return not isinstance(value, str) or (_DATE.fullmatch(value) is not None and bool(datetime.fromisoformat(value)))


def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or (
        _MOMENT.fullmatch(value) is not None and bool(datetime.fromisoformat(value.upper()))
    )
