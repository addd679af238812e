"""What became of an order: pause, cancel, retry, delete; worded once, for every face. Pure."""

from collections.abc import Mapping

from batchproc import answers, ledger
from batchproc.models import Job, JobStatus, UnitStatus
from batchproc.store.control import Cancelled
from batchproc.store.status import Snapshot


def controlled(look: Snapshot, message: str) -> answers.ControlledJob:
    job = look.job
    return answers.ControlledJob(
        ledger=ledger.words(look.counts, job),
        job_id=job.job_id,
        status=job.status,
        reason=job.reason,
        detail=job.detail,
        counts=dict(look.counts),
        cancelling=look.cancelling,
        max_concurrency=job.options.max_concurrency,
        budget_usd=job.options.budget_usd,
        priority=job.priority,
        message=message,
    )


def said_of_control(action: str, changes: Mapping[str, float | None], look: Snapshot, *, drain: bool) -> str:
    done = [_set(name, value) for name, value in changes.items()]
    running = look.counts[UnitStatus.RUNNING]
    if action == "pause":
        ends = "run to their end" if drain else "are stopped and go back to the queue"
        done.append(f"nothing more is started; running units ({running}) {ends}" if running else "nothing runs")
    if action == "resume":
        done.append("it runs")
    return "; ".join(done)


def _set(name: str, value: float | None) -> str:
    if value is None:
        return f"{name} is taken away" + ("; the default is a tenth of budget_usd" if name == "unit_budget_usd" else "")
    return f"{name} is {value:g} now"


def said_of_paused_again(job: Job) -> str:
    """What held it before may hold it still."""
    return f"it is paused again at once ({job.reason}): {job.detail or 'get_status says why'}"


def said_of_resume(look: Snapshot, started: str) -> str:
    """What its start said is true until it pauses again."""
    return said_of_paused_again(look.job) if look.job.status is JobStatus.PAUSED else started


def said_of_cancel(look: Snapshot, *, cancelled: bool) -> str:
    if look.job.status is not JobStatus.CANCELLED:
        if cancelled:
            return "cancelled; but somebody has asked for units again meanwhile, and these run"
        return f"it had ended before ({look.job.status}); nothing was changed"
    running = look.counts[UnitStatus.RUNNING]
    stopping = f"; {running} running agents are being stopped" if running else ""
    return f"cancelled{stopping}. What was final stays; retry_units(status=cancelled) takes the rest up again"


def said_of_units(done: Cancelled) -> str:
    parts = [
        f"{ledger.units(done.cancelled)} cancelled" if done.cancelled else "",
        f"{ledger.units(done.cancelling)} being stopped" if done.cancelling else "",
        f"{ledger.units(done.final)} had ended before" if done.final else "",
    ]
    return "; ".join(part for part in parts if part)


def said_of_retry(count: int, job: Job) -> str:
    if not count:
        return "no unit matches; nothing was changed"
    waits = {
        JobStatus.PAUSED: "; the job is paused, and goes on with control_job(action=resume)",
        JobStatus.READY: "; start_job lets them run",
    }.get(job.status, "")
    units = (
        "1 unit is asked for again, with all its attempts before it"
        if count == 1
        else (f"{count:,} units are asked for again, with all their attempts before them")
    )
    return units + waits


def deleted(job: Job, counts: Mapping[str, int]) -> answers.DeletedJob:
    message = "the job, its units, results, events and files are gone"
    message += f"; what it published in {job.options.output_base} stays" if job.options.outputs else ""
    return answers.DeletedJob(
        ledger=ledger.words(counts), job_id=job.job_id, status="deleted", counts=dict(counts), message=message
    )
