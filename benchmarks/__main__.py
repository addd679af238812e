"""Run the benchmarks that are named, or all: a line each, then everything as one line of JSON. Always exits with 0."""

import argparse
import asyncio
import importlib
import json
import os
import platform
import sys
import traceback

from batchproc.store import engine
from benchmarks.comparison import HEADER, Row

NAMES = (
    "enumerate",
    "sources",
    "status",
    "store",
    "takeover",
    "mcp_start",
    "first_call",
    "throughput",
    "quote",
    "review",
    "query",
    "export",
    "dashboard",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)} (default: all)")
    names = parser.parse_args().names or NAMES
    if unknown := set(names) - set(NAMES):
        parser.exit(0, f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}\n")
    print(HEADER, flush=True)
    rows = [row for name in names for row in _run(name)]
    print(json.dumps({"machine": _machine(), "rows": [row.facts() for row in rows]}))


def _run(name: str) -> list[Row]:
    """One benchmark's rows, printed; none, and its traceback on stderr, if it could not be run."""
    try:
        rows: list[Row] = asyncio.run(importlib.import_module(f"benchmarks.{name}").measure())
    except Exception:
        traceback.print_exc(file=sys.stderr)
        print(f"{name:<24}could not be run; see above", flush=True)
        return []
    for row in rows:
        print(row.line(), flush=True)
    return rows


def _machine() -> dict[str, object]:
    return {
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "sqlite": engine.sqlite.sqlite_version,
    }


main()
