"""The program: reads one order from stdin, opens what it names, and writes it to stdout as lines of JSON.

The order is {"format", "path", "sys_path", "memory_bytes", "cpu_s", …}. Then come what the format yields (objects about
the table, lists of rows), and at last {"error", "place"} or {"done": true}. Started as a file, without `site`.
"""

import json
import sys
from importlib import import_module
from typing import Any


def main() -> None:
    order = json.loads(sys.stdin.readline())
    sys.path[:] = order["sys_path"]
    from batchproc.tables import talk

    _bound(order["memory_bytes"], order["cpu_s"])
    try:
        _write(order)
        last: dict[str, Any] = {"done": True}
    except BrokenPipeError:
        return
    except talk.Refused as refused:
        last = {"error": str(refused), "place": refused.place}
    except MemoryError:
        last = {"error": talk.TOO_LARGE}
    except Exception as error:
        last = {"error": f"it cannot be read: {str(error) or error!r}; is it whole?", "place": ""}
    except BaseException as error:  # a library's panic is no Exception
        last = {"error": f"it is damaged: {error}", "place": ""}
    sys.stdout.write(json.dumps(last) + "\n")


def _write(order: dict[str, Any]) -> None:
    import orjson

    table = import_module(f"batchproc.tables.{order['format']}")
    with open(1, "wb", buffering=1 << 16, closefd=False) as out:
        for part in table.parts(order):
            out.write(orjson.dumps(part, default=table.plain) + b"\n")


def _bound(memory_bytes: int, cpu_s: int) -> None:
    """On Linux a hard bound; elsewhere the memory is the user's own to watch."""
    import resource

    for what, most in ((resource.RLIMIT_DATA, memory_bytes), (resource.RLIMIT_CPU, cpu_s), (resource.RLIMIT_CORE, 0)):
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError):
            continue


if __name__ == "__main__":
    main()
