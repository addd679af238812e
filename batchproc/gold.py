"""Pure: what persons said of answers, held against what the same units come to under another description."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from batchproc import schemas, structured
from batchproc.models import Decision, Gold, Json, TrialResult, UnitStatus

Schema = Mapping[str, Any]
WHOLE = "output"
"""The name of what has no other: an answer whose fields the schema does not name."""
OPEN = ("additionalProperties", "patternProperties", "unevaluatedProperties")
NAMING = ("properties", "additionalProperties", "$ref", "allOf", "anyOf", "oneOf")
RAN = frozenset({UnitStatus.SUCCEEDED, UnitStatus.FLAGGED, UnitStatus.FAILED})


class Standing(StrEnum):
    """What became of an answer that a person had judged; the worst first."""

    REGRESSED = "regressed"  # it was right, and is not any more
    STILL_WRONG = "still_wrong"  # it was wrong, and is
    CHANGED = "changed"  # it is another one, and nobody knows whether it is right
    MENDED = "mended"  # it was wrong, and is as it was corrected
    HELD = "held"  # it was right, and is


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A field of the answer that is not as it should be; `status` if there is no answer, `text` if it has no fields."""

    field: str
    expected: Json
    got: Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    key: str
    standing: Standing
    differences: Sequence[Difference] = ()


def compare_all(known: Sequence[Gold], results: Sequence[TrialResult], schema: Schema | None) -> list[Compared]:
    """Those units that ran and that somebody had judged; the worst first, else in the order of the results."""
    by_unit = {one.unit: one for one in known}
    compared = [compare(by_unit[one.unit], one, schema) for one in results if one.unit in by_unit and one.status in RAN]
    order = list(Standing)
    return sorted(compared, key=lambda one: order.index(one.standing))


def compare(known: Gold, result: TrialResult, schema: Schema | None) -> Compared:
    """`schema` is that of the description under which the result came."""
    if result.status is not UnitStatus.SUCCEEDED and result.status is not known.status:
        return _no_answer(known, result)
    got = result.text if result.output is None else result.output
    is_text = not isinstance(got, Mapping)
    if known.decision is Decision.REJECT:
        is_same = _differences(known.said, got, schema) == []
        return Compared(key=known.key, standing=Standing.STILL_WRONG if is_same else Standing.CHANGED)
    was_right = known.decision is Decision.ACCEPT
    differences = _differences(known.expected, got, schema)
    if is_text and got != known.expected and not was_right and same(known.said, known.expected):
        differences = [Difference(field="text", expected=known.expected, got=got)]  # its white space was corrected
    if differences == []:
        return Compared(key=known.key, standing=Standing.HELD if was_right else Standing.MENDED)
    is_as_before = not was_right and _differences(known.said, got, schema) == []
    if differences is None or (is_text and not is_as_before):
        return Compared(key=known.key, standing=Standing.CHANGED)
    standing = Standing.REGRESSED if was_right else Standing.STILL_WRONG
    return Compared(key=known.key, standing=standing, differences=tuple(differences))


def _no_answer(known: Gold, result: TrialResult) -> Compared:
    """It failed or was flagged: what was right is lost, what was wrong is not mended."""
    said = f"{result.status}: {result.error}" if result.error else str(result.status)
    was_right = known.decision is Decision.ACCEPT
    return Compared(
        key=known.key,
        standing=Standing.REGRESSED if was_right else Standing.STILL_WRONG,
        differences=(Difference(field="status", expected=str(UnitStatus.SUCCEEDED), got=said),),
    )


def _differences(expected: Json, got: Json, schema: Schema | None) -> list[Difference] | None:
    """The fields that differ; None where there is nothing to hold one against the other."""
    if not isinstance(expected, Mapping) or not isinstance(got, Mapping):
        if isinstance(expected, Mapping) or isinstance(got, Mapping):
            return None
        return [] if same(expected, got) else [Difference(field="text", expected=expected, got=got)]
    known = schema or {}
    before, after = (structured.without_quotes(known, dict(one)) for one in (expected, got))
    if same(before, after):
        return []
    compared = list(_fields(before, after, _speaking(known, known), known, ""))
    return [one for one in compared if not same(one.expected, one.got)] if compared else None


def _fields(before: Schema, after: Schema, parts: Sequence[Schema], root: Schema, path: str) -> Iterator[Difference]:
    """Every field of an object that can be compared. One that was there before and is missing now counts only where the
    schema still has it. Where there may be fields that the schema does not name, all those of them are one value."""
    declared = {name for one in parts for name in one.get("properties", ())}
    named = [name for name in before if name in declared]
    others, now = ({n: value for n, value in one.items() if n not in declared} for one in (before, after))
    if others.keys() != now.keys() and _is_open(parts):
        yield Difference(field=path or WHOLE, expected=others, got=now)
    else:
        named += [name for name in others if name in now]
    for name in named:
        inner = _speaking({"allOf": structured.of_property(parts, name)}, root)
        yield from _values(before[name], after.get(name), inner, root, f"{path}.{name}".lstrip("."))


def _values(before: Json, after: Json, parts: Sequence[Schema], root: Schema, path: str) -> Iterator[Difference]:
    """A list of objects is compared item by item, where it has as many as before; any other is one value."""
    match before, after:
        case Mapping(), Mapping():
            yield from _fields(before, after, parts, root, path)
        case list(), list() if len(before) == len(after) and any(isinstance(one, Mapping | list) for one in before):
            for n, (one, now) in enumerate(zip(before, after, strict=True)):
                inner = _speaking({"allOf": structured.of_item(parts, n)}, root)
                yield from _values(one, now, inner, root, f"{path}[{n}]")
        case _ if not _is_quote(before, after, parts):
            yield Difference(field=path, expected=before, got=after)


def _speaking(schema: Any, root: Schema) -> list[Schema]:
    """The schema and all those within it that may speak of the very same value, whichever of them it fits: what was
    said under another description need not fit any."""
    if not isinstance(schema, Mapping):
        return []
    inner: list[Any] = [schemas.target(schema["$ref"], root)] if "$ref" in schema else []
    inner += [one for word in ("allOf", "anyOf", "oneOf") for one in schema.get(word, ())]
    inner += [schema.get("then"), schema.get("else"), *schema.get("dependentSchemas", {}).values()]
    return [schema, *(one for part in inner for one in _speaking(part, root))]


def _is_open(parts: Sequence[Schema]) -> bool:
    """Whether an object may hold what no schema names, so that it is no field that the schema has no more."""
    if not any(one.get("properties") for one in parts):
        return True
    return any(one.get(word, False) is not False for one in parts for word in OPEN) or any(
        "object" in _types(one) and not any(word in one for word in NAMING) for one in parts
    )


def _types(part: Schema) -> Sequence[str]:
    kind = part.get("type", ())
    return (kind,) if isinstance(kind, str) else kind


def _is_quote(before: Json, after: Json, parts: Sequence[Schema]) -> bool:
    """Whether it was one, found in an answer that does not fit the schema, whose quotes nobody could tell; those of the
    newer answer are left out already."""
    is_marked = any(schemas.EVIDENCE in one or schemas.EVIDENCE in _items(one) for one in parts)
    texts = before if isinstance(before, list) else [before]
    return is_marked and not after and all(one is None or isinstance(one, str) for one in texts)


def _items(part: Schema) -> Schema:
    found = part.get("items")
    return found if isinstance(found, Mapping) else {}


def same(one: Json, other: Json) -> bool:
    """Whether two values say the same: white space in texts does not count, 1 is 1.0, and True is not 1."""
    return bool(_canonical(one) == _canonical(other))


def _canonical(value: Json) -> Json:
    match value:
        case bool():
            return ("truth", value)
        case str():
            return " ".join(value.split())
        case Mapping():
            return {name: _canonical(one) for name, one in value.items()}
        case list() | tuple():
            return [_canonical(one) for one in value]
        case _:
            return value
