"""What all kinds share: paths at the door, opening, keys, limits and warnings."""

import codecs
import io
import os
import stat
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import IO, Annotated, Any

from pydantic import AfterValidator, Field

from batchproc.enumerators import _disguise, _gzip, _payload
from batchproc.errors import SourceError
from batchproc.models import Item

MAX_KEY = 1024
"""Characters of a key."""

MAX_VALUE = 4 * 1024 * 1024
"""Characters of one value, about what the largest prompt holds: more is a broken source (an unclosed quote, a binary
file). Parsing takes up to forty times as many bytes, so this also keeps the reading of any source below 300 MB."""


def absolute(path: str) -> str:
    """The path with `~` expanded. Raises ValueError, in words, for one that is not absolute or is no path at all."""
    expanded = os.path.expanduser(path)  # noqa: PTH111 - pathlib would also tidy the user's spelling
    try:
        expanded.encode()
    except UnicodeEncodeError:
        raise ValueError("it is not valid text; rename it") from None
    if "\0" in expanded or not os.path.isabs(expanded):  # noqa: PTH117
        raise ValueError("give an absolute path, such as /home/me/data or ~/data")
    return expanded


AbsolutePath = Annotated[str, AfterValidator(absolute)]
Limit = Annotated[int | None, Field(ge=1, description="Take only the first so many items")]


def regular_file(path: str) -> None:
    """Raises `SourceError` unless `path` is a regular file (opening a pipe would wait for ever)."""
    try:
        mode = Path(path).stat().st_mode
    except OSError as error:
        raise unreadable(path, error, "file") from None
    if stat.S_ISDIR(mode):
        raise SourceError(path, "is a folder; name a file in it, or use the enumerator type 'file' for its files")
    if not stat.S_ISREG(mode):
        raise SourceError(path, "is not a regular file; copy the data to one and name that")


def unreadable(path: str, error: OSError, noun: str) -> SourceError:
    """The operating system's refusal in the user's words."""
    match error:
        case FileNotFoundError() if Path(path).is_symlink():
            return SourceError(path, f"is a link that leads nowhere; mend it, or name the {noun} itself")
        case FileNotFoundError():
            return SourceError(path, f"no such {noun}; check the path")
        case NotADirectoryError():
            return SourceError(path, f"no such {noun}: a part of this path is a file; check the path")
        case PermissionError():
            return SourceError(path, f"no permission to read this {noun}; give this user read access to it")
        case _:
            return SourceError(path, f"this {noun} cannot be read: {error.strerror or error}; check the path")


def open_binary(path: str) -> IO[bytes]:
    """The file, opened for reading; what is in it, if it is compressed. Raises `SourceError`."""
    file = open_plain(path)
    try:
        return _gzip.opened(file, path)
    except OSError as error:
        file.close()
        raise unreadable(path, error, "file") from None


def open_plain(path: str) -> io.BufferedReader:
    """The file as it is, opened for reading. Raises `SourceError`."""
    regular_file(path)
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise unreadable(path, error, "file") from None


def open_text(path: str, encoding: str, newline: str = "") -> IO[str]:
    """The file as text, line ends untouched. Raises `SourceError`."""
    return io.TextIOWrapper(open_binary(path), encoding=encoding, newline=newline)


def encoding_of(path: str) -> str:
    """The character set of a text file, as its first bytes show it. Raises `SourceError` for what is no text at all."""
    with open_binary(path) as file, whole(file, path):
        head = file.read(_disguise.HEAD)
    problem = _disguise.unmasked(head)
    if problem is not None:
        raise SourceError(path, problem)
    return _disguise.encoding(head)


@contextmanager
def whole(file: IO[Any], path: str) -> Iterator[None]:
    """Raises `SourceError` if the file got shorter while it was read, whatever else seems to be wrong with it then."""
    before = os.fstat(file.fileno()).st_size
    try:
        yield
    except OSError as error:
        raise unreadable(path, error, "file") from None
    except Exception:
        _require_whole(file, path, before)
        raise
    _require_whole(file, path, before)


def _require_whole(file: IO[Any], path: str, before: int) -> None:
    lost = before - os.fstat(file.fileno()).st_size
    if lost > 0:
        problem = f"was changed while it was being read, and is {lost} bytes shorter now"
        raise SourceError(path, f"{problem}; read it again when nothing writes to it, or name a copy")


def bad_bytes(path: str, encoding: str) -> str:
    """Where the first bytes stand that are not `encoding`: a second pass, so that the first one can be fast."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    with open_binary(path) as file:
        while chunk := file.read(1 << 16):
            state = decoder.getstate()
            try:
                line += decoder.decode(chunk).count("\n")
            except UnicodeError:
                decoder.setstate(state)
                return f"line {line + _lines_before_fault(decoder, chunk)}"
    return f"line {line}"  # its last character is cut off


def _lines_before_fault(decoder: codecs.IncrementalDecoder, chunk: bytes) -> int:
    lines = 0
    for byte in chunk:
        try:
            lines += decoder.decode(bytes((byte,))).count("\n")
        except UnicodeError:
            break
    return lines


def limited(items: Generator[Item, None, None], limit: int | None) -> Generator[Item, None, None]:
    """The first `limit` items; closing it closes `items`."""
    return items if limit is None else _first(items, limit)


def _first(items: Generator[Item, None, None], limit: int) -> Generator[Item, None, None]:
    try:
        yield from islice(items, limit)
    finally:
        items.close()


def json_item(value: Any, row: int, source: str, place: str, setting: str, id_field: str | None) -> Item:
    """An item from a JSON value: an object is the payload, anything else becomes {"value": ...}."""
    fault = _payload.fault(value if type(value) is dict else {"value": value})
    if fault is not None:
        raise SourceError(source, fault, f"{place} {row}")
    return next(sound_items([value], row, source, place, setting, id_field))


def sound_items(
    values: Sequence[Any], first: int, source: str, place: str, setting: str, id_field: str | None
) -> Iterator[Item]:
    """The same for values of which is known that JSON can carry them, the first of them in row `first`."""
    payloads = values if set(map(type, values)) == {dict} else [v if type(v) is dict else {"value": v} for v in values]
    try:
        keys = None if id_field is None else list(map(itemgetter(id_field), payloads))
    except KeyError:
        return (Item(_key(v, source, place, n, setting, str(id_field)), v, n) for n, v in enumerate(payloads, first))
    return named_items(payloads, keys, first, source, place, setting, str(id_field))


def named_items(
    payloads: Sequence[Any], keys: Sequence[Any] | None, first: int, source: str, place: str, setting: str, name: str
) -> Iterator[Item]:
    """Items of sound payloads, and of the values that shall be their keys (None: the rows) and are called `name`."""
    rows = range(first, first + len(payloads))
    texts: Iterable[str] = map(str, rows)
    if keys is not None:
        texts = _plain(keys) or (key_text(k, source, place, n, setting, name) for k, n in zip(keys, rows, strict=True))
    return map(make_item, zip(texts, payloads, rows, strict=True))


def _key(payload: dict[str, Any], source: str, place: str, row: int, setting: str, id_field: str) -> str:
    if id_field not in payload:
        problem = f"has no field {id_field!r}, only {_payload.names(payload)}"
        raise SourceError(source, f"{problem}; add it, or leave {setting} out", f"{place} {row}")
    return key_text(payload[id_field], source, place, row, setting, id_field)


make_item: Callable[[tuple[str, Any, int]], Item] = partial(tuple.__new__, Item)
"""`Item(*it)`, three times as fast: for hot loops."""


def _plain(keys: Sequence[Any]) -> Sequence[str] | None:
    """Looked at all at once: the keys as text if they are text or whole numbers, and nothing is wrong with any."""
    try:
        texts = list(map(str, keys)) if set(map(type, keys)) == {int} else keys
        return texts if all(map(str.strip, texts)) and max(map(len, texts), default=0) <= MAX_KEY else None
    except TypeError:
        return None


def key_text(value: Any, source: str, place: str, row: int, setting: str, name: str) -> str:
    """The value of the id field `name`, chosen by `setting`, as a key. Raises `SourceError`."""
    text = value if type(value) is str else _as_text(value)
    if text is None:
        problem = f"{name!r} holds a list or an object, which is no key; set {setting} to a field with text or numbers"
    elif not text or text.isspace():
        problem = f"{name!r} is empty, so there is no key; fill it in, or leave {setting} out"
    elif len(text) > MAX_KEY:
        problem = f"{name!r} has {len(text)} characters, and a key has at most {MAX_KEY}; choose another {setting}"
    else:
        return text
    raise SourceError(source, problem, f"{place} {row}")


def _as_text(value: Any) -> str | None:
    if type(value) is int:
        return str(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float | str) else None


class Notes:
    """What was passed over, counted by reason, with the first example of each."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, str]] = {}

    def add(self, reason: str, example: str = "") -> None:
        count, first = self._seen.get(reason, (0, example))
        self._seen[reason] = count + 1, first

    def texts(self) -> list[str]:
        return [f"{count} {reason}: {first!r}" if first else reason for reason, (count, first) in self._seen.items()]
