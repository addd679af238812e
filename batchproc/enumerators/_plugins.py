"""The only place that knows plug-ins: kinds of sources that other distributions bring.

A distribution offers one by an entry point in the group `batchproc.enumerators`: its name is the kind, its value is a
class that keeps the protocol `Enumerator`. A kind of ours cannot be replaced, and no two may offer the same one.
"""

import sys
from collections.abc import Collection, Iterator
from contextlib import redirect_stdout
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from batchproc.enumerators.base import Config, Enumerator
from batchproc.errors import InvalidJob

GROUP = "batchproc.enumerators"
NEEDED = ("kind", "about", "config_model", "example", "place", "source", "items", "warnings")


def kinds(ours: Collection[str]) -> list[str]:
    """What plug-ins offer, beside ours."""
    return sorted({point.name for point in _points()} - set(ours))


def load(kind: str) -> type[Enumerator]:
    """The class. Raises `KeyError` if nobody offers the kind, and `InvalidJob`, which names the distribution."""
    points = [point for point in _points() if point.name == kind]
    if not points:
        raise KeyError(kind)
    if len(points) > 1:
        several = " and ".join(map(_name, points))
        raise _refused(kind, f"both {several} offer this type; uninstall one of them")
    (point,) = points
    try:
        # What it prints must not get into what we say to a client on stdout.
        with redirect_stdout(sys.stderr):
            found = point.load()
    except (Exception, SystemExit) as error:
        raise _broken(point, f"does not load: {type(error).__name__}: {error}") from error
    fault = _fault(found, kind)
    if fault is not None:
        raise _broken(point, fault)
    enumerator: type[Enumerator] = found
    return enumerator


def hidden(ours: Collection[str]) -> Iterator[tuple[str, str]]:
    """Kind and problem of plug-ins that offer what is ours."""
    for point in _points():
        if point.name in ours:
            yield point.name, f"{_name(point)} offers this type too, but batchproc's own is used; rename that one"


def _points() -> list[EntryPoint]:
    return sorted(entry_points(group=GROUP), key=lambda point: (point.name, _name(point)))


def _name(point: EntryPoint) -> str:
    dist = point.dist
    return f"the plug-in {dist.name} {dist.version} ({point.value})" if dist else f"a plug-in ({point.value})"


def _broken(point: EntryPoint, problem: str) -> InvalidJob:
    return _refused(point.name, f"{_name(point)} {problem}; update or uninstall it")


def _refused(kind: str, problem: str) -> InvalidJob:
    return InvalidJob("enumerator.type", kind, problem)


def _fault(found: Any, kind: str) -> str | None:
    if not isinstance(found, type):
        return f"is no class but a {type(found).__name__}"
    missing = [name for name in NEEDED if not hasattr(found, name)]
    if missing:
        return f"lacks {', '.join(missing)}"
    enumerator: Any = found
    if enumerator.kind != kind:
        return f"calls its kind {enumerator.kind!r}"
    model = enumerator.config_model
    if not (isinstance(model, type) and issubclass(model, Config)):
        return "has a config_model that is no batchproc.enumerators.Config"
    return None
