"""Units and their results → answers for people and models. Pure; worded once, for every face."""

from collections.abc import Mapping, Sequence

from batchproc import answers, prompts
from batchproc import present_words as words
from batchproc.models import FINAL, Attempt, Event, Job, Unit, UnitStatus
from batchproc.prompts import Prompt

UNIT_CHARACTERS = 20_000
EVENT_CHARACTERS = 1_000


def results(
    job: Job, page: Sequence[Unit], limit: int, counts: Mapping[str, int], status: UnitStatus | None
) -> answers.Results:
    """One page; `page` holds one unit more than `limit` if there is a next page."""
    shown = page[:limit]
    return answers.Results(
        results=[
            answers.Result(
                key=u.key,
                status=u.status,
                text=u.text,
                output=u.output,
                cost_usd=round(u.cost_usd, 6),
                attempts=u.attempt,
                error=u.error,
            )
            for u in shown
        ],
        next_cursor=f"{job.number}.{shown[-1].number}" if len(page) > limit else None,
        total=counts[status] if status else sum(counts[s] for s in FINAL),
        model=words.model_name(job.options),
    )


def unit(job: Job, found: Unit, tries: Sequence[Attempt], tail: Sequence[Event]) -> answers.UnitAnswer:
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
        cost_usd=round(found.cost_usd, 6),
        requests=found.requests,
        attempts=[_attempt(one) for one in tries],
        events=[
            answers.EventAnswer(
                seq=e.seq,
                at=words.stamp(e.at),
                kind=e.kind,
                attempt=e.attempt,
                data=words.cut(e.data, EVENT_CHARACTERS),
            )
            for e in tail
        ],
    )


def _prompt(job: Job, found: Unit) -> str:
    """As it is sent, with what a person added when he asked for the unit again."""
    return prompts.noted(Prompt.of(job).render(found.key, found.payload), found.note)


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
