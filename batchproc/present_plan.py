"""The plan: what an approval would let happen, in words for a person who was not there. Pure."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchproc import answers, estimates, ledger, present_gold, present_pilot, present_words, prices
from batchproc.models import Job, Trial, TrialResult
from batchproc.store.status import Snapshot


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What an approval would let happen, and `how` to give it. Two that are equal say the same of the same job. A
    choice is not agreed to: it is made first."""

    text: str
    how: str
    mark: tuple[object, ...] = ()
    is_choice: bool = False

    @property
    def digest(self) -> str:
        """Two plans that have the same are equal, also where another process said them."""
        return hashlib.sha256(repr((self.text, self.mark)).encode("utf-8", "backslashreplace")).hexdigest()[:20]


def plan(look: Snapshot, trial: Trial, variant: str | None = None) -> Plan:
    """For a person who was not there: what the trial came to, and what the rest would cost under it."""
    job, seen = look.job, look.pilot
    results: Sequence[TrialResult] = seen.results.get(trial.n, ()) if seen else ()
    counts: dict[str, int] = {}
    for one in results:
        counts[one.status] = counts.get(one.status, 0) + 1
    named = f", variant {variant!r}" if variant else ""
    lines = [
        f"Job {job.job_id}, {job.name!r}{named}: {ledger.units(job.total_units)}, "
        f"{present_words.model_name(trial.options)}.",
        *present_gold.lines(present_gold.compared(seen, trial)),
        *_changed(look, trial),
        f"Instructions: {present_words.cut(' '.join(trial.instructions.split()), SHORT)}",
        *_fields(trial.options.output_schema),
        f"Pilot, round {job.round}: {ledger.words(counts)}; it cost ${sum(one.cost_usd for one in results):.4f}, "
        f"the whole job so far ${job.cost_usd:.4f}.",
        *_rest(look, trial, present_pilot.quote_of(look, trial)),
    ]
    how = HOW.replace("job_id, ", f'job_id, variant="{variant}", ', 1) if variant else HOW
    how += _way_out(job)
    return Plan(text="\n".join(lines), how=how, mark=(job.round, trial.n, trial.instructions, job.options))


SHORT = 300


def _changed(look: Snapshot, trial: Trial) -> Iterator[str]:
    if look.pilot is None or trial.round != look.job.round:
        return
    if (found := present_pilot.changed(look.job, look.pilot, whole=False)) is not None:
        yield f"{found.words[:1].upper()}{found.words[1:]}."


def _fields(schema: Mapping[str, Any] | None) -> list[str]:
    return [f"Answers have the fields {', '.join(schema.get('properties', {}))}."] if schema else []


def _rest(look: Snapshot, trial: Trial, said: answers.QuoteAnswer | None) -> Iterator[str]:
    left = estimates.to_run(look, trial.n)
    if said is not None and left:
        yield f"The other {ledger.units(left)}: {_cost_words(said)}, {_time_words(said)}."
        if said.cost_usd.high and said.budget_usd is not None:
            most = prices.dollars(said.budget_usd)
            yield f"The budget would be {most}; it is never passed." + _too_little(look, said)
        yield from present_words.caps(look.job.options)
        yield f"What that rests on: {said.basis}."
        if look.run_again and trial.n != look.job.approved_trial:
            yield (
                f"{ledger.units(look.run_again)} of these ended before the change: what is stale is run again, and an "
                "earlier answer is kept beside the new one."
            )
    elif trial.n == look.job.approved_trial:
        yield "This takes the change back: every unit has the answer that it had before it, and nothing is run."
    elif not left:
        yield "The pilot ran all of its units; nothing is left to run."


def _too_little(look: Snapshot, said: answers.QuoteAnswer) -> str:
    """What a budget will probably not reach to the end."""
    room = (said.budget_usd or 0.0) - look.job.cost_usd
    if room >= said.cost_usd.mid:
        return ""
    reached = max(0, int(said.units * room / said.cost_usd.mid))
    return f" That is too little: the job will probably pause after some {reached:,} of the {said.units:,}."


def choice(look: Snapshot, named: Sequence[str]) -> Plan:
    """Several variants were tried, and nobody has said which one is to run."""
    names = ", ".join(named)
    text = f"Job {look.job.job_id}, {look.job.name!r}: its pilot tried {names}; get_status compares them."
    return Plan(text=text, how=CHOOSE + _way_out(look.job), mark=(look.job.round, names), is_choice=True)


HOW = (
    "To let it run: start_job(job_id, confirmed=true), once the user has agreed to this plan. To change it: "
    "update_job(job_id, instructions or options), which tries the same units again."
)
CHOOSE = "Say which one is to run: start_job(job_id, variant=…) shows its plan."
DROP = " To drop it: cancel_job."
TAKE_BACK = ' To take the change back: start_job(job_id, variant="before", confirmed=true).'


def _way_out(job: Job) -> str:
    return DROP if job.approved_trial is None else TAKE_BACK


def plan_without_pilot(job: Job) -> Plan:
    """What starting everything at once would mean."""
    free = present_words.is_free(job.options)
    money = "free" if free else f"for at most {prices.dollars(job.options.budget_usd)}"
    text = (
        f"Job {job.job_id}, {job.name!r}: {ledger.units(job.total_units)} would run at once without a pilot, {money}, "
        f"{present_words.model_name(job.options)}. {_unseen(job)}, and there is no quote."
    )
    text = " ".join([text, *present_words.caps(job.options)])
    return Plan(text=text, how=HOW_WITHOUT_PILOT, mark=(job.round, job.instructions, job.options))


def _unseen(job: Job) -> str:
    if job.approved_trial is None:
        return "Nobody has seen an answer yet"
    return "It is a change of what ran before, and nobody has seen what comes of it"


HOW_WITHOUT_PILOT = (
    "To let it run: start_job(job_id, skip_pilot=true, confirmed=true), once the user has agreed to this. Better: "
    "start_job(job_id), which tries a few units first and says what the rest will cost."
)


def how(look: Snapshot) -> str:
    """How a job in review goes on."""
    return (CHOOSE if len(present_pilot.variants_of(look)) > 1 else HOW) + _way_out(look.job)


def _cost_words(said: answers.QuoteAnswer) -> str:
    if said.cost_usd.high == 0:
        return "free"
    low, mid, high = (prices.dollars(d) for d in (said.cost_usd.low, said.cost_usd.mid, said.cost_usd.high))
    return f"about {mid} (estimated; {low} to {high} with {said.level:.0%})"


def _time_words(said: answers.QuoteAnswer) -> str:
    low, mid, high = (present_words.duration(s) for s in (said.time_s.low, said.time_s.mid, said.time_s.high))
    return f"about {mid} ({low} to {high})"
