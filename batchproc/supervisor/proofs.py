"""What an answer that reads well still has to stand: its quotes are looked up, and the job's own check is run."""

import asyncio
import json
import logging
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchproc import evidence, fingerprints, judge, material, structured
from batchproc.agents.checker import Checker
from batchproc.errors import StoreError
from batchproc.models import AttemptTask, Cause, Outcome, Report, Verdict
from batchproc.store import db, events
from batchproc.structured import Claim
from batchproc.supervisor.ongoing import Ongoing

log = logging.getLogger(__name__)

MOST_NAMED = 5
PAGE = 50  # events of an agent that are read at a time


@dataclass(frozen=True, kw_only=True)
class Proofs:
    """Put to an answer that the judge believes. `checker` runs the jobs' checks."""

    store: db.Database
    checker: Checker | None = None

    async def doubt(self, attempt: Ongoing, task: AttemptTask, report: Report) -> Outcome | None:
        """What becomes of the attempt if the answer does not stand them; None if it does."""
        try:
            return await self._false_evidence(attempt, task, report) or await self._refused(attempt, task, report)
        except StoreError:
            raise
        except Exception as error:  # a fault of ours must not make an answer believed, nor lose it
            log.exception("an answer could not be checked: unit %s", attempt.unit.key, extra=attempt.about)
            return _flagged(f"the answer could not be checked: batchproc itself failed: {error!r}")

    async def _false_evidence(self, attempt: Ongoing, task: AttemptTask, report: Report) -> Outcome | None:
        if task.output_schema is None:
            return None
        claims = structured.claims(task.output_schema, report.output)
        left = {claim.quote for claim in claims if evidence.readings(claim.quote)}
        empty = [claim for claim in claims if claim.quote not in left]
        if empty:
            return _flagged(f"evidence: {_named(empty)} is empty; null means that there is none")
        texts = list(material.texts_in(dict(attempt.unit.payload)))
        left -= await asyncio.to_thread(material.found_in_texts, left, texts) if left else set()
        if not left:
            return None
        why = await self._not_in_file(attempt, task, left)
        left, is_shown = await self._not_shown(attempt, task, left) if why != CHANGED else (left, False)
        missing = [claim for claim in claims if claim.quote in left]
        if not missing:
            return None
        if why is not None and not is_shown:
            return _flagged(f"evidence: {_named(missing)} could not be checked: {why}")
        hint = JOINED if evidence.is_joined(missing[0].quote) else ""
        said = f'evidence: {_named(missing)} does not stand in the unit\'s own data or file: "{missing[0].quote[:200]}"'
        return _flagged(said + hint)

    async def _not_in_file(self, attempt: Ongoing, task: AttemptTask, left: set[str]) -> str | None:
        """Takes out of `left` what stands in the unit's own file. Returns why that cannot be said, if it cannot."""
        if task.file is None:
            return None
        if await asyncio.to_thread(material.is_the_agents_work, attempt.job, task):
            return CHANGED
        try:
            left -= await asyncio.to_thread(material.found_in_file, left, Path(task.file))
        except material.Unreadable as problem:
            return str(problem)
        return None

    async def _not_shown(self, attempt: Ongoing, task: AttemptTask, left: set[str]) -> tuple[set[str], bool]:
        """What of `left` the agent's tools did not show it either, and whether they showed it anything. Events hold no
        secrets, so the quotes are looked up without theirs."""
        known = {attempt.redactor.text(quote): quote for quote in left}
        is_shown, after = False, 0
        counted: set[tuple[int | None, Any]] = set()
        while known and (page := await self.store.read(events.of_tools, attempt.unit.fence.unit, after, limit=PAGE)):
            texts = await asyncio.to_thread(lambda page: list(material.shown(task, page, counted)), page)
            found = await asyncio.to_thread(material.found_in_texts, list(known), texts)
            known = {quote: own for quote, own in known.items() if quote not in found}
            is_shown, after = is_shown or bool(texts), page[-1].seq
        return set(known.values()), is_shown

    async def _refused(self, attempt: Ongoing, task: AttemptTask, report: Report) -> Outcome | None:
        """What the job's own check says of it; the check sees what will be kept."""
        options = task.options
        if not options.check:
            return None
        if self.checker is None:
            return _no_check("this supervisor runs none")
        if changed := await asyncio.to_thread(fingerprints.changes, options.check_files or {}):
            return _changed_check(changed)
        answer = {"key": task.key, "payload": attempt.unit.payload}
        answer |= {"text": attempt.redactor.text(report.text), "output": attempt.redactor.data(report.output)}
        checked = await self.checker.run(
            options.check,
            json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace"),
            directory=Path(task.directory),
            name=task.session_id,
            limit_s=options.check_timeout_s,
        )
        if checked.problem is not None:
            return _no_check(checked.problem)
        if checked.exit_code == 0:
            return None
        how = "took too long" if checked.exit_code is None else f"says no (exit {checked.exit_code})"
        return _flagged(f"the job's check {how}: {checked.said or 'without a word'}")


CHANGED = "the file was changed after the job was created, and its agents may write it"
JOINED = "; an ellipsis joins what does not stand together: quote each passage for itself"


def _named(claims: Sequence[Claim]) -> str:
    paths = list(dict.fromkeys(claim.path for claim in claims))
    more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    return ", ".join(paths[:MOST_NAMED]) + more


def _flagged(message: str) -> Outcome:
    return Outcome(verdict=Verdict.FLAGGED, message=message, signature=judge.signature(message))


def _no_check(problem: str) -> Outcome:
    """The job's fault, not the unit's: the answer is kept, and nobody else is sent into it."""
    message = f"the job's check cannot be run: {problem}"
    return Outcome(verdict=Verdict.FLAGGED, cause=Cause.CHECK, message=message, signature=judge.signature(message))


def _changed_check(words: Sequence[str]) -> Outcome:
    """Nobody approved what it would do now."""
    gone = [word for word in words if not Path(word).exists()]
    if gone:
        return _no_check(f"{gone[0]} is not there any more")
    message = f"the job's check was changed since it was approved, and was not run: {shlex.join(words)}; {ANEW}"
    return Outcome(
        verdict=Verdict.FLAGGED, cause=Cause.CHECK_CHANGED, message=message, signature=judge.signature(message)
    )


ANEW = (
    "put it back as it was and call start_job; or have it approved as it is now: name it again with "
    "update_job(options.check), or, if the job was approved already, cancel it and create it again"
)
