"""Pure: what several variants of a job said of the same units, field by field, and where they disagree."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchproc.models import TrialResult, UnitStatus

TEXT = "text"
"""What the field is called where answers have none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a variant came to: `flagged` and `failed` are parts of 1, `cost_usd` is for all its units, `seconds` the
    median."""

    units: int
    flagged: float
    failed: float
    cost_usd: float
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Disagreement:
    """A unit on whose field the variants do not agree: what each of them says."""

    key: str
    field: str
    values: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """`agreement` maps a field to the part of the units on which all variants say the same. A unit counts where at
    least two variants have an answer of it."""

    costs: Mapping[str, Cost]
    agreement: Mapping[str, float]
    disagreements: Sequence[Disagreement]


def compare(tried: Mapping[str, Sequence[TrialResult]]) -> Comparison:
    """The variants by their names, each with what it came to on the same units."""
    said = _by_unit(tried)
    fields = list(dict.fromkeys(field for answers in said.values() for one in answers.values() for field in one))
    agreement, disagreements = {}, []
    for field in fields:
        apart = [_disagreement(key, field, answers) for key, answers in said.items()]
        compared = [one for one in apart if one is not None]
        differing = [one for one in compared if not _is_one(list(one.values.values()))]
        if compared:
            agreement[field] = round(1 - len(differing) / len(compared), 4)
        disagreements += differing
    order = {key: n for n, key in enumerate(said)}
    return Comparison(
        costs={name: _cost(results) for name, results in tried.items()},
        agreement=agreement,
        disagreements=sorted(disagreements, key=lambda one: order[one.key]),
    )


def _by_unit(tried: Mapping[str, Sequence[TrialResult]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Key → variant → the fields of its answer. A variant without an answer is left out."""
    said: dict[str, dict[str, dict[str, Any]]] = {}
    for name, results in tried.items():
        for one in results:
            if one.status in {UnitStatus.SUCCEEDED, UnitStatus.FLAGGED} and (one.output is not None or one.text):
                said.setdefault(one.key, {})[name] = fields_of(one.output, one.text)
    return said


def fields_of(output: Any, text: str | None) -> dict[str, Any]:
    """The answer as fields: those of a nested object by their path, `party.name`; a list is one value."""
    if not isinstance(output, Mapping):
        return {TEXT: text}
    fields: dict[str, Any] = {}
    for name, value in output.items():
        if isinstance(value, Mapping) and value:
            fields |= {f"{name}.{inner}": one for inner, one in fields_of(value, None).items()}
        else:
            fields[name] = value
    return fields


def _disagreement(key: str, field: str, answers: Mapping[str, Mapping[str, Any]]) -> Disagreement | None:
    """What each variant says of the field; None where there is nothing to compare."""
    if len(answers) < 2 or not any(field in one for one in answers.values()):
        return None
    return Disagreement(key=key, field=field, values={name: one.get(field) for name, one in answers.items()})


def _is_one(values: Sequence[Any]) -> bool:
    first = _plain(values[0])
    return all(_plain(value) == first for value in values[1:])


def _plain(value: Any) -> Any:
    """The value as it is compared: space and case of texts do not count, and 1 is 1.0; but True is not 1."""
    match value:
        case bool() | None:
            return ("", value)
        case str():
            return " ".join(value.split()).casefold()
        case Mapping():
            return {name: _plain(one) for name, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case _:
            return value


def _cost(results: Sequence[TrialResult]) -> Cost:
    def part(status: UnitStatus) -> float:
        return round(sum(one.status is status for one in results) / len(results), 4) if results else 0.0

    return Cost(
        units=len(results),
        flagged=part(UnitStatus.FLAGGED),
        failed=part(UnitStatus.FAILED),
        cost_usd=sum(one.cost_usd for one in results),
        seconds=statistics.median([one.seconds for one in results]) if results else 0.0,
    )
