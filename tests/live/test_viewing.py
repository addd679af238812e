"""A real job, a real dashboard in a process of its own, and many who look on: what it costs, how late, what is lost."""

import asyncio
import json
import os
import random
import signal
import sqlite3
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from batchproc.agents.rehearsal import Reply
from tests.conftest import wait_until
from tests.interfaces.serving import serving
from tests.live.support import Client

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]
VIEWERS = 50
PHASE_S = 8.0
QUIET = {"BATCHPROC_IDLE_S": "60"}


def talkative(call):
    """Says something, uses a tool, and answers, all in some seconds."""
    if call.turn < 8:
        path = call.prompt.rpartition(" ")[2].strip()
        return Reply(text=f"Step **{call.turn}** with `{path}`", tools=[("Read", {"file_path": path})], delay_s=0.1)
    return Reply(text="RESULT: **ok**", delay_s=0.1)


def chatty(call):
    """The same, forty times and faster."""
    path = call.prompt.rpartition(" ")[2].strip()
    return Reply(
        text=f"Step {call.turn}", tools=[("Read", {"file_path": path})] if call.turn < 40 else (), delay_s=0.02
    )


async def begun(house, n: int = 400, **options):
    folder = house.home.parent / "work"
    folder.mkdir()
    (folder / "note.txt").write_text("a line\n" * 20)
    source = {"type": "list", "items": list(range(n))}
    where = {"profile": "read-only", "working_directory": str(folder), "breaker": 0, "budget_usd": 1000}
    created = await house.create(f"Do {{{{ value }}}} with {folder / 'note.txt'}", source, **where, **options)
    await house.start(created.job_id)
    await wait_until(lambda: house.model.in_flight >= 1, "agents run", 30)
    return created.job_id


def spent(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def written(home: Path, where: str = "1", after: int = 0) -> list[int]:
    with sqlite3.connect(f"file:{home / 'batch.db'}?mode=ro", uri=True) as db:
        sql = "SELECT e.seq FROM events e LEFT JOIN jobs j ON j.number = e.job LEFT JOIN units u ON u.number = e.unit"
        found = [row[0] for row in db.execute(f"{sql} WHERE e.seq > {after} AND {where} ORDER BY e.seq")]
    db.close()
    return found


def filters(job_id: str) -> list[dict]:
    """Viewers as there are: jobs, a job, its units, one unit."""
    return [
        {"ticks": "true"},
        {"job_id": job_id},
        {"job_id": job_id, "kind": ["unit.", "job."]},
        {"kind": ["agent.text", "agent.tool_use"]},
        {"job_id": job_id, "key": "7"},
    ]


@pytest.mark.script.with_args(talkative, **QUIET)
async def test_fifty_viewers_cost_the_house_little_and_hear_in_half_a_second(house):
    """Of both processes together: the one that serves them is to take no more than a supervisor that served would."""
    job_id = await begun(house, max_concurrency=3)
    supervisor = (await house.launcher.hello())["pid"]
    async with serving(house.environ) as server:
        of = {"supervisor": supervisor, "server": server.hello["pid"]}
        costs = {(name, who): 0.0 for name in of for who in ("nobody", "viewers")}
        late: list[float] = []
        for _ in range(3):
            for who in ("nobody", "viewers"):
                async with AsyncExitStack() as stack:
                    if who == "viewers":
                        await look_on(stack, server, job_id, late)
                    before = {name: spent(pid) for name, pid in of.items()}
                    await asyncio.sleep(PHASE_S)
                    for name, pid in of.items():
                        costs[name, who] += (spent(pid) - before[name]) / PHASE_S / 3
    late.sort()
    caused = sum(costs[name, "viewers"] - costs[name, "nobody"] for name in of)
    p50, p95 = late[len(late) // 2], late[len(late) * 95 // 100]
    said = {f"{name} with {who}": f"{100 * cost:.1f} % of a core" for (name, who), cost in costs.items()}
    said["caused"] = f"{100 * caused:.1f} % of a core"
    print(json.dumps({**said, "lines heard": len(late), "p50_ms": round(p50 * 1000), "p95_ms": round(p95 * 1000)}))
    assert len(late) > 1_000
    assert caused <= 0.10
    assert p95 <= 0.5


async def look_on(stack: AsyncExitStack, server, job_id: str, late: list[float]) -> None:
    """Fifty viewers, until the stack closes; `late` gets how long after its moment each line was there."""

    async def listen(client: Client) -> None:
        async for said in client.messages():
            now = time.time()
            if said.event == "events":
                late.extend(now - _moment(line["at"]) for line in said.data)

    listeners = []
    for number in range(VIEWERS):
        kinds = filters(job_id)
        client = Client(server.hello["port"], kinds[number % len(kinds)], server.headers)
        await stack.enter_async_context(client)
        assert client.status == 200
        listeners.append(asyncio.create_task(listen(client)))
    stack.callback(lambda: [task.cancel() for task in listeners])


def _moment(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


@pytest.mark.script.with_args(chatty, **QUIET)
async def test_two_hundred_reconnects_lose_and_repeat_nothing_while_supervisors_die_and_jobs_go(house):
    job_id = await begun(house, max_concurrency=3)
    doomed = await house.create("Do {{ value }}", {"type": "list", "items": list(range(3_000))})
    chance = random.Random(6)
    wheres = {
        "1": {},
        f"j.job_id = '{job_id}'": {"job_id": job_id},
        f"j.job_id = '{job_id}' AND (e.kind LIKE 'unit.%' OR e.kind = 'agent.text')": {
            "job_id": job_id,
            "kind": ["unit.", "agent.text"],
        },
        f"j.job_id = '{job_id}' AND u.key = '1'": {"job_id": job_id, "key": "1"},
    }
    async with serving(house.environ) as server:
        start = written(house.home)[-1]
        over = asyncio.Event()
        coming = [asyncio.create_task(come_and_go(server, query, start, chance, over)) for query in wheres.values()]
        careless = asyncio.create_task(come_and_go(server, {}, start, chance, over, too_far=1))
        await asyncio.sleep(3)
        await house.service.delete_job(doomed.job_id)
        await asyncio.sleep(3)
        first = await house.launcher.hello()
        os.kill(first["pid"], signal.SIGKILL)
        await wait_until(lambda: not house.launcher.is_alive, "it is dead", 10)
        await asyncio.sleep(1)
        await house.start(job_id)
        assert (await house.launcher.hello())["epoch"] == first["epoch"] + 1
        async with asyncio.timeout(100):
            await wait_until(lambda: all(task.done() or task.get_name() == "enough" for task in coming), "200", 90)
        await house.service.control_job(job_id, "pause", drain=False)
        await asyncio.sleep(2)
        end = written(house.home)[-1]
        over.set()
        heard = [await task for task in coming]
        for (where, query), got in zip(wheres.items(), heard, strict=True):
            rows = [seq for seq in written(house.home, where, start) if seq <= end]
            assert rows, where
            assert [seq for seq in got if seq <= end] == rows, query
        print(json.dumps({"reconnects": 200, "events heard": [len(got) for got in heard]}))
        lost = set(heard[0]) - set(await careless)  # the negative control: one that goes on one too far
        assert lost, "what is lost would not be seen"


async def come_and_go(server, query, start: int, chance: random.Random, over: asyncio.Event, too_far=0) -> list[int]:
    """What a client hears that comes back 50 times, at moments of no meaning, and then stays until it is over."""
    heard: list[int] = []
    last = str(start)
    for _ in range(50):
        async with Client(server.hello["port"], query, server.headers, last=last) as client:
            assert client.status == 200
            came_back = last
            last = await hear(client, heard, chance.choice((0.02, 0.2, 0.6, 1.5)) * chance.random())
            last = last if last == came_back else str(int(last) + too_far)
    task = asyncio.current_task()
    assert task is not None
    task.set_name("enough")
    async with Client(server.hello["port"], query, server.headers, last=last) as client:
        await over.wait()
        await hear(client, heard, 2.0)
    return heard


async def hear(client: Client, heard: list[int], seconds: float) -> str:
    """For so long; returns the id to come back with, which is that of the last message that was taken."""
    try:
        async with asyncio.timeout(seconds):
            async for said in client.messages():
                heard += [line["seq"] for line in said.data]
    except TimeoutError:
        pass
    return client.last


@pytest.mark.script.with_args(talkative, BATCHPROC_IDLE_S="1")
async def test_who_looks_on_does_not_keep_a_supervisor_awake_and_hears_of_the_next_one(house):
    hello = await house.launcher.ensure()
    async with serving(house.environ) as server, Client(server.hello["port"], {}, server.headers) as client:
        await wait_until(lambda: not house.launcher.is_alive, "it has ended, though somebody looks on", 15)
        again = await house.launcher.ensure()
        kinds = [line["kind"] for line in await client.take(2)]
        assert "supervisor.started" in kinds
        assert again["epoch"] == hello["epoch"] + 1
