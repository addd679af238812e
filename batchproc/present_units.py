"""Units and their results → answers for people and models. Pure; worded once, for every face."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from batchproc import answers, present_review, prompts
from batchproc import present_words as words
from batchproc.models import FINAL, Attempt, Decision, EarlierAnswer, Event, Job, Judgement, Unit, UnitStatus
from batchproc.prompts import Prompt

UNIT_CHARACTERS = 20_000
EVENT_CHARACTERS = 1_000


def results(
    job: Job,
    page: Sequence[Unit],
    limit: int,
    counts: Mapping[str, int],
    status: UnitStatus | None,
    *,
    judged: Mapping[int, Judgement],
    files: Mapping[int, list[str]],
) -> answers.Results:
    """One page; `page` holds one unit more than `limit` if there is a next page. A correction that holds takes the
    answer's place. `judged` and `files` are by the units' numbers."""
    shown = page[:limit]
    return answers.Results(
        results=[_result(one, judged.get(one.number), files.get(one.number)) for one in shown],
        next_cursor=f"{job.number}.{shown[-1].number}" if len(page) > limit else None,
        total=counts[status] if status else sum(counts[s] for s in FINAL),
        model=words.model_name(job.options),
    )


def _result(u: Unit, judged: Judgement | None, files: list[str] | None) -> answers.Result:
    verdict = judged.decision if judged is not None and judged.holds else None
    text, output, corrected_from = u.text, u.output, None
    if judged is not None and verdict is Decision.CORRECT:
        text, output = _corrected(judged.correction)
        corrected_from = u.text if u.output is None else u.output
    return answers.Result(
        key=u.key,
        status=u.status,
        text=text,
        output=output,
        cost_usd=round(u.cost_usd, 6),
        attempts=u.attempt,
        error=u.error,
        verdict=verdict,
        corrected_from=corrected_from,
        files=files,
    )


def _corrected(correction: Any) -> tuple[str, Any]:
    """A correction as the text and the output of an answer: a structured one is its own text, too."""
    if isinstance(correction, str):
        return correction, None
    return json.dumps(correction, ensure_ascii=False, separators=(",", ":")), correction


def unit(
    job: Job,
    found: Unit,
    tries: Sequence[Attempt],
    tail: Sequence[Event],
    *,
    judged: Judgement | None = None,
    before: Sequence[EarlierAnswer] = (),
    files: list[str] | None = None,
) -> answers.UnitAnswer:
    return answers.UnitAnswer(
        job_id=job.job_id,
        key=found.key,
        status=found.status,
        reason=found.reason,
        payload=words.cut(found.payload, UNIT_CHARACTERS),
        system_prompt=words.cut(Prompt.of(job).shared(job.options.system_prompt), UNIT_CHARACTERS),
        prompt=words.cut(_prompt(job, found), UNIT_CHARACTERS),
        text=found.text,
        output=found.output,
        error=found.error,
        files=files,
        cost_usd=round(found.cost_usd, 6),
        verdict=present_review.verdict(judged),
        requests=found.requests,
        lineage=_lineage(job, found, tries),
        earlier=[_earlier(one) for one in before],
        attempts=[_attempt(one) for one in tries],
        events=[_event(one) for one in tail],
    )


def _event(one: Event) -> answers.EventAnswer:
    data = words.cut(one.data, EVENT_CHARACTERS)
    return answers.EventAnswer(seq=one.seq, at=words.stamp(one.at), kind=one.kind, attempt=one.attempt, data=data)


def _lineage(job: Job, found: Unit, tries: Sequence[Attempt]) -> str:
    """`payload of reading 1 of its source, answered in attempt 2; the same in every reading since, up to 3`."""
    said = f"payload of reading {found.source_version} of its source"
    came = [one for one in tries if one.outcome == found.status]
    under = [one.n for one in came if one.trial == job.trial] or [one.n for one in came]
    if found.shared_from is not None:
        said += ", with the answer of an identical unit (events say which)"
    elif found.status in FINAL and under:
        said += f", {'answered' if found.status is UnitStatus.SUCCEEDED else 'ended'} in attempt {under[-1]}"
    if found.gone is not None:
        return f"{said}; its source does not have it any more since reading {found.gone}"
    if found.source_version < job.source_version:
        said += f"; the same in reading {job.source_version}, the newest"
    return said


def _earlier(one: EarlierAnswer) -> answers.EarlierAnswer:
    return answers.EarlierAnswer(
        at=words.stamp(one.at),
        why=one.why,
        attempt=one.attempt,
        source_version=one.source_version,
        payload=None if one.payload is None else words.cut(one.payload, EVENT_CHARACTERS),
        status=one.status,
        text=words.cut(one.text, UNIT_CHARACTERS),
        output=words.cut(one.output, UNIT_CHARACTERS),
        error=one.error,
    )


def _prompt(job: Job, found: Unit) -> str:
    """As it is sent, with what a person added when he asked for the unit again."""
    return prompts.noted(Prompt.of(job).shown(found.key, found.payload), found.note)


def _attempt(one: Attempt) -> answers.AttemptAnswer:
    return answers.AttemptAnswer(
        n=one.n,
        started_at=words.stamp(one.started_at),
        finished_at=words.stamp(one.finished_at) if one.finished_at else None,
        outcome=one.outcome,
        cause=one.cause,
        error=one.error,
        charged=one.charged,
        cost_usd=round(one.cost_usd, 6),
        billed=one.billed,
        tokens=one.tokens,
        cache_read_tokens=one.cache_read,
        cache_write_tokens=one.cache_write,
        turns=one.turns,
        session_id=one.session_id,
        resumed_from=one.resumed_from,
    )
