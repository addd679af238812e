"""An attempt under way: what it needs, and what is known of it while it runs."""

import asyncio
from dataclasses import dataclass

from batchproc.models import Claimed, Intent, Job, PromisedFile, Report
from batchproc.redaction import Redactor
from batchproc.supervisor import chronicle, tasks
from batchproc.supervisor.limits import Key


@dataclass(kw_only=True, slots=True)
class Ongoing:
    """`began` is monotonic, `key` its lane, `halt` what somebody wants of it. It `waits` where another one
    writes to the prompt cache what it will read."""

    job: Job
    unit: Claimed
    began: float
    redactor: Redactor
    key: Key
    task: asyncio.Task[None] | None = None
    waits: bool = False
    is_started: bool = False
    tools_run: int = 0
    report: Report | None = None
    halt: Intent | None = None
    done_for: tasks.DoneFor = tasks.NOTHING
    files: tuple[PromisedFile, ...] = ()

    @property
    def about(self) -> dict[str, int | None]:
        """What a line of the log is about that tells of it."""
        return chronicle.about(self.job.number, self.unit.fence.unit)
