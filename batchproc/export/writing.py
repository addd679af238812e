"""Writes an export to its place: looks whether it may, makes the whole file, then lets it take its place at once."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import file_digest
from io import BufferedReader
from typing import Any, TypeVar

import orjson

from batchproc.errors import InvalidJob
from batchproc.export.base import MARK, Export, Format
from batchproc.export.place import LEDGER, Draft, Place, mode_for, tidy

T = TypeVar("T")
LARGEST_LEDGER = 16 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What was written where; `ledger` is the path of the ledger beside it, if that is a file of its own."""

    path: str
    bytes: int
    ledger: str | None


def write(form: Format, export: Export, place: Place, *, overwrite: bool) -> Written:
    """Make the file. It replaces one that is there only if an export made that, or `overwrite`.

    Raises `InvalidJob`; then what was there still is, and nothing else.
    """
    before = require_free(form, place, overwrite=overwrite)
    tidy(place.folder)
    with contextlib.ExitStack() as drafts:
        draft = drafts.enter_context(Draft(place))
        for page in form.pages(export):
            draft.write(page)
        draft.seal(mode_for(before))
        ledger = drafts.enter_context(Draft(place.beside())) if form.beside else None
        if ledger is not None:
            _describe(ledger, {**export.ledger, "file": place.name, "bytes": draft.size, "sha256": draft.sha256})
            ledger.seal(mode_for(before))
        with _alone(place.folder):
            _require_unchanged(place, before)
            _require_no_log(form, place)
            _publish(draft, ledger, place, replace=before is not None)
    return Written(path=place.path, bytes=draft.size, ledger=place.path + LEDGER if form.beside else None)


@contextlib.contextmanager
def _alone(folder: int) -> Iterator[None]:
    """No other export takes a place in this folder meanwhile: a file and its ledger are of the same one."""
    fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(folder, fcntl.LOCK_UN)


def _describe(ledger: Draft, about: Mapping[str, Any]) -> None:
    ledger.write(orjson.dumps(about, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _publish(draft: Draft, ledger: Draft | None, place: Place, *, replace: bool) -> None:
    """The old ledger goes first: at no moment does one stand beside another file than its own."""
    if ledger is not None and place.beside().look() is not None:
        os.unlink(place.beside().name, dir_fd=place.folder)
    try:
        draft.publish(replace=replace)
        if ledger is not None:
            ledger.publish(replace=True)
    except FileExistsError:
        raise _changed(place) from None
    os.fsync(place.folder)


def require_free(form: Format, place: Place, *, overwrite: bool) -> os.stat_result | None:
    """What is at the place now, which may be replaced; None: nothing. Raises `InvalidJob` if it may not."""
    before, beside = place.look(), place.beside().look() if form.beside else None
    for found, which in ((before, place), (beside, place.beside())):
        if found is not None and not stat.S_ISREG(found.st_mode):
            raise InvalidJob("path", which.path, "a folder, a link or a device has this name; choose another")
    _require_no_log(form, place)
    if not overwrite and (before or beside) is not None and not _is_ours(form, place, before, beside):
        raise InvalidJob(
            "path",
            place.path,
            f"there is a file that no {form.name} export made, or that was changed since; choose another name, or "
            "replace it with overwrite=true",
        )
    return before


def _require_no_log(form: Format, place: Place) -> None:
    """What a program that was killed left beside a database would be written into the new one by who opens that."""
    for log in map(place.with_ending, form.logs):
        if log.look() is not None:
            way_out = "a program has the database open, or left this file of it; close it, or choose another name"
            raise InvalidJob("path", log.path, way_out)


def _is_ours(form: Format, place: Place, before: os.stat_result | None, beside: os.stat_result | None) -> bool:
    if not form.beside:
        return _read(place, form.is_ours)
    ledger = None if beside is None else _read(place.beside(), _ledger)
    if ledger is None:
        return False
    return before is None or _read(place, partial(_is_described, ledger, before.st_size))


def _read(place: Place, look: Callable[[BufferedReader], T]) -> T:
    with place.read() as file:
        return look(file)


def _ledger(file: BufferedReader) -> dict[str, object] | None:
    try:
        found = orjson.loads(file.read(LARGEST_LEDGER))
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.get("made_by") == MARK else None


def _is_described(ledger: dict[str, object], size: int, file: BufferedReader) -> bool:
    return ledger.get("bytes") == size and ledger.get("sha256") == file_digest(file, "sha256").hexdigest()


def _require_unchanged(place: Place, before: os.stat_result | None) -> None:
    """Raises `InvalidJob` if the place is not as it was looked at."""
    if _identity(place.look()) != _identity(before):
        raise _changed(place)


def _identity(found: os.stat_result | None) -> tuple[int, ...] | None:
    return None if found is None else (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _changed(place: Place) -> InvalidJob:
    return InvalidJob("path", place.path, "somebody else wrote there meanwhile; look at it, then try again")
