"""What the rules of the state machine stand on: an open store, its model, and what must be true after each step."""

import asyncio
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant

from batchproc.models import Claimed, Order
from batchproc.models import Job as Row
from batchproc.redaction import Redactor
from batchproc.store import backlog, db
from batchproc.supervisor.attempt import Ongoing
from tests.crash import judge
from tests.crash.model import Job, Unit

BY = Order(by="test")
SHM = Path("/dev/shm")


class Attempt:
    """A unit that was claimed, as the store gave it and as the model has it."""

    def __init__(self, job: Job, row: Row, unit: Unit, claimed: Claimed) -> None:
        self.job, self.row, self.unit, self.claimed = job, row, unit, claimed
        self.n, self.epoch = unit.attempt, claimed.fence.epoch
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
        backlog.STEP = self.step
        shutil.rmtree(self.place)

    def pick(self, data: Any, *, allow: Any = lambda job: True) -> tuple[Row, Job] | None:
        found = [one for one in self.jobs.values() if allow(one[1])]
        return data.draw(st.sampled_from(found)) if found else None

    # After each step.

    def dump(self) -> list[Any]:
        def everything(tx: Any) -> list[Any]:
            tables = ("jobs", "units", "attempts", "counters", "failure_groups", "events", "supervisors", "sources")
            return [[tuple(row) for row in tx.execute(f"SELECT * FROM {table}")] for table in tables]

        return self.run(self.store.read(everything))

    @invariant()
    def the_books_are_right(self) -> None:
        self.run(self.store.read(judge.books, gap_free=not self.was_deleted)).require()
        last = self.run(
            self.store.read(lambda tx: tx.execute("SELECT seq FROM sqlite_sequence WHERE name='events'").fetchone())
        )
        assert last is None or last[0] >= self.last
        self.last = last[0] if last else 0

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        for number, (_, job) in self.jobs.items():
            said = self.run(self.store.read(state, number))
            assert said["job"] == (job.status, job.reason, job.starts), (
                said["job"],
                job.status,
                job.reason,
                job.starts,
            )
            assert abs(said["cost"] - job.spent) < 1e-6
            assert said["units"] == [
                (u.key, u.status, u.attempt, u.charged, u.requests, u.intent, u.text, u.signature is not None)
                for u in job.units
            ]
            assert all(unit.charged <= job.max_attempts for unit in job.units)
            held = said["cost"] + self.run(self.store.read(judge.reserved, number))
            assert held <= job.room + 1e-6, "more is spent and reserved than the budget allows"


def state(tx: Any, number: int) -> dict[str, Any]:
    job = tx.execute("SELECT status, reason, starts, cost_usd FROM jobs WHERE number = ?", (number,)).fetchone()
    columns = "key, status, attempt, charged, requests, intent, text, signature IS NOT NULL"
    units = [tuple(row) for row in tx.execute(f"SELECT {columns} FROM units WHERE job = ? ORDER BY number", (number,))]
    return {"job": tuple(job)[:3], "cost": job[3], "units": [(*unit[:7], bool(unit[7])) for unit in units]}
