"""A seeded store is one that real work could have left."""

import time

import pytest

from batchproc.models import UnitStatus
from batchproc.store import jobs
from tests.browser import seeding
from tests.browser.seeding import Seed

COUNTED = "SELECT status, COUNT(*) AS n FROM units WHERE job = :job GROUP BY status"
GROUPED = """
SELECT signature, n FROM failure_groups WHERE job = :job AND n > 0
EXCEPT SELECT signature, COUNT(*) FROM units WHERE job = :job AND signature IS NOT NULL GROUP BY signature
"""
COSTS = """
SELECT j.cost_usd AS said, (SELECT SUM(cost_usd) FROM units WHERE job = j.number) AS units,
    (SELECT SUM(a.cost_usd) FROM attempts a JOIN units u ON u.number = a.unit WHERE u.job = j.number) AS attempts
FROM jobs j WHERE j.number = :job
"""
OUTSIDE = """
SELECT COUNT(*) AS n FROM units u
WHERE u.job = :job AND (u.attempt <> (SELECT COUNT(*) FROM attempts WHERE unit = u.number)
    OR (u.status = 'running') <> EXISTS (SELECT 1 FROM attempts WHERE unit = u.number AND finished_at IS NULL))
"""


@pytest.mark.parametrize(
    "seed",
    [
        Seed(units=400),
        Seed(units=400, state="running", pending=100, running=4),
        Seed(units=400, state="paused", pending=100),
        Seed(units=40, state="ready"),
        Seed(units=40, state="review"),
    ],
    ids=lambda seed: seed.state,
)
async def test_counters_groups_and_costs_are_those_of_the_units(store, seed):
    job = await seeding.fill(store, seed, now=time.time())
    assert job.status == seed.state and job.total_units == seed.units
    of_job = {"job": job.number}
    counted = await store.read(lambda tx: {row["status"]: row["n"] for row in tx.execute(COUNTED, of_job)})
    ledger = await store.read(jobs.ledger, job.number)
    assert ledger == {status.value: counted.get(status.value, 0) for status in UnitStatus}
    assert await store.read(lambda tx: tx.execute(GROUPED, of_job).fetchall()) == []
    assert await store.read(lambda tx: tx.execute(OUTSIDE, of_job).fetchone()["n"]) == 0
    costs = await store.read(lambda tx: dict(tx.execute(COSTS, of_job).fetchone()))
    if seed.state != "ready":
        assert costs["said"] == pytest.approx(costs["units"]) == pytest.approx(costs["attempts"]) != 0
