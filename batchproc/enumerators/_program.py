"""Reads a table through the program `batchproc.tables`: starts it, takes its lines, and says how it ended."""

import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import batchproc
from batchproc import tables
from batchproc.enumerators import _common
from batchproc.errors import SourceError
from batchproc.platform import processes
from batchproc.tables import talk

PROGRAM = Path(tables.__file__).with_name("__main__.py")
MEMORY = 200 << 20
"""Bytes that reading a table may take: with the server beside it less than 300 MB."""

CPU_S = 120
"""Seconds of computing."""

SETTINGS = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2"}
"""The other pools take a gigabyte of addresses before they hold anything."""


def parts(path: str, **order: Any) -> Generator[Any, None, None]:
    """What the program says of the table at `path`. Closing it ends the program. Raises `SourceError`."""
    import orjson

    _readable(path)
    child = _start(path)
    assert child.stdin and child.stdout  # noqa: S101 - both are pipes
    try:
        with child.stdin as stdin:
            stdin.write(orjson.dumps({"path": path, **order, **_bounds()}) + b"\n")
        for line in child.stdout:
            part = orjson.loads(line)
            if isinstance(part, dict) and ("error" in part or "done" in part):
                return _finish(path, part)
            yield part
        raise _died(path, child.wait())
    except BrokenPipeError:
        raise _died(path, child.wait()) from None
    finally:
        child.kill()
        child.stdout.close()
        child.wait()


def _bounds() -> dict[str, Any]:
    folders = [*sys.path, str(Path(batchproc.__file__).parents[1])]
    return {
        "sys_path": [path for path in folders if Path(path).is_absolute()],
        "memory_bytes": MEMORY,
        "cpu_s": CPU_S,
    }


def _readable(path: str) -> None:
    with _common.open_plain(path):
        pass


def _start(path: str) -> subprocess.Popen[bytes]:
    try:
        return processes.start_python(PROGRAM, **SETTINGS)
    except OSError as error:
        raise SourceError(path, f"the program that reads it did not start: {error}; try again") from None


def _finish(path: str, last: dict[str, Any]) -> None:
    if last.get("error") == talk.TOO_LARGE:
        raise _too_large(path)
    if "error" in last:
        raise SourceError(path, last["error"], last["place"])


def _died(path: str, code: int) -> SourceError:
    match -code:
        case signal.SIGABRT:  # how a library ends that gets no memory
            return _too_large(path)
        case signal.SIGXCPU | signal.SIGKILL:
            return SourceError(path, f"took more than {CPU_S} s of computing and was stopped; split it")
        case _:
            return SourceError(path, f"the program that reads it ended without a word (code {code}); is it whole?")


def _too_large(path: str) -> SourceError:
    return SourceError(
        path,
        f"needs more than {MEMORY >> 20} MiB of memory to be read (a far-off cell in a sheet counts all before it); "
        "save the part that you need as CSV and use the type 'csv'",
    )
