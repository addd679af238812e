"""What every test may use: a store in a directory of its own, and waiting for facts."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from batchproc.models import AgentOptions, Job, JobSpec, Profile
from batchproc.store import db, jobs, readings, units

# Timings never decide a test, on however slow or busy a machine.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

OPTIONS = AgentOptions(
    model=None,
    profile=Profile.ANSWER,
    max_concurrency=4,
    max_attempts=4,
    timeout_s=60,
    max_turns=None,
    working_directory=None,
    system_prompt=None,
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[db.Database]:
    async with db.Database(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def make_job(store: db.Database) -> Callable[..., Awaitable[Job]]:
    """A ready job with `n` units whose keys are u1…un."""

    async def make(n: int = 3, name: str = "a job", key: str | None = None) -> Job:
        spec = JobSpec(name=name, instructions="do", enumerator={"type": "list"}, idempotency_key=key)
        job, _ = await store.write(jobs.create, spec, OPTIONS, reader="test", now=time.time())
        token = jobs.FIRST_READING
        chunk = json.dumps([(f"u{i}", {"value": 1}, i) for i in range(1, n + 1)])
        await store.write(units.add_many, job.number, token, chunk)
        return await store.write(readings.publish, job.number, token, now=time.time())

    return make


PATIENCE = 4
"""How much longer than their limit tests wait for a fact: how busy the machine is decides none of them."""


async def wait_until(
    fact: Callable[[], object | Awaitable[object]], name: str, limit_s: float, patience: float = PATIENCE
) -> object:
    """Wait for a fact with a name and a limit; returns it. `patience=1` where the limit itself is a promise."""
    deadline = time.monotonic() + limit_s * patience
    while True:
        found = fact()
        if isinstance(found, Awaitable):
            found = await found
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {limit_s * patience:g} s: {name}")
        await asyncio.sleep(0.02)
