"""Pure: what persons said of answers, held against what the same units come to under another description."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from batchproc import schemas, structured
from batchproc.models import Decision, Gold, Json, TrialResult, UnitStatus

Schema = Mapping[str, Any]
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
    compared = list(_fields(before, after, known, known, ""))
    return [one for one in compared if not same(one.expected, one.got)] if compared else None


def _fields(before: Schema, after: Schema, part: Any, root: Schema, path: str) -> Iterator[Difference]:
    """Every field that can be compared. One that was there before and is missing now counts only where the schema still
    has it; a list is one value."""
    declared = schemas.resolved(part, root).get("properties", {}) if isinstance(part, Mapping) else {}
    for name, value in before.items():
        place = f"{path}.{name}".lstrip(".")
        if name not in after and name not in declared:
            continue
        now = after.get(name)
        if isinstance(value, Mapping) and isinstance(now, Mapping):
            yield from _fields(value, now, declared.get(name), root, place)
        else:
            yield Difference(field=place, expected=value, got=now)


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
