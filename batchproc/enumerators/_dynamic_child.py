"""The only place that runs a user's Python: a program of its own, locked in by `platform.jail`.

Reads one JSON object from stdin until its end (code, filename, context, sys_path, payloads, memory, file_bytes, cpu_s),
and writes JSON lines to stdout: {"ready": true}, then [key or null, payload] for each item, and at last {"items": n} or
{"error": text, "place": text}. What the code itself prints, on either stream, goes to stderr. Not imported by anything.
"""

import errno
import importlib.util
import json
import linecache
import logging
import os
import resource
import sys
import traceback
import types
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

FUNCTION = "enumerate_items"
OPEN_FILES = 256
ITEM = 16 * 1024 * 1024
"""Bytes of one item as JSON."""


class Refused(Exception):
    """What the code gave is no item; said in the user's words."""


class Source:
    """The user's code, and where in it something happened."""

    def __init__(self, code: str, filename: str) -> None:
        self._code, self._filename = code, filename
        linecache.cache[filename] = len(code), None, code.splitlines(keepends=True), filename

    def function(self) -> Any:
        """What the code calls `enumerate_items`. Runs the top level."""
        module = types.ModuleType("source")
        module.__file__ = self._filename
        sys.modules["source"] = module  # dataclasses and pickle look their module up
        exec(compile(self._code, self._filename, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
        found = getattr(module, FUNCTION, None)
        if not callable(found):
            raise Refused(f"the code defines no function {FUNCTION}(context); write one that returns or yields items")
        return found

    def place(self, error: BaseException) -> str:
        """The last line of the user's own that the error passed; empty if none."""
        if isinstance(error, SyntaxError) and error.filename == self._filename and error.lineno:
            return f"line {error.lineno}"
        lines = [at.lineno for at in traceback.extract_tb(error.__traceback__) if at.filename == self._filename]
        return f"line {lines[-1]}" if lines else ""

    def tell(self, error: BaseException) -> None:
        """Print the traceback from the user's first line on: what is before is ours."""
        at = error.__traceback__
        while at is not None and at.tb_frame.f_code.co_filename != self._filename:
            at = at.tb_next
        traceback.print_exception(type(error), error, at)


def main() -> None:
    order = json.loads(sys.stdin.buffer.read())
    channel = os.fdopen(os.dup(1), "wb", 1 << 16)
    _turn_streams()
    sys.path[:] = order["sys_path"]
    _limit(order)
    channel.write(b'{"ready": true}\n')
    channel.flush()
    source = Source(order["code"], order["filename"])
    last = _run(source, order, channel)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # noqa: S112 - the code may have closed or replaced it
            continue
    channel.write(json.dumps(last).encode() + b"\n")
    channel.flush()
    _leave()


def _leave() -> NoReturn:
    """At once: what the code left running or registered has no say."""
    os._exit(0)


def _turn_streams() -> None:
    """What is printed goes where errors go, and nothing is read."""
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    for stream in (sys.stdout, sys.stderr):
        assert hasattr(stream, "reconfigure")  # noqa: S101
        stream.reconfigure(line_buffering=True, errors="backslashreplace")
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")


def _limit(order: dict[str, Any]) -> None:
    for what, amount in (
        (resource.RLIMIT_CPU, order["cpu_s"]),
        (resource.RLIMIT_AS, order["memory"]),
        (resource.RLIMIT_FSIZE, order["file_bytes"]),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (amount, amount))


def _run(source: Source, order: dict[str, Any], channel: Any) -> dict[str, Any]:
    count, items = 0, None
    try:
        items = _iterate(source.function()(order["context"]))
        encode = _encoder(order["payloads"])
        for value in items:
            channel.write(encode(value, count + 1) + b"\n")
            count += 1
    except Refused as refusal:
        return {"error": str(refusal), "place": _now(items, count)}
    except MemoryError as error:  # and no traceback: it would want memory too
        return {"error": _in_words(error, order["memory"]), "place": source.place(error)}
    except BaseException as error:
        source.tell(error)
        return {"error": _in_words(error, order["memory"]), "place": source.place(error)}
    return {"items": count}


def _now(items: Any, count: int) -> str:
    """Where a generator stands that gave what is no item."""
    frame = getattr(items, "gi_frame", None)
    return f"item {count + 1}" + (f", line {frame.f_lineno}" if frame else "") if items is not None else ""


def _iterate(found: Any) -> Iterator[Any]:
    if hasattr(found, "__aiter__") or hasattr(found, "__await__"):
        raise Refused(f"{FUNCTION} is asynchronous; make it a plain function (asyncio.run works inside it)")
    if isinstance(found, str | bytes | dict) or not isinstance(found, Iterable):
        raise Refused(f"{FUNCTION} returned a Python {type(found).__name__}; return a list of items, or yield each")
    return iter(found)


def _encoder(payloads: str) -> Any:
    """Value and number to a line. `payloads` is the file that knows what a payload may hold."""
    import orjson

    spec = importlib.util.spec_from_file_location("payloads", payloads)
    assert spec and spec.loader  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def encode(value: Any, number: int) -> bytes:
        key, inner = value if isinstance(value, tuple) and len(value) == 2 else (None, value)
        payload = inner if isinstance(inner, dict) else {"value": inner}
        if key is not None and (isinstance(key, bool) or not isinstance(key, str | int)):
            raise Refused(f"the key is a Python {type(key).__name__}; a pair is (key, payload) with text as its key")
        fault = module.fault(payload)
        if fault is not None:
            raise Refused(fault)
        line: bytes = orjson.dumps((None if key is None else str(key), payload))
        if len(line) > ITEM:
            raise Refused(f"is larger than {ITEM >> 20} MiB; split it")
        return line

    return encode


def _in_words(error: BaseException, memory: int) -> str:
    match error:
        case MemoryError():
            return f"the code needs more than {memory >> 20} MiB; hold less at a time"
        case SyntaxError():
            return f"this is no Python: {error.msg}; mend it"
        case ModuleNotFoundError():
            return f"{error}; use the standard library, or a package that is installed beside batchproc"
        case OSError() if error.errno in (errno.EPERM, errno.EROFS):
            return f"{type(error).__name__}: {error}; the code has no network, starts no programs and writes nowhere"
        case SystemExit():
            return f"the code called exit ({error}); return instead"
        case _:
            return "".join(traceback.format_exception_only(error)).strip()[:2000]


if __name__ == "__main__":
    main()
