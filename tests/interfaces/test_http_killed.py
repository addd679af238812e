"""The dashboard may be killed: the job does not notice, and the next dashboard goes on where the last one was."""

import asyncio
import itertools
from pathlib import Path

import pytest

from batchproc import settings
from batchproc.agents.rehearsal import Call, RehearsalModel, Reply
from batchproc.dashboards import Dashboards
from batchproc.launcher import Launcher
from tests.conftest import wait_until
from tests.e2e.conftest import environment, put_to_rest
from tests.interfaces.serving import Server, gone

UNITS = 40


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_job_does_not_notice_that_the_dashboard_is_killed_ten_times(tmp_path: Path) -> None:
    killed = asyncio.Event()
    answered = itertools.count(1)

    async def script(call: Call) -> Reply:
        """Half of the units while it is killed; the others end when it was killed for the last time."""
        if next(answered) > UNITS // 2:
            await killed.wait()
        return Reply(text="RESULT: ok", delay_s=0.4)

    async with RehearsalModel(script) as model:
        environ = environment(tmp_path, **model.environment())
        known = settings.load(environ)
        way = Dashboards(known, environ)
        server = Server(environ, await way.ensure())
        port = server.hello["port"]
        await way.link()  # brings what the job is paid with
        source = {"type": "list", "items": [{"name": f"n{n}"} for n in range(UNITS)], "key_field": "name"}
        spec = {"name": "n", "instructions": "Greet {{ name }}.", "enumerator": source}
        _, created = await server.ask("POST", "/jobs", spec)
        job = created["job_id"]
        status, started = await server.ask("POST", f"/jobs/{job}/start", {"confirmed": True, "skip_pilot": True})
        assert status == 200, started
        supervisor = (await Launcher(known, environ).hello())["pid"]
        for n in range(10):
            looking = asyncio.create_task(server.ask("GET", f"/jobs/{job}?wait_s=30"))
            await asyncio.sleep(0.1 + n % 5 / 10)  # the moment of the kill is the random thing
            assert not looking.done() or (await looking)[1]["status"] == "running"
            await server.kill()
            await asyncio.gather(looking, return_exceptions=True)
            server = Server(environ, await way.ensure())
            assert server.hello["port"] == port
        _, look = await server.ask("GET", f"/jobs/{job}")
        assert look["status"] == "running" and look["counts"]["succeeded"] > 0
        killed.set()

        async def ended():
            return (await server.ask("GET", f"/jobs/{job}"))[1]["status"] == "completed"

        await wait_until(ended, "the job has ended", 120)
        _, look = await server.ask("GET", f"/jobs/{job}")
        assert look["counts"]["succeeded"] == UNITS
        assert (await Launcher(known, environ).hello())["pid"] == supervisor
        _, page = await server.ask("GET", f"/jobs/{job}/units?limit=200")
        assert all(unit["attempts"] == 1 for unit in page["units"]) and page["total"] == UNITS
        await gone(way)
        await put_to_rest(Launcher(known, environ))
