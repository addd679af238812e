"""Pages: how many at a time, and where the next one begins. A cursor is opaque to whoever passes it on."""

from batchproc.errors import InvalidJob
from batchproc.models import Job


def require_limit(limit: int) -> None:
    if not 1 <= limit <= 200:
        raise InvalidJob("limit", limit, "give a number between 1 and 200")


def unit_after(job: Job, text: str | None) -> int:
    """The unit after which a page of this job's results goes on; a cursor of another job is refused."""
    mine, dot, unit = (text or f"{job.number}.0").partition(".")
    if mine != str(job.number) or not dot:
        raise InvalidJob(
            "cursor", text, f"it is not of job {job.job_id}; pass next_cursor of its page before, unchanged"
        )
    return number_in(unit, 0)


def number_in(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not text.isdecimal() or len(text) > 18:
        raise InvalidJob("cursor", text, "pass next_cursor of the page before, unchanged, or leave it out")
    return int(text)


def unit_place(job: Job, text: str | None) -> tuple[int, int]:
    """The unit after which a page of this job's units goes on, and how many came before it."""
    place, dot, before = (text or f"{job.number}.0.0").rpartition(".")
    if not dot or "." not in place:
        raise InvalidJob(
            "cursor", text, f"it is not of units of job {job.job_id}; pass next_cursor of the page before, unchanged"
        )
    return unit_after(job, place), number_in(before, 0)


def unit_cursor(job: Job, unit: int, before: int) -> str:
    """What `unit_place` takes apart."""
    return f"{job.number}.{unit}.{before}"
