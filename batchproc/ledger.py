"""Pure: the counts of a job's units in words. They lead every face, and always add up to the total."""

from collections.abc import Mapping
from datetime import datetime

from batchproc.models import Job, JobStatus

ORDER = ("succeeded", "flagged", "failed", "skipped", "cancelled", "running", "pending")


BEFORE_THE_REST = {JobStatus.PILOT: "pilot first", JobStatus.REVIEW: "in review"}


def words(counts: Mapping[str, int], job: Job | None = None) -> str:
    """`4,912 succeeded · 41 flagged · 12 failed · 35 pending (quota until 02:10)`; times are this machine's."""
    said = [f"{counts[status]:,} {status}" for status in ORDER if counts.get(status)]
    if job is not None and (why := waiting(job)) is not None and counts.get("pending"):
        said[-1] += f" ({why})"
    return " · ".join(said) or "no units"


def units(n: int) -> str:
    """`1 unit`, `5,000 units`."""
    return f"{n:,} unit{'' if n == 1 else 's'}"


def waiting(job: Job) -> str | None:
    """Why the job's pending units do not run: `quota until 02:10`; None if they do, or may."""
    if job.status in BEFORE_THE_REST:
        return BEFORE_THE_REST[job.status]
    if job.status is not JobStatus.PAUSED:
        return None
    if job.reason == "quota" and job.resume_at is not None:
        return f"quota until {clock(job.resume_at)}"
    return job.reason


def clock(moment: datetime) -> str:
    """The time of day here, with the date if that is not today."""
    local, now = moment.astimezone(), datetime.now().astimezone()
    return f"{local:%H:%M}" if local.date() == now.date() else f"{local:%b %d, %H:%M}"
