"""A person looks at some answers and says what he makes of them."""

import asyncio
import contextlib
import json
import math
from collections.abc import Collection
from pathlib import Path

from batchproc import answers, gold, material, present_review, sampling, schemas, structured
from batchproc.errors import InvalidJob, StoreError
from batchproc.models import FINAL, Decision, Job, JobStatus, Json, Order, Unit
from batchproc.service import drawing
from batchproc.service.base import Service
from batchproc.store import answered, draws, verdicts
from batchproc.store.answered import ANSWERED
from batchproc.store.verdicts import Said

MOST_DRAWN = 1_000
SHOWN = 20
TRIES = 3
LONGEST_NOTE = 2_000


class Reviewing(Service):
    """review_units, record_verdict."""

    async def review_units(
        self, job_id: str, n: int | None = SHOWN, *, shown: int = SHOWN, skip: Collection[str] = ()
    ) -> answers.ReviewUnits:
        """Draw `n` succeeded answers by chance, and some more that look risky; the next `shown` of those that nobody
        has judged. What was drawn stays drawn: a larger `n` adds to it, a smaller one changes nothing. None: draw no
        more. If answers came or went since, it is drawn anew, and verdicts that still hold are kept.

        Raises `NotFound`, `InvalidJob`.
        """
        if n is not None and not 1 <= n <= MOST_DRAWN:
            raise InvalidJob("n", n, f"give a number between 1 and {MOST_DRAWN:,}")
        job = await self._job(job_id)
        if not job.total_units:
            waits = job.status is JobStatus.ENUMERATING
            way_out = "it has no units yet; wait with get_status(wait_s=45)" if waits else "it has no units to judge"
            raise InvalidJob("job", job_id, way_out)
        is_fresh = n is not None and await self._draw(job, n)
        drawn, left = await self._store.read(draws.to_judge, job.number, limit=shown, skip=skip)
        look = await self._look(job_id)
        if look.review is None or not (look.review.random.drawn or look.review.risk.drawn):
            raise InvalidJob("job", job_id, "it has no answers yet; get_status(wait_s=45) says when it has")
        return present_review.units(look, drawn, left, said=present_review.FRESH if is_fresh else "")

    async def _draw(self, job: Job, n: int) -> bool:
        """See that so many are drawn from the answers that there are; says whether in an order that is new because the
        old one tells too much good."""
        for _ in range(TRIES):
            look = await self._store.read(draws.look, job.number)
            before = None if look is None else look.draw
            if (
                before is not None
                and before.n >= n
                and before.mark == await self._store.read(answered.mark, job.number)
            ):
                return False
            is_tainted = look is not None and look.is_tainted
            is_fresh = before is None or before.trial != job.trial or is_tainted
            seed = sampling.seed() if before is None or is_fresh else before.seed
            most = n if before is None else max(n, before.n)
            if await drawing.draw(self._store, job, most, before, seed, now=self._clock()):
                return is_tainted
        raise StoreError(f"others are drawing units of job {job.job_id} at this moment; try again in some seconds")

    async def record_verdict(
        self,
        job_id: str,
        key: str,
        verdict: str,
        *,
        correction: Json = None,
        note: str | None = None,
        attempt: int | None = None,
    ) -> answers.JudgedUnit:
        """Keep what a person says of a unit's answer; a newer verdict takes the place of an older one. A correction
        takes the answer's place in results. With `attempt`, only if the answer is still that one's.

        Raises `NotFound`, `InvalidJob`.
        """
        decision = _decision(verdict, correction)
        _require_note(note)
        job = await self._job(job_id)
        unit = await self._unit(job, key)
        _require_answer(unit, decision, attempt)
        if decision is Decision.CORRECT:
            correction = _corrected(job, unit, correction)
            await self._require_quotes(job, unit, correction)
        before = (await self._store.read(verdicts.on, [unit])).get(unit.number)
        said = Said(decision=decision, correction=correction, note=note)
        order = Order(by=self._by, why=note)
        if not await self._store.write(verdicts.record, job, unit, said, order, now=self._clock()):
            raise InvalidJob("key", key, "it was run again in this moment; look at its answer, then judge it")
        return present_review.judged(await self._look(job_id), unit, decision, before)

    async def _require_quotes(self, job: Job, unit: Unit, correction: Json) -> None:
        """Quotes of a correction stand in the unit's own data, as those of answers do; where agents may read more than
        that, nobody can say. Raises `InvalidJob`."""
        claims = structured.claims(job.options.output_schema or {}, correction)
        left = {claim.quote for claim in claims}
        if not left or job.options.working_directory or job.options.directories:
            return
        missing = await asyncio.to_thread(_not_found, left, unit)
        for claim in claims:
            if claim.quote in missing:
                way_out = "this quote does not stand in the unit's own data or file; correct it, or give null"
                raise InvalidJob(f"correction.{claim.path}", claim.quote, way_out)


def _not_found(quotes: set[str], unit: Unit) -> set[str]:
    left = quotes - material.found_in_texts(list(quotes), material.texts_in(dict(unit.payload)))
    if left and "file_path" in unit.payload:
        try:
            left -= material.found_in_file(left, Path(str(unit.payload["file_path"])))
        except material.Unreadable:
            return set()
    return left


def _decision(verdict: str, correction: Json) -> Decision:
    if verdict not in set(Decision):
        raise InvalidJob("verdict", verdict, f"say one of {', '.join(Decision)}")
    if verdict == Decision.CORRECT and correction is None:
        raise InvalidJob("correction", None, "say what the answer should be; or reject it")
    if verdict != Decision.CORRECT and correction is not None:
        raise InvalidJob("correction", correction, f"it goes with the verdict correct, not with {verdict}")
    return Decision(verdict)


def _require_answer(unit: Unit, decision: Decision, attempt: int | None) -> None:
    """There is an answer to judge, and it is the one that was shown."""
    if unit.status not in ANSWERED:
        way_out = "retry_units asks for it again" if unit.status in FINAL else "wait with get_status(wait_s=45)"
        raise InvalidJob("key", unit.key, f"the unit is {unit.status}, so it has no answer to judge; {way_out}")
    if attempt is not None and attempt != unit.attempt:
        way_out = f"the unit was run again since, its answer is that of attempt {unit.attempt}; look at it first"
        raise InvalidJob("attempt", attempt, way_out)
    if decision is Decision.ACCEPT and unit.output is None and not unit.text:
        raise InvalidJob(
            "verdict", decision, f"unit {unit.key!r} has no answer that could be right; reject or correct it"
        )


def _corrected(job: Job, unit: Unit, correction: Json) -> Json:
    """The correction, checked as an answer is."""
    schema = job.options.output_schema
    if schema is None:
        if not isinstance(correction, str) or not correction.strip():
            raise InvalidJob("correction", correction, "answers of this job are text; give the right one as text")
    else:
        correction = _object(correction)
        if problems := schemas.problems(schema, correction):
            raise InvalidJob("correction", correction, f"it does not fit output_schema: {'; '.join(problems)}")
    _require_whole("correction", correction)
    # White space may be all that is wrong with a text.
    if correction == unit.text if unit.output is None else gold.same(correction, unit.output):
        raise InvalidJob("correction", correction, "that is the answer it has; accept it")
    return correction


def _require_note(note: str | None) -> None:
    if note is not None and len(note) > LONGEST_NOTE:
        raise InvalidJob("note", note, f"at most {LONGEST_NOTE:,} characters")
    _require_whole("note", note)


def _require_whole(field: str, value: Json) -> None:
    """Nothing that the store would keep as something else, and no NUL in any of its texts: databases and spreadsheets
    take what follows it for no part of the text."""
    match value:
        case float() if not math.isfinite(value):
            raise InvalidJob(field, value, "it is no number that JSON knows; give another one, or null if it may be")
        case str() if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise InvalidJob(field, value, "it holds half a character (a lone surrogate); leave that out")
        case str() if "\0" in value:
            raise InvalidJob(field, value, "it holds a NUL character; leave that out")
        case dict():
            for name, inner in value.items():
                _require_whole(f"a field of {field}", name)
                _require_whole(f"{field}.{name}", inner)
        case list():
            for n, inner in enumerate(value):
                _require_whole(f"{field}[{n}]", inner)


def _object(correction: Json) -> Json:
    if isinstance(correction, str):
        with contextlib.suppress(json.JSONDecodeError):
            correction = json.loads(correction)
    if not isinstance(correction, dict):
        raise InvalidJob("correction", correction, "answers of this job are objects; give one that fits output_schema")
    return correction
