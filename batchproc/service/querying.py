"""Questions to a job's results, in SQL."""

import string

from batchproc import answers, present_query, queries
from batchproc.errors import InvalidJob
from batchproc.models import Job
from batchproc.queries import Failed, Found, Limits
from batchproc.service.base import Service
from batchproc.store import jobs as rows
from batchproc.store import questions
from batchproc.store.questions import Known

LONGEST = 100_000
"""Characters of a question."""
LONGEST_SHOWN = 120
"""Characters of one that is too long which the error has."""
MOST_ROWS = 100_000
LONGEST_TIMEOUT_S = 3_600.0
CELLS = 25
"""So many of the longest cells fit into an answer."""


class Querying(Service):
    """query_results."""

    async def query_results(
        self, job_id: str, sql: str | None = None, limit: int = 200, timeout_s: float = 20, limit_bytes: int = 100_000
    ) -> answers.QueryResults:
        """The first `limit` rows of a question, as many as fit in `limit_bytes` as JSON; without one, the columns.

        The table `results` has the job's final units, with corrections in the place of answers.
        Raises `NotFound`, `InvalidJob`, `StoreError`.
        """
        question = None if sql is None else _question(sql)
        job = await self._job(job_id)
        if not 1 <= limit <= MOST_ROWS:
            raise InvalidJob("limit", limit, f"give a number between 1 and {MOST_ROWS:,}")
        if not 1 <= timeout_s <= LONGEST_TIMEOUT_S:
            raise InvalidJob("timeout_s", timeout_s, f"give seconds between 1 and {LONGEST_TIMEOUT_S:,.0f}")
        limits = Limits(rows=limit, bytes=limit_bytes, cell=limit_bytes // CELLS, timeout_s=timeout_s)
        known = await self._store.read(questions.sample, job)
        counts = await self._store.read(rows.ledger, job.number)
        if question is None:
            few = Limits(rows=present_query.SAMPLES, bytes=limit_bytes, cell=200, timeout_s=timeout_s)
            return present_query.table(job, known, await self._ask(job, known, "SELECT * FROM results", few), counts)
        known, found = await self._find(job, known, question, limits)
        return present_query.answer(job, known, found, limits, question, counts)

    async def _find(self, job: Job, known: Known, question: str, limits: Limits) -> tuple[Known, Found]:
        """The answer, and what had to be known for it: all fields, if the question names one that was not seen."""
        try:
            return known, await self._ask(job, known, question, limits)
        except Failed as failed:
            is_unknown = present_query.unknown_column(question, failed, known) is not None
            if known.is_complete or not is_unknown:
                raise present_query.refusal(question, failed, known, limits) from None
        try:
            found = await queries.look(self._store.path, questions.everything(job), timeout_s=limits.timeout_s)
        except Failed as failed:
            raise present_query.refusal(question, failed, known, limits) from None
        return await self._find(job, questions.learned(known, found), question, limits)

    async def _ask(self, job: Job, known: Known, question: str, limits: Limits) -> Found:
        if (name := present_query.unknown_column(question, None, known)) is not None:
            raise Failed("sql", f"no such column: {name}")
        return await queries.ask(
            self._store.path,
            question,
            view=lambda schema: questions.view(job.number, known, schema),
            tables=questions.TABLES,
            limits=limits,
        )


def _question(sql: str) -> str:
    """The question as it is run. Raises `InvalidJob`; its length is looked at before anything takes time with it."""
    if len(sql) > LONGEST:
        raise InvalidJob("sql", sql[:LONGEST_SHOWN], f"it is longer than {LONGEST:,} characters; write a shorter one")
    try:
        sql.encode()
    except UnicodeEncodeError as error:
        said = f"character {error.start + 1} is half of a surrogate pair, which is not valid text; mend or remove it"
        raise InvalidJob("sql", sql, said) from None
    if "\0" in sql:
        raise InvalidJob("sql", sql, "it holds a NUL character; leave that out, or write char(0)")
    question = sql.rstrip(string.whitespace + ";")
    if not question:
        raise InvalidJob("sql", sql, "write one SELECT or WITH query of the table results, or leave it out")
    return question
