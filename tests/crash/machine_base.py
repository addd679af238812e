"""What the rules of the state machine stand on: an open store, its model, and what must be true after each step."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant

from batchproc.models import Claimed, Order
from batchproc.models import Job as Row
from batchproc.redaction import Redactor
from batchproc.store import backlog, db, jobs, update_items
from batchproc.supervisor.ongoing import Ongoing
from tests.crash import judge
from tests.crash.model import Job
from tests.crash.model_unit import Unit
from tests.crash.totals import Findings

BY = Order(by="test")
SHM = Path("/dev/shm")


class Attempt:
    """A unit that was claimed, as the store gave it and as the model has it."""

    def __init__(self, job: Job, row: Row, unit: Unit, claimed: Claimed) -> None:
        self.job, self.row, self.unit, self.claimed = job, row, unit, claimed
        self.n, self.trial, self.epoch = unit.attempt, unit.trial, claimed.fence.epoch
        self.asked = unit.asked
        self.reserved = unit.reserved

    @property
    def is_live(self) -> bool:
        """Whether it runs, as far as the model knows. Its supervisor may be dead."""
        return self.unit.status == "running" and self.unit.attempt == self.n

    def ongoing(self, row: Row, tools: int = 0) -> Ongoing:
        known = Ongoing(job=row, unit=self.claimed, began=0.0, redactor=Redactor(()), key=("me", "default"))
        known.is_started, known.tools_run = True, tools
        return known


class Base(RuleBasedStateMachine):
    """Rules are what people, supervisors and fate do; each does the same to the store and to the model."""

    opened = Bundle("opened")

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(prefix="machine-", dir=SHM if SHM.is_dir() else None))
        self.runner = asyncio.Runner()
        self.step, backlog.STEP = backlog.STEP, 2  # so that a few units take several steps
        self.window, update_items.WINDOW = update_items.WINDOW, 2
        self.store = db.Database(self.place / "home")
        self.run(self.store.__aenter__())
        self.jobs: dict[int, tuple[Row, Job]] = {}
        self.live: list[Attempt] = []
        self.now, self.epoch, self.last, self.was_deleted = time.time(), 0, 0, False

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def write(self, verb: Any, *args: Any, **kwargs: Any) -> Any:
        return self.run(self.store.write(verb, *args, **kwargs))

    def teardown(self) -> None:
        self.run(self.store.__aexit__(None, None, None))
        self.runner.close()
        backlog.STEP, update_items.WINDOW = self.step, self.window
        shutil.rmtree(self.place)

    def row(self, row: Row) -> Row:
        """The job as it is now."""
        return self.run(self.store.read(jobs.by_number, row.number))

    def pick(self, data: Any, *, allow: Any = lambda job: True) -> tuple[Row, Job] | None:
        found = [one for one in self.jobs.values() if allow(one[1])]
        return data.draw(st.sampled_from(found)) if found else None

    # After each step.

    def dump(self) -> list[Any]:
        def everything(tx: Any) -> list[Any]:
            tables = ("jobs", "units", "attempts", "counters", "failure_groups", "events", "supervisors", "sources")
            tables += ("retries", "trials", "trial_results", "earlier_answers")
            return [[tuple(row) for row in tx.execute(f"SELECT * FROM {table}")] for table in tables]

        return self.run(self.store.read(everything))

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        found, last, said = self.run(self.store.read(everything, self.jobs, gap_free=not self.was_deleted))
        found.require()
        assert last >= self.last
        self.last = last
        for number, (_, job) in self.jobs.items():
            self._compare(job, said[number])

    def _compare(self, job: Job, said: dict[str, Any]) -> None:
        meant = meant_by(job)
        wrong = {name: (said[name], meant[name]) for name in meant if said[name] != meant[name]}
        assert not wrong, f"the store and the model say: {wrong}"
        assert abs(said["cost"] - job.spent) < 1e-6
        assert all(abs(one - job.paid(*of)) < 1e-6 for of, one in said["paid"].items())
        assert all(unit.charged <= job.max_attempts for unit in job.units)
        assert said["cost"] + said["reserved"] <= job.room + 1e-6, "more is spent and reserved than the budget allows"


LAST = "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'events'"


def everything(tx: Any, numbers: Iterable[int], *, gap_free: bool) -> tuple[Findings, int, dict[int, dict[str, Any]]]:
    """At one moment: what the judge finds, the last event ever, and what the store says of each job."""
    said = {number: state(tx, number) for number in numbers}
    return judge.books(tx, gap_free=gap_free), tx.execute(LAST).fetchone()[0], said


JOB = """
SELECT status, reason, paused_from, starts, approved_at IS NOT NULL AS is_approved, round, trial, approved_trial,
    instructions,
    options ->> 'budget_usd' AS budget, source_version, cost_usd FROM jobs WHERE number = :job
"""
UNITS = """
SELECT key, pilot, status, attempt, charged, requests, intent, text, signature IS NOT NULL,
    payload ->> 'value', gone IS NOT NULL FROM units WHERE job = :job
ORDER BY number
"""
TRIALS = "SELECT n, round, variant, instructions, ended_at IS NOT NULL FROM trials WHERE job = :job ORDER BY n"
RESULTS = """
SELECT r.trial, u.key, r.status, r.text, r.signature IS NOT NULL AS doubted, r.cost_usd FROM trial_results r
JOIN units u ON u.number = r.unit WHERE r.job = :job ORDER BY r.trial, u.number
"""


def state(tx: Any, number: int) -> dict[str, Any]:
    """What the store says of a job."""
    *job, cost = tx.execute(JOB, {"job": number}).fetchone()
    units, trials, results = (tx.execute(sql, {"job": number}).fetchall() for sql in (UNITS, TRIALS, RESULTS))
    return {
        "job": tuple(job),
        "units": [tuple(unit) for unit in units],
        "trials": [tuple(one) for one in trials],
        "results": [tuple(one)[:5] for one in results],
        "cost": cost,
        "reserved": judge.reserved(tx, number),
        "paid": {(one["trial"], one["key"]): one["cost_usd"] for one in results},
    }


def meant_by(job: Job) -> dict[str, Any]:
    """The same, as the model has it."""
    known = (job.status, job.reason, job.paused_from, job.starts, job.is_approved, job.round, job.trial)
    known += (job.approved_trial,)
    return {
        "job": (*known, job.instructions, job.budget, job.source_version),
        "units": [
            (
                *(u.key, u.pilot, u.status, u.attempt, u.charged, u.requests, u.intent, u.text),
                *(u.signature is not None, u.value, u.gone),
            )
            for u in job.units
        ],
        "trials": [(one.n, one.round, one.variant, one.instructions, one.has_ended) for one in job.tried],
        "results": [
            (one.n, key, result.status, result.text, result.doubted)
            for one in job.tried
            for key in [unit.key for unit in job.units if unit.key in one.results]
            for result in [one.results[key]]
        ],
    }
