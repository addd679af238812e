"""The program that runs a user's SQL, with nothing of ours in it but this file and one beside it: `_sql_lite.py` for an
SQLite file, `_sql_server.py` for all other databases.

Reads one line of JSON from stdin (path or url, query, params, sys_path, silence_s, timeout_s), and writes JSON lines to
stdout: {"warning": text} if there is something to say, the column names, a list for each row, and at last {"rows": n}
or {"error": text, "row": n}. Its stdin stays open: when it closes, whoever asked is gone, and so is this. Not imported
by anything.
"""

import importlib.util
import json
import os
import select
import sys
import threading
import time
from collections.abc import Callable
from math import ceil, inf, isfinite
from pathlib import Path
from typing import Any

ROW = 64 * 1024 * 1024
"""Bytes of one row as JSON."""

MEMORY = 2048 * 1024 * 1024
SPILLED = 4096 * 1024 * 1024
"""Bytes of address space, and of one temporary file that a sort may spill to (unlinked as soon as it is made)."""

GRACE_S = 1.0
"""A query that did not stop when it was told is inside one long function; it is ended from outside so much later."""


class Refused(Exception):
    """An error in the user's words. `invalid`: the job cannot work at all, on whatever data."""

    invalid = False


class Clock:
    """How long the query has been silent, and how long it may go on at all."""

    def __init__(self, silence_s: float, timeout_s: float) -> None:
        self._silence_s, self._timeout_s = silence_s, timeout_s
        self._until = time.monotonic() + timeout_s
        self.waits()

    def waits(self) -> None:
        """For the query's next row, from now on."""
        self._since = time.monotonic()

    def rests(self) -> None:
        """A row is being handed over; if that takes long, it is not the query's fault."""
        self._since = inf

    def over(self, grace_s: float = 0) -> str:
        """What is to be said if the query has to stop."""
        now = time.monotonic()
        if now > self._until + grace_s:
            limit = f"{self._timeout_s:g} s"
            return f"the query took longer than {limit} and was stopped; set limit, or a larger timeout_s"
        if now - self._since > self._silence_s + grace_s:
            return f"the query gave no row for {self._silence_s:g} s and was stopped; add an index or simplify it"
        return ""


class Output:
    """Whole lines, from whichever thread."""

    def __init__(self) -> None:
        self._file = os.fdopen(1, "wb", 1 << 16, closefd=False)
        self.lines = 0

    def put(self, line: bytes) -> None:
        self._file.write(line + b"\n")
        self.lines += 1

    def end(self, last: dict[str, Any]) -> None:
        """Say it, and be gone at once, whatever still runs."""
        try:
            self._file.write(json.dumps(last).encode())
            self._file.flush()
        finally:
            os._exit(0)


def main() -> None:
    order = json.loads(sys.stdin.readline())
    sys.path[:] = order["sys_path"]
    _limit(order["timeout_s"])
    clock, out = Clock(order["silence_s"], order["timeout_s"]), Output()
    query = _reader("_sql_server" if "url" in order else "_sql_lite").Query(order, clock, Refused)
    threading.Thread(target=_watch, args=(clock, out, query), daemon=True).start()
    try:
        sent = _send(query, clock, out)
    except BrokenPipeError:
        os._exit(0)
    except Exception as error:
        words = str(error) if isinstance(error, Refused) else clock.over() or query.explain(error)
        out.end({"error": words, "row": out.lines, "invalid": getattr(error, "invalid", False)})
    out.end({"rows": sent})


def _send(query: Any, clock: Clock, out: Output) -> int:
    from orjson import dumps

    names, rows, warnings = query.start()
    for warning in warnings:
        out.put(json.dumps({"warning": warning}).encode())
    out.lines = 0
    out.put(dumps(names))
    for values in rows:
        line = _line(tuple(values), names, dumps)
        clock.rests()
        out.put(line)
        clock.waits()
    return out.lines - 1


def _reader(name: str) -> Any:
    """A module from the file beside this one: the package it is in would bring all of ours along."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec and spec.loader  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _watch(clock: Clock, out: Output, query: Any) -> None:
    """End a query that is over its time, or that nobody waits for, even if it is deep inside one long function."""
    while not clock.over():
        if select.select([sys.stdin], [], [], 0.1)[0]:
            os._exit(0)
    threading.Thread(target=query.interrupt, daemon=True).start()
    while True:
        if words := clock.over(GRACE_S):
            out.end({"error": words, "row": out.lines})
        if select.select([sys.stdin], [], [], 0.1)[0]:
            os._exit(0)


def _limit(timeout_s: float) -> None:
    import resource

    seconds = ceil(timeout_s + 2 * GRACE_S) + 1
    for what, amount in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, SPILLED),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(what, (amount, amount))
        except (OSError, ValueError):
            continue  # macOS refuses some, and a stricter one may be in force


def _line(values: tuple[Any, ...], names: list[str], dumps: Callable[..., bytes]) -> bytes:
    try:
        line = dumps(values, default=_plain)
    except TypeError:
        raise _unwritable(values, names, dumps) from None
    if len(line) > ROW:
        raise Refused(f"is larger than {ROW >> 20} MiB as JSON; select less of it")
    if b"null" in line and not all(map(_is_finite, values)):
        raise Refused("an infinite number is no JSON; filter it out, or cast it to text")
    return line


def _plain(value: Any) -> Any:
    """Exact, as text: what JSON has no word for, and loses nothing by it."""
    if type(value).__name__ in {"Decimal", "timedelta", "IPv4Address", "IPv6Address", "IPv4Network", "IPv6Network"}:
        return str(value)
    raise TypeError


def _unwritable(values: tuple[Any, ...], names: list[str], dumps: Callable[..., bytes]) -> Refused:
    for name, value in zip(names, values, strict=True):
        if isinstance(value, bytes | bytearray | memoryview):
            return Refused(f"column {name!r} holds binary data; cast it, for example hex({name})")
        try:
            dumps(value, default=_plain)
        except TypeError:
            return Refused(f"column {name!r} holds a {type(value).__name__} that JSON cannot carry; cast it to text")
    return Refused("it cannot be written as JSON; cast its columns to text")


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    return all(map(_is_finite, value)) if isinstance(value, list) else True


if __name__ == "__main__":
    main()
