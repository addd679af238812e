"""The pilot: a few units run before the rest, once for each description that is tried; then a person decides.

The same units run in every trial. What they came to in it is kept in `trial_results`, so that old can be seen beside
new; what counts as the job's own results are those of the trial that is in force. See `trials` for both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchproc import budget
from batchproc.models import AgentOptions, Credential, Job, JobStatus, Order
from batchproc.pilot_sample import Candidate
from batchproc.store import engine, events, jobs, rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """What is tried: the instructions and options that the job has while it is."""

    instructions: str
    options: AgentOptions
    variant: str | None = None


BOUNDS = "SELECT MIN(number) AS first, MAX(number) AS last FROM units WHERE job = :job AND status = 'pending'"
FIRST_FROM = """
SELECT number, payload FROM units WHERE job = :job AND status = 'pending' AND due_at = 0 AND number >= :number
ORDER BY number LIMIT 1
"""
BOUNDS_FINAL = """
SELECT MIN(number) AS first, MAX(number) AS last FROM units WHERE job = :job AND finished_at IS NOT NULL
"""
FIRST_FINAL_FROM = """
SELECT number, payload FROM units WHERE job = :job AND finished_at IS NOT NULL AND number >= :number
    AND status NOT IN ('skipped', 'cancelled') AND gone IS NULL
ORDER BY number LIMIT 1
"""


def candidates(tx: engine.Tx, job: int, *, most: int, final: bool = False) -> list[Candidate]:
    """Units spread evenly over the job's source, at most `most`, at the same cost however many there are: those that
    have not run, or those that are `final`. Their kind is the extension of their file, or `record`."""
    in_all, next_one = (BOUNDS_FINAL, FIRST_FINAL_FROM) if final else (BOUNDS, FIRST_FROM)
    bounds = tx.execute(in_all, {"job": job}).fetchone()
    if bounds["first"] is None:
        return []
    first, span = bounds["first"], bounds["last"] - bounds["first"] + 1
    found: dict[int, Candidate] = {}
    for step in range(min(most, span)):
        row = tx.execute(next_one, {"job": job, "number": first + step * span // min(most, span)}).fetchone()
        if row is not None and row["number"] not in found:
            found[row["number"]] = _candidate(row)
    return list(found.values())


def _candidate(row: engine.Row) -> Candidate:
    payload: Mapping[str, Any] = rows.load(row["payload"])
    kind = str(payload.get("file_extension") or "file") if "file_path" in payload else "record"
    return Candidate(number=row["number"], size=budget.size_of(payload, len(row["payload"])), kind=kind.lower())


# A round.


def is_as_seen(tx: engine.Tx, job: Job) -> bool:
    """Whether what is tried, and under which settings, is still what somebody saw who decides on it."""
    known = jobs.by_number(tx, job.number)
    described = (known.round, known.trial, known.instructions, known.options)
    return described == (job.round, job.trial, job.instructions, job.options)


BEGIN = """
UPDATE jobs SET status = 'pilot', reason = NULL, detail = NULL, paused_from = NULL, resume_at = NULL,
    credential = :credential, started_at = COALESCE(started_at, :now), resumed_at = :now, starts = starts + 1,
    round = round + 1, trial = :trial, instructions = :instructions, options = :options
WHERE number = :number AND deleting = 0 AND published = 1 AND approved_at IS NULL
    AND (status IN ('ready', 'pilot', 'review') OR (status = 'paused' AND paused_from = 'pilot'))
"""
NEWEST = "SELECT COALESCE(MAX(n), 0) AS n FROM trials WHERE job = :job"
GIVE_UP = "UPDATE trials SET ended_at = :now WHERE job = :job AND ended_at IS NULL"
ADD = """
INSERT INTO trials (job, n, round, variant, instructions, options)
VALUES (:job, :n, :round, :variant, :instructions, :options)
"""
CHOOSE = "UPDATE units SET pilot = 1 WHERE number IN (SELECT value FROM json_each(:units)) AND +job = :job"


def begin(
    tx: engine.Tx,
    job: Job,
    tried: Sequence[Description],
    *,
    units: Sequence[int] = (),
    credential: Credential,
    order: Order,
    now: float,
) -> bool:
    """Begin the next round: what is tried runs one after the other, on the pilot's units; `units` are made those in the
    first round. What of an earlier round still runs is stopped. False: the job's status does not allow it, or it is not
    any more as it was seen (`job`)."""
    if not is_as_seen(tx, job):
        return False
    first = newest(tx, job.number) + 1
    values = {"number": job.number, "credential": credential, "now": now, "trial": first}
    if not tx.execute(BEGIN, {**values, **told_description(tried[0])}).rowcount:
        return False
    add_round(tx, job.number, tried, units=units, now=now)
    data = {"round": job.round + 1, "trial": first, "credential": credential, **jobs.told(order)}
    events.append(tx, "job.pilot", at=now, job=job.number, data=data)
    end_if_drained(tx, job.number, now=now)
    return True


def newest(tx: engine.Tx, job: int) -> int:
    """The number of the trial that was made last; 0: there was none."""
    return int(tx.execute(NEWEST, {"job": job}).fetchone()["n"])


def add_round(tx: engine.Tx, job: int, tried: Sequence[Description], *, units: Sequence[int], now: float) -> None:
    """What a job's row already says, in trials: the round's, on `units` or on those that are in the pilot."""
    tx.execute(GIVE_UP, {"job": job, "now": now})
    in_round = {"job": job, "round": jobs.by_number(tx, job).round}
    for n, one in enumerate(tried, newest(tx, job) + 1):
        tx.execute(ADD, {**in_round, "n": n, "variant": one.variant, **told_description(one)})
    if units:
        tx.execute(CHOOSE, {"job": job, "units": rows.dump(list(units))})
    _put_back(tx, job, now)


def told_description(one: Description) -> dict[str, str]:
    """As columns of `jobs` and `trials`."""
    return {"instructions": one.instructions, "options": rows.dump_options(one.options)}


ENDED = """
SELECT number FROM units WHERE job = :job AND pilot = 1 AND status NOT IN ('pending', 'running', 'cancelled')
"""
PUT_BACK = """
UPDATE units SET status = 'pending', requests = requests + (finished_at IS NOT NULL), charged = 0, due_at = 0,
    finished_at = NULL, text = NULL, output = NULL, error = NULL, signature = NULL, reason = NULL,
    note = CASE WHEN (SELECT approved_trial FROM jobs WHERE number = :job) IS NOT NULL THEN note END, resumes = NULL
WHERE job = :job AND pilot = 1 AND status NOT IN ('running', 'cancelled')
"""
STOP = """
UPDATE units SET intent = 'release' WHERE job = :job AND pilot = 1 AND status = 'running' AND intent IS NULL
"""


def _put_back(tx: engine.Tx, job: int, now: float) -> None:
    """The pilot's units from the start; what runs under an older description is stopped, and its end does not count
    (`attempts.settle`)."""
    for row in tx.execute(ENDED, {"job": job}).fetchall():
        events.append(tx, "unit.reopened", at=now, job=job, unit=row["number"])
    tx.execute(PUT_BACK, {"job": job})
    tx.execute(STOP, {"job": job})


RESUME = """
UPDATE jobs SET status = 'pilot', reason = NULL, detail = NULL, paused_from = NULL, resume_at = NULL,
    credential = :credential, resumed_at = :now, starts = starts + 1
WHERE number = :number AND deleting = 0 AND approved_at IS NULL AND trial > 0
    AND ((status = 'review' AND EXISTS (SELECT 1 FROM retries WHERE job = jobs.number))
        OR (status = 'paused' AND paused_from = 'pilot'))
"""


def resume(tx: engine.Tx, number: int, *, credential: Credential, order: Order, now: float) -> bool:
    """Go on with the round: after a pause, or because units of it are asked for again. False: there is nothing to go on
    with, or the round came to its end meanwhile."""
    if not tx.execute(RESUME, {"number": number, "credential": credential, "now": now}).rowcount:
        return False
    events.append(tx, "job.started", at=now, job=number, data={"credential": credential, **jobs.told(order)})
    end_if_drained(tx, number, now=now)
    return True


# Its end.

UNDONE = """
SELECT 1 FROM units WHERE job = :job AND pilot = 1 AND finished_at IS NULL
UNION ALL SELECT 1 FROM retries WHERE job = :job LIMIT 1
"""
RECORD = """
INSERT OR REPLACE INTO trial_results (job, trial, unit, status, text, output, error, signature, input, fingerprint,
    cost_usd, tokens, seconds)
SELECT u.job, :trial, u.number, u.status, u.text, u.output, u.error, u.signature, u.input, u.fingerprint,
    COALESCE(SUM(a.cost_usd), 0.0),
    COALESCE(SUM(a.input_tokens + a.output_tokens + a.cache_read_tokens + a.cache_write_tokens), 0),
    COALESCE(SUM(MAX(0.0, a.finished_at - a.started_at)) FILTER (WHERE a.outcome <> 'lost'), 0.0)
FROM units u LEFT JOIN attempts a ON a.unit = u.number AND a.trial = :ran_as
WHERE u.number IN (SELECT value FROM json_each(:units)) GROUP BY u.number
"""
OF_PILOT = "SELECT number FROM units WHERE job = :job AND pilot = 1"
END_TRIAL = "UPDATE trials SET ended_at = :now WHERE job = :job AND n = :trial"
NEXT = "SELECT n, instructions, options FROM trials WHERE job = :job AND ended_at IS NULL ORDER BY n LIMIT 1"
TAKE_UP = "UPDATE jobs SET trial = :n, instructions = :instructions, options = :options WHERE number = :number"
REVIEW = """
UPDATE jobs SET status = 'review', reason = NULL, detail = NULL, paused_from = NULL, resume_at = NULL
WHERE number = :number AND (status = 'pilot' OR (status = 'paused' AND paused_from = 'pilot'))
"""


def end_if_drained(tx: engine.Tx, number: int, *, now: float) -> None:
    """When the last unit of the pilot is final: keep what they came to, then try what is to be tried next; or let a
    person decide."""
    job = jobs.by_number(tx, number)
    in_pilot = job.status in {JobStatus.PILOT, JobStatus.PAUSED} and job.approved_at is None
    if not in_pilot or tx.execute(UNDONE, {"job": number}).fetchone() is not None:
        return
    units = [row["number"] for row in tx.execute(OF_PILOT, {"job": number})]
    record(tx, units, trial=job.trial, ran_as=job.trial)
    tx.execute(END_TRIAL, {"job": number, "trial": job.trial, "now": now})
    data = {"round": job.round, "trial": job.trial}
    if (following := tx.execute(NEXT, {"job": number}).fetchone()) is not None:
        options = rows.load_options(following["options"]).live(job.options)
        tx.execute(TAKE_UP, {**dict(following), "number": number, "options": rows.dump_options(options)})
        _put_back(tx, number, now)
        events.append(tx, "trial.ended", at=now, job=number, data=data)
        end_if_drained(tx, number, now=now)  # where every unit of the pilot was cancelled, there is nothing to try
    elif tx.execute(REVIEW, {"number": number}).rowcount:
        events.append(tx, "job.review", at=now, job=number, data=data)


def record(tx: engine.Tx, units: Sequence[int], *, trial: int, ran_as: int) -> None:
    """Keep what final units came to as theirs in `trial`, at what their attempts cost that `ran_as` it."""
    tx.execute(RECORD, {"units": rows.dump(list(units)), "trial": trial, "ran_as": ran_as})


def go_on_if_drained(tx: engine.Tx, number: int, *, approved: bool, now: float) -> None:
    """What follows when units have become final: the job is completed, or its pilot ends, if these were the last."""
    if approved:
        jobs.complete_if_drained(tx, number, now=now)
    else:
        end_if_drained(tx, number, now=now)
