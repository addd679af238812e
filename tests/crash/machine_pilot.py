"""What people do with a pilot: they begin rounds of it, change their minds, go on, and approve of what they saw."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from batchproc import pilot_sample
from batchproc.models import Hold, Pause
from batchproc.models import Job as Row
from batchproc.store import backlog, jobs, pilots, revisions, trials
from tests.crash.machine_base import BY, Base
from tests.crash.model import Job

UNAPPROVED = {"ready", "pilot", "review", "paused"}


class People(Base):
    """Each rule does the same to the store and to the model."""

    opened = Base.opened

    @rule(data=st.data())
    @precondition(lambda self: any(is_open(job) for _, job in self.jobs.values()))
    def begin_a_round(self, data: Any) -> None:
        row, job = self.pick(data, allow=is_open)
        self._begin(data, row, job)

    @rule(data=st.data())
    @precondition(lambda self: any(job.trial and is_open(job) for _, job in self.jobs.values()))
    def go_on_with_the_round(self, data: Any) -> None:
        self._resume(*self.pick(data, allow=lambda job: job.trial and is_open(job)))

    @rule(data=st.data())
    @precondition(lambda self: any(job.status == "review" for _, job in self.jobs.values()))
    def approve(self, data: Any) -> None:
        self._approve(data, *self.pick(data, allow=lambda job: job.status == "review"))

    @rule(data=st.data())
    @precondition(lambda self: any(map(is_decided, (job for _, job in self.jobs.values()))))
    def decide_on_what_nobody_asks(self, data: Any) -> None:
        """Refused, and nothing is changed."""
        row, job = self.pick(data, allow=is_decided)
        before = self.dump()
        self._approve(data, row, job)
        assert self.dump() == before, "an approval of what was not to be decided changed something"

    @rule(data=st.data())
    @precondition(lambda self: any(job.approved_trial for _, job in self.jobs.values()))
    def take_a_change_back(self, data: Any) -> None:
        """Before all of it was tried, in a pause; refused while something of it runs."""
        row, job = self.pick(data, allow=lambda job: bool(job.approved_trial))
        if job.status == "pilot":
            hold = Hold(reason=Pause.BUDGET)
            assert self.write(jobs.pause, row.number, hold, now=self.now) == job.pause(Pause.BUDGET)
        n = job.approved_trial
        assert self._write_approval(self.row(row), n, job.budget) == job.approve(n, job.budget, backlog.STEP)

    @rule(data=st.data(), begun=st.booleans())
    @precondition(lambda self: any(0 < job.round < 4 and is_open(job) for _, job in self.jobs.values()))
    def decide_on_what_was_seen_too_early(self, data: Any, begun: bool) -> None:
        row, job = self.pick(data, allow=lambda job: 0 < job.round < 4 and is_open(job))
        seen, now = self.row(row), self._begin(data, row, job)
        before = self.dump()
        assert now and not (
            self._write_begin(seen, [("late", None)]) if begun else self._write_approval(seen, seen.trial)
        )
        assert self.dump() == before, "a decision on what is no more changed something"

    @rule(data=st.data())
    @precondition(lambda self: any(may_be_revised(job) for _, job in self.jobs.values()))
    def revise(self, data: Any) -> None:
        """Describe a job anew that has run: as never before, or as it was once."""
        row, job = self.pick(data, allow=may_be_revised)
        keys = data.draw(st.sets(st.sampled_from([unit.key for unit in job.units]), min_size=1, max_size=3))
        numbers = [n for n, unit in zip(self._numbers(row), job.units, strict=True) if unit.key in keys]
        said = data.draw(st.sampled_from([f"do {len(job.tried) + 7}", *{one.instructions for one in job.tried}]))
        seen = self.row(row)
        new = pilots.Description(instructions=said, options=seen.options)
        paid = {"credential": "login", "order": BY, "now": self.now}
        assert self.write(revisions.begin, seen, new, units=numbers, **paid) == job.revise(said, keys)

    def _begin(self, data: Any, row: Row, job: Job) -> bool:
        names = data.draw(st.sampled_from([[None], ["a", "b"], ["a", "b", "c"]]))
        n = len(job.tried)
        tried = [(f"do {i}", name) for i, name in enumerate(names, n + 1)]
        seen, budget = self.row(row), data.draw(st.sampled_from([job.budget, job.budget, 1.0]))
        chosen = [] if seen.trial else self._choose(row, data.draw(st.integers(1, 3)))
        keys = {unit.key for number, unit in zip(self._numbers(row), job.units, strict=True) if number in chosen}
        done = self._write_begin(seen, tried, chosen, budget)
        assert done == job.begin(tried, keys, budget)
        return done

    def _choose(self, row: Row, k: int) -> list[int]:
        return pilot_sample.choose(self.run(self.store.read(pilots.candidates, row.number, most=9)), k)

    def _numbers(self, row: Row) -> list[int]:
        sql = "SELECT number FROM units WHERE job = :job ORDER BY number"
        return self.run(self.store.read(lambda tx: [one[0] for one in tx.execute(sql, {"job": row.number})]))

    def _write_begin(
        self,
        seen: Row,
        tried: Sequence[tuple[str, str | None]],
        chosen: Sequence[int] = (),
        budget: float | None = None,
    ) -> bool:
        options = replace(seen.options, budget_usd=budget or seen.options.budget_usd)
        said = [pilots.Description(instructions=text, options=options, variant=name) for text, name in tried]
        return self.write(pilots.begin, seen, said, units=chosen, credential="login", order=BY, now=self.now)

    def _resume(self, row: Row, job: Job) -> None:
        done = self.write(pilots.resume, row.number, credential="login", order=BY, now=self.now)
        assert done == job.resume()

    def _approve(self, data: Any, row: Row, job: Job) -> None:
        """Of the trial in force, or of another one of its round, or of what was before a change."""
        before = [job.approved_trial] if job.approved_trial else []
        chosen = data.draw(st.sampled_from([one.n for one in job.of_round] + before))
        budget = data.draw(st.sampled_from([job.budget, 2.0]))
        assert self._write_approval(self.row(row), chosen, budget) == job.approve(chosen, budget, backlog.STEP)

    def _write_approval(self, seen: Row, n: int, budget: float | None = None) -> bool:
        tried = {one.n: one for one in self.run(self.store.read(trials.trials, seen.number))}
        options = replace(seen.options, budget_usd=budget or seen.options.budget_usd)
        paid = {"credential": "login", "order": BY, "now": self.now}
        return self.write(trials.approve, seen, tried[n], options, None, **paid)


def is_open(job: Job) -> bool:
    """Whether another round of its pilot may begin."""
    return job.status in UNAPPROVED and not job.is_approved


def is_decided(job: Job) -> bool:
    """Whether there is nothing to decide on it, although there was."""
    return bool(job.tried) and job.status != "review" and not (job.status == "paused" and job.approved_trial)


def may_be_revised(job: Job) -> bool:
    """Whether it is worth trying: something of it may still run, and then it is refused."""
    return job.is_approved and job.status in {"completed", "paused"} and bool(job.units) and len(job.tried) < 7
