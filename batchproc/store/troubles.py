"""What is wrong with the store's file: one sentence, with the way out."""

import re
from pathlib import Path

from batchproc.store import engine, sayings

LACKING = re.compile(r"^(no such (column|table|index|view)\b|table \S+ has no column )")
NO_DATABASE = 26


def told(path: Path, error: BaseException) -> str | None:
    """The sentence; None: the error is not the file's."""
    if engine.is_unavailable(error):
        return f"{path} cannot be used: {error}"
    if not isinstance(error, engine.sqlite.DatabaseError):
        return None
    if LACKING.match(str(error)):
        return f"{path} is not as this batchproc makes it ({error}): a version in the making wrote it, {_way_out(path)}"
    if sayings.may_be_broken(error) or getattr(error, "sqlite_errorcode", 0) & 0xFF == NO_DATABASE:
        return f"{path} is damaged ({error}): a program or a disk wrote over it, {_way_out(path)}"
    return None


def _way_out(path: Path) -> str:
    backups = sorted(path.parent.glob(f"{path.name}.v*.backup"), key=lambda one: one.stat().st_mtime)
    older = f"put its backup {backups[-1].name} in its place" if backups else "put a copy of yours in its place"
    return f"or it was changed by hand; end what uses it and {older}, or set BATCHPROC_HOME to another folder"
