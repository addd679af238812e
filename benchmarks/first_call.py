"""first_call: from `start_job` to the first API call, when nothing runs yet, against the two starts it cannot avoid.

Ours, on a fresh store without a supervisor: the supervisor is spawned, takes the store over, probes how agents can be
tied to it, claims the unit, imports the Agent SDK, starts the CLI under its guard, and the CLI makes its call, to a
scripted model in this process. The peer is the sum of what any program on the Agent SDK pays: `import claude_agent_sdk`
in a fresh Python (the import alone, without Python's own start), plus one start of the bundled CLI, from spawning
`claude -p hi` until its call arrives at the same model. The credential of both is the model's environment.
"""

import asyncio
import sys
import time

from batchproc.agents import guard
from batchproc.agents.rehearsal import Call, RehearsalModel, Reply
from benchmarks import house
from benchmarks.comparison import Row, in_turns

ROUNDS = 3
LIMIT_S = 30
IMPORT = "import time; t = time.perf_counter(); import claude_agent_sdk; print(time.perf_counter() - t)"


class Door:
    """A model that remembers when its first call came."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.at = 0.0

    def answer(self, call: Call) -> Reply:
        if not self.opened.is_set():
            self.at = time.perf_counter()
            self.opened.set()
        return Reply(text="RESULT: ok")

    async def first_call(self) -> float:
        async with asyncio.timeout(LIMIT_S):
            await self.opened.wait()
        return self.at


async def measure() -> list[Row]:
    ours, peer = await in_turns(ROUNDS, _ours, _peer)
    return [Row(name="first_call", ours=ours, peer=peer, unit="s", floor=2.0, sense="≤")]


async def _ours() -> float:
    door = Door()
    with house.folder() as place:
        async with (
            RehearsalModel(door.answer) as model,
            house.service(house.environment(place, **model.environment())) as opened,
        ):
            created = await house.create(opened, "Say hi.", {"type": "list", "items": ["hi"]})
            begun = time.perf_counter()
            await opened.start_job(created.job_id, confirmed=True, skip_pilot=True)
            return await door.first_call() - begun


async def _peer() -> float:
    return await _sdk_import() + await _cli_start()


async def _sdk_import() -> float:
    return float(await house.run(sys.executable, "-c", IMPORT))


async def _cli_start() -> float:
    door = Door()
    cli = guard.find_cli()
    assert cli is not None, "there is no Claude Code here"
    with house.folder() as place:
        async with RehearsalModel(door.answer) as model:
            environ = house.environment(place, **model.environment())
            begun = time.perf_counter()
            running = asyncio.create_task(house.run(cli, "-p", "hi", environ=environ), name="claude -p")
            took = await door.first_call() - begun
            await running
            return took
