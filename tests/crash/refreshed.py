"""A job over a table whose units have run, and a process that reads the table anew: it may die at a named point.

`python -m tests.crash.refreshed JOB VERB WHEN K [confirmed]`, in the environment of the house.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from batchproc import settings, staleness
from batchproc.models import Credential, JobOptions, JobSpec, Settlement, UnitStatus
from batchproc.service import BatchService
from batchproc.store import attempts, claims, db, jobs, processes
from tests.crash import points
from tests.crash.scripted_house import MODEL, ScriptedHouse, ScriptedLauncher

STEP = 2_000
NOW = 1_800_000_000.0


def write(path: Path, n: int, *, changed: range = range(0), gone: range = range(0), new: int = 0) -> None:
    """`n` rows and `new` ones after them; the `changed` ones say something else, the `gone` ones are not there."""
    rows = (f"k{i},name {i}{' changed' if i in changed else ''}\n" for i in range(n + new) if i not in gone)
    path.write_text("id,name\n" + "".join(rows))


async def ran(house: ScriptedHouse, path: Path) -> tuple[str, int]:
    """A completed job over the table; its id and number. Its units ended as a supervisor writes it, without agents."""
    source = {"type": "csv", "file_path": str(path), "id_column": "id"}
    options = JobOptions(model=MODEL, profile="answer", breaker=0, budget_usd=1_000, max_concurrency=32)
    spec = JobSpec(name="scripted", instructions="Do {{ name }}", enumerator=source, options=options)
    job_id = (await house.service.create_job(spec)).job_id
    job = await house.read(jobs.by_id, job_id)
    epoch = await house.store.write(processes.take_over, process="1:x:y", guard="none", now=NOW)
    await house.store.write(jobs.start, job.number, credential=Credential.LOGIN, now=NOW)
    known = staleness.Fingerprints(job)
    while claimed := (await house.store.write(claims.claim, job.number, epoch=epoch, limit=STEP, now=NOW)).units:
        ends = [(unit.fence, _end(known, unit)) for unit in claimed]
        await asyncio.gather(*(house.store.write(attempts.settle, fence, end, now=NOW) for fence, end in ends))
    await house.store.write(processes.retire, epoch, why="idle", now=NOW)
    return job_id, job.number


def _end(known: staleness.Fingerprints, unit: Any) -> Settlement:
    digest = staleness.input_of(unit.key, unit.payload, None)
    mark = known.of(unit.key, unit.payload, input=digest)
    said = {"text": f"said of {unit.payload['name']}", "input": digest, "fingerprint": mark}
    return Settlement(status=UnitStatus.SUCCEEDED, outcome="succeeded", started=False, **said)


async def main(job_id: str, verb: str, when: str, k: str, *how: str) -> None:
    known = settings.load()
    async with db.Database(known.home) as store:
        service = BatchService(store, ScriptedLauncher(known, os.environ), known)
        if how:
            await service.update_source(job_id)
        points.arm(points.Point(verb=verb, when=when, k=int(k)))
        await service.update_source(job_id, confirmed=bool(how))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
