"""Any history of orders, claims, ends, crashes and jumps of the clock: the real store against the pure model."""

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from batchproc.errors import WrongStatus
from batchproc.models import AgentOptions, Hold, Pause, Profile
from batchproc.store import backlog, control, jobs, retention
from tests.crash.enumerated import enumerate_job
from tests.crash.machine_base import BY
from tests.crash.machine_pilot import is_open
from tests.crash.machine_source import Sources
from tests.crash.model import UNDER_WAY, Job
from tests.crash.model_unit import Unit


class StoreMachine(Sources):
    """Rules are what people, supervisors and fate do; each does the same to the store and to the model."""

    # Beginnings.

    @initialize(data=st.data())
    def first_supervisor(self, data: Any) -> None:
        self.crash(rescued=False)
        self.enumerate(n=6, budget=1.0, max_attempts=3, max_units=None, interrupted=True)
        [(row, job)] = self.jobs.values()
        self._let_run(data, row, job)

    @rule(
        n=st.integers(0, 6),
        budget=st.sampled_from([0.2, 1.0, 50.0]),
        max_attempts=st.integers(1, 4),
        max_units=st.sampled_from([None, None, 1, 2]),
        interrupted=st.booleans(),
    )
    @precondition(lambda self: len(self.jobs) < 3)
    def enumerate(self, n: int, budget: float, max_attempts: int, max_units: int | None, interrupted: bool) -> None:
        options = AgentOptions(
            model="claude-haiku-4-5",
            profile=Profile.ANSWER,
            max_concurrency=4,
            max_attempts=max_attempts,
            timeout_s=60,
            max_turns=None,
            working_directory=None,
            system_prompt=None,
            budget_usd=budget,
            max_units=max_units,
        )
        row = self.run(enumerate_job(self.store, options, n, now=self.now, interrupted=interrupted))
        units = [Unit(f"u{i}", value=i) for i in range(1, n + 1)]
        self.jobs[row.number] = (row, Job(budget=budget, max_attempts=max_attempts, max_units=max_units, units=units))

    @rule(seconds=st.sampled_from([0.0, 1.0, 30.0, 3600.0, -3600.0]))
    def clock_jumps(self, seconds: float) -> None:
        self.now += seconds

    # People.

    @rule(data=st.data())
    def start(self, data: Any) -> None:
        """A job in its pilot seldom: whoever starts it lets all of it run."""
        row, job = self.pick(data) or (None, None)
        if row is not None and (not is_open(job) or data.draw(st.integers(0, 3)) == 0):
            self._start(row, job)

    @rule(data=st.data(), reason=st.sampled_from([Pause.QUOTA, Pause.BUDGET, Pause.DISK]), back=st.booleans())
    def pause_for_a_reason(self, data: Any, reason: Pause, back: bool) -> None:
        row, job = self.pick(data) or (None, None)
        if row is None:
            return
        if back:
            assert self.write(jobs.go_on, row.number, reason=reason, now=self.now) == job.go_on(reason)
        else:
            hold = Hold(reason=reason, resume_at=self.now + 9)
            assert self.write(jobs.pause, row.number, hold, now=self.now) == job.pause(reason)

    @rule(data=st.data(), release=st.booleans())
    def hold(self, data: Any, release: bool) -> None:
        row, job = self.pick(data) or (None, None)
        if row is not None and job.status in UNDER_WAY:
            assert self.write(control.hold, row.number, BY, release=release, now=self.now) == job.hold(release=release)

    @rule(data=st.data(), budget=st.sampled_from([0.1, 1.0, 5.0]))
    def set_budget(self, data: Any, budget: float) -> None:
        row, job = self.pick(data) or (None, None)
        if row is not None:
            self._set_budget(row, job, budget)

    @rule(
        data=st.data(),
        whole=st.sampled_from([True, False, False]),
        keys=st.sets(st.sampled_from([f"u{n}" for n in range(1, 7)])),
    )
    def cancel(self, data: Any, whole: bool, keys: set[str]) -> None:
        row, job = self.pick(data) or (None, None)
        if row is None:
            return
        if whole:
            assert self.write(control.cancel, row.number, BY, now=self.now) == job.cancel()
        else:
            self.write(control.cancel_keys, row.number, sorted(keys), BY, now=self.now)
            job.cancel_keys(keys)

    @rule(data=st.data(), status=st.sampled_from(["failed", "flagged", "cancelled", "succeeded"]), resume=st.booleans())
    def ask_again(self, data: Any, status: str, resume: bool) -> None:
        row, job = self.pick(data, allow=lambda job: bool(job.of(status))) or self.pick(data) or (None, None)
        if row is None:
            return
        self._ask_again(row, job, status, resume=resume)

    def _ask_again(self, row: Any, job: Job, status: str, *, resume: bool = False) -> None:
        """Refused, and nothing is changed, while the job's cancellation is not done."""
        which, how = backlog.Selection(status=status), backlog.Again(resume=resume, credential="login")
        if job.status == "cancelled" and job.of("pending"):
            with pytest.raises(backlog.StillCancelling):
                self.write(backlog.ask_again, row, which, how, BY, now=self.now)
            return
        self.write(backlog.ask_again, row, which, how, BY, now=self.now)
        job.ask_again(status, backlog.STEP)

    @rule(data=st.data(), status=st.sampled_from(["failed", "cancelled"]))
    @precondition(lambda self: any(len(job.of("failed")) > 1 for _, job in self.jobs.values()))
    def ask_again_and_think_better_of_it(self, data: Any, status: str) -> None:
        """Cancelled before all that was asked for is back in the queue."""
        row, job = self.pick(data, allow=lambda job: len(job.of(status)) > 1) or (None, None)
        if row is not None:
            self._ask_again(row, job, status)
            assert self.write(control.cancel, row.number, BY, now=self.now) == job.cancel()

    @rule(data=st.data(), to_the_end=st.booleans())
    def work_off_what_was_ordered(self, data: Any, to_the_end: bool) -> None:
        row, job = self.pick(data, allow=lambda job: job.retries or job.status == "cancelled") or (None, None)
        while row is not None and self.write(backlog.step, job=row.number, now=self.now):
            if job.retries and job.status != "cancelled":
                job.put_back(backlog.STEP)
            elif not job.of("pending"):
                raise AssertionError("there was nothing to do")
            else:  # which of them come first is nobody's business: it is looked at when all are through
                while self.write(backlog.step, job=row.number, now=self.now):
                    pass
                job.cancel_pending()
            if not to_the_end:
                return

    @rule(data=st.data(), interrupted=st.booleans())
    @precondition(lambda self: len(self.jobs) > 1)
    def delete(self, data: Any, interrupted: bool) -> None:
        row, job = self.pick(data)
        allowed = job.status not in {"running", "pilot"} and not job.of("running")
        try:
            self.write(retention.mark_deleted, row, now=self.now)
        except WrongStatus:
            assert not allowed
            return
        assert allowed
        while self.write(backlog.step, job=None if interrupted else row.number, now=self.now):
            pass
        for other, one in self.jobs.values():  # whoever works off everything, works off theirs as well
            while interrupted and one.retries and one.status != "cancelled" and other.number != row.number:
                one.put_back(backlog.STEP)
            if interrupted and one.status == "cancelled":
                one.cancel_pending()
        del self.jobs[row.number]
        self.was_deleted = True
