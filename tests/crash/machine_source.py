"""What people do with a source: they have it read once more, see what is new, and want it or change their minds."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from batchproc import staleness
from batchproc.errors import TakenOver, WrongStatus
from batchproc.models import Job as Row
from batchproc.store import control, refresh, update_items, updates
from tests.crash.machine_base import BY
from tests.crash.machine_pilot import is_open
from tests.crash.machine_work import DIGEST, HOWS, SHARES, Work
from tests.crash.model import Job

MEANWHILE = st.sampled_from([None, None, None, "a change", "nobody saw it", "another reading"])


class Sources(Work):
    """Each rule does the same to the store and to the model."""

    opened = Work.opened

    @rule(data=st.data(), new=st.integers(0, 2), meanwhile=MEANWHILE)
    @precondition(lambda self: any(job.may_refresh() for _, job in self.jobs.values()))
    def update_source(self, data: Any, new: int, meanwhile: str | None) -> None:
        row, job = self.pick(data, allow=lambda job: job.may_refresh())
        if source := self._changed(data, job, new):
            self._read_anew(row, job, source, meanwhile)

    @rule(data=st.data(), hows=HOWS, share=SHARES)
    @precondition(lambda self: any(is_open(job) for _, job in self.jobs.values()))
    def change_what_the_pilot_has_answered(self, data: Any, hows: list[str], share: float) -> None:
        """Before anybody decides on it; and then he does."""
        self.try_it_to_the_end(data=data, hows=hows, share=share, budget=5.0, approved=False)
        row, job = self.pick(data, allow=lambda job: job.status == "review" and job.may_refresh()) or (None, None)
        if row is None:
            return
        of_pilot = [unit.key for unit in job.in_pilot]
        other = data.draw(st.sets(st.sampled_from(of_pilot), min_size=1)) if of_pilot else set()
        source = {unit.key: unit.value + 100 * (unit.key in other) for unit in job.units}
        if source:
            self._read_anew(row, job, source, None)
        self.now += 101
        for n, attempt in enumerate(self._claim(row, job, 4, 0.01)):
            self.finish(attempt, hows[n % len(hows)], share, billed=True)
        if job.status == "review":
            self._approve(data, row, job)

    @rule(data=st.data())
    @precondition(lambda self: any(not job.may_refresh() for _, job in self.jobs.values()))
    def read_the_source_of_what_runs(self, data: Any) -> None:
        """Refused, and nothing is changed."""
        row, _ = self.pick(data, allow=lambda job: not job.may_refresh())
        before = self.dump()
        with pytest.raises(WrongStatus):
            self.write(updates.ask, row.number, BY, previous=None, now=self.now)
        assert self.dump() == before

    def _changed(self, data: Any, job: Job, new: int) -> dict[str, int]:
        """What the source holds now: without some, with others that are not what they were, and some new ones."""
        keys = [unit.key for unit in job.units]
        gone, other = (data.draw(st.sets(st.sampled_from(keys), max_size=3)) if keys else set() for _ in range(2))
        known = {unit.key: unit.value + 100 * (unit.key in other) for unit in job.units if unit.key not in gone}
        return known | {f"n{len(keys) + n}": n for n in range(new)}

    def _read_anew(self, row: Row, job: Job, source: Mapping[str, int], meanwhile: str | None) -> None:
        before = self.dump()
        found = self._read(row, source)
        assert {kind: n for kind, n in found.plan["counts"].items() if n} == job.kinds(source)
        assert self.dump() == before, "the job is not as it was although nobody has agreed to anything"
        match meanwhile:
            case "a change":
                change = {"priority": self.row(row).priority % 9 + 1}
                self.write(updates.show, row.number, found.reading)
                self.write(control.change, row, BY, changes=change, now=self.now)
            case "another reading":
                self.write(updates.show, row.number, found.reading)
                self._read(row, source)
            case None:
                self.write(updates.show, row.number, found.reading)
        before = self.dump()
        how = {"credential": "login", "now": self.now}
        if meanwhile is not None:
            with pytest.raises(updates.Changed):
                self.write(refresh.apply, row.number, found.reading, BY, **how)
            assert self.dump() == before, "what is no more, or nobody saw, was applied"
            return
        self.write(refresh.apply, row.number, found.reading, BY, **how)
        job.refresh(source)

    def _read(self, row: Row, source: Mapping[str, int]) -> updates.Update:
        """By somebody who takes over from one that is gone, and comes back too late."""
        assert self.write(updates.ask, row.number, BY, previous=None, now=self.now)
        first = self._begin_reading(row, "first", None)
        known = staleness.Fingerprints(self.row(row))
        items = [(key, {"value": n}, at) for at, (key, n) in enumerate(source.items(), 1)]
        chunk = json.dumps([(*one, known.of(*one[:2], input=DIGEST)) for one in items])
        self.write(updates.add_many, row.number, first, chunk)
        token = self._begin_reading(row, "second", "first")
        for verb, given in ((updates.add_many, {"chunk": chunk}), (updates.miss, {"after": ""})):
            with pytest.raises(TakenOver):
                self.write(verb, row.number, first, **given)
        self.write(updates.add_many, row.number, token, chunk)
        after: str | None = ""
        while after is not None:
            after = self.write(updates.miss, row.number, token, after=after)
        self.write(updates.finish, row.number, token, {"warnings": [], "is_named": True}, now=self.now)
        found = self.run(self.store.read(updates.look, row.number))
        assert found is not None and found.is_current
        return found

    def _begin_reading(self, row: Row, reader: str, previous: str | None) -> int:
        token = self.write(updates.begin, row.number, reader=reader, previous=previous)
        while self.write(update_items.discard, row.number, token, limit=2):
            pass
        return int(token)
