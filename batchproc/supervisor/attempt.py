"""One attempt's life: claimed → rendered → ran → judged → decided → recorded."""

import asyncio
import logging
import math
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from batchproc import judge, prompts, retry
from batchproc.agents.checker import Checker
from batchproc.errors import InvalidJob, StoreError, WorkerLost
from batchproc.models import (
    MENDED,
    AttemptTask,
    Cause,
    Claimed,
    Intent,
    Job,
    Message,
    Outcome,
    Profile,
    Report,
    Settlement,
    Started,
    UnitStatus,
    Verdict,
)
from batchproc.redaction import Redactor
from batchproc.store import db, events, logs
from batchproc.supervisor import ends, tasks, warmth
from batchproc.supervisor.limits import Key, Limits
from batchproc.supervisor.machine import is_disk_trouble
from batchproc.supervisor.ongoing import Ongoing
from batchproc.supervisor.proofs import Proofs
from batchproc.supervisor.publishing import Publishing
from batchproc.supervisor.staging import Refused
from batchproc.supervisor.warmth import Turn, Warmth
from batchproc.workers.base import Workers

log = logging.getLogger(__name__)

HALT_S = 4.0  # an agent that was told to stop and does not report is killed
QUIET = frozenset({"system", "stderr"})
"""Messages that are kept as logs, not as events."""


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """Runs attempts. Everything it decides is pure and elsewhere; here it is done."""

    store: db.Database
    workers: Workers
    limits: Limits
    home: Path
    backoff: retry.Backoff
    clock: Callable[[], float]
    redactor: Callable[[Job], Redactor] = lambda _: Redactor(())
    jitter: Callable[[], float] = random.random
    warmth: Warmth = field(default_factory=Warmth)
    checker: Checker | None = None
    ongoing: dict[int, Ongoing] = field(default_factory=dict)

    async def run(self, job: Job, unit: Claimed) -> None:
        """See one claimed unit through to the row that says how its attempt ended.

        Cancelled or halted, it stops the agent and releases the unit (`pending`, charged only if a tool of it ran), or
        cancels it if that is what was wanted.
        """
        began, key = time.monotonic(), self.limits.key(job)
        attempt = Ongoing(job=job, unit=unit, began=began, redactor=self.redactor(job), key=key)
        attempt.task = asyncio.current_task()
        self.ongoing[unit.fence.unit] = attempt
        try:
            await self._run(attempt)
        finally:
            del self.ongoing[unit.fence.unit]

    def began(self, unit: int) -> float:
        """When its agent began, monotonic; infinitely late while it waits for its turn."""
        attempt = self.ongoing.get(unit)
        return -math.inf if attempt is None else math.inf if attempt.waits else attempt.began

    def halt(self, unit: int, intent: Intent) -> None:
        """Stop a unit that runs: its agent is asked for its bill, and killed if it does not give it soon."""
        attempt = self.ongoing.get(unit)
        if attempt is None or attempt.task is None or attempt.halt is Intent.CANCEL or attempt.halt is intent:
            return
        attempt.halt = intent
        if attempt.is_started:
            self.workers.interrupt(attempt.unit.session_id)
            asyncio.get_running_loop().call_later(HALT_S, attempt.task.cancel)
        else:
            attempt.task.cancel()

    async def _run(self, attempt: Ongoing) -> None:
        try:
            report, outcome = await self._ran(attempt)
        except asyncio.CancelledError:
            await ends.to_the_end(self._settle(attempt, ends.stopped(attempt, attempt.report)))
            raise
        except StoreError as error:
            key = attempt.unit.key
            log.error("unit %s cannot be followed, its agent was stopped: %s", key, error, extra=attempt.about)
            end = ends.stopped(attempt, attempt.report, why="released: the store could not be written")
            await ends.to_the_end(self._settle(attempt, end))
            return
        await ends.to_the_end(self._record(attempt, report, ends.discreet(outcome, attempt.redactor)))

    async def _ran(self, attempt: Ongoing) -> tuple[Report | None, Outcome]:
        try:
            task = tasks.task(attempt.job, attempt.unit, self.home)
            attempt.done_for = await tasks.done_for(attempt.job, attempt.unit)
            await self._publishing.prepare(attempt, task)
            async with self._turn(attempt, task) as turn:
                report = attempt.report = await self._report(attempt, task, turn)
        except InvalidJob as error:
            return None, ends.outcome(Cause.PROMPT, str(error))
        except Refused as error:
            return None, ends.outcome(Cause.PUBLISHING, str(error))
        except WorkerLost as error:
            return None, ends.outcome(Cause.WORKER_LOST, str(error))
        except StoreError:
            raise
        except OSError as error:  # the disk is full, too many files are open: not the unit's fault
            log.exception("this machine could not start an agent: unit %s", attempt.unit.key, extra=attempt.about)
            cause = Cause.DISK if is_disk_trouble(error) else Cause.MACHINE
            return None, ends.outcome(cause, str(error), Verdict.UNRUN)
        except Exception as error:  # a fault of ours must cost one unit an attempt, not the whole job its supervisor
            log.exception("attempt failed inside batchproc: unit %s", attempt.unit.key, extra=attempt.about)
            return None, ends.outcome(Cause.CRASHED, f"batchproc itself failed: {error!r}")
        return report, await self._judge(attempt, task, report)

    async def _judge(self, attempt: Ongoing, task: AttemptTask, report: Report) -> Outcome:
        outcome = judge.judge(
            report,
            instructions=f"{attempt.job.instructions}\n{attempt.unit.note or ''}",
            reads_file=self._has_to_read(attempt, task),
            now=datetime.fromtimestamp(self.clock()).astimezone(),
            schema=task.output_schema,
            mended=attempt.unit.mends is not None,
        )
        if outcome.verdict is not Verdict.SUCCEEDED:
            return outcome
        proofs = Proofs(store=self.store, checker=self.checker)
        doubt = await proofs.doubt(attempt, task, report) or await self._publishing.doubt(attempt, task)
        return doubt or outcome

    def _has_to_read(self, attempt: Ongoing, task: AttemptTask) -> bool:
        """Whether our own frame told the agent to read its file, and it could, and has not done so before."""
        framed = not prompts.is_template(attempt.job.instructions)
        can_read = attempt.job.options.profile is not Profile.ANSWER
        return task.file is not None and framed and can_read and task.resume is None

    @asynccontextmanager
    async def _turn(self, attempt: Ongoing, task: AttemptTask) -> AsyncIterator[Turn]:
        attempt.waits = True
        async with self.warmth.turn(warmth.prefix_of(task, attempt.key)) as turn:
            attempt.waits, attempt.began = False, time.monotonic()
            yield turn

    async def _report(self, attempt: Ongoing, task: AttemptTask, turn: Turn) -> Report:
        async with aclosing(self.workers.run(task)) as running:
            async for event in running:
                match event:
                    case Report():
                        return event
                    case Started():
                        attempt.is_started = True
                        await self._tell(attempt, "agent.started", {"pid": event.pid, "guard": event.guard})
                    case Message():
                        turn.heard(event)
                        attempt.tools_run += event.kind == "tool_use"
                        await self._note(attempt, event)
                        await self.limits.heard(attempt.key, attempt.began, event)
        raise WorkerLost("the agent's stream ended without a report")

    async def _note(self, attempt: Ongoing, message: Message) -> None:
        data = attempt.redactor.data(dict(message.data))
        if message.kind not in QUIET:
            await self._tell(attempt, f"agent.{message.kind}", data)
            return
        text = str(data.get("text") or data.get("line") or data)
        level = "warning" if message.kind == "stderr" else "debug"
        where = {"job": attempt.job.number, "unit": attempt.unit.fence.unit}
        await self.store.write(logs.append, text, at=self.clock(), source="agent", level=level, **where)

    async def _tell(self, attempt: Ongoing, kind: str, data: dict[str, object]) -> None:
        fence = attempt.unit.fence
        where = {"job": attempt.job.number, "unit": fence.unit, "attempt": fence.attempt}
        await self.store.write(events.append, kind, at=self.clock(), data=data, **where)

    async def _record(self, attempt: Ongoing, report: Report | None, outcome: Outcome) -> None:
        """Decide what becomes of the unit, and write it."""
        if attempt.halt is not None and outcome.verdict is not Verdict.SUCCEEDED:
            await self._settle(attempt, ends.stopped(attempt, report))
            return
        await self.limits.ended(attempt.key, attempt.began, outcome, at_work=self._at_work(attempt.key))
        decision = retry.decide(
            outcome,
            attempt=attempt.unit.fence.attempt,
            charged=attempt.unit.charged,
            max_attempts=attempt.job.options.max_attempts,
            backoff=self.backoff,
            jitter=self.jitter,
        )
        is_mended = decision.status is UnitStatus.PENDING and outcome.cause in MENDED  # that says nothing yet
        unit = attempt.unit
        hold = None if is_mended else self.limits.tripped(attempt.job, unit.fence.unit, unit.start, outcome)
        end = ends.decided(attempt, report, outcome, decision, hold, self.clock())
        if end.hold is not None:
            said = (attempt.job.job_id, end.hold.reason, end.hold.detail)
            log.warning("job %s pauses: %s: %s", *said, extra=attempt.about)
        await self._settle(attempt, end)

    def _at_work(self, key: Key) -> int:
        return sum(one.key == key for one in self.ongoing.values())

    async def _settle(self, attempt: Ongoing, end: Settlement) -> None:
        end = replace(ends.redacted(end, attempt.redactor), **attempt.done_for._asdict())
        await self._publishing.end(attempt, end)

    @property
    def _publishing(self) -> Publishing:
        return Publishing(store=self.store, clock=self.clock)
