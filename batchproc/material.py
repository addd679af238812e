"""What an agent was given or has read, as text to look quotes up in: its payload, its own file, what its Read showed.

Nothing here is kept: texts are looked through piece by piece. Blocks: use a thread.
"""

import codecs
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from batchproc import evidence
from batchproc.models import AttemptTask, Event, Job, Json, Profile, Workspace

MOST_BYTES = 256 << 20
PIECE = 256 << 10
HEAD = 64 << 10
WRITES = frozenset({Profile.EDIT, Profile.FULL})
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_TEXT = (b"%PDF-", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"{\\rtf")
_CONTROL = bytes(set(range(32)) - set(b"\t\n\v\f\r\b\x1b"))
_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.S)
_NUMBERED = re.compile(r"^ *\d+[\t\u2192]", re.M)  # how Read shows a line


class Unreadable(Exception):
    """The file cannot be looked through, for this reason."""


def texts_in(value: Json) -> Iterator[str]:
    """Every text and number of a payload, each for itself: a quote does not run from one field into the next."""
    match value:
        case str():
            yield value
        case Mapping():
            for inner in value.values():
                yield from texts_in(inner)
        case list():
            for inner in value:
                yield from texts_in(inner)
        case int() | float():
            yield str(value)


def found_in_texts(quotes: Collection[str], texts: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for text in texts:
        if len(found) == len(quotes):
            break
        found |= evidence.found_in([quote for quote in quotes if quote not in found], [text])
    return found


def found_in_file(quotes: Collection[str], path: Path) -> set[str]:
    """Those of the quotes that stand in a text file. Raises `Unreadable`."""
    found: set[str] = set()
    try:
        with path.open("rb") as file:
            encodings = _encodings(file.read(HEAD), path)
        for encoding in encodings:
            wrong: list[str] = []
            left = [quote for quote in quotes if quote not in found]
            found |= evidence.found_in(left, _pieces(path, encoding, wrong)) if left else set()
            if not wrong:
                break
        is_cut = path.stat().st_size > MOST_BYTES
    except OSError as error:
        raise Unreadable(f"the file cannot be read: {error.strerror}") from None
    if is_cut and len(found) < len(set(quotes)):
        raise Unreadable(f"the file has more than {MOST_BYTES >> 20} MB")
    return found


def _encodings(head: bytes, path: Path) -> tuple[str, ...]:
    """What the file may be written in. One that is not UTF-8 throughout is looked through as Windows-1252 as well."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return (encoding,)
    if head.startswith(_NO_TEXT):
        raise Unreadable(f"the file is not text ({path.suffix or 'no suffix'})")
    if head.count(0) > len(head) // 4:
        return ("utf-16-le",) if head[1::2].count(0) > head[::2].count(0) else ("utf-16-be",)
    if len(head) - len(head.translate(None, _CONTROL)) > len(head) // 100:
        raise Unreadable(f"the file is not text ({path.suffix or 'no suffix'})")
    return ("utf-8", "cp1252")


def _pieces(path: Path, encoding: str, wrong: list[str]) -> Iterator[str]:
    """Its text. What does not decode is a replacement character, and told in `wrong`."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    left = MOST_BYTES
    with path.open("rb") as file:
        while left > 0 and (piece := file.read(min(PIECE, left))):
            left -= len(piece)
            text = decoder.decode(piece)
            if not wrong and "\ufffd" in text:
                wrong.append(encoding)
            yield text
    yield decoder.decode(b"", final=True)


def is_the_agents_work(job: Job, task: AttemptTask) -> bool:
    """Whether agents may have written the unit's own file: they may, and it was changed since the job was created."""
    shared = job.options.working_directory
    if job.options.profile not in WRITES or job.options.workspace is not Workspace.SHARED or not (shared and task.file):
        return False
    path = Path(task.file).resolve()
    try:
        return path.is_relative_to(shared) and path.stat().st_ctime > job.created_at.timestamp()
    except OSError:
        return False  # whoever reads it will say so


def shown(task: AttemptTask, events: Iterable[Event], counted: set[tuple[int | None, Any]]) -> Iterator[str]:
    """What its own tools showed an agent: of the unit's file; and of files in the job's folders if it cannot write.

    `counted` goes from one page of events to the next: the uses whose results are to come.
    """
    for event in events:
        which = (event.attempt, event.data.get("id"))
        if event.kind == "agent.tool_use" and _counts(task, event.data.get("name"), event.data.get("input") or {}):
            counted.add(which)
        elif event.kind == "agent.tool_result" and which in counted and not event.data.get("is_error"):
            yield from map(_as_read, _texts(event.data.get("content")))


def _counts(task: AttemptTask, name: Any, given: Mapping[str, Any]) -> bool:
    if name == "Read" and task.file is not None and given.get("file_path") == task.file:
        return True
    if task.options.profile in WRITES or name not in {"Read", "Grep"}:
        return False
    path = str(given.get("file_path" if name == "Read" else "path") or "")
    folders = [task.options.working_directory, *task.options.directories]
    return path.startswith("/") and any(Path(path).resolve().is_relative_to(folder) for folder in folders if folder)


def _texts(content: Json) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        yield from (str(block["text"]) for block in content if isinstance(block, dict) and "text" in block)


def _as_read(text: str) -> str:
    """Without what the CLI added: the numbers of the lines, and its own remarks."""
    return _NUMBERED.sub("", _REMINDER.sub("", text))
