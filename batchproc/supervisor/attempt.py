"""One attempt's life: claimed → rendered → ran → judged → decided → recorded."""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from batchproc import judge, retry
from batchproc.errors import InvalidJob, StoreError, WorkerLost
from batchproc.models import (
    AttemptTask,
    Cause,
    Claimed,
    Job,
    Message,
    Outcome,
    Report,
    Settlement,
    Started,
    UnitStatus,
    Verdict,
)
from batchproc.prompts import Prompt
from batchproc.store import db, events, logs, units
from batchproc.workers.base import Workers

log = logging.getLogger(__name__)

RETRY_WRITE_S = 1.0
QUIET = frozenset({"system", "stderr"})
"""Messages that are kept as logs, not as events."""


@dataclass(kw_only=True, slots=True)
class Ongoing:
    """What an attempt needs, and what is known of it while it runs."""

    job: Job
    unit: Claimed
    tools_run: int = 0


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """Runs attempts. Everything it decides is pure and elsewhere; here it is done."""

    store: db.Database
    workers: Workers
    home: Path
    backoff: retry.Backoff
    clock: Callable[[], float]
    jitter: Callable[[], float] = random.random

    async def run(self, job: Job, unit: Claimed) -> None:
        """See one claimed unit through to the row that says how its attempt ended.

        Cancelled, it stops the agent and releases the unit: `pending`, charged only if a tool of it ran.
        """
        attempt = Ongoing(job=job, unit=unit)
        try:
            report, outcome = await self._ran(attempt)
        except asyncio.CancelledError:
            await _to_the_end(self._release(attempt, "released by a drain"))
            raise
        except StoreError as error:
            log.error("unit %s cannot be followed, its agent was stopped: %s", unit.key, error)
            await _to_the_end(self._release(attempt, "released: the store could not be written"))
            return
        decision = retry.decide(
            outcome,
            attempt=unit.fence.attempt,
            charged=unit.charged,
            max_attempts=job.options.max_attempts,
            backoff=self.backoff,
            jitter=self.jitter,
        )
        await _to_the_end(self._record(attempt, report, outcome, decision))

    async def _ran(self, attempt: Ongoing) -> tuple[Report | None, Outcome]:
        try:
            report = await self._report(attempt, self._render(attempt))
        except InvalidJob as error:
            return None, _outcome(Cause.PROMPT, str(error))
        except WorkerLost as error:
            return None, _outcome(Cause.WORKER_LOST, str(error))
        except StoreError:
            raise
        except OSError as error:  # the disk is full, too many files are open: not the unit's fault
            log.exception("this machine could not start an agent: unit %s", attempt.unit.key)
            return None, _outcome(Cause.MACHINE, str(error), Verdict.UNRUN)
        except Exception as error:  # a fault of ours must cost one unit an attempt, not the whole job its supervisor
            log.exception("attempt failed inside batchproc: unit %s", attempt.unit.key)
            return None, _outcome(Cause.CRASHED, f"batchproc itself failed: {error!r}")
        return report, judge.judge(report)

    def _render(self, attempt: Ongoing) -> AttemptTask:
        job, unit, fence = attempt.job, attempt.unit, attempt.unit.fence
        file = str(unit.payload["file_path"]) if job.source == "file" else None
        if file is not None and not Path(file).is_file():
            raise InvalidJob("file_path", file, "the file is gone since the job was created")
        return AttemptTask(
            job_id=job.job_id,
            unit=fence.unit,
            key=unit.key,
            attempt=fence.attempt,
            prompt=Prompt(job.instructions, reads_file=file is not None).render(unit.key, unit.payload),
            options=job.options,
            session_id=unit.session_id,
            directory=str(directory(self.home, job.job_id, fence.unit, fence.attempt)),
            file=file,
            root=None if file is None else file.removesuffix(str(unit.payload["relative_path"])),
        )

    async def _report(self, attempt: Ongoing, task: AttemptTask) -> Report:
        async with aclosing(self.workers.run(task)) as running:
            async for event in running:
                match event:
                    case Report():
                        return event
                    case Started():
                        await self._tell(attempt, "agent.started", {"pid": event.pid, "guard": event.guard})
                    case Message():
                        attempt.tools_run += event.kind == "tool_use"
                        await self._note(attempt, event)
        raise WorkerLost("the agent's stream ended without a report")

    async def _note(self, attempt: Ongoing, message: Message) -> None:
        if message.kind not in QUIET:
            await self._tell(attempt, f"agent.{message.kind}", dict(message.data))
            return
        text = str(message.data.get("text") or message.data.get("line") or dict(message.data))
        level = "warning" if message.kind == "stderr" else "debug"
        where = {"job": attempt.job.number, "unit": attempt.unit.fence.unit}
        await self.store.write(logs.append, text, at=self.clock(), source="agent", level=level, **where)

    async def _tell(self, attempt: Ongoing, kind: str, data: dict[str, object]) -> None:
        fence = attempt.unit.fence
        where = {"job": attempt.job.number, "unit": fence.unit, "attempt": fence.attempt}
        await self.store.write(events.append, kind, at=self.clock(), data=data, **where)

    async def _record(
        self, attempt: Ongoing, report: Report | None, outcome: Outcome, decision: retry.Decision
    ) -> None:
        now = self.clock()
        final = decision.status is not UnitStatus.PENDING
        doubted = decision.status in {UnitStatus.FAILED, UnitStatus.FLAGGED}
        end = Settlement(
            status=decision.status,
            outcome="lost" if outcome.cause is Cause.WORKER_LOST else outcome.verdict,
            charged=decision.charged,
            report=report,
            text=report.text if report and final and decision.status is not UnitStatus.FAILED else None,
            output=report.output if report and final else None,
            error=outcome.message or None if outcome.verdict is not Verdict.SUCCEEDED else None,
            signature=outcome.signature if doubted else None,
            due_at=0.0 if final else now + decision.delay_s,
            reason=None if final else _reason(outcome, decision),
            pause=decision.pause,
            start=attempt.unit.start,
        )
        if decision.pause is not None:
            log.warning("job %s pauses: %s: %s", attempt.job.job_id, decision.pause, outcome.message)
        await self._settle(attempt, end)

    async def _release(self, attempt: Ongoing, reason: str) -> None:
        """Stopped from outside: the unit goes back, and is charged only if the agent may have done something."""
        touched = attempt.tools_run > 0
        end = Settlement(status=UnitStatus.PENDING, outcome="released", charged=touched, reason=reason)
        if touched and attempt.unit.charged + 1 >= attempt.job.options.max_attempts:
            message = f"{reason}, after a tool had run, on its last attempt"
            end = replace(end, status=UnitStatus.FAILED, reason=None, error=message, signature=judge.signature(message))
        await self._settle(attempt, end)

    async def _settle(self, attempt: Ongoing, end: Settlement) -> None:
        """Write how it ended, again and again while the disk refuses: what an agent did is not thrown away."""
        complained = False
        while True:
            try:
                won = await self.store.write(units.settle, attempt.unit.fence, end, now=self.clock())
            except StoreError as error:
                if not complained:
                    log.error("unit %s cannot be recorded yet; trying again: %s", attempt.unit.key, error)
                complained = True
                await asyncio.sleep(RETRY_WRITE_S)
                continue
            except Exception as error:  # the row refuses it: say so in the row, rather than leave the unit running
                log.exception("unit %s: its end cannot be recorded as it is", attempt.unit.key)
                won = await self.store.write(units.settle, attempt.unit.fence, _refused(error), now=self.clock())
            if not won:
                log.warning("unit %s was settled by somebody newer; this end is dropped", attempt.unit.key)
            return


async def _to_the_end(writing: Coroutine[Any, Any, None]) -> None:
    """Await `writing` to its end even if we are cancelled meanwhile: a fact is recorded or it is not."""
    task = asyncio.ensure_future(writing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


def _refused(error: Exception) -> Settlement:
    message = f"the end of this attempt could not be recorded: {error!r}"
    signature = judge.signature(message)
    return Settlement(status=UnitStatus.FAILED, outcome="failed", error=message, signature=signature)


def _outcome(cause: Cause, message: str, verdict: Verdict = Verdict.FAILED) -> Outcome:
    said = f"{cause.value.replace('_', ' ')}: {message}"
    return Outcome(verdict=verdict, cause=cause, message=said, signature=judge.signature(said))


def _reason(outcome: Outcome, decision: retry.Decision) -> str:
    return decision.pause or f"backoff after {outcome.cause or outcome.verdict}"


def directory(home: Path, job_id: str, unit: int, attempt: int) -> Path:
    """The attempt's own place: its scratch directory and its agent's configuration."""
    return home / "agents" / job_id / str(unit) / str(attempt)
