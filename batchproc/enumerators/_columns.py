"""What tables in other formats than CSV share: which columns there are, which are kept, and which one is the key."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from batchproc.enumerators import _payload
from batchproc.errors import SourceError


class Columns(NamedTuple):
    """The names in their order; those to keep, with where they are (all, if there are none); where the key is."""

    names: Sequence[str]
    keep: Sequence[tuple[str, int]]
    key_at: int | None


def choose(
    path: str, names: Sequence[str], *, keep: Sequence[str] | None, id_column: str | None, place: str = ""
) -> Columns:
    """Raises `SourceError` for names that are there twice, and for wanted ones that are not there."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        problem = f"the header has {_payload.names(twice)} more than once; give every column its own name"
        raise SourceError(path, problem, place)
    kept = [(name, _index(path, names, name, "columns")) for name in keep or ()]
    return Columns(names, kept, None if id_column is None else _index(path, names, id_column, "id_column"))


def _index(path: str, names: Sequence[str], name: str, setting: str) -> int:
    if name not in names:
        raise SourceError(path, f"{setting} names {name!r}, but the columns are {_payload.names(names)}")
    return names.index(name)
