"""The program that runs one question, with nothing of ours in it but this file and `_sealed.py` beside it.

Reads one line of JSON from stdin (see `_sealed.Sealed`; with it `sys_path`, `timeout_s`, and `question` with `rows`,
`bytes` and `cell`, or `look`), and writes one line to stdout: the answer, or {"kind", "error"}. Its stdin stays open:
when it closes, whoever asked is gone, and so is this. Not imported by anything.
"""

import importlib.util
import json
import os
import select
import sys
import threading
import time
from math import ceil, isfinite
from pathlib import Path
from typing import Any

MEMORY = 1536 * 1024 * 1024
SPILLED = 1024 * 1024 * 1024
"""Bytes of address space, and of a file that a sort may spill to where SQLite does not sort in memory."""

FILES = 32
NAME = 200
"""Characters of a column's name."""
LEAST = 16
"""Characters that every cell may have, however many columns there are."""

GRACE_S = 1.0
"""A question that did not stop when it was told is inside one long function; it is ended from outside so much later."""


class Clock:
    """How long the question may still take."""

    def __init__(self, timeout_s: float) -> None:
        self._until = time.monotonic() + timeout_s

    def over(self, grace_s: float = 0) -> bool:
        return time.monotonic() > self._until + grace_s


class Output:
    """The one answer, from whichever thread is first; then all is over, whatever still runs."""

    def __init__(self) -> None:
        self._turn = threading.Lock()

    def say(self, answer: dict[str, Any]) -> None:
        self._turn.acquire()  # for ever: nothing follows this
        try:
            with os.fdopen(1, "wb", closefd=False) as file:
                file.write(json.dumps(answer).encode() + b"\n")
        except OSError:  # nobody reads it
            os._exit(0)
        os._exit(0)


def main() -> None:
    order = json.loads(sys.stdin.readline())
    sys.path[:] = order["sys_path"]
    _limit(order["timeout_s"])
    clock, out = Clock(order["timeout_s"]), Output()
    threading.Thread(target=_watch, args=(clock, out), daemon=True).start()
    sealed = _beside("_sealed").Sealed(order, clock)
    try:
        answer = {"found": sealed.look(order["look"])} if "look" in order else _ask(sealed, order)
    except Exception as error:
        kind, text = sealed.explain(error)
        answer = {"kind": kind, "error": text}
    out.say(answer)


def _ask(sealed: Any, order: dict[str, Any]) -> dict[str, Any]:
    """The first rows, as many as there is room for, and why there are no more."""
    names, found = sealed.ask(order["question"])
    rows: list[list[Any]] = []
    answer: dict[str, Any] = {"columns": [_shortened(name, NAME)[0] for name in names], "rows": rows}
    left = order["bytes"] - len(json.dumps(answer["columns"]))
    cell = max(LEAST, min(order["cell"], order["bytes"] // (2 * len(names))))
    for values in found:
        if len(rows) == order["rows"]:
            return answer | {"more": "rows"}
        row, is_cut = _row(values, cell)
        left -= len(json.dumps(row)) + 1
        if left < 0:
            return answer | {"more": "bytes"}
        rows.append(row)
        answer["cut"] = cell if is_cut else answer.get("cut")
    return answer


def _row(values: tuple[Any, ...], cell: int) -> tuple[list[Any], bool]:
    """The values as JSON can carry them, and whether any was cut."""
    row, is_cut = [], False
    for value in values:
        match value:
            case bytes():
                value, cut = _shortened(value[: cell + 1].hex(), cell, len(value) * 2)
            case str():
                value, cut = _shortened(value, cell)
            case float() if not isfinite(value):
                value, cut = str(value), False
            case _:
                cut = False
        row.append(value)
        is_cut = is_cut or cut
    return row, is_cut


def _shortened(text: str, longest: int, length: int | None = None) -> tuple[str, bool]:
    whole = len(text) if length is None else length
    return (f"{text[:longest]}… [{whole:,} characters]", True) if whole > longest else (text, False)


def _beside(name: str) -> Any:
    """A module from the file beside this one: the package it is in would bring all of ours along."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec and spec.loader  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _watch(clock: Clock, out: Output) -> None:
    """End a question that is over its time, or that nobody waits for, even if it is deep inside one long function."""
    while not clock.over(GRACE_S):
        if select.select([sys.stdin], [], [], 0.1)[0]:
            os._exit(0)
    out.say({"kind": "time", "error": ""})


def _limit(timeout_s: float) -> None:
    import resource

    seconds = ceil(timeout_s + 2 * GRACE_S) + 1
    for what, amount in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, SPILLED),
        (resource.RLIMIT_NOFILE, FILES),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(what, (amount, amount))
        except (OSError, ValueError):
            continue  # macOS refuses some, and a stricter one may be in force


if __name__ == "__main__":
    main()
