"""Results as a table: a job's final units in the order of its source, streamed, with the fields that they really have.

A verdict that corrects an answer puts the correction in its place, as long as the unit still has the answer that was
judged.
"""

from collections.abc import Iterator
from typing import Any

from batchproc import columns
from batchproc.columns import Row
from batchproc.models import Job, UnitStatus
from batchproc.store import engine, rows

BLOCK = 1_000

SELECT_FIELDS = """
SELECT DISTINCT e.key, CASE WHEN e.type <> 'integer' THEN e.type WHEN typeof(e.value) <> 'integer' THEN 'big'
    WHEN e.value BETWEEN -9007199254740992 AND 9007199254740992 THEN 'integer' ELSE 'wide' END
"""
"""Names, and types in the words of `columns.Fields`."""
FIELDS = SELECT_FIELDS + "FROM units u, json_each(u.{column}) e WHERE u.job = :job AND u.finished_at IS NOT NULL"
CORRECTED_FIELDS = (
    SELECT_FIELDS
    + """
FROM verdicts v, json_each(v.correction) e WHERE v.job = :job AND v.correction LIKE '{%'
"""
)
BY_STATUS = " AND u.status = :status"


def table(tx: engine.Tx, job: Job, status: UnitStatus | None = None) -> columns.Table:
    """The columns of the job's results: the fields of all final units, or of those with `status`, and of its schema."""
    payload, answer = columns.Fields(), columns.declared(job.options.output_schema)
    values = {"job": job.number} | ({} if status is None else {"status": status})
    narrowed = FIELDS + ("" if status is None else BY_STATUS)
    for fields, statement in (
        (payload, narrowed.format(column="payload")),
        (answer, narrowed.format(column="output")),
        (answer, CORRECTED_FIELDS),
    ):
        for name, kind in _plain(tx, statement, values):
            fields.see(name, kind)
    return columns.table(payload, answer)


RESULTS = """
SELECT u.key, u.status, u.text, u.cost_usd, u.attempt, u.error, u.gone, u.payload, u.output, NULL, NULL
FROM units u WHERE u.job = :job AND u.finished_at IS NOT NULL{status} ORDER BY u.number
"""
JUDGED_RESULTS = """
SELECT u.key, u.status, u.text, u.cost_usd, u.attempt, u.error, u.gone, u.payload, u.output, v.verdict, v.correction
FROM units u LEFT JOIN verdicts v ON v.unit = u.number
    AND v.status = u.status AND v.text IS u.text AND v.output IS u.output
WHERE u.job = :job AND u.finished_at IS NOT NULL{status} ORDER BY u.number
"""
IS_JUDGED = "SELECT 1 FROM verdicts WHERE job = :job LIMIT 1"


def stream(tx: engine.Tx, job: int, status: UnitStatus | None = None) -> Iterator[list[Row]]:
    """The job's final units, or those with `status`, in the order of the source, some at a time."""
    values = {"job": job} | ({} if status is None else {"status": status})
    is_judged = tx.execute(IS_JUDGED, {"job": job}).fetchone() is not None
    statement = (JUDGED_RESULTS if is_judged else RESULTS).format(status="" if status is None else BY_STATUS)
    found = _plain(tx, statement, values)
    while block := found.fetchmany(BLOCK):
        yield [_row(*each) for each in block]


def _row(
    key: str,
    status: str,
    text: str | None,
    cost_usd: float,
    attempts: int,
    error: str | None,
    gone: int | None,
    payload: str,
    output: str | None,
    verdict: str | None,
    correction: str | None,
) -> Row:
    answer, said = rows.load(output), None
    if correction is not None:
        said = text if output is None else output
        text, answer = _corrected(rows.load(correction))
    unit = (key, status, text, round(cost_usd, 6), attempts, error, verdict, said, gone is not None)
    return Row(unit, rows.load(payload), answer or {})


def _corrected(correction: Any) -> tuple[str | None, Any]:
    """Text and structured answer: where a person gave the one, nobody said the other."""
    return (None, correction) if isinstance(correction, dict) else (correction, None)


def _plain(tx: engine.Tx, statement: str, values: dict[str, Any]) -> Any:
    """A cursor over tuples: columns by name cost a tenth of the time that a million rows take."""
    cursor = tx.cursor()
    cursor.row_factory = None
    return cursor.execute(statement, values)
