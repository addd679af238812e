"""What an attempt is given: the unit, rendered into a task for a worker; and what its answer is given for."""

import asyncio
from pathlib import Path
from typing import NamedTuple

from batchproc import prompts, staleness
from batchproc.errors import InvalidJob
from batchproc.models import AttemptTask, Claimed, Job
from batchproc.prompts import Prompt


class DoneFor(NamedTuple):
    """See `staleness`. Both None: it was not to be known."""

    input: str | None
    fingerprint: str | None


NOTHING = DoneFor(None, None)


def task(job: Job, unit: Claimed, home: Path) -> AttemptTask:
    """Raises `InvalidJob` if the template cannot be filled, or the unit's file is gone."""
    fence, file = unit.fence, _file(job, unit)
    if file is not None and not Path(file).is_file():
        raise InvalidJob("file_path", file, "the file is gone since the job was created")
    asked = Prompt.of(job)
    prompt, files = asked.render(unit.key, unit.payload), asked.files(unit.key, unit.payload)
    return AttemptTask(
        job_id=job.job_id,
        unit=fence.unit,
        key=unit.key,
        attempt=fence.attempt,
        prompt=prompts.going_on(unit.note, unit.mends, files) if unit.resumes else prompts.noted(prompt, unit.note),
        files=tuple(files),
        system_prompt=asked.shared(job.options.system_prompt),
        options=job.options,
        session_id=unit.session_id,
        directory=str(directory(home, job.job_id, fence.unit, fence.attempt)),
        file=file,
        root=None if file is None else file.removesuffix(str(unit.payload["relative_path"])),
        output_schema=job.options.output_schema,
        resume=unit.resumes,
    )


def _file(job: Job, unit: Claimed) -> str | None:
    return str(unit.payload["file_path"]) if job.source == "file" else None


async def done_for(job: Job, unit: Claimed) -> DoneFor:
    """Taken before its agent starts: a file that changes while the agent reads it is seen as changed afterwards."""
    try:
        content = None if job.source != "file" else await asyncio.to_thread(staleness.content, unit.payload)
    except OSError:  # its agent will say so
        return NOTHING
    digest = staleness.input_of(unit.key, unit.payload, content)
    known = staleness.Fingerprints(job)
    return DoneFor(digest, known.of(unit.key, unit.payload, input=digest, note=unit.note))


def directory(home: Path, job_id: str, unit: int, attempt: int) -> Path:
    """The attempt's own place: its scratch directory. Its agent's configuration is beside it, one for each unit."""
    return home / "agents" / job_id / str(unit) / str(attempt)
