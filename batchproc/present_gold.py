"""What became of answers that persons had judged → what a person decides on: what is worse comes first. Pure."""

import json
from collections.abc import Iterator, Sequence

from batchproc import answers, gold, present_words
from batchproc.gold import Compared, Standing
from batchproc.models import Json, Trial
from batchproc.store.status import PilotLook

MOST = 20
MOST_IN_WORDS = 5
LONGEST = 500
WORSE = frozenset({Standing.REGRESSED, Standing.STILL_WRONG})
SAID = {
    Standing.STILL_WRONG: "still wrong",
    Standing.CHANGED: "changed, and nobody knows whether to the better",
    Standing.MENDED: "mended",
    Standing.HELD: "as right as before",
}


def compared(seen: PilotLook | None, trial: Trial) -> list[Compared]:
    """The pilot's units that somebody had judged, beside what a trial came to; the worst first."""
    if seen is None or not seen.gold:
        return []
    return gold.compare_all(seen.gold, seen.results.get(trial.n, ()), trial.options.output_schema)


def answer(found: Sequence[Compared]) -> answers.GoldAnswer | None:
    if not found:
        return None
    counts = _counts(found)
    return answers.GoldAnswer(
        words=words(found),
        units=len(found),
        counts={str(standing): n for standing, n in counts.items()},
        differences=[one for _, one in zip(range(MOST), _differences(found), strict=False)],
    )


def words(found: Sequence[Compared]) -> str:
    """`2 regressions of 23 units that persons had judged (18 as right as before, 3 mended)`."""
    counts = _counts(found)
    worse = counts[Standing.REGRESSED]
    others = ", ".join(f"{counts[standing]} {said}" for standing, said in SAID.items() if counts[standing])
    of = f"{worse or 'no'} regression{'' if worse == 1 else 's'} of {len(found)} judged unit{'s' * (len(found) != 1)}"
    return f"{of} ({others})" if others else of


def lines(found: Sequence[Compared]) -> Iterator[str]:
    """For a plan: the count, then what is worse, field by field."""
    if not found:
        return
    yield f"Gold set: {words(found)}."
    worse = list(_differences(found))
    for one in worse[:MOST_IN_WORDS]:
        yield f"  {one.standing.replace('_', ' ')}: {one.key}{_said(one)}"
    if len(worse) > MOST_IN_WORDS:
        yield f"  and {len(worse) - MOST_IN_WORDS} more: get_status has them"


def _counts(found: Sequence[Compared]) -> dict[Standing, int]:
    return {standing: sum(one.standing is standing for one in found) for standing in Standing}


def _differences(found: Sequence[Compared]) -> Iterator[answers.GoldDifference]:
    for one in found:
        if one.standing not in WORSE:
            continue
        named: list[tuple[str | None, str | None, str | None]]
        named = [(d.field, _json(d.expected), _json(d.got)) for d in one.differences]
        for field, expected, got in named or [(None, None, None)]:
            yield answers.GoldDifference(key=one.key, standing=one.standing, field=field, expected=expected, got=got)


def _json(value: Json) -> str:
    """Of a type that a tool's answer can declare, whatever the value is."""
    return json.dumps(present_words.cut(value, LONGEST), ensure_ascii=False)


def _said(one: answers.GoldDifference) -> str:
    if one.expected is None or one.got is None:
        return ": the answer that was rejected, again"
    return f" · {one.field}: should be {one.expected[:120]}, is {one.got[:120]}"
