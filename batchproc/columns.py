"""Pure: a job's results as a table: which columns there are, what they are called, and what of a result each shows.

Exports and queries have the same columns: nine of every unit, then `in_<field>` of its payload, then `out_<field>` of
its structured answer. Units need not have the same fields: the columns are those of all of them together.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from batchproc.schemas.parts import kinds, resolved

MOST = 900
"""Fields of payloads, and of answers, that get a column of their own; SQLite has at most 2,000 columns in a table."""
LONGEST_NAME = 100


class Kind(StrEnum):
    TEXT = "text"
    INTEGER = "integer"  # within 64 bits, signed
    REAL = "real"
    BOOLEAN = "boolean"
    JSON = "json"  # lists, objects, values of several types, larger integers: each value as JSON text


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    name: str
    kind: Kind


UNIT = (
    Column(name="key", kind=Kind.TEXT),
    Column(name="status", kind=Kind.TEXT),
    Column(name="text", kind=Kind.TEXT),
    Column(name="cost_usd", kind=Kind.REAL),
    Column(name="attempts", kind=Kind.INTEGER),
    Column(name="error", kind=Kind.TEXT),
    Column(name="verdict", kind=Kind.TEXT),
    Column(name="corrected_from", kind=Kind.TEXT),
    Column(name="gone", kind=Kind.BOOLEAN),
)
"""What every unit has. `error` is why it failed or was flagged; `gone`: a later reading of its source found no such."""


class Block(NamedTuple):
    """Some results: for each column of `UNIT` its values; the payloads; the structured answers, {} where there is
    none."""

    unit: Sequence[Sequence[Any]]
    payloads: Sequence[Mapping[str, Any]]
    answers: Sequence[Mapping[str, Any]]


@dataclass(kw_only=True, slots=True)
class Fields:
    """The fields that payloads, or answers, have: each with the types of its values, in the order in which they were
    met. Types are SQLite's words for JSON (https://sqlite.org/json1.html#jtype), and beside `integer` there are `wide`
    (a float cannot hold it) and `big` (nor can 64 bits). `more`: there are others that get no column of their own."""

    types: dict[str, set[str]] = field(default_factory=dict)
    more: bool = False

    def see(self, name: str, kind: str) -> None:
        known = self.types.get(name)
        if known is not None:
            known.add(kind)
        elif len(self.types) < MOST:
            self.types[name] = {kind}
        else:
            self.more = True


WORDS = {"string": "text", "number": "real", "boolean": "true"}
"""What JSON Schema calls otherwise."""


def declared(schema: Mapping[str, Any] | None) -> Fields:
    """The fields that an answer's schema names, in its order, with the types that it allows."""
    fields = Fields()
    root = schema or {}
    for name, part in resolved(root, root).get("properties", {}).items():
        fields.see(name, "null")
        for kind in kinds(resolved(part, root)):
            fields.see(name, WORDS.get(kind, kind))
    return fields


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """The columns of a job's results: `UNIT`, then those of payloads and answers, whose fields are named here in the
    order of their columns. None instead of a field: the column of all fields that have none of their own."""

    columns: Sequence[Column]
    payload: Sequence[str | None]
    answer: Sequence[str | None]

    def values(self, block: Block) -> list[Sequence[Any]]:
        """For each column its values in these results, as JSON has them; what a unit does not have is None."""
        of_payload = _values(self.payload, block.payloads)
        return [*block.unit, *of_payload, *_values(self.answer, block.answers)]


def table(payload: Fields, answer: Fields) -> Table:
    """The table for these fields, each column with a name of its own, whatever case it is written in."""
    taken = {_alike(column.name) for column in UNIT}
    found = [*UNIT]
    for prefix, fields in (("in_", payload), ("out_", answer)):
        for name, types in fields.types.items():
            found.append(Column(name=_unique(prefix + _safe(name), taken), kind=kind_of(types)))
        if fields.more:
            found.append(Column(name=_unique(f"{prefix}other_fields", taken), kind=Kind.JSON))
    return Table(columns=found, payload=_ordered(payload), answer=_ordered(answer))


def quoted(name: str) -> str:
    """A column's name, whatever is in it, as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def kind_of(types: Iterable[str]) -> Kind:
    """The kind of a column whose values have these types; null is a value of every kind."""
    seen = set(types) - {"null"}
    if seen <= {"text"}:
        return Kind.TEXT
    if seen <= {"true", "false"}:
        return Kind.BOOLEAN
    if seen <= {"integer", "wide"}:
        return Kind.INTEGER
    return Kind.REAL if seen <= {"integer", "real"} else Kind.JSON


def _ordered(fields: Fields) -> list[str | None]:
    return [*fields.types, *([None] if fields.more else [])]


def _values(names: Sequence[str | None], records: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Any]]:
    known = frozenset(name for name in names if name is not None)
    for name in names:
        if name is None:
            yield [_others(record, known) for record in records]
        else:
            yield [record.get(name) for record in records]


def _others(record: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any] | None:
    return {name: value for name, value in record.items() if name not in known} or None


def _safe(name: str) -> str:
    """The name without characters that nobody sees, and of a length that can be shown."""
    shown = "".join("_" if unicodedata.category(c)[0] in "CZ" and c != " " else c for c in name[:LONGEST_NAME])
    return shown.strip() or "unnamed"


def _unique(name: str, taken: set[str]) -> str:
    """The name, or with a number behind it the first one that is free."""
    free, n = name, 1
    while _alike(free) in taken:
        n += 1
        free = f"{name}_{n}"
    taken.add(_alike(free))
    return free


def _alike(name: str) -> str:
    """The same for names that a database may take for one: it may not tell capitals apart."""
    return unicodedata.normalize("NFKC", name).casefold()
