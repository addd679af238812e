"""Jobs → answers for people and models. Pure; worded once, for every face. Units are in `present_units`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from batchproc import (
    answers,
    approvals,
    estimates,
    forecast,
    ledger,
    orders,
    present_pilot,
    present_plan,
    present_review,
    prices,
)
from batchproc import present_words as words
from batchproc.models import (
    FINAL,
    REHEARSAL,
    WORKING,
    Credential,
    Event,
    Job,
    JobStatus,
    Pause,
    UnitStatus,
)
from batchproc.store.status import FailureGroup, Snapshot

SHORT = 200


def started(look: Snapshot, credential: Credential, *, guard: str) -> answers.StartedJob:
    job = look.job
    paid = {
        Credential.REHEARSAL: "with the rehearsal model (free; not Claude)",
        Credential.ENVIRONMENT: "paid with the credential of this server's environment",
        Credential.LOGIN: "paid with the CLI's stored login",
    }[credential]
    message = (
        f"{ledger.units(job.total_units)}, at most {job.options.max_concurrency} at a time, {paid}{_budget(job)}. "
        f"It goes on when this chat closes. guard: {guard}. Watch it with get_status(wait_s=45)"
    )
    if job.status is JobStatus.PILOT and look.pilot is not None:
        tries = ledger.units(len(look.pilot.keys))
        message = f"pilot, round {job.round}: {tries} of {message}: then it waits for a decision"
    elif job.status is JobStatus.REVIEW:
        message = f"it was changed or started by somebody else meanwhile; it is in review. {present_plan.how(look)}"
    elif job.status is JobStatus.COMPLETED:
        message = "nothing is left to run: every unit is final"
    elif job.status is JobStatus.PAUSED:
        message = orders.said_of_paused_again(job)
    return told(look, message)


def told(look: Snapshot, message: str) -> answers.StartedJob:
    """What was done, or is to be decided first."""
    job = look.job
    return answers.StartedJob(
        ledger=ledger.words(look.counts, job), job_id=job.job_id, status=job.status, message=message
    )


def _budget(job: Job) -> str:
    if job.options.model == REHEARSAL:
        return ""
    most, each = prices.dollars(job.options.budget_usd), prices.dollars(job.options.unit_cap_usd)
    return f", for at most {most} (each attempt {each})"


def percent(counts: Mapping[str, int], total: int) -> float:
    final = sum(counts[status] for status in FINAL)
    return round(100 * final / total, 1) if total else 0.0


def job_status(look: Snapshot, now: float, trouble: str | None = None) -> answers.JobStatusAnswer:
    """`trouble` says why nobody works on a job that should be worked on."""
    job, counts, pace = look.job, look.counts, _pace(look, datetime.fromtimestamp(now, UTC))
    return answers.JobStatusAnswer(
        ledger=ledger.words(counts, job),
        job_id=job.job_id,
        name=job.name,
        status=job.status,
        reason=job.reason,
        detail=job.detail,
        resume_at=words.stamp(job.resume_at) if job.resume_at else None,
        total_units=job.total_units or job.units_read,
        counts=dict(counts),
        percent=percent(counts, job.total_units),
        cost_usd=round(job.cost_usd, 6),
        spending=_spending(look),
        tokens=job.tokens,
        eta_s=pace.eta_s,
        rate_per_min=pace.rate_per_min,
        forecast=None if (said := estimates.live(look)) is None else estimates.presented(said),
        pilot=present_pilot.pilot(look),
        quote=present_pilot.quoted(look),
        review=present_review.review(look.review),
        cache=answers.Cache(read_tokens=job.cache_read, written_tokens=job.cache_write),
        running=[answers.Running(key=r.key, attempt=r.attempt, last_event=newest(r.last_event)) for r in look.running],
        failures=[_failure(one) for one in look.failures],
        changes=[_change(event) for event in look.changes],
        model=words.model_name(job.options),
        next=f"nobody works on it: {trouble}" if trouble else _waits(look, now) or _next_after_status(look),
    )


def _pace(look: Snapshot, now: datetime) -> forecast.Pace:
    """Known while the job runs."""
    job, counts = look.job, look.counts
    if job.status is not JobStatus.RUNNING:
        return forecast.Pace(rate_per_min=None, eta_s=0.0 if job.status is JobStatus.COMPLETED else None)
    remaining = counts[UnitStatus.PENDING] + counts[UnitStatus.RUNNING]
    return forecast.pace([one.at for one in look.finished], started_at=job.resumed_at, remaining=remaining, now=now)


def _failure(one: FailureGroup) -> answers.Failure:
    said = one.message[: 2 * SHORT]
    return answers.Failure(signature=one.signature, count=one.count, example_key=one.example_key, message=said)


def _change(event: Event) -> answers.Change:
    return answers.Change(at=words.stamp(event.at), kind=event.kind, by=event.data["by"], why=event.data.get("why"))


def newest(event: Event | None) -> str | None:
    """The newest thing that an agent did, in a line."""
    if event is None:
        return None
    detail = next((str(event.data[k]) for k in ("text", "name", "reason", "error") if event.data.get(k)), "")
    return f"{event.kind}: {detail}"[:SHORT] if detail else event.kind


def _waits(look: Snapshot, now: float) -> str | None:
    """What to say of a job whose units all wait for their time."""
    if look.job.status not in WORKING or look.counts[UnitStatus.RUNNING] or look.waits_until is None:
        return None
    if look.waits_until.timestamp() <= now:
        return None
    return (
        f"nothing to do: the next of {ledger.units(look.counts[UnitStatus.PENDING])} goes on at "
        f"{look.waits_until.astimezone():%H:%M:%S} ({look.waits_for}); get_unit shows why it failed"
    )


def _spending(look: Snapshot) -> answers.Spending:
    job = look.job
    return answers.Spending(
        budget_usd=job.options.budget_usd,
        reserved_usd=round(look.reserved_usd, 6),
        wasted_usd=round(max(0.0, job.wasted_usd), 6),
        saved_usd=round(job.saved_usd, 6),
    )


PAUSE_WAYS_OUT = {
    Pause.USER: "call control_job(action=resume) to go on",
    Pause.QUOTA: "nothing to do: it goes on by itself at resume_at, first with one unit; start_job tries at once",
    Pause.BUDGET: "raise the cap that detail names with control_job(action=set, budget_usd=…), and it goes on",
    Pause.CREDENTIAL: "no usable credential: the API refused it (get_unit says how), or the supervisor was restarted "
    "and has none, for they are kept in memory only; set it in this server's environment, then call start_job",
    Pause.MODEL: "the model was not found; create the job again with another options.model",
    Pause.MEMORY: "nothing to do: it goes on by itself when there is memory for an agent",
    Pause.DISK: "free some space on the disk; it goes on by itself",
    Pause.BREAKER: "look at failures and at the example with get_unit; mend the cause, then start_job, and retry_units "
    "with the signature for those that failed",
    Pause.MACHINE: "agents could not be started here (get_unit and supervisor.log say why); mend that, then start_job",
    Pause.CLI: "the Claude Code CLI was not found; run `batchproc doctor`, then call start_job",
    Pause.SANDBOX: "run `batchproc doctor` and install what it names, then call start_job; or choose another profile",
    Pause.APPROVAL: "a person allows it with `batchproc approve`, then call start_job; if detail says that a check was "
    "changed, do what it says",
}


def _next_after_status(look: Snapshot) -> str:
    job = look.job
    match job.status:
        case JobStatus.ENUMERATING:
            return "the source is being read; wait with get_status(wait_s=45)"
        case JobStatus.READY:
            needs = approvals.needed(job.options) is not None
            return (
                "a person approves it (`batchproc approve`, or this client asks); then start_job"
                if needs
                else ("call start_job")
            )
        case JobStatus.PILOT:
            back = "" if job.approved_trial is None else "; control_job(action=pause, drain=false) stops it"
            return f"the pilot runs; call get_status(wait_s=45) until status is review{back}"
        case JobStatus.REVIEW:
            return f"show the user the pilot's answers and the quote. {present_plan.how(look)}"
        case JobStatus.RUNNING:
            return "call get_status(wait_s=45) for news; get_results shows what is finished"
        case JobStatus.PAUSED:
            return PAUSE_WAYS_OUT[Pause(job.reason)] if job.reason in set(Pause) else "call start_job to go on"
        case JobStatus.COMPLETED:
            return (
                "call get_results, or query_results and export_results for all of them; review_units draws some for "
                "the user to judge; retry_units asks for units again, update_source takes in what changed in the source"
            )
        case JobStatus.FAILED:
            return "mend the source or the instructions and create the job again"
        case JobStatus.CANCELLED:
            return "call get_results for what was finished; retry_units(status=cancelled) takes it up again"


def job_list(page: Sequence[Job], limit: int, counts: Mapping[int, Mapping[str, int]]) -> answers.JobList:
    shown = page[:limit]
    return answers.JobList(
        jobs=[answers.JobLine(**job_line(job, counts[job.number])) for job in shown],
        next_cursor=str(shown[-1].number) if len(page) > limit else None,
    )


def job_line(job: Job, counts: Mapping[str, int]) -> dict[str, Any]:
    """What every list says of a job."""
    return {
        "ledger": ledger.words(counts, job),
        "priority": job.priority,
        "job_id": job.job_id,
        "name": job.name,
        "status": job.status,
        "reason": job.reason,
        "total_units": job.total_units or job.units_read,
        "percent": percent(counts, job.total_units),
        "cost_usd": round(job.cost_usd, 6),
        "created_at": words.stamp(job.created_at),
    }


def enumerator_list(catalogue: Sequence[Mapping[str, Any]]) -> answers.EnumeratorList:
    return answers.EnumeratorList(
        enumerators=[
            answers.EnumeratorAnswer(
                type=kind["type"], about=kind["about"], json_schema=dict(kind["schema"]), example=dict(kind["example"])
            )
            for kind in catalogue
        ]
    )


def supervisor(hello: Mapping[str, Any] | None, *, alive: bool) -> answers.SupervisorAnswer:
    known = {} if hello is None else {k: hello[k] for k in ("pid", "epoch", "since", "guard", "jobs", "agents")}
    return answers.SupervisorAnswer(alive=alive, **known)


def dashboard(found: Mapping[str, Any] | None) -> answers.DashboardAnswer:
    """What the dashboard said when it was asked for a link."""
    if found is None:
        return answers.DashboardAnswer(
            url=None, port=None, pid=None, message="no dashboard serves; open_dashboard does"
        )
    said = "the link opens the dashboard once, within ten minutes; after that the browser stays signed in for 30 days"
    return answers.DashboardAnswer(url=found["link"], port=found["port"], pid=found["pid"], message=said)
