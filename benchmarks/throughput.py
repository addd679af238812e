"""throughput: 40 units through the whole product against `xargs -P N claude -p`, with a model that answers at once.

Both send the same 40 prompts through the same bundled CLI, one fresh process each, to the same scripted model in this
process; what is left is what one pays for a unit besides the model. Ours is from `start_job` until the job is
completed, with a supervisor that lives already (`first_call` measures one that does not). It also keeps every event,
guards every process tree, gives every attempt its own configuration and judges every answer; xargs throws the answers
away. There is no floor: the CLI's own start decides, and `max_concurrency` is how many of them share the cores.
"""

import asyncio
import functools
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from batchproc.agents import guard
from batchproc.agents.rehearsal import Call, RehearsalModel, Reply
from batchproc.service import BatchService
from benchmarks import house
from benchmarks.comparison import Row, in_turns

UNITS = 40
CONCURRENCY = (2, 4, 8)
ROUNDS = 3
LIMIT_S = 180
PROMPT = "Say in one word what comes to your mind about the number {}."


async def measure() -> list[Row]:
    return [await _at(n) for n in CONCURRENCY]


async def _at(concurrency: int) -> Row:
    with house.folder() as place:
        async with RehearsalModel(_answer, keep_calls=False) as model:
            environ = house.environment(place, **model.environment())
            async with house.service(environ) as opened:
                await _job(opened, 1, 1)  # the supervisor is up, the SDK imported
                ours = functools.partial(_counted, model, lambda: _job(opened, UNITS, concurrency))
                peer = functools.partial(_counted, model, lambda: _xargs(place, environ, concurrency))
                mine, other = await in_turns(ROUNDS, ours, peer)
    return Row(name=f"throughput x{concurrency} : xargs", ours=mine, peer=other, unit="units/s")


def _answer(call: Call) -> Reply:
    return Reply(text="RESULT: ok")


async def _counted(model: RehearsalModel, run: Callable[[], Awaitable[None]]) -> float:
    """Units a second, if every unit made exactly one call."""
    before, begun = model.count, time.perf_counter()
    await run()
    rate = UNITS / (time.perf_counter() - begun)
    assert model.count - before == UNITS, f"{model.count - before} calls for {UNITS} units"
    return rate


async def _job(opened: BatchService, units: int, concurrency: int) -> None:
    source = {"type": "list", "items": list(range(1, units + 1))}
    created = await house.create(opened, PROMPT.format("{{ value }}"), source, max_concurrency=concurrency)
    await opened.start_job(created.job_id, confirmed=True, skip_pilot=True)
    async with asyncio.timeout(LIMIT_S):
        while (look := await opened.get_status(created.job_id)).status != "completed":
            assert look.status == "running", look
            await asyncio.sleep(0.05)
    assert look.counts["succeeded"] == units, look.counts


async def _xargs(place: Path, environ: Mapping[str, str], concurrency: int) -> None:
    cli = guard.find_cli()
    assert cli is not None, "there is no Claude Code here"
    prompts = b"".join(PROMPT.format(n).encode() + b"\0" for n in range(1, UNITS + 1))
    (place / "prompts").write_bytes(prompts)
    with (place / "prompts").open("rb") as source, open(os.devnull, "wb") as nowhere:
        child = await asyncio.create_subprocess_exec(
            *("xargs", "-0", "-n", "1", "-P", str(concurrency), str(cli), "-p"),
            cwd=place,
            env=environ,
            stdin=source,
            stdout=nowhere,
            stderr=nowhere,
        )
        async with asyncio.timeout(LIMIT_S):
            assert await child.wait() == 0, "xargs or one of its agents failed"
