"""Results as a table: a job's final units in the order of its source, streamed, with the fields that they really have.

A verdict that corrects an answer puts the correction in its place, as long as the unit still has the answer that was
judged.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from batchproc import columns
from batchproc.columns import Block
from batchproc.models import Event, Job, UnitStatus
from batchproc.store import engine, events, rows, verdicts

BLOCK = 500
"""Results at a time."""
LARGE = 1 << 20
"""Characters after which a block ends that has fewer: what exports hold of it at once is some copies of it."""

SELECT_FIELDS = """
SELECT DISTINCT e.key, CASE WHEN e.type <> 'integer' THEN e.type WHEN typeof(e.value) <> 'integer' THEN 'big'
    WHEN e.value BETWEEN -9007199254740992 AND 9007199254740992 THEN 'integer' ELSE 'wide' END
"""
"""Names, and types in the words of `columns.Fields`."""
FIELDS = (
    SELECT_FIELDS
    + """
FROM units u INDEXED BY units_final, json_each(u.{column}) e WHERE u.job = :job AND u.finished_at IS NOT NULL
"""
)
"""In the order of the source: by another index it would be that in which units happened to end."""
CORRECTED_FIELDS = (
    SELECT_FIELDS
    + f"""
FROM verdicts v JOIN units u ON u.number = v.unit AND {verdicts.HOLDS}, json_each(v.correction) e
WHERE v.job = :job AND v.correction LIKE '{{%'
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
JUDGED_RESULTS = f"""
SELECT u.key, u.status, u.text, u.cost_usd, u.attempt, u.error, u.gone, u.payload, u.output, v.verdict, v.correction
FROM units u LEFT JOIN verdicts v ON v.unit = u.number
    AND {verdicts.HOLDS}
WHERE u.job = :job AND u.finished_at IS NOT NULL{{status}} ORDER BY u.number
"""  # noqa: S608 - our own condition
IS_JUDGED = "SELECT 1 FROM verdicts WHERE job = :job LIMIT 1"


def stream(tx: engine.Tx, job: int, status: UnitStatus | None = None) -> Iterator[Block]:
    """The job's final units, or those with `status`, in the order of the source, some at a time."""
    values = {"job": job} | ({} if status is None else {"status": status})
    is_judged = tx.execute(IS_JUDGED, {"job": job}).fetchone() is not None
    statement = (JUDGED_RESULTS if is_judged else RESULTS).format(status="" if status is None else BY_STATUS)
    found = _plain(tx, statement, values)
    while fetched := _some(found):
        yield _block([list(values) for values in zip(*fetched, strict=True)])


def _some(found: Any) -> list[tuple[Any, ...]]:
    """The next results: `BLOCK` of them, or as many as there are in `LARGE` characters; at least one."""
    some, room = [], LARGE
    for result in islice(found, BLOCK):
        some.append(result)
        room -= len(result[2] or "") + len(result[7] or "") + len(result[8] or "") + len(result[10] or "")
        if room <= 0:
            break
    return some


def _block(columns: list[list[Any]]) -> Block:
    keys, statuses, texts, costs, attempts, errors, gone, payloads, outputs, verdicts, corrections = columns
    said = [None] * len(keys)
    for n, correction in enumerate(corrections):
        if correction is not None:
            said[n] = texts[n] if outputs[n] is None else outputs[n]
            texts[n], outputs[n] = _corrected(correction)
    unit = (keys, statuses, texts, [round(cost, 6) for cost in costs], attempts, errors, verdicts, said)
    return Block((*unit, [reading is not None for reading in gone]), _records(payloads), _records(outputs))


def _corrected(correction: str) -> tuple[str | None, str | None]:
    """Text and structured answer: the text of a structured one is its JSON, as an agent's is."""
    given = rows.load(correction)
    return (correction, correction) if isinstance(given, dict) else (given, None)


def _records(texts: list[str | None]) -> list[dict[str, Any]]:
    """Read at once: one by one takes twice the time."""
    return list(rows.load(f"[{','.join([text or '{}' for text in texts])}]"))


TROUBLED = """
SELECT number, key, status, error FROM units
WHERE job = :job AND finished_at IS NOT NULL AND status IN ('flagged', 'failed'){status} ORDER BY number LIMIT :limit
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Troubled:
    """A unit that failed or was flagged, with the last events of it, oldest first."""

    key: str
    status: str
    error: str | None
    events: Sequence[Event]


def troubled(
    tx: engine.Tx, job: int, status: UnitStatus | None, *, limit: int, events_limit: int
) -> Iterator[Troubled]:
    """The first `limit` of them in the order of the source, one at a time."""
    values = {"job": job, "limit": limit} | ({} if status is None else {"status": status})
    statement = TROUBLED.format(status="" if status is None else " AND status = :status")
    for number, key, named, error in _plain(tx, statement, values).fetchall():
        tail = events.tail_of_unit(tx, number, limit=events_limit)
        yield Troubled(key=key, status=named, error=error, events=tail)


def _plain(tx: engine.Tx, statement: str, values: dict[str, Any]) -> Any:
    """A cursor over tuples: columns by name cost a tenth of the time that a million rows take."""
    cursor = tx.cursor()
    cursor.row_factory = None
    return cursor.execute(statement, values)
