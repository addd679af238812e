"""The program that runs a user's SQL, with nothing of ours in it but this file and one beside it: `_sql_lite.py` for an
SQLite file, `_sql_server.py` for all other databases.

Reads one line of JSON from stdin (path or url, query, params, sys_path, silence_s, timeout_s), and writes JSON lines to
stdout: {"warning": text} if there is something to say, the column names, lists of rows, each a list of values, and at
last {"rows": n} or {"error": text, "place": text}. Its stdin stays open: when it closes, whoever asked is gone, and so
is this. Not imported by anything.
"""

import importlib.util
import json
import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from math import ceil, inf, isfinite
from pathlib import Path
from typing import Any

ROW = 64 * 1024 * 1024
"""Bytes of one row as JSON."""

BLOCK, FRAME = 256 * 1024, 1024
"""Bytes that are handed over at a time, with one row more if it is large; a row counts as so many more than it has."""

NEWS_S = 0.05
"""No row is kept back for longer, however slowly the others come."""

MEMORY = 2048 * 1024 * 1024
SPILLED = 4096 * 1024 * 1024
"""Bytes of address space, and of one temporary file that a sort may spill to (unlinked as soon as it is made)."""

GRACE_S = 1.0
"""A query that did not stop when it was told is inside one long function; it is ended from outside so much later."""


Row = tuple[bytes, tuple[Any, ...]]
"""As JSON, and as it is."""


class Refused(Exception):
    """An error in the user's words. `invalid`: the job cannot work at all, on whatever data."""

    invalid = False


class BadRow(Refused):
    """It is about the row that comes next."""


class Clock:
    """How long the query has been silent, and how long it may go on at all."""

    def __init__(self, silence_s: float, timeout_s: float) -> None:
        self._silence_s, self._timeout_s = silence_s, timeout_s
        self._until = time.monotonic() + timeout_s
        self.since = time.monotonic()
        """When the query began to look for its next row."""

    def rests(self) -> None:
        """Until `since` is set again: rows are being handed over; if that takes long, it is not the query's fault."""
        self.since = inf

    def over(self, grace_s: float = 0) -> str:
        """What is to be said if the query has to stop."""
        now = time.monotonic()
        if now > self._until + grace_s:
            limit = f"{self._timeout_s:g} s"
            return f"the query took longer than {limit} and was stopped; set limit, or a larger timeout_s"
        if now - self.since > self._silence_s + grace_s:
            return f"the query gave no row for {self._silence_s:g} s and was stopped; add an index or simplify it"
        return ""


class Output:
    """Whole lines, from whichever thread. Rows are kept until there are some, or until somebody finds them waiting."""

    def __init__(self) -> None:
        self._file = os.fdopen(1, "wb", 1 << 16, closefd=False)
        self._kept: deque[Row] = deque()
        self._turn = threading.Lock()
        self._rows = 0
        self.keep = self._kept.append

    def put(self, value: Any) -> None:
        with self._turn:
            self._write(json.dumps(value).encode(), b"\n")

    def flush(self, *, wait: bool = True) -> None:
        """Hand over what is kept; not if somebody is at it, and there is no time to wait."""
        if self._turn.acquire(blocking=wait):
            try:
                self._hand_over()
            finally:
                self._turn.release()

    def end(self, error: str = "", *, row_is_bad: bool = False, invalid: bool = False) -> None:
        """Say that it is over, and why, and be gone at once, whatever still runs."""
        self._turn.acquire()  # for ever: nothing follows this
        self._hand_over()
        self._exit(error, row_is_bad, invalid)

    def _hand_over(self) -> None:
        rows = [self._kept.popleft() for _ in range(len(self._kept))]  # more may come meanwhile, at the other end
        block = b",".join([line for line, _ in rows])
        sound = len(rows) if block.find(b"null") < 0 else _sound(rows)
        if sound < len(rows):
            block = b",".join([line for line, _ in rows[:sound]])
        if sound:
            self._write(b"[", block, b"]\n")
            self._rows += sound
        if sound < len(rows):
            self._exit("an infinite number is no JSON; filter it out, or cast it to text", row_is_bad=True)

    def _exit(self, error: str, row_is_bad: bool, invalid: bool = False) -> None:
        """Libraries read ahead, some by one row, some by many: which row a database fails at, nobody knows."""
        after = f"after row {self._rows}" if self._rows else ""
        place = f"row {self._rows + 1}" if row_is_bad else after
        last = {"error": error, "place": place, "invalid": invalid} if error else {"rows": self._rows}
        self._write(json.dumps(last).encode())
        os._exit(0)

    def _write(self, *parts: bytes) -> None:
        try:
            self._file.writelines(parts)
            self._file.flush()
        except OSError:  # nobody reads it
            os._exit(0)


def main() -> None:
    order = json.loads(sys.stdin.readline())
    sys.path[:] = order["sys_path"]
    _limit(order["timeout_s"])
    clock, out = Clock(order["silence_s"], order["timeout_s"]), Output()
    query = _reader("_sql_server" if "url" in order else "_sql_lite").Query(order, clock, Refused)
    threading.Thread(target=_watch, args=(clock, out, query), daemon=True).start()
    try:
        _send(query, clock, out)
    except Refused as error:
        out.end(str(error), row_is_bad=isinstance(error, BadRow), invalid=error.invalid)
    except Exception as error:
        out.end(clock.over() or query.explain(error))
    out.end()


def _send(query: Any, clock: Clock, out: Output) -> None:
    """The hot loop: everything that does not change is looked up before it, and nothing of ours is called for a row."""
    from orjson import dumps

    names, rows, warnings = query.start()
    for warning in warnings:
        out.put({"warning": warning})
    out.put(names)
    keep, now, size = out.keep, time.monotonic, 0
    for values in rows:
        try:
            line = dumps(values, _plain)
        except TypeError:
            raise _unwritable(values, names, dumps) from None
        if len(line) > ROW:
            raise BadRow(f"is larger than {ROW >> 20} MiB as JSON; select less of it")
        keep((line, values))
        size += len(line) + FRAME
        if size >= BLOCK:
            clock.rests()
            out.flush()
            size = 0
        clock.since = now()


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
        if select.select([sys.stdin], [], [], NEWS_S)[0]:
            os._exit(0)
        out.flush(wait=False)
    threading.Thread(target=query.interrupt, daemon=True).start()
    while True:
        if words := clock.over(GRACE_S):
            out.end(words)
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


def _plain(value: Any) -> Any:
    """Exact, as text: what JSON has no word for, and loses nothing by it."""
    if type(value).__name__ in {"Decimal", "timedelta", "IPv4Address", "IPv6Address", "IPv4Network", "IPv6Network"}:
        return str(value)
    raise TypeError


def _unwritable(values: tuple[Any, ...], names: list[str], dumps: Callable[..., bytes]) -> BadRow:
    for name, value in zip(names, values, strict=True):
        if isinstance(value, bytes | bytearray | memoryview):
            return BadRow(f"column {name!r} holds binary data; cast it, for example hex({name})")
        try:
            dumps(value, _plain)
        except TypeError:
            return BadRow(f"column {name!r} holds a {type(value).__name__} that JSON cannot carry; cast it to text")
    return BadRow("it cannot be written as JSON; cast its columns to text")


def _sound(rows: list[Row]) -> int:
    """How many rows there are before one with a number that JSON would call null."""
    bad = (n for n, (line, values) in enumerate(rows) if b"null" in line and not all(map(_is_finite, values)))
    return next(bad, len(rows))


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    return all(map(_is_finite, value)) if isinstance(value, list) else True


if __name__ == "__main__":
    main()
