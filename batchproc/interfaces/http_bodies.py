"""What a body says, and nothing but that: a name stands once, a number is no text, and yes is `true`.

The models of jobs are those of the shell and of the MCP face too, which are more lenient: what programs send here has
to be what the published document says.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import orjson
from pydantic import BaseModel

from batchproc.interfaces import http_problems as problems
from batchproc.interfaces.http_problems import FieldProblem, Refused

T = TypeVar("T", bound=BaseModel)
MOST = 50
ONCE = "it stands there twice; say it once"


def read(raw: bytes, model: type[T]) -> T:
    """The body as what it has to be; none is an empty object. Raises `Refused`, `ValidationError`."""
    content = _content(raw) if raw.strip() else {}
    if not isinstance(content, dict):
        raise Refused(problems.unreadable("the body is JSON, but no object; send { … }"))
    if found := [*_strays(model, content, "")][:MOST]:
        raise Refused(problems.invalid(tuple(found)))
    return model.model_validate(content)


def _content(raw: bytes) -> Any:
    """What the JSON says. orjson is strict, but makes floats of whole numbers that have more than 64 bits, and takes
    the last of several equal names: it only looks whether this is JSON."""
    twice: list[_Twice] = []
    try:
        orjson.loads(raw)
        content = json.loads(raw, object_pairs_hook=lambda pairs: _object(pairs, twice))
    except ValueError as error:  # also a number of thousands of digits
        raise Refused(problems.unreadable(f"the body is not JSON that can be read: {error}")) from None
    if twice:
        raise Refused(problems.invalid((_said_twice(content),)))
    return content


class _Twice(dict[str, Any]):
    """An object that has a name more than once."""

    name: str


def _object(pairs: list[tuple[str, Any]], twice: list[_Twice]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    counts = Counter(name for name, _ in pairs)
    found = _Twice(made)
    found.name = next(name for name in counts if counts[name] > 1)
    twice.append(found)
    return found


def _said_twice(content: Any) -> FieldProblem:
    """A name that stands twice, and where: the outermost on its way, for what is within may be gone."""
    left = [("", content)]
    while True:
        place, value = left.pop()
        if isinstance(value, _Twice):
            return FieldProblem(field=place + value.name, value=problems.shown(value[value.name]), way_out=ONCE)
        if isinstance(value, dict | list):
            parts = value.items() if isinstance(value, dict) else enumerate(value)
            left.extend((f"{place}{name}.", one) for name, one in parts)


def _strays(kind: Any, value: Any, place: str) -> Iterator[FieldProblem]:
    """Texts in the place of numbers or of yes and no, and the like: what pydantic would read as if it were right."""
    kinds = [*_kinds(kind)]
    models = [one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel)]
    if isinstance(value, Mapping) and len(models) == 1:
        for name, known in models[0].model_fields.items():
            if name in value:
                yield from _strays(known.annotation, value[name], f"{place}{name}.")
    elif isinstance(value, list):
        for n, one in enumerate(value):
            for inner in {args[0] for k in kinds if get_origin(k) in {list, tuple} and (args := get_args(k))}:
                yield from _strays(inner, one, f"{place}{n}.")
    elif (way_out := _way_out(kinds, value)) is not None:
        yield FieldProblem(field=place[:-1], value=problems.shown(value), way_out=way_out)


def _way_out(kinds: list[Any], value: Any) -> str | None:
    """None if it may be so, or pydantic says why it may not."""
    if isinstance(value, str | int | float) and type(value) not in kinds:
        if bool in kinds:
            return "write true or false, without quotes"
        if isinstance(value, str | bool) and str not in kinds and {int, float} & {*kinds}:
            return "write a number, without quotes"
    return None


def _kinds(kind: Any) -> Iterator[Any]:
    """The kinds of a union, without what is said about them."""
    if get_origin(kind) is Annotated:
        yield from _kinds(get_args(kind)[0])
    elif get_origin(kind) in {Union, UnionType}:
        for one in get_args(kind):
            yield from _kinds(one)
    else:
        yield kind
