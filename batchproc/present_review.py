"""Answers that persons look at → what they are shown, and what their verdicts prove. Pure; worded once."""

import math
from collections.abc import Sequence

from batchproc import answers, confidence, ledger, structured
from batchproc import present_words as words
from batchproc.confidence import Interval
from batchproc.models import Decision, Job, Judgement, Unit, UnitStatus
from batchproc.store.draws import Counts, Drawn, ReviewLook
from batchproc.store.status import Snapshot

CHARACTERS = 40_000
"""Of all that is shown to be judged at a time: a client reads it."""


# The claim.


def review(look: ReviewLook | None) -> answers.ReviewAnswer | None:
    """What is known of the job's answers. What was drawn and not judged counts as wrong: nobody has said otherwise."""
    if look is None:
        return None
    counts, draw = look.random, look.draw
    judged, wrong = _judged(counts), counts.rejected + counts.corrected
    least, most = wrong, wrong + counts.drawn - judged
    is_whole = counts.drawn == draw.population
    both = _interval(least, most, counts.drawn, is_whole=is_whole)
    return answers.ReviewAnswer(
        words=_words(look),
        drawn=counts.drawn,
        judged=judged,
        accepted=counts.accepted,
        rejected=counts.rejected,
        corrected=counts.corrected,
        population=draw.population,
        is_current=look.is_current,
        upper_bound=_most(most, counts.drawn, is_whole=is_whole),
        if_rest_is_right=_most(least, counts.drawn, is_whole=is_whole),
        low=None if both is None else both.low,
        high=None if both is None else both.high,
        risky=answers.RiskyAnswer(
            drawn=look.risk.drawn, judged=_judged(look.risk), wrong=look.risk.rejected + look.risk.corrected
        ),
    )


def _judged(counts: Counts) -> int:
    return counts.accepted + counts.rejected + counts.corrected


def _most(wrong: int, drawn: int, *, is_whole: bool) -> float | None:
    """The most that may be wrong. Where all answers were drawn it is no estimate."""
    if not drawn:
        return None
    return wrong / drawn if is_whole else confidence.upper(wrong, drawn)


def _interval(least: int, most: int, drawn: int, *, is_whole: bool) -> Interval | None:
    if not drawn:
        return None
    if is_whole:
        return Interval(least / drawn, most / drawn)
    return Interval(confidence.interval(least, drawn).low, confidence.interval(most, drawn).high)


def _words(look: ReviewLook) -> str:
    """`0 of 59 wrong: at most 5 % wrong, 95 % confidence (drawn by chance from 1,000 succeeded answers)`."""
    counts, draw = look.random, look.draw
    if not counts.drawn:
        return "no answer has succeeded yet, so none was drawn by chance"
    if counts.drawn == draw.population:
        return _of_all(counts) + _since(look)
    from_ = f"drawn by chance from {draw.population:,} succeeded answers"
    return f"{_of_some(counts)} ({from_}){_since(look)}"


def _of_some(counts: Counts) -> str:
    judged, wrong = _judged(counts), counts.rejected + counts.corrected
    left = counts.drawn - judged
    best = f"at most {_percent(confidence.upper(wrong, counts.drawn))} wrong, 95 % confidence"
    if not left:
        return f"{wrong} of {counts.drawn} wrong: {best}"
    if not judged:
        return f"0 of {counts.drawn} judged; if all of them are right: {best}"
    now = f"at most {_percent(confidence.upper(wrong + left, counts.drawn))} wrong, 95 % confidence"
    other = f"the other {left}" if left > 1 else "the other one"
    said = f"{judged} of {counts.drawn} judged, {wrong} wrong: {now}, for {other} might be wrong"
    return f"{said}; if {'they are' if left > 1 else 'it is'} right: {best}"


def _of_all(counts: Counts) -> str:
    judged, wrong = _judged(counts), counts.rejected + counts.corrected
    if judged == counts.drawn:
        return f"all {counts.drawn:,} succeeded answers were judged: {wrong} wrong ({100 * wrong / judged:.3g} %)"
    most = _percent((wrong + counts.drawn - judged) / counts.drawn)
    return f"{judged} of all {counts.drawn:,} succeeded answers judged, {wrong} wrong: at most {most} are"


def _since(look: ReviewLook) -> str:
    """What has happened since they were drawn."""
    if look.is_tainted:
        are = "one of them is" if look.random.replaced == 1 else f"{look.random.replaced} of them are"
        return f"; {are} not there any more, so that those left may look better than the rest: {ANEW}"
    replaced = f"{look.random.replaced} of them are not there any more" if look.random.replaced else ""
    if look.is_current and not replaced:
        return ""
    return f"; since then answers came or went{f' ({replaced})' if replaced else ''}: {ANEW}"


ANEW = "review_units draws anew, and verdicts that still hold are kept"


def _percent(part: float) -> str:
    """Rounded up: a bound is never told too low."""
    return f"{math.ceil(1000 * part - 1e-9) / 10:g} %"


# What is to be judged.


def units(look: Snapshot, drawn: Sequence[Drawn], left: int, *, said: str = "") -> answers.ReviewUnits:
    longest = max(300, CHARACTERS // max(1, 3 * len(drawn)))
    found = review(look.review)
    if found is None:
        raise ValueError("nothing was drawn")
    return answers.ReviewUnits(
        ledger=ledger.words(look.counts, look.job),
        job_id=look.job.job_id,
        units=[_unit(look.job, one, longest) for one in drawn],
        left=left,
        review=found,
        next=said + (NEXT if drawn else DONE),
    )


NEXT = (
    "show the user one unit at a time and ask whether its answer is right; then record_verdict. Verdicts are a "
    "person's: do not judge for him"
)
DONE = (
    "all that was drawn is judged; a larger n draws more, and proves more, if it was decided on beforehand: a bound "
    "that is looked at until it pleases proves less"
)
FRESH = "answers that were drawn have given way since, so this is a new sample; "


def _unit(job: Job, one: Drawn, longest: int) -> answers.ReviewUnit:
    unit = one.unit
    return answers.ReviewUnit(
        key=unit.key,
        kind=one.kind,
        why=one.why,
        status=unit.status,
        error=unit.error,
        attempt=unit.attempt,
        payload=words.cut(unit.payload, longest),
        text=None if unit.output is not None else words.cut(unit.text, longest),
        output=words.cut(unit.output, longest),
        evidence=[
            answers.Evidence(field=claim.path, quote=words.cut(claim.quote, longest))
            for claim in structured.claims(job.options.output_schema or {}, unit.output)
        ],
        earlier=verdict(one.judgement),
    )


# Verdicts.


def verdict(known: Judgement | None) -> answers.VerdictAnswer | None:
    if known is None:
        return None
    return answers.VerdictAnswer(
        verdict=known.decision,
        correction=known.correction,
        note=known.note,
        by=known.by,
        at=words.stamp(known.at),
        holds=known.holds,
        judged=None if known.holds else known.text if known.output is None else known.output,
    )


def judged(look: Snapshot, unit: Unit, decision: Decision, before: Judgement | None) -> answers.JudgedUnit:
    said = {
        Decision.ACCEPT: "kept: the answer is right",
        Decision.REJECT: "kept: the answer is wrong; retry_units(keys=[…]) asks for the unit again",
        Decision.CORRECT: "kept: the correction takes the answer's place in all results",
    }[decision]
    if decision is Decision.ACCEPT and unit.status is UnitStatus.FLAGGED:
        said += "; the unit stays flagged, for the reason that it was, and the verdict stands beside that"
    if before is not None:
        said += f"; it takes the place of an earlier verdict ({before.decision}, by {before.by})"
    return answers.JudgedUnit(
        ledger=ledger.words(look.counts, look.job),
        job_id=look.job.job_id,
        key=unit.key,
        status=unit.status,
        verdict=decision,
        message=said,
        review=review(look.review),
    )
