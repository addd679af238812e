"""The service over a store that no supervisor works on, and units in every status."""

import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from batchproc.launcher import Launcher
from batchproc.models import Credential, Job, Order, Settlement, UnitStatus
from batchproc.service import BatchService
from batchproc.settings import Settings
from batchproc.store import attempts, claims, control, db, jobs, processes
from tests.store.test_units import done

ENDS = {
    "succeeded": lambda key: done(f"all is fine with {key}"),
    "flagged": lambda key: Settlement(
        status=UnitStatus.FLAGGED, outcome="flagged", text="hm", error=f"denied: {key}", signature="denied: <k>"
    ),
    "failed": lambda key: Settlement(
        status=UnitStatus.FAILED, outcome="failed", error=f"server: 500 at {key}", signature="server: <n>"
    ),
}


@pytest.fixture
def service(store: db.Database) -> BatchService:
    chosen = Settings(home=store.home)
    return BatchService(store, Launcher(chosen, os.environ), chosen)


@pytest.fixture
def run(store: db.Database) -> Callable[..., Awaitable[None]]:
    """Lets a job's next units end, or run on: `run(job, "succeeded", "failed", "running", …)`."""

    async def run(job: Job, *ends: str, now: float | None = None, **more: Any) -> None:
        now = time.time() if now is None else now
        epoch = await store.write(processes.take_over, process="1:2:3", guard="full", now=now)
        await store.write(jobs.start, job.number, credential=Credential.LOGIN, now=now)
        claim = await store.write(claims.claim, job.number, epoch=epoch, limit=len(ends), now=now)
        assert len(claim.units) == len(ends)
        for unit, end in zip(claim.units, ends, strict=True):
            if end == "cancelled":
                await store.write(control.cancel_keys, job.number, [unit.key], Order(by="test"), now=now)
                back = Settlement(status=UnitStatus.PENDING, outcome="released", reason="released")
                assert await store.write(attempts.settle, unit.fence, back, now=now + 2)
            elif end != "running":
                assert await store.write(attempts.settle, unit.fence, ENDS[end](unit.key), now=now + 2)

    return run
