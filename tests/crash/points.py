"""Named crash points: the process kills itself right before or right after the commit of a verb of the store.

A wrapper around `db.Database.write`, put there by the scripted supervisor; the product has no hook for it.
"""

import itertools
import os
import signal
from dataclasses import asdict, dataclass
from typing import Any

from batchproc.store import db, events
from batchproc.supervisor import places, staging

VERBS = (
    *("claims.claim", "attempts.settle", "attempts.rescue", "processes.take_over", "events.append"),
    *("jobs.pause", "jobs.go_on", "limits.keep", "backlog.step"),
)

STEPS = {"staging.stage": staging, "places.put": places, "staging.clear": staging}
"""Steps with the files that agents make: no verbs of the store, and in threads of their own."""
PUBLISHING = (*STEPS, "publications.claim", "publications.promise", "publications.settle", "publications.rescue")

FACTS = ("job.review", "trial.ended")
"""Kinds of events that may stand in the place of a verb: whatever verb tells of them."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """At the `k`-th call of `verb`: `before` its commit, with the transaction open, or `after` it, with nothing done
    since. With a fact, at the `k`-th that tells of it."""

    verb: str
    when: str
    k: int = 1

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def arm(point: Point) -> None:
    if point.verb in FACTS:
        _arm_fact(point)
        return
    if point.verb in STEPS:
        _arm_step(point)
        return
    original, seen = db.Database.write, [0]

    async def write(self: db.Database, verb: Any, *args: Any, **kwargs: Any) -> Any:
        if name(verb) != point.verb:
            return await original(self, verb, *args, **kwargs)
        seen[0] += 1
        if seen[0] != point.k:
            return await original(self, verb, *args, **kwargs)
        if point.when == "before":
            return await original(self, _then_die(verb), *args, **kwargs)
        result = await original(self, verb, *args, **kwargs)
        die()
        return result

    db.Database.write = write  # type: ignore[method-assign,assignment]


def _arm_step(point: Point) -> None:
    module, step = STEPS[point.verb], point.verb.partition(".")[2]
    original, count = getattr(module, step), itertools.count(1)

    def stepping(*args: Any, **kwargs: Any) -> Any:
        is_it = next(count) == point.k
        if is_it and point.when == "before":
            die()
        try:
            return original(*args, **kwargs)
        finally:
            if is_it:
                die()

    setattr(module, step, stepping)


def _arm_fact(point: Point) -> None:
    original, append, told = db.Database.write, events.append, [0]

    def telling(tx: Any, kind: str, **known: Any) -> Any:
        told[0] += kind == point.verb
        return append(tx, kind, **known)

    async def write(self: db.Database, verb: Any, *args: Any, **kwargs: Any) -> Any:
        def watched(*args: Any, **kwargs: Any) -> Any:
            result = verb(*args, **kwargs)
            if told[0] >= point.k and point.when == "before":
                die()
            return result

        result = await original(self, watched, *args, **kwargs)
        if told[0] >= point.k:
            die()
        return result

    events.append = telling  # type: ignore[assignment]
    db.Database.write = write  # type: ignore[method-assign,assignment]


def name(verb: Any) -> str:
    return f"{getattr(verb, '__module__', '').rpartition('.')[2]}.{getattr(verb, '__name__', '')}"


def _then_die(verb: Any) -> Any:
    def dying(*args: Any, **kwargs: Any) -> Any:
        verb(*args, **kwargs)
        die()

    return dying


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
