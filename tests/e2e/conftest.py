"""A house of one's own for each test: a store, a scripted model, and a supervisor that is gone afterwards."""

import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from batchproc import app, settings
from batchproc.agents.rehearsal import Call, RehearsalModel, Reply
from batchproc.launcher import Launcher, scrubbed
from batchproc.models import JobOptions, JobSpec
from batchproc.platform import processes
from batchproc.service import BatchService
from tests.conftest import wait_until

ENDED = {"completed", "failed", "paused", "cancelled"}


class House:
    """Everything a test needs to be a user: the verbs of the service, and the model that the agents talk to."""

    def __init__(self, service: BatchService, model: RehearsalModel, environ: Mapping[str, str]) -> None:
        self.service, self.model, self.environ = service, model, environ
        self.settings = settings.load(environ)
        self.home = self.settings.home
        self.launcher = Launcher(self.settings, environ)

    async def create(self, instructions: str, enumerator: dict, **options):
        spec = JobSpec(name="a job", instructions=instructions, enumerator=enumerator, options=JobOptions(**options))
        return await self.service.create_job(spec)

    async def start(self, job_id: str):
        """Let all of a job run, without a pilot."""
        return await self.service.start_job(job_id, confirmed=True, skip_pilot=True)

    async def run(self, instructions: str, enumerator: dict, limit_s: float = 60, **options):
        """Create, start all of it and wait for the end; returns the last status."""
        created = await self.create(instructions, enumerator, **options)
        await self.start(created.job_id)
        return await self.ended(created.job_id, limit_s)

    async def ended(self, job_id: str, limit_s: float = 60):
        async def look():
            status = await self.service.get_status(job_id)
            return status if status.status in ENDED else None

        return await wait_until(look, f"{job_id} has ended", limit_s)

    async def reviewed(self, job_id: str, limit_s: float = 60):
        """Wait until the pilot has ended."""

        async def look():
            status = await self.service.get_status(job_id)
            return status if status.status == "review" else None

        return await wait_until(look, f"{job_id} is in review", limit_s)

    async def results(self, job_id: str, **more):
        return (await self.service.get_results(job_id, limit=200, **more)).results


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    """Of a user with a home of his own and no credential."""
    own = {"HOME": str(tmp_path / "user"), "BATCHPROC_HOME": str(tmp_path / "store")}
    quick = {"BATCHPROC_BACKOFF_S": "0.1", "BATCHPROC_GRACE_S": "5", "BATCHPROC_IDLE_S": "20"}
    (tmp_path / "user").mkdir(exist_ok=True)
    return {**scrubbed(os.environ), **own, **quick, **more}


def answer_ok(call: Call) -> Reply:
    return Reply(text="RESULT: ok")


@pytest.fixture
async def house(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """A house whose model answers as the test's `script` marker says: @pytest.mark.script.with_args(function)."""
    marker = request.node.get_closest_marker("script")
    async with RehearsalModel(marker.args[0] if marker else answer_ok) as model:
        extra = marker.kwargs if marker else {}
        environ = environment(tmp_path, **{**model.environment(), **extra})
        async with app.open_service(settings.load(environ), environ) as service:
            yield House(service, model, environ)
        await put_to_rest(Launcher(settings.load(environ), environ))


async def put_to_rest(launcher: Launcher) -> None:
    """End the supervisor and see that it is gone, with everything it started."""
    hello = await launcher.hello()
    if hello is None:
        return
    who = processes.identity(hello["pid"])
    await launcher.stop(now=True)
    await wait_until(lambda: not launcher.is_alive and (who is None or not processes.is_alive(who)), "it is gone", 10)
