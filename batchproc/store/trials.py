"""What was tried in a job's pilot, what it came to, and what a person makes of it."""

from collections.abc import Mapping
from typing import Any

from batchproc import budget
from batchproc.models import AgentOptions, Credential, Job, Order, Pause, Trial, TrialResult, UnitStatus
from batchproc.store import backlog, control, draws, engine, events, jobs, pilots, rows
from batchproc.store.pilots import Description

CHOOSABLE = """
SELECT 1 FROM jobs WHERE number = :number AND deleting = 0 AND (status = 'review' OR (status = 'paused'
    AND paused_from = 'pilot' AND approved_trial = :trial
    AND NOT EXISTS (SELECT 1 FROM units WHERE job = jobs.number AND status = 'running')))
"""
"""A change may be taken back before all of it was tried."""
DECIDE = """
UPDATE jobs SET options = :options, quote = :quote, trial = :trial, instructions = :instructions WHERE number = :number
"""
TRIED = """
SELECT u.number, r.status FROM trial_results r JOIN units u ON u.number = r.unit
WHERE r.job = :job AND r.trial = :trial AND r.status <> 'cancelled' AND u.status <> 'cancelled' AND u.pilot = 1
"""
RESTORE = """
UPDATE units SET status = r.status, text = r.text, output = r.output, error = r.error, signature = r.signature,
    input = r.input, fingerprint = r.fingerprint, finished_at = COALESCE(units.finished_at, :now), due_at = 0,
    reason = NULL, resumes = NULL
FROM trial_results r
WHERE r.job = :job AND r.trial = :trial AND r.unit = units.number AND units.status <> 'cancelled'
    AND r.status <> 'cancelled' AND units.pilot = 1
"""
UNTRIED = """
SELECT u.number FROM units u LEFT JOIN trial_results r ON r.job = u.job AND r.trial = :trial AND r.unit = u.number
WHERE u.job = :job AND u.pilot = 1 AND u.status <> 'cancelled' AND (r.status IS NULL OR r.status = 'cancelled'
    OR EXISTS (SELECT 1 FROM publications p JOIN attempts a ON a.unit = p.unit AND a.n = p.attempt
    WHERE p.unit = u.number AND a.trial <> :trial AND (a.trial > 0 OR :trial > 1)))
"""
"""Not final or cancelled when this was tried, and asked for again since; or the file that it published is another
description's. What ran without a pilot ran as trial 0, and is trial 1 if it is looked back to."""
RUN_UNTRIED = """
UPDATE units SET status = 'pending', requests = requests + (finished_at IS NOT NULL), charged = 0, finished_at = NULL,
    text = NULL, output = NULL, error = NULL, signature = NULL, due_at = 0, reason = NULL, resumes = NULL
WHERE number IN (SELECT value FROM json_each(:units))
"""


def approve(
    tx: engine.Tx,
    job: Job,
    chosen: Trial,
    options: AgentOptions,
    quote: Mapping[str, Any] | None,
    *,
    credential: Credential,
    order: Order,
    now: float,
) -> bool:
    """Let the rest run under the description `chosen`, with `options` in the place of its own, if the job is in review
    as it was seen (`job`); a change may be taken back in a pause as well. The pilot's answers under it are the job's
    results; where others have answers from before a change, what is stale of them is run again. False: it is not (any
    more)."""
    choosable = tx.execute(CHOOSABLE, {"number": job.number, "trial": chosen.n}).fetchone() is not None
    if not choosable or not pilots.is_as_seen(tx, job):
        return False
    if chosen.n != job.trial:
        _restore(tx, job.number, chosen.n, now)
    told = {"instructions": chosen.instructions, "options": rows.dump_options(options)}
    kept = {"quote": None if quote is None else rows.dump(quote), "trial": chosen.n, "number": job.number}
    tx.execute(DECIDE, {**told, **kept})
    data = {"round": job.round, "budget_usd": options.budget_usd, "variant": chosen.variant, **jobs.told(order)}
    events.append(tx, "job.approved", at=now, job=job.number, data=data)
    return _let_all_run(tx, job, chosen.n, credential, order, now)


def _restore(tx: engine.Tx, job: int, trial: int, now: float) -> None:
    """The answers of a trial are the job's; units that have none there run under it with the rest."""
    untried = [row["number"] for row in tx.execute(UNTRIED, {"job": job, "trial": trial})]
    tried = tx.execute(TRIED, {"job": job, "trial": trial}).fetchall()
    tx.execute(RESTORE, {"job": job, "trial": trial, "now": now})
    draws.put_back(tx, job, [row["number"] for row in tried], trial=trial)
    for row in tried:
        data = {"status": row["status"], "trial": trial}
        events.append(tx, "unit.restored", at=now, job=job, unit=row["number"], data=data)
    tx.execute(RUN_UNTRIED, {"units": rows.dump(untried)})
    control.tell_units(tx, job, untried, "unit.reopened", {}, now)


UNDECIDED = "UPDATE jobs SET approved_trial = NULL WHERE number = :number"


STARTABLE = """
SELECT 1 FROM jobs WHERE number = :number AND deleting = 0 AND published = 1
    AND status IN ('ready', 'pilot', 'review', 'paused')
"""


def skip(tx: engine.Tx, job: Job, *, credential: Credential, order: Order, now: float) -> bool:
    """Let all of a job run without a review, if it is as it was seen. False: it is not (any more)."""
    if tx.execute(STARTABLE, {"number": job.number}).fetchone() is None or not pilots.is_as_seen(tx, job):
        return False
    return _let_all_run(tx, job, job.trial, credential, order, now)


def go_on(tx: engine.Tx, number: int, *, credential: Credential, order: Order, now: float) -> bool:
    """Let all of a job run again that was approved before. False: it is described anew since, and nobody has approved
    of that; or its status does not allow it."""
    if jobs.by_number(tx, number).approved_at is None:
        return False
    return jobs.start(tx, number, credential=credential, now=now, order=order)


def _let_all_run(tx: engine.Tx, job: Job, chosen: int, credential: Credential, order: Order, now: float) -> bool:
    """Where it is a change of what ran before, what is stale goes back to the queue with it."""
    is_change = job.approved_trial not in {None, chosen}
    if is_change:
        backlog.order_stale(tx, job.number, order)
    tx.execute(UNDECIDED, {"number": job.number})
    started = jobs.start(tx, job.number, credential=credential, now=now, order=order)
    if is_change:
        backlog.step(tx, job=job.number, now=now)
    return started


RUN_BACK = UNTRIED.replace("SELECT u.number", "SELECT COUNT(*) AS n", 1) + "AND u.finished_at IS NOT NULL"


def run_back(tx: engine.Tx, job: Job) -> int:
    """How many final units would run if a change that is tried were taken back."""
    if job.approved_at is not None or job.approved_trial is None:
        return 0
    return int(tx.execute(RUN_BACK, {"job": job.number, "trial": job.approved_trial}).fetchone()["n"])


DESCRIBE = "UPDATE jobs SET instructions = :instructions, options = :options WHERE number = :number"


def describe(tx: engine.Tx, job: Job, described: Description, order: Order, *, now: float) -> bool:
    """Give a job another description that makes no answer of it stale. False: somebody changed it meanwhile."""
    known = jobs.by_number(tx, job.number)
    if (known.status, known.instructions, known.options) != (job.status, job.instructions, job.options):
        return False
    told = {"instructions": described.instructions, "options": rows.dump_options(described.options)}
    tx.execute(DESCRIBE, {"number": job.number, **told})
    events.append(tx, "job.changed", at=now, job=job.number, data=jobs.told(order))
    jobs.go_on(tx, job.number, reason=Pause.BUDGET, now=now)  # if it is still too little, it pauses again
    return True


OF_JOB = (
    "SELECT n, round, variant, instructions, options, ended_at FROM trials WHERE job = :job ORDER BY n DESC LIMIT 50"
)


def trials(tx: engine.Tx, job: int) -> list[Trial]:
    """What was tried, newest first."""
    return [
        Trial(
            n=row["n"],
            round=row["round"],
            variant=row["variant"],
            instructions=row["instructions"],
            options=rows.load_options(row["options"]),
            has_ended=row["ended_at"] is not None,
        )
        for row in tx.execute(OF_JOB, {"job": job})
    ]


RESULTS = """
SELECT r.trial, r.unit, u.key, u.payload, r.status, r.text, r.output, r.error, r.cost_usd, r.tokens, r.seconds
FROM trial_results r JOIN units u ON u.number = r.unit
WHERE r.job = :job AND r.trial = :trial AND u.pilot = 1 ORDER BY r.unit
"""


def results(tx: engine.Tx, job: int, trial: int) -> list[TrialResult]:
    """What the pilot's units came to in a trial that has ended, in the order of the source."""
    return [
        TrialResult(
            trial=row["trial"],
            unit=row["unit"],
            key=row["key"],
            status=UnitStatus(row["status"]),
            text=row["text"],
            output=rows.load(row["output"]),
            error=row["error"],
            cost_usd=row["cost_usd"],
            tokens=row["tokens"],
            seconds=row["seconds"],
            size=budget.size_of(rows.load(row["payload"]), len(row["payload"])),
        )
        for row in tx.execute(RESULTS, {"job": job, "trial": trial})
    ]


KEYS = "SELECT key FROM units WHERE job = :job AND pilot = 1 ORDER BY number"


def keys(tx: engine.Tx, job: int) -> list[str]:
    """The pilot's units."""
    return [row["key"] for row in tx.execute(KEYS, {"job": job})]
