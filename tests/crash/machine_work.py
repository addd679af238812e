"""What supervisors do, and what becomes of them: claims, ends, takeovers, rescues."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import multiple, precondition, rule

from batchproc import retry, staleness
from batchproc.errors import TakenOver
from batchproc.models import Cause, Intent, Outcome, Report, Verdict
from batchproc.models import Job as Row
from batchproc.store import attempts, backlog, claims, control, jobs, processes, trials
from batchproc.supervisor import ends
from batchproc.supervisor.rescue import rescue
from tests.crash.machine_base import BY, Attempt
from tests.crash.machine_pilot import People, is_open
from tests.crash.model import Job
from tests.crash.totals import Broken

ALIVE = {"ready", "pilot", "review", "running", "paused"}
WORKING = {"pilot", "running"}
DIGEST = "what it is"
SHARES = st.floats(0.1, 1.0)
RESERVES = st.sampled_from([0.1, 0.3, 0.6])
HOWS = st.lists(st.sampled_from(["succeed", "fail", "empty", "refuse", "flag", "limit", "die"]), min_size=1, max_size=6)
BACKOFF = retry.Backoff(first_s=10, max_s=100)
OUTCOMES = {
    "succeed": Outcome(verdict=Verdict.SUCCEEDED),
    "flag": Outcome(verdict=Verdict.FLAGGED, message="denied", signature="denied"),
    "empty": Outcome(verdict=Verdict.EMPTY, cause=Cause.EMPTY, message="empty", signature="empty"),
    "fail": Outcome(verdict=Verdict.FAILED, cause=Cause.SERVER, message="500", signature="server: <n>"),
    "refuse": Outcome(verdict=Verdict.FAILED, cause=Cause.INVALID_REQUEST, message="400", signature="invalid: <n>"),
    "limit": Outcome(verdict=Verdict.UNRUN, cause=Cause.RATE_LIMIT, message="429", signature="limit: <n>"),
    "unpaid": Outcome(verdict=Verdict.UNRUN, cause=Cause.AUTHENTICATION, message="401", signature="auth: <n>"),
    "die": Outcome(verdict=Verdict.FAILED, cause=Cause.CRASHED, message="died", signature="died"),
}


class Always:
    """A reservation of so many dollars for whatever unit."""

    def __init__(self, usd: float) -> None:
        self.usd = self.alone_usd = lambda _: usd


class Work(People):
    """Each rule does the same to the store and to the model."""

    opened = People.opened

    @rule(data=st.data(), hows=HOWS, share=SHARES)
    def work(self, data: Any, hows: list[str], share: float) -> None:
        self._work(data, hows, share)

    @rule(data=st.data(), hows=HOWS, share=SHARES)
    def work_more(self, data: Any, hows: list[str], share: float) -> None:
        self._work(data, hows, share)  # rules are equally likely: what makes things happen is there more than once

    @rule(data=st.data(), hows=HOWS, share=SHARES)
    def work_still_more(self, data: Any, hows: list[str], share: float) -> None:
        self._work(data, hows, share)

    def _work(self, data: Any, hows: list[str], share: float) -> None:
        """Whole attempts, one after the other, of a job that is started if it has to be."""
        row, job = self.pick(data, allow=lambda job: job.status in ALIVE) or (None, None)
        if row is None:
            return
        self._let_run(data, row, job)
        self.now += 101  # past every back-off
        for how in hows:
            for attempt in self._claim(row, job, 1, 0.1):
                self.finish(attempt, how, share, billed=True)

    @rule(data=st.data(), hows=HOWS, share=SHARES, budget=st.sampled_from([None, 5.0]), approved=st.booleans())
    @precondition(lambda self: any(is_open(job) for _, job in self.jobs.values()))
    def try_it_to_the_end(self, data: Any, hows: list[str], share: float, budget: float | None, approved: bool) -> None:
        """A round of the pilot until a person has to decide, if money and luck suffice; and what he decides."""
        row, job = self.pick(data, allow=is_open)
        self._begin(data, row, job)
        if budget is not None:
            self._set_budget(row, job, budget)
        for _ in range(3 * len(job.of_round)):
            if job.status != "pilot":
                break
            self.now += 101
            for n, attempt in enumerate(self._claim(row, job, 4, 0.01)):
                self.finish(attempt, hows[n % len(hows)], share, billed=True)
        if approved and job.status == "review":
            self._approve(data, row, job)

    @rule(data=st.data(), hows=HOWS, share=SHARES, between=st.sampled_from([None, "cancel", "cancel_some", "crash"]))
    @precondition(lambda self: any(is_open(job) for _, job in self.jobs.values()))
    def change_what_runs(self, data: Any, hows: list[str], share: float, between: str | None) -> None:
        """What was claimed before a change says what it likes after it."""
        row, job = self.pick(data, allow=is_open)
        if job.status != "pilot":
            self._begin(data, row, job)
        self.now += 101
        self._claim(row, job, 4, 0.01)
        self._begin(data, row, job)
        match between:
            case "cancel":
                assert self.write(control.cancel, row.number, BY, now=self.now) == job.cancel()
            case "cancel_some":
                keys = [unit.key for unit in job.in_pilot[1:]]
                self.write(control.cancel_keys, row.number, keys, BY, now=self.now)
                job.cancel_keys(set(keys))
            case "crash":
                self.crash(rescued=True)
        for n, attempt in enumerate([one for one in self.live if one.job is job and one.is_live]):
            self.finish(attempt, hows[n % len(hows)], share, billed=True)

    @rule(target=opened, data=st.data(), limit=st.integers(1, 4), reserve=RESERVES)
    def claim(self, data: Any, limit: int, reserve: float) -> Any:
        row, job = self.pick(data, allow=lambda job: job.status in WORKING) or self.pick(data) or (None, None)
        return multiple() if row is None else multiple(*self._claim(row, job, limit, reserve))

    @rule(target=opened, data=st.data(), reserve=RESERVES)
    def claim_four(self, data: Any, reserve: float) -> Any:
        """As many as a supervisor has slots: what is reserved for the first of them stands in the way of the others."""
        row, job = self.pick(data, allow=lambda job: bool(job.of("pending"))) or (None, None)
        if row is None:
            return multiple()
        self._let_run(data, row, job)
        self.now += 101
        return multiple(*self._claim(row, job, 4, reserve))

    def _claim(self, row: Row, job: Job, limit: int, reserve: float) -> list[Attempt]:
        more = {"epoch": self.epoch, "limit": limit, "now": self.now, "reserve": Always(reserve)}
        claimed = self.write(claims.claim, row.number, **more).units
        meant = job.claim(self.now, limit, reserve)
        assert [(one.key, one.fence.attempt) for one in claimed] == [(unit.key, unit.attempt) for unit in meant]
        found = [Attempt(job, row, unit, one) for unit, one in zip(meant, claimed, strict=True)]
        self.live = [one for one in [*self.live, *found] if one.is_live]
        return found

    @rule(data=st.data(), how=st.sampled_from(sorted(OUTCOMES)), share=SHARES, rescued=st.booleans())
    @precondition(lambda self: any(one.is_live for one in self.live))
    def crash_and_come_back(self, data: Any, how: str, share: float, rescued: bool) -> None:
        """One that still runs ends under a supervisor that another one has replaced."""
        attempt = data.draw(st.sampled_from([one for one in self.live if one.is_live]))
        self.crash(rescued)
        self.finish(attempt, how, share, billed=True)

    @rule(data=st.data(), how=st.sampled_from(sorted(OUTCOMES)), share=SHARES, billed=st.booleans())
    @precondition(lambda self: any(one.is_live for one in self.live))
    def finish_one_that_runs(self, data: Any, how: str, share: float, billed: bool) -> None:
        self.finish(data.draw(st.sampled_from([one for one in self.live if one.is_live])), how, share, billed)

    @rule(attempt=opened, how=st.sampled_from(sorted(OUTCOMES)), share=SHARES, billed=st.booleans())
    def finish(self, attempt: Attempt, how: str, share: float, billed: bool) -> None:
        """Any attempt that was ever claimed: one that is over must change nothing."""
        outcome, text = OUTCOMES[how], f"{how} of {attempt.unit.key}#{attempt.n}"
        cost = attempt.reserved * share if billed else attempt.reserved
        report = Report(ended="result" if billed else "died", text=text, cost_usd=cost, billed=billed)
        row = self.run(self.store.read(jobs.by_id, attempt.row.job_id)) or attempt.row
        known = {"attempt": attempt.n, "charged": attempt.claimed.charged, "max_attempts": row.options.max_attempts}
        decision = retry.decide(outcome, **known, backoff=BACKOFF, jitter=lambda: 0.5)
        end = ends.decided(attempt.ongoing(row), report, outcome, decision, None, self.now)
        self._settle(attempt, end, cost)

    @rule(attempt=opened, intent=st.sampled_from([None, *Intent]), tools=st.integers(0, 1))
    def stop(self, attempt: Attempt, intent: Intent | None, tools: int) -> None:
        row = self.run(self.store.read(jobs.by_id, attempt.row.job_id)) or attempt.row
        ongoing = attempt.ongoing(row, tools)
        ongoing.halt = intent
        report = Report(ended="interrupted", cost_usd=attempt.reserved / 2)
        self._settle(attempt, ends.stopped(ongoing, report), attempt.reserved / 2)

    def _settle(self, attempt: Attempt, end: Any, cost: float) -> None:
        unit, job = attempt.unit, attempt.job
        value = attempt.claimed.payload["value"]
        end = replace(end, input=DIGEST, fingerprint=self._fingerprint(attempt))
        live = attempt.is_live and attempt.epoch == self.epoch
        before = self.dump()
        won = self.write(attempts.settle, attempt.claimed.fence, end, now=self.now)
        assert won == live
        if not live:
            assert self.dump() == before, "a stale end changed something"
            return
        status, text, due_at = str(end.status), end.text, end.due_at
        if (stale := job.is_stale(unit)) and status != "cancelled":
            status, text, due_at = "pending", None, 0.0
        wanted = unit.intent == "cancel" or job.status == "cancelled"
        if wanted and (status == "pending" or end.outcome in {"lost", "released"}):
            status, due_at = "cancelled", 0.0
        answered = None if status == "pending" else value
        unit.end(status, charged=end.charged, cost=cost, due_at=due_at, text=text, answered=answered)
        unit.said = unit.asked if unit.is_final else None
        unit.charged *= not stale
        if end.hold is not None and job.starts <= end.start:
            job.pause(str(end.hold.reason))
        job.drain()

    def _fingerprint(self, attempt: Attempt) -> str | None:
        """Of what the job said when the unit was claimed."""
        known = staleness.Fingerprints(replace(attempt.row, instructions=attempt.asked))
        return known.of(attempt.claimed.key, attempt.claimed.payload, input=DIGEST)

    @rule(rescued=st.booleans())
    def crash(self, rescued: bool) -> None:
        """Somebody newer owns the store. What the older one ran is still marked as running, until it is rescued."""
        self.epoch = self.write(processes.take_over, process="1:2:3", guard="full", now=self.now)
        if rescued:
            self.rescue_the_lost()

    @rule()
    def rescue_the_lost(self) -> None:
        """What the current supervisor does not run itself is nobody's: here it runs nothing."""
        self.run(rescue(self.store, self.epoch, running=(), clock=lambda: self.now))
        for _, job in self.jobs.values():
            for unit in job.of("running"):
                job.lose(unit)
                job.drain()

    @rule(data=st.data())
    @precondition(lambda self: self.epoch > 1)
    def claim_in_the_name_of_the_dead(self, data: Any) -> None:
        row, _ = self.pick(data) or (None, None)
        if row is not None:
            try:
                self.write(claims.claim, row.number, epoch=self.epoch - 1, limit=3, now=self.now)
            except TakenOver:
                return
            raise Broken("an older epoch could claim")

    def _set_budget(self, row: Row, job: Job, budget: float) -> None:
        self.write(control.change, row, BY, changes={"budget_usd": budget}, now=self.now)
        job.set_budget(budget)

    def _let_run(self, data: Any, row: Row, job: Job) -> None:
        """What a person would do so that units of the job run: begin its pilot, approve of it, or go on."""
        match job.status:
            case "ready" if data.draw(st.integers(0, 3)):
                self._begin(data, row, job)
            case "review":
                self._approve(data, row, job)
            case "paused" if not job.is_approved:
                self._resume(row, job)
            case "ready" | "paused":
                self._start(row, job)

    def _start(self, row: Row, job: Job) -> None:
        """As often as not a job in its pilot, without a review."""
        paid = {"credential": "login", "order": BY, "now": self.now}
        if job.is_approved:
            assert self.write(jobs.start, row.number, **paid) == job.start(backlog.STEP)
        else:
            assert self.write(trials.skip, self.row(row), **paid) == job.start(backlog.STEP)
