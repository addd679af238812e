"""Jobs, units, events and log lines as those see them who look around → answers. Pure; long values are cut."""

from collections.abc import Mapping, Sequence
from typing import Any

from batchproc import answers, estimates, paging, present
from batchproc import present_words as words
from batchproc.models import Event, Job
from batchproc.store import browsing, cards, logs, search
from batchproc.store.status import Snapshot

SHOWN = 240
"""Characters of a text in a table."""
EVENT_CHARACTERS = 20_000
"""Of a text in a conversation."""
LOG_CHARACTERS = 4_000


def job_detail(
    answer: answers.JobStatusAnswer, look: Snapshot, *, needs_approval: bool, trouble: str | None
) -> answers.JobDetail:
    options = look.job.options
    return answers.JobDetail(
        **dict(answer),
        limits=answers.Limits(
            max_concurrency=options.max_concurrency,
            priority=look.job.priority,
            budget_usd=options.budget_usd,
            unit_budget_usd=options.unit_budget_usd,
            max_total_tokens=options.max_total_tokens,
            max_units=options.max_units,
            max_wall_s=options.max_wall_s,
            breaker=options.breaker,
        ),
        is_trying=look.job.approved_trial is not None,
        needs_approval=needs_approval,
        trouble=trouble,
        last_event=look.last_event,
    )


def job_cards(found: cards.Cards, limit: int) -> answers.JobCards:
    """`found` holds one more than `limit` if there is a next page."""
    shown = found.cards[:limit]
    return answers.JobCards(
        jobs=[_card(one) for one in shown],
        next_cursor=str(shown[-1].job.number) if len(found.cards) > limit else None,
        total=found.total,
        last_event=found.last_event,
    )


def _card(one: cards.Card) -> answers.JobCard:
    job = one.job
    said = estimates.of_running(job, one.counts, one.finished)
    return answers.JobCard(
        **present.job_line(job, one.counts),
        detail=job.detail,
        counts=dict(one.counts),
        budget_usd=job.options.budget_usd,
        model=words.model_name(job.options),
        time_s=None if said is None else estimates.presented_range(said.time_s),
        finished_at=words.stamp(job.finished_at) if job.finished_at else None,
    )


def unit_page(job: Job, found: browsing.Page, hits: search.Hits | None = None) -> answers.UnitPage:
    """`hits` says how it was looked for a text."""
    after = found.offset + len(found.lines)
    return answers.UnitPage(
        units=[_unit(one) for one in found.lines],
        offset=found.offset,
        total=found.total,
        caveat=None if hits is None else _caveat(hits),
        next_cursor=paging.unit_cursor(job, found.lines[-1].number, after) if found.more else None,
        last_event=found.last_event,
    )


def _caveat(hits: search.Hits) -> str | None:
    if hits.is_cut:
        return f"more than {search.MOST:,} units match, and these are the first; add a word, or a status"
    if hits.missing:
        return "older units are still being taken into the index: what they said is not found yet; look again soon"
    return None


def _unit(one: browsing.Line) -> answers.UnitLine:
    ended = one.finished_at is not None and one.started_at is not None
    return answers.UnitLine(
        key=one.key,
        row=one.row,
        status=one.status,
        reason=one.reason,
        attempts=one.attempt,
        cost_usd=round(one.cost_usd, 6),
        tokens=one.tokens,
        seconds=_seconds(one) if ended else None,
        text=short(one.text),
        output=short(one.output),
        payload=short(one.payload),
        error=short(one.error),
        signature=one.signature,
        verdict=one.verdict,
        gone=one.gone,
        last_event=present.newest(one.last_event),
    )


def _seconds(one: browsing.Line) -> float | None:
    if one.finished_at is None or one.started_at is None:
        return None
    return round(max(0.0, (one.finished_at - one.started_at).total_seconds()), 2)


def short(value: Any) -> Any:
    """The value with every text in it cut to what a table shows."""
    match value:
        case str() if len(value) > SHOWN:
            return f"{value[:SHOWN]}…"
        case Mapping():
            return {key: short(one) for key, one in value.items()}
        case list() | tuple():
            return [short(one) for one in value]
        case _:
            return value


def unit_detail(answer: answers.UnitAnswer, beside: browsing.Beside, last_event: int) -> answers.UnitDetail:
    return answers.UnitDetail(
        **{name: getattr(answer, name) for name in answers.UnitAnswer.model_fields},
        text_html=None,
        signature=beside.signature,
        previous_key=beside.before,
        next_key=beside.after,
        last_event=last_event,
    )


def event_page(found: Sequence[Event], *, older: bool, after: int) -> answers.EventPage:
    """`older`: there are some before the first. `after` is what newer ones come after if there is none."""
    return answers.EventPage(
        events=[event(one) for one in found],
        before=found[0].seq if older and found else None,
        after=found[-1].seq if found else after,
    )


def event(one: Event) -> answers.EventLine:
    return answers.EventLine(
        seq=one.seq,
        at=words.stamp(one.at),
        kind=one.kind,
        job_id=one.job_id,
        key=one.key,
        attempt=one.attempt,
        data=words.cut(dict(one.data), EVENT_CHARACTERS),
        html=None,
    )


def log_page(found: Sequence[logs.Line], limit: int) -> answers.LogPage:
    """`found` holds one more than `limit` if there is a next page."""
    shown = found[:limit]
    return answers.LogPage(
        lines=[
            answers.LogLine(
                number=one.number,
                at=words.stamp(one.at),
                source=one.source,
                level=one.level,
                job_id=one.job_id,
                key=one.key,
                text=words.cut(one.text, LOG_CHARACTERS),
            )
            for one in shown
        ],
        next_cursor=str(shown[-1].number) if len(found) > limit else None,
    )
