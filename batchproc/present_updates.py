"""What a source holds now, beside a job's units → the plan that a person decides on, and what came of it. Pure."""

from collections.abc import Mapping

from batchproc import answers, estimates, ledger, present_words, prices, quote
from batchproc.models import Job, JobStatus
from batchproc.store import refresh, update_items
from batchproc.store.status import Snapshot
from batchproc.store.updates import Update

KEY_CHARACTERS = 200
UNNAMED = (
    "its units are known by their row numbers: where a row was put in or taken out, all after it look changed. A job "
    "whose source names an id column or field tells them apart"
)
UNKNOWN = (
    "{units} of the changed ones ran under an older batchproc, which did not keep what their answers were given for: "
    "whether they changed is not known"
)
CONFIRM = "show the user the plan; update_source(confirmed=true) applies just that"


def reading(look: Snapshot, update: Update) -> answers.SourceUpdate:
    said = f"the source is being read, {update.units_read:,} items so far; the job is as it was"
    return _answer(look, update, "reading", said, "call update_source again for the plan")


def plan(look: Snapshot, update: Update, said: quote.Quote | None, *, prefix: str = "") -> answers.SourceUpdate:
    """Nothing is changed yet."""
    if not is_anything(update):
        return _answer(look, update, "same", _found(update), "nothing to do: the job has what its source has")
    return _answer(look, update, "plan", f"{prefix}{_found(update)}", CONFIRM, said=said)


def applied(look: Snapshot, update: Update, said: quote.Quote | None) -> answers.SourceUpdate:
    words = f"applied: {_found(update)}"
    return _answer(look, update, "applied", words, _next(look.job, update), said=said)


def is_anything(update: Update) -> bool:
    """Whether applying it changes what is there."""
    kinds = _kinds(update)
    return any(kinds[kind] for kind in (*update_items.RUN, "gone")) or any(_touched(update).values())


def counts(update: Update) -> answers.SourceCounts:
    kinds = _kinds(update)
    return answers.SourceCounts(
        new=kinds["new"],
        changed=kinds["changed"] + kinds["unknown"],
        reusable=kinds["same"],
        unanswered=kinds["unanswered"],
        waiting=kinds["waiting"] + kinds["back"],
    )


def _kinds(update: Update) -> Mapping[str, int]:
    return {} if update.plan is None else update.plan["counts"]


def _touched(update: Update) -> Mapping[str, int]:
    return {} if update.plan is None else update.plan["touched"]


def _found(update: Update) -> str:
    """`31 new, 12 changed, 4 gone, 433 reusable; 5 unchanged without an answer`."""
    found = counts(update)
    said = f"{found.new:,} new, {found.changed:,} changed, {_kinds(update)['gone']:,} gone, {found.reusable:,} reusable"
    if found.unanswered:
        said += f"; {found.unanswered:,} unchanged without an answer, which stay so: retry_units asks for them again"
    if found.waiting:
        said += f"; {found.waiting:,} waiting to run"
        said += f" ({changed:,} of them changed)" if (changed := _touched(update)["waiting"]) else ""
    if again := _touched(update)["same"] + _kinds(update)["back"]:
        said += f"; {again:,} that were gone are there again"
    return said


def _next(job: Job, update: Update) -> str:
    more = refresh.runs(update)
    match job.status:
        case JobStatus.READY:
            return "call start_job"
        case JobStatus.REVIEW:
            return "it is in review as before; get_status has the pilot's answers and the quote"
        case JobStatus.PILOT:
            return "the pilot's changed units run again; call get_status(wait_s=45) until status is review"
        case JobStatus.PAUSED:
            return "the job is paused, and goes on with control_job(action=resume)"
        case JobStatus.RUNNING:
            return f"{ledger.units(more)} to run; call get_status(wait_s=45) for news"
        case _:
            return "nothing is to be run; get_results has the answers"


def _answer(
    look: Snapshot, update: Update, state: str, message: str, following: str, *, said: quote.Quote | None = None
) -> answers.SourceUpdate:
    job = look.job
    planned = update.plan is not None and state != "reading"
    return answers.SourceUpdate(
        ledger=ledger.words(look.counts, job),
        job_id=job.job_id,
        status=job.status,
        state=state,
        message=message,
        read=update.units_read,
        counts=counts(update) if planned else None,
        gone=_kinds(update)["gone"] if planned else 0,
        keys=_keys(update) if planned else {},
        estimate=None if said is None else estimates.presented(said),
        budget_left_usd=round(_left(job), 6),
        warnings=_warnings(job, update, said) if planned else [],
        reading=update.reading,
        next=following,
    )


def _left(job: Job) -> float:
    return max(0.0, job.options.budget_usd - job.cost_usd)


SHOWN = {
    "new": ("new",),
    "changed": ("changed", "unknown"),
    "gone": ("gone",),
    "unanswered": ("unanswered",),
    "waiting": ("back", "waiting"),
}


def _keys(update: Update) -> dict[str, list[str]]:
    keys: Mapping[str, list[str]] = {} if update.plan is None else update.plan["keys"]
    found = {name: [key for kind in kinds for key in keys.get(kind, [])][:5] for name, kinds in SHOWN.items()}
    return {name: present_words.cut(some, KEY_CHARACTERS) for name, some in found.items() if some}


def _warnings(job: Job, update: Update, said: quote.Quote | None) -> list[str]:
    known = update.plan or {}
    warnings = list(known["warnings"])
    if not known["is_named"] and is_anything(update):
        warnings.append(UNNAMED)
    if unknown := _kinds(update)["unknown"]:
        warnings.append(UNKNOWN.format(units=f"{unknown:,}"))
    more = refresh.runs(update)
    if more and said is None:
        warnings.append("nothing of the job has run yet, so nothing tells what the new and changed units will cost")
    if said is not None and not present_words.is_free(job.options) and said.cost_usd.high > _left(job):
        high, left = prices.dollars(said.cost_usd.high), prices.dollars(_left(job))
        warnings.append(
            f"the new and changed units may cost {high}, and {left} of the budget is left: the job pauses before it "
            "passes that; control_job(action=set, budget_usd=…) raises it"
        )
    return warnings
