"""Results to be asked for: the SELECT behind the table `results`, and the fields that it has columns for.

The columns are those of an export (see `columns`), with values as SQLite has them. Fields are looked for in the first
and the last units; in all of them only where a question names one that is in none of these.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchproc import columns
from batchproc.columns import Fields, quoted
from batchproc.models import FINAL, Job
from batchproc.store import engine, jobs, results, verdicts

FEW = 5_000
"""Final units of a job whose fields are looked for in all of them; takes some tens of milliseconds."""
EACH_END = 1_000

TABLES = ("units", "verdicts")
"""On which the SELECT stands."""

IS_NUMBER = """,
    e.type = 'text' AND e.value NOT GLOB '*[^0-9.+-]*' AND e.value NOT GLOB '?*[+-]*' AND e.value GLOB '*[0-9]*'
"""
OF_BOTH_ENDS = """
FROM units u, json_each(u.{column}) e WHERE u.number IN (
    SELECT number FROM
        (SELECT number FROM units WHERE job = :job AND finished_at IS NOT NULL ORDER BY number LIMIT :n)
    UNION SELECT number FROM
        (SELECT number FROM units WHERE job = :job AND finished_at IS NOT NULL ORDER BY number DESC LIMIT :n))
"""
SAMPLE = results.SELECT_FIELDS + IS_NUMBER + OF_BOTH_ENDS


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What is known of the fields of a job's `of` final units after `seen` of them were looked at. `numbers`: columns
    of text that held only numbers there, as those from CSV files do."""

    payload: Fields
    answer: Fields
    table: columns.Table
    of: int
    seen: int
    numbers: frozenset[str]

    @property
    def is_complete(self) -> bool:
        return self.seen >= self.of


def sample(tx: engine.Tx, job: Job) -> Known:
    """The fields of the first and the last final units, or of all if they are few, and those of the schema."""
    counts = jobs.ledger(tx, job.number)
    final = sum(counts[status] for status in FINAL)
    n = FEW if final <= FEW else EACH_END
    payload, answer = Fields(), columns.declared(job.options.output_schema)
    numbers: dict[str, bool] = {}
    for name, kind, is_number in tx.execute(SAMPLE.format(column="payload"), {"job": job.number, "n": n}):
        payload.see(name, kind)
        if kind != "null":
            numbers[name] = bool(is_number) and numbers.get(name, True)
    for name, kind, _ in tx.execute(SAMPLE.format(column="output"), {"job": job.number, "n": n}):
        answer.see(name, kind)
    for name, kind in tx.execute(results.CORRECTED_FIELDS, {"job": job.number}):
        answer.see(name, kind)
    return _known(payload, answer, final, min(final, 2 * n), {name for name, all_are in numbers.items() if all_are})


def everything(job: Job) -> list[tuple[str, Mapping[str, Any]]]:
    """The statements that find the fields of all final units: of payloads, of answers, of corrections."""
    fields = [results.FIELDS.format(column=column) for column in ("payload", "output")]
    return [(sql, {"job": job.number}) for sql in (*fields, results.CORRECTED_FIELDS)]


def learned(known: Known, found: Sequence[Sequence[Sequence[str]]]) -> Known:
    """What is known after `everything` was found; what was known before keeps its name."""
    for fields, seen in zip((known.payload, known.answer, known.answer), found, strict=True):
        for name, kind in seen:
            fields.see(name, kind)
    return _known(known.payload, known.answer, known.of, known.of, set())


def _known(payload: Fields, answer: Fields, of: int, seen: int, numbers: set[str]) -> Known:
    table = columns.table(payload, answer)
    first = len(columns.UNIT)
    named = zip(table.columns[first : first + len(table.payload)], table.payload, strict=True)
    texts = frozenset(column.name for column, field in named if field in numbers)
    return Known(payload=payload, answer=answer, table=table, of=of, seen=seen, numbers=texts)


VIEW = """
SELECT {columns} FROM {schema}.units u LEFT JOIN {schema}.verdicts v
    ON v.unit = u.number AND {holds}
WHERE u.job = {job} AND u.finished_at IS NOT NULL
"""
UNIT = (
    "u.key",
    "u.status",
    "CASE WHEN v.correction IS NULL THEN u.text WHEN v.correction LIKE '{%' THEN v.correction "
    "ELSE v.correction ->> '$' END",
    "round(u.cost_usd, 6)",
    "u.attempt",
    "u.error",
    "v.verdict",
    "CASE WHEN v.correction IS NOT NULL THEN coalesce(u.output, u.text) END",
    "u.gone IS NOT NULL",
)
"""In the order of `columns.UNIT`."""
PAYLOAD = "u.payload"
ANSWER = "CASE WHEN v.correction IS NULL THEN u.output WHEN v.correction LIKE '{%' THEN v.correction END"


def view(job: int, known: Known, schema: str) -> str:
    """The SELECT behind `results`, over the store that is attached as `schema`."""
    values = [
        *UNIT,
        *(_value(PAYLOAD, field, known.payload) for field in known.table.payload),
        *(_value(ANSWER, field, known.answer) for field in known.table.answer),
    ]
    named = zip(values, known.table.columns, strict=True)
    shown = ",\n    ".join(f"{value} AS {quoted(column.name)}" for value, column in named)
    return VIEW.format(columns=shown, schema=schema, holds=verdicts.HOLDS, job=job)


def _value(record: str, field: str | None, fields: Fields) -> str:
    """A field of a record as SQLite has it: a number, a text, 0 or 1; lists and objects as JSON."""
    if field is None:
        known = ", ".join(map(_path, fields.types))
        return f"nullif(json_remove({record}, {known}), '{{}}')"
    path = _path(field)
    if "big" in fields.types[field]:  # more than 64 bits would come as a float that is nearly it
        return f"iif(typeof({record} ->> {path}) = 'real', {record} -> {path}, {record} ->> {path})"
    return f"{record} ->> {path}"


def _path(field: str) -> str:
    """A field's place in a JSON object, as a literal of SQL."""
    return "'$." + json.dumps(field, ensure_ascii=False).replace("'", "''") + "'"
