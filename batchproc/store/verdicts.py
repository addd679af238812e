"""What persons made of answers: the newest verdict on each unit, and the gold set that they all are."""

from collections.abc import Sequence
from dataclasses import dataclass

from batchproc.models import Decision, Gold, Job, Json, Judgement, Order, Unit, UnitStatus
from batchproc.store import engine, events, jobs, rows, units

HOLDS = "v.status = u.status AND v.text IS u.text AND v.output IS u.output AND v.fingerprint IS u.fingerprint"
"""Whether a verdict `v` is on the answer that its unit `u` has, to the very question: the same words may be wrong of
other data, or under other instructions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a person says of an answer that he was shown."""

    decision: Decision
    correction: Json = None
    note: str | None = None


JUDGE = """
INSERT OR REPLACE INTO verdicts (unit, job, verdict, correction, note, judged_by, judged_at, status, text, output,
    fingerprint)
SELECT number, job, :verdict, :correction, :note, :by, :now, status, text, output, fingerprint FROM units
WHERE number = :unit AND attempt = :attempt AND status = :status AND text IS :text
"""


def record(tx: engine.Tx, job: Job, seen: Unit, said: Said, order: Order, *, now: float) -> bool:
    """Keep what was said of a unit's answer, in the place of what was said before. False: its answer is not (any more)
    the one that was `seen`."""
    corrected = said.decision is Decision.CORRECT
    values = {
        "verdict": said.decision,
        "correction": rows.dump(said.correction) if corrected else None,
        "note": rows.clean(said.note),
        "by": order.by,
        "now": now,
    }
    answer = {"unit": seen.number, "attempt": seen.attempt, "status": seen.status, "text": seen.text}
    if not tx.execute(JUDGE, {**values, **answer}).rowcount:
        return False
    data = {"verdict": said.decision, **({"correction": said.correction} if corrected else {}), **jobs.told(order)}
    events.append(tx, "unit.judged", at=now, job=job.number, unit=seen.number, attempt=seen.attempt, data=data)
    return True


OF_UNITS = f"""
SELECT v.*, {HOLDS} AS holds FROM json_each(:units) k CROSS JOIN verdicts v ON v.unit = k.value
JOIN units u ON u.number = v.unit
"""  # noqa: S608 - our own condition


def on(tx: engine.Tx, shown: Sequence[Unit]) -> dict[int, Judgement]:
    """The verdicts on these units by their numbers, whether they hold or not."""
    found = tx.execute(OF_UNITS, {"units": rows.dump([one.number for one in shown])})
    return {row["unit"]: _judgement(row) for row in found}


def _judgement(row: engine.Row) -> Judgement:
    return Judgement(
        decision=Decision(row["verdict"]),
        correction=rows.load(row["correction"]),
        note=row["note"],
        by=row["judged_by"],
        at=rows.certain(row["judged_at"]),
        status=UnitStatus(row["status"]),
        text=row["text"],
        output=rows.load(row["output"]),
        holds=bool(row["holds"]),
    )


def final_page(
    tx: engine.Tx, job: int, *, status: UnitStatus | None, after: int, limit: int
) -> tuple[list[Unit], dict[int, Judgement]]:
    """The next final units (see `units.final_page`) and the verdicts on them, of one moment."""
    page = units.final_page(tx, job, status=status, after=after, limit=limit)
    return page, on(tx, page)


GOLD = """
SELECT v.unit, u.key, v.verdict, v.correction, v.status, v.text, v.output
FROM verdicts v JOIN units u ON u.number = v.unit WHERE v.job = :job ORDER BY v.unit
"""


def gold(tx: engine.Tx, job: int) -> list[Gold]:
    """All that persons said of the job's answers, in the order of the source; also of answers that are not there any
    more."""
    return [
        Gold(
            unit=row["unit"],
            key=row["key"],
            decision=Decision(row["verdict"]),
            correction=rows.load(row["correction"]),
            status=UnitStatus(row["status"]),
            said=row["text"] if row["output"] is None else rows.load(row["output"]),
        )
        for row in tx.execute(GOLD, {"job": job})
    ]
