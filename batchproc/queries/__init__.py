"""The only place that starts a question's own process, and listens to what it answers.

The program is `_child.py`; what holds it back is told in `_sealed.py`. What it cannot do is worded in `words`.
"""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchproc.errors import StoreError
from batchproc.platform import processes

CHILD = Path(__file__).with_name("_child.py")
PATIENCE_S = 5.0
"""How much longer than it may take we wait for the word of a process that ends itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much a question may give: rows, bytes of them as JSON, characters of a cell; and how long it may take."""

    rows: int
    bytes: int
    cell: int
    timeout_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The first rows of an answer. `more`: why there are others that are not here, "rows" or "bytes"; `cut`: the number
    of characters after which cells were cut, if any was."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    more: str | None
    cut: int | None


class Failed(Exception):
    """No answer. `kind` is `refused`, `time`, `memory` or `sql`; `text` says what was refused, or is SQLite's."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(kind, text)
        self.kind, self.text = kind, text


async def ask(path: Path, question: str, *, view: Callable[[str], str], tables: Sequence[str], limits: Limits) -> Found:
    """The question's first rows. `view` gives the SELECT behind `results` over the store that is attached under a name,
    and stands on `tables`. Raises `Failed`, `StoreError`."""
    schema, inner = f"s_{secrets.token_hex(16)}", f"v_{secrets.token_hex(16)}"
    order = {
        "schema": schema,
        "inner": inner,
        "view": view(schema),
        "tables": tables,
        "question": question,
        "rows": limits.rows,
        "bytes": limits.bytes,
        "cell": limits.cell,
    }
    said = await _run(path, order, limits.timeout_s)
    return Found(columns=said["columns"], rows=said["rows"], more=said.get("more"), cut=said.get("cut"))


async def look(path: Path, statements: Sequence[tuple[str, Mapping[str, Any]]], *, timeout_s: float) -> list[Any]:
    """The rows of statements that are ours, in a process like that: they read all of a job. Raises the same."""
    order = {"schema": "store", "look": statements}
    found: list[Any] = (await _run(path, order, timeout_s))["found"]
    return found


async def _run(path: Path, order: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
    shared = {"path": str(path), "timeout_s": timeout_s, "sys_path": [p for p in sys.path if Path(p).is_absolute()]}
    line = json.dumps({**order, **shared}).encode() + b"\n"
    child = await _start()
    try:
        answer = await asyncio.wait_for(_talk(child, line), timeout_s + PATIENCE_S)
    except BaseException as error:
        with suppress(ProcessLookupError):
            child.kill()
        if isinstance(error, TimeoutError):
            raise Failed("time", "") from None
        raise
    finally:
        await child.wait()
    if not answer:
        raise StoreError("the program that answers questions was ended before it had answered; try again")
    said: dict[str, Any] = json.loads(answer)
    if "error" in said:
        raise Failed(said["kind"], said["error"])
    return said


async def _start() -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, *processes.ISOLATED, str(CHILD)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=processes.environment(),
            cwd=os.sep,
        )
    except OSError as error:
        raise StoreError(f"the program that answers questions did not start: {error}; try again") from None


async def _talk(child: asyncio.subprocess.Process, line: bytes) -> bytes:
    """Its stdin stays open: the end of that tells the child that we are gone."""
    assert child.stdin and child.stdout  # noqa: S101 - both are pipes
    with suppress(ConnectionError):
        child.stdin.write(line)
        await child.stdin.drain()
    return await child.stdout.read()
