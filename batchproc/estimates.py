"""Quotes and forecasts of a job: what its finished units say of the rest. Pure; the statistics are in `quote`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from batchproc import answers, budget, quote
from batchproc.models import FINAL, REHEARSAL, AgentOptions, Job, JobStatus, Trial, TrialResult, UnitStatus
from batchproc.prompts import Prompt
from batchproc.store.status import Ended, Snapshot

ENOUGH = 5
"""Under this many finished units nothing is said of a job that runs: it would be a guess."""
DEARER = 20
UNCOUNTED_S = 5.0
"""A job's time is added up that often: so much of its end may not be counted."""


def remaining(counts: Mapping[str, int]) -> int:
    return sum(n for status, n in counts.items() if status not in FINAL)


def to_run(look: Snapshot, trial: int) -> int:
    """How many units an approval of this trial would run: those that are not final, and where it is a change of what
    ran before, those whose answers are from before it."""
    again = look.run_again if trial != look.job.approved_trial else look.run_back
    return remaining(look.counts) + again


def of_pilot(look: Snapshot, trial: Trial, options: AgentOptions) -> quote.Quote | None:
    """What a trial's results say of the units that would run after it."""
    results = look.pilot.results.get(trial.n, ()) if look.pilot else ()
    ran = [one for one in results if one.status not in {UnitStatus.CANCELLED, UnitStatus.SKIPPED} and _ran(one)]
    finished = [
        quote.Finished(cost_usd=one.cost_usd, tokens=one.tokens, seconds=one.seconds, size=one.size) for one in ran
    ]
    if not finished:
        return None
    return quote.quote(finished, remaining=to_run(look, trial.n), concurrency=options.max_concurrency)


def _ran(one: TrialResult) -> bool:
    """Not where it has the answer of an identical unit."""
    return one.seconds > 0 or one.cost_usd > 0 or one.tokens > 0


def live(look: Snapshot) -> quote.Quote | None:
    """What the newest finished units say of the rest of a job that runs; None under `ENOUGH` of them."""
    return of_running(look.job, look.counts, look.finished)


def of_running(job: Job, counts: Mapping[str, int], ended: Sequence[Ended]) -> quote.Quote | None:
    """The same of a job whose newest finished units are known, and nothing else."""
    if job.status is not JobStatus.RUNNING:
        return None
    ran = [one for one in ended if one.ran]
    finished = [quote.Finished(cost_usd=one.cost_usd, tokens=one.tokens, seconds=one.seconds) for one in ran]
    if len(finished) < ENOUGH:
        return None
    return quote.quote(finished, remaining=remaining(counts), concurrency=job.options.max_concurrency)


def of_more(look: Snapshot, units: int) -> quote.Quote | None:
    """What the newest finished units say of so many more; None where nothing has run."""
    ran = [one for one in look.finished if one.ran]
    finished = [quote.Finished(cost_usd=one.cost_usd, tokens=one.tokens, seconds=one.seconds) for one in ran]
    return quote.quote(finished, remaining=units, concurrency=look.job.options.max_concurrency)


def approved_options(
    job: Job, options: AgentOptions, said: quote.Quote | None, results: Sequence[TrialResult]
) -> AgentOptions:
    """The options after an approval. Where nobody set a budget it is the quote's high end beside what is spent, with
    what one attempt reserves, so that the last one may still start. A smaller budget does not cut off a unit that costs
    `DEARER` times as much as the dearest of the pilot."""
    if options.budget_given or said is None or options.model == REHEARSAL:
        return options
    spent = budget.Spending(
        cost_usd=job.cost_usd + said.cost_usd.high, reserved_usd=0.0, tokens=0, begun=0, active_s=0.0
    )
    lower = replace(options, budget_usd=_enough(job, options, spent, results))
    needed = min(options.unit_cap_usd, DEARER * max((one.cost_usd for one in results), default=0.0))
    if options.unit_budget_usd is not None or lower.unit_cap_usd >= needed:
        return lower
    capped = replace(options, unit_budget_usd=needed)
    return replace(capped, budget_usd=_enough(job, capped, spent, results))


def _enough(job: Job, options: AgentOptions, spent: budget.Spending, results: Sequence[TrialResult]) -> float:
    known = {"largest_request": job.largest_request, "measured": job.measured}
    reservation = budget.Reservation(options=options, shared=Prompt.of(job).size(options), **known)
    return budget.enough_usd(options, spent, reservation.alone_usd(max((one.size for one in results), default=0)))


# What is kept of a quote when it is approved, and what it is held against in the end.


def kept(job: Job, said: quote.Quote) -> dict[str, Any]:
    """As the job's row keeps it, beside what was spent when it was said."""
    ranges = {name: [one.low, one.mid, one.high] for name, one in _ranges(said).items()}
    known = {"level": said.level, "units": said.units, "based_on": said.based_on, "basis": said.basis}
    return {**known, **ranges, "spent_usd": job.cost_usd, "spent_tokens": job.tokens, "spent_s": job.active_s}


def approved(job: Job) -> quote.Quote | None:
    """The quote under which the job was approved."""
    if job.quote is None:
        return None
    kept = job.quote
    cost, tokens, time = (_range(kept[name]) for name in ("cost_usd", "tokens", "time_s"))
    known = {name: kept[name] for name in ("level", "units", "based_on", "basis")}
    return quote.Quote(cost_usd=cost, tokens=tokens, time_s=time, **known)


def _range(kept: Sequence[float]) -> quote.Range:
    low, mid, high = kept
    return quote.Range(low=low, mid=mid, high=high)


def reality(job: Job) -> answers.Reality | None:
    """Whether a job that is completed came to what was said when it was approved."""
    said = approved(job)
    if said is None or job.quote is None or job.status is not JobStatus.COMPLETED:
        return None
    cost, tokens = job.cost_usd - job.quote["spent_usd"], job.tokens - job.quote["spent_tokens"]
    seconds = _seconds(job, job.active_s - job.quote["spent_s"])
    held = quote.held(said, cost_usd=cost, seconds=seconds, tokens=tokens)
    inside = [name for name, is_in in held.items() if is_in]
    outside = [name for name, is_in in held.items() if not is_in]
    words = f"inside the quote: {', '.join(inside) or 'nothing'}; outside: {', '.join(outside) or 'nothing'}"
    return answers.Reality(
        cost_usd=round(cost, 6), time_s=round(seconds, 1), tokens=tokens, held=dict(held), words=words
    )


def _seconds(job: Job, counted: float) -> float:
    """How long it ran since its approval: counted time, with the end of it that may not be counted."""
    if job.finished_at is None or job.approved_at is None:
        return counted
    return min(max(0.0, (job.finished_at - job.approved_at).total_seconds()), counted + UNCOUNTED_S)


def presented_range(one: quote.Range) -> answers.Range:
    return answers.Range(low=_round(one.low), mid=_round(one.mid), high=_round(one.high))


def presented(
    said: quote.Quote, *, budget_usd: float | None = None, reality: answers.Reality | None = None
) -> answers.QuoteAnswer:
    ranges = {name: presented_range(one) for name, one in _ranges(said).items()}
    return answers.QuoteAnswer(
        level=said.level,
        units=said.units,
        based_on=said.based_on,
        basis=said.basis,
        budget_usd=budget_usd,
        reality=reality,
        **ranges,
    )


def _ranges(said: quote.Quote) -> dict[str, quote.Range]:
    return {"cost_usd": said.cost_usd, "time_s": said.time_s, "tokens": said.tokens}


def _round(value: float) -> float:
    """Four significant digits: an estimate knows no more."""
    return float(f"{value:.4g}")
