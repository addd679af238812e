"""takeover: from the spawn of a supervisor to its first claim, in a store where the last one was killed amid 8 units.

Ours is a store whose one job has 100,000 units, half of them final; the peer is the same with 100. Both times hold the
start of Python, the probe of the guard, the rescue of the 8 units and the first claim. The agents are not reached: the
clock stops at the claim's event.
"""

import asyncio
import time
from pathlib import Path

from batchproc import settings
from batchproc.launcher import Launcher
from batchproc.models import Credential, Settlement, UnitStatus
from batchproc.store import attempts, claims, db, engine, jobs, processes
from benchmarks import house, table
from benchmarks.comparison import Row, in_turns

ROUNDS = 3
MANY, FEW = 100_000, 100
LOST = 8
LIMIT_S = 60
CLAIMED = "SELECT 1 FROM events WHERE kind = 'unit.claimed' AND seq > :seq LIMIT 1"


async def measure() -> list[Row]:
    ours, peer = await in_turns(ROUNDS, lambda: _first_claim(MANY), lambda: _first_claim(FEW))
    return [Row(name="takeover 100k : 100", ours=ours, peer=peer, unit="s", floor=2.0, sense="≤")]


async def _first_claim(units: int) -> float:
    with house.folder() as place:
        environ = house.environment(place)
        async with house.service(environ) as opened:
            source = table.enumerator(table.write(place / "rows.csv", units))
            created = await house.create(opened, table.INSTRUCTIONS, source, model="rehearsal")
        home = settings.load(environ).home
        async with db.Database(home) as store:
            seq = await _run_half_and_die(store, created.job_id, units)
            launcher = Launcher(settings.load(environ), environ)
            begun = time.perf_counter()
            starting = asyncio.create_task(launcher.ensure(), name="start")
            took = await _until_claimed(store, seq, home) - begun
            await starting
            await house.put_to_rest(launcher)
            return took


async def _run_half_and_die(store: db.Database, job_id: str, units: int) -> int:
    """What a supervisor leaves that was killed in the middle; the number of its last event."""
    job = await store.read(jobs.by_id, job_id)
    assert job is not None
    epoch = await store.write(processes.take_over, process="1:2:3", guard="full", now=time.time())
    await store.write(jobs.start, job.number, credential=Credential.REHEARSAL, now=time.time())
    left = units // 2
    while left > 0:
        claim = await store.write(claims.claim, job.number, epoch=epoch, limit=min(left, 2_000), now=time.time())
        end = Settlement(status=UnitStatus.SUCCEEDED, outcome="succeeded", text="ok", started=False)
        await asyncio.gather(*[store.write(attempts.settle, unit.fence, end, now=time.time()) for unit in claim.units])
        left -= len(claim.units)
    await store.write(claims.claim, job.number, epoch=epoch, limit=LOST, now=time.time())
    return await store.read(lambda tx: int(tx.execute("SELECT MAX(seq) FROM events").fetchone()[0]))


async def _until_claimed(store: db.Database, seq: int, home: Path) -> float:
    def look(tx: engine.Tx) -> bool:
        return tx.execute(CLAIMED, {"seq": seq}).fetchone() is not None

    deadline = time.monotonic() + LIMIT_S
    while not await store.read(look):
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing was claimed in {home} within {LIMIT_S} s")
        await asyncio.sleep(0.002)
    return time.perf_counter()
