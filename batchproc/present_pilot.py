"""A job's pilot → what a person decides on: results old beside new, the quote. Pure."""

from collections.abc import Mapping

from batchproc import answers, comparison, estimates, present_changed, present_gold, present_words
from batchproc.models import Job, JobStatus, Trial, TrialResult
from batchproc.store.status import PilotLook, Snapshot

BEFORE = "before"
"""The variant that takes a change back."""
CHARACTERS = 40_000
"""Of all answers of a pilot together, as they are shown: a client reads them."""
MOST_DISAGREEMENTS = 100


def pilot(look: Snapshot) -> answers.PilotAnswer | None:
    """What there is to see of the pilot; its results only while a person decides on them."""
    if look.pilot is None:
        return None
    decides = look.job.status is JobStatus.REVIEW
    return answers.PilotAnswer(
        round=look.job.round,
        keys=list(look.pilot.keys),
        results=_results(look.job, look.pilot) if decides else [],
        changed=changed(look.job, look.pilot, whole=decides),
        variants=_variants(look, look.pilot) if decides else None,
        gold=present_gold.answer(present_gold.compared(look.pilot, in_force(look.job, look.pilot)))
        if decides
        else None,
    )


def quoted(look: Snapshot) -> answers.QuoteAnswer | None:
    """What the pilot says of the rest, or said when it was approved."""
    job = look.job
    if (said := estimates.approved(job)) is not None:
        return estimates.presented(said, reality=estimates.reality(job))
    if look.pilot is None or job.status is not JobStatus.REVIEW:
        return None
    return quote_of(look, in_force(job, look.pilot))


def quote_of(look: Snapshot, trial: Trial) -> answers.QuoteAnswer | None:
    """What a trial says of the rest, with the budget that an approval would set."""
    results = look.pilot.results.get(trial.n, ()) if look.pilot else ()
    options = trial.options.live(look.job.options) if trial.n != look.job.trial else look.job.options
    said = estimates.of_pilot(look, trial, options)
    if said is None:
        return None
    after = estimates.approved_options(look.job, options, said, results)
    return estimates.presented(said, budget_usd=after.budget_usd)


def in_force(job: Job, seen: PilotLook) -> Trial:
    return next(one for one in seen.trials if one.n == job.trial)


def of_round(job: Job, seen: PilotLook) -> list[Trial]:
    """The trials of the round, in the order in which they ran."""
    return sorted((one for one in seen.trials if one.round == job.round), key=lambda one: one.n)


def before(job: Job, seen: PilotLook) -> Trial | None:
    """The trial whose answers stand beside those of the round, or would if it had any. None: there is none, or several
    are tried in the round."""
    if len(of_round(job, seen)) != 1:
        return None
    older = _older(job, seen)
    return next(iter([one for one in reversed(older) if seen.results.get(one.n)] or older[-1:]), None)


def _older(job: Job, seen: PilotLook) -> list[Trial]:
    """Those of earlier rounds, the newest last: of variants, the one that was approved."""
    older = [one for one in seen.trials if one.round < job.round]
    return sorted(older, key=lambda one: (one.round, one.n == job.approved_trial, one.n))


def changed(job: Job, seen: PilotLook, *, whole: bool) -> answers.ChangedAnswer | None:
    """What differs from the round before; without `whole` only in a line of words."""
    since = before(job, seen)
    return None if since is None else present_changed.answer(since, of_round(job, seen)[0], whole=whole)


def _results(job: Job, seen: PilotLook) -> list[answers.PilotResult]:
    longest = _longest(2 * len(seen.keys))
    # The newest that each has:
    before = {one.unit: one for older in _older(job, seen) for one in seen.results.get(older.n, ())}
    return [
        answers.PilotResult(
            key=one.key,
            status=one.status,
            text=present_words.cut(one.text, longest),
            output=present_words.cut(one.output, longest),
            error=one.error,
            cost_usd=round(one.cost_usd, 6),
            tokens=one.tokens,
            seconds=round(one.seconds, 2),
            before=_earlier(before[one.unit], longest) if one.unit in before else None,
        )
        for one in seen.results.get(job.trial, ())
    ]


def _longest(answers_shown: int) -> int:
    """How long a text of one answer may be where so many are shown."""
    return min(4_000, max(200, CHARACTERS // max(1, answers_shown)))


def _earlier(one: TrialResult, longest: int) -> answers.Earlier:
    return answers.Earlier(
        status=one.status,
        text=present_words.cut(one.text, longest),
        output=present_words.cut(one.output, longest),
        error=one.error,
        cost_usd=round(one.cost_usd, 6),
    )


def _variants(look: Snapshot, seen: PilotLook) -> answers.VariantTable | None:
    tried = {one.variant: one for one in of_round(look.job, seen) if one.variant is not None}
    if len(tried) < 2:
        return None
    longest = _longest(len(tried) * len(seen.keys))
    compared = comparison.compare({name: seen.results.get(one.n, ()) for name, one in tried.items()})
    return answers.VariantTable(
        variants=[_variant(look, name, one, compared.costs[name]) for name, one in tried.items()],
        agreement=dict(compared.agreement),
        disagreements=[
            answers.FieldDisagreement(key=one.key, field=one.field, values=present_words.cut(dict(one.values), longest))
            for one in compared.disagreements[:MOST_DISAGREEMENTS]
        ],
        disagreements_in_all=len(compared.disagreements),
    )


def _variant(look: Snapshot, name: str, trial: Trial, cost: comparison.Cost) -> answers.VariantAnswer:
    return answers.VariantAnswer(
        name=name,
        model=present_words.model_name(trial.options),
        instructions=present_words.cut(trial.instructions, 500),
        units=cost.units,
        flagged=cost.flagged,
        failed=cost.failed,
        cost_usd=round(cost.cost_usd, 6),
        seconds=round(cost.seconds, 2),
        quote=quote_of(look, trial),
        gold=present_gold.words(judged) if (judged := present_gold.compared(look.pilot, trial)) else None,
    )


def variants_of(look: Snapshot) -> Mapping[str, Trial]:
    """The round's variants by their names; empty where it has only one description. Where it is a change of what all of
    the job ran under, `BEFORE` is that."""
    if look.pilot is None:
        return {}
    named = {one.variant: one for one in of_round(look.job, look.pilot) if one.variant is not None}
    return named | {BEFORE: one for one in look.pilot.trials if one.n == look.job.approved_trial}  # noqa: B035 - one
