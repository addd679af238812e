"""What a malformed source is, and how one is read: in a process of its own, with its time and memory."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMIT_S = 5.0
LIMIT_MB = 300.0
GIB = 1 << 30

PATHS = {"csv": "file_path", "json": "file_path", "file": "base_directory", "sql": "connection_string"}

Make = Callable[[Path], dict[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bad:
    """A source that cannot be read. `place` is where it breaks, `says` is what and what to do.

    `meanwhile` happens after the first item; `reader` is the user that reads.
    """

    name: str
    make: Make
    says: tuple[str, ...]
    place: str = ""
    meanwhile: str = ""
    reader: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Odd:
    """A source that looks malformed and is not: these payloads are read, and `warns` is said."""

    name: str
    make: Make
    payloads: list[dict[str, Any]]
    warns: str = ""
    meanwhile: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What came of a reading: `error` is None if it went to its end; memory and processor time with its child's."""

    error: str | None
    ours: bool
    payloads: list[dict[str, Any]]
    warnings: list[str]
    mb: float
    cpu_s: float
    wall_s: float


PROGRAM = """
import json, os, resource, sys
import orjson
from batchproc.enumerators import build
from batchproc.errors import BatchprocError

order = json.loads(sys.stdin.read())
told = {"error": None, "ours": True, "payloads": [], "warnings": []}
try:
    source = build(order["spec"])
    if order["reader"] is not None:
        os.setgroups([]); os.setgid(order["reader"]); os.setuid(order["reader"])
    for item in source.items():
        if not told["payloads"]:
            exec(order["meanwhile"])
        told["payloads"] = [*told["payloads"][:99], item.payload]
    told["warnings"] = source.warnings()
except Exception as error:
    told |= {"error": str(error), "ours": isinstance(error, BatchprocError)}
try:
    own = int(next(x for x in open("/proc/self/status") if x.startswith("VmHWM")).split()[1])
except OSError:
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
me, child = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
cpu_s = me.ru_utime + me.ru_stime + child.ru_utime + child.ru_stime
print(json.dumps(told | {"mb": (own + child.ru_maxrss) / 1024, "cpu_s": cpu_s}))
"""
"""Linux: VmHWM is `ru_maxrss` without what the parent held before it became this program."""


def reading(spec: dict[str, Any], *, meanwhile: str = "", reader: int | None = None) -> Told:
    """Read a source to its end. Raises `TimeoutExpired` for a reader that hangs."""
    order = json.dumps({"spec": spec, "meanwhile": meanwhile, "reader": reader})
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=order, capture_output=True, text=True, timeout=120, check=False
    )
    wall_s = time.monotonic() - begun
    assert done.returncode == 0, done.stderr
    return Told(**json.loads(done.stdout), wall_s=wall_s)


def put(name: str, data: str | bytes, kind: str = "", **config: Any) -> Make:
    """A file with this content, and the source that names it."""

    def make(folder: Path) -> dict[str, Any]:
        path = folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return {"type": kind or name.partition(".")[0], "file_path": str(path), **config}

    return make


def huge(name: str, begins: bytes, **config: Any) -> Make:
    """A file of 1 GiB: this beginning, 40 MiB more of its last byte, and a hole that reads as NUL bytes."""

    def make(folder: Path) -> dict[str, Any]:
        path = folder / name
        with path.open("wb") as file:
            file.write(begins + begins[-1:] * (40 << 20))
            file.truncate(GIB)
        return {"type": name.partition(".")[0], "file_path": str(path), **config}

    return make


def named(name: str, kind: str, make_it: Callable[[Path], object], **config: Any) -> Make:
    """Something at a path that is no ordinary file."""

    def make(folder: Path) -> dict[str, Any]:
        make_it(folder / name)
        return at(kind, str(folder / name))(folder) | config

    return make


def at(kind: str, path: str) -> Make:
    """What is at this path on every machine."""
    more = {"query": "SELECT 1"} if kind == "sql" else {}
    return lambda _: {"type": kind, PATHS[kind]: path, **more}


def path_of(spec: dict[str, Any]) -> str:
    """What an error has to name."""
    return str(spec.get(PATHS.get(spec["type"], ""), "list"))
