"""A place of its own for each run: a folder that is removed, a user without credentials, a supervisor that is gone."""

import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from batchproc import app, settings
from batchproc.answers import CreatedJob
from batchproc.launcher import Launcher, scrubbed
from batchproc.models import JobOptions, JobSpec
from batchproc.service import BatchService
from batchproc.store import db, jobs
from tests import conftest
from tests.e2e.conftest import put_to_rest

ROOT = Path(__file__).resolve().parent.parent
OPTIONS = replace(conftest.OPTIONS, max_concurrency=8)


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """Below TMPDIR. Keep that on a disk: in memory, `fsync` costs nothing and the store's ratios mean less."""
    with tempfile.TemporaryDirectory(prefix="bp-bench-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def environment(place: Path, **more: str) -> dict[str, str]:
    """Of a user with a home of his own and no credential."""
    (place / "user").mkdir(exist_ok=True)
    own = {"HOME": str(place / "user"), "BATCHPROC_HOME": str(place / "store"), "BATCHPROC_ENUMERATE_S": "120"}
    return {**scrubbed(os.environ), **own, **more}


@contextlib.asynccontextmanager
async def service(environ: Mapping[str, str]) -> AsyncIterator[BatchService]:
    """The service over that user's store. What supervisor it started has ended afterwards."""
    chosen = settings.load(environ)
    async with app.open_service(chosen, environ) as opened:
        try:
            yield opened
        finally:
            await put_to_rest(Launcher(chosen, environ))


async def create(opened: BatchService, instructions: str, enumerator: dict[str, Any], **options: Any) -> CreatedJob:
    spec = JobSpec(name="benchmark", instructions=instructions, enumerator=enumerator, options=JobOptions(**options))
    return await opened.create_job(spec)


async def empty_job(store: db.Database) -> int:
    """The number of a job whose source is being read, under `jobs.FIRST_READING`, and that has no units yet."""
    spec = JobSpec(name="benchmark", instructions="do", enumerator={"type": "list"})
    job, _ = await store.write(jobs.create, spec, OPTIONS, reader="benchmark", now=time.time())
    return job.number


async def run(*argv: str | Path, environ: Mapping[str, str] | None = None) -> str:
    """Run a program to its end; its standard output. Raises RuntimeError with its last words if it fails."""
    child = await asyncio.create_subprocess_exec(
        *argv,
        cwd=ROOT,
        env=environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await child.communicate()
    if child.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv))[:200]} ended with {child.returncode}: {err.decode()[-500:]}")
    return out.decode()
