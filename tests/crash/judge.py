"""Judges: what the rows and the effect log must say after any history. The negative controls are judged by the same."""

from collections.abc import Collection
from typing import Any

from batchproc.store import engine
from tests.crash import effects
from tests.crash.effects import Attempt, Effect
from tests.crash.totals import Findings

DEATH_S = 5.0
"""So long after its supervisor's end an agent may at most be alive (I5)."""
DUST = 1e-9

# Each must count nothing.
_COUNT = "SELECT COUNT(*) FROM "
BOOKS = {
    "counters that are off": f"{_COUNT}counters c JOIN jobs j ON j.number = c.job AND j.published = 1 WHERE n <> "
    "(SELECT COUNT(*) FROM units u WHERE u.job = c.job AND u.status = c.status)",
    "counters of nobody's units": f"{_COUNT}counters c JOIN jobs j ON j.number = c.job AND j.published = 0 "
    "WHERE n <> 0",
    "ledgers that miss the total": f"{_COUNT}jobs j WHERE deleting = 0 AND total_units <> "
    "(SELECT SUM(n) FROM counters WHERE job = j.number)",
    "failure groups that are off": f"{_COUNT}failure_groups g WHERE n <> "
    "(SELECT COUNT(*) FROM units u WHERE u.job = g.job AND u.signature = g.signature)",
    "failures in no group": f"{_COUNT}units u WHERE signature IS NOT NULL AND NOT EXISTS "
    "(SELECT 1 FROM failure_groups g WHERE g.job = u.job AND g.signature = u.signature)",
    "jobs with wrong begun": f"{_COUNT}jobs j WHERE deleting = 0 AND begun <> "
    "(SELECT COUNT(*) FROM units u WHERE u.job = j.number AND u.attempt > 0)",
    "jobs with wrong costs": f"{_COUNT}jobs j WHERE deleting = 0 AND ABS(cost_usd - COALESCE((SELECT SUM(a.cost_usd) "
    "FROM attempts a JOIN units u ON u.number = a.unit WHERE u.job = j.number), 0)) > 1e-6",
    "units with wrong costs": f"{_COUNT}units u WHERE ABS(cost_usd - COALESCE((SELECT SUM(a.cost_usd) FROM attempts a "
    "WHERE a.unit = u.number), 0)) > 1e-6",
    "jobs completed too early": f"{_COUNT}jobs j WHERE status = 'completed' AND EXISTS "
    "(SELECT 1 FROM units u WHERE u.job = j.number AND u.finished_at IS NULL)",
    "running jobs with nothing to run": f"{_COUNT}jobs j WHERE status = 'running' AND deleting = 0 AND NOT EXISTS "
    "(SELECT 1 FROM units u WHERE u.job = j.number AND u.finished_at IS NULL) "
    "AND NOT EXISTS (SELECT 1 FROM retries r WHERE r.job = j.number)",
    "units beyond a pilot that ran before anybody approved": f"{_COUNT}units u JOIN jobs j ON j.number = u.job "
    "WHERE j.approved_at IS NULL AND j.approved_trial IS NULL AND u.pilot = 0 AND u.attempt > 0",
    "jobs that were approved and try a change": f"{_COUNT}jobs WHERE approved_at IS NOT NULL "
    "AND approved_trial IS NOT NULL",
    "pilots with nothing to run": f"{_COUNT}jobs j WHERE status = 'pilot' AND NOT EXISTS "
    "(SELECT 1 FROM units u WHERE u.job = j.number AND u.pilot = 1 AND u.finished_at IS NULL) "
    "AND NOT EXISTS (SELECT 1 FROM retries r WHERE r.job = j.number)",
    "reviews of a pilot that is not through": f"{_COUNT}jobs j WHERE status = 'review' AND deleting = 0 AND ("
    "EXISTS (SELECT 1 FROM units u WHERE u.job = j.number AND u.pilot = 1 AND u.finished_at IS NULL) "
    "OR EXISTS (SELECT 1 FROM trials t WHERE t.job = j.number AND t.ended_at IS NULL))",
    "trials with some of their results": f"{_COUNT}trials t JOIN jobs j ON j.number = t.job AND j.deleting = 0 "
    "WHERE t.round = j.round AND (SELECT COUNT(*) FROM trial_results r WHERE r.job = t.job AND r.trial = t.n) NOT IN "
    "(0, (SELECT COUNT(*) FROM units u WHERE u.job = t.job AND u.pilot = 1))",
    "results of trials that have not ended": f"{_COUNT}trial_results r JOIN trials t ON t.job = r.job "
    "AND t.n = r.trial WHERE t.ended_at IS NULL",
    "units charged too often": f"{_COUNT}units u JOIN jobs j ON j.number = u.job "
    "WHERE u.charged > j.options ->> 'max_attempts'",
    "attempts without a row": f"{_COUNT}units u WHERE attempt <> (SELECT COUNT(*) FROM attempts WHERE unit = u.number)",
    "open attempts of units that do not run": f"{_COUNT}attempts a JOIN units u ON u.number = a.unit "
    "WHERE a.finished_at IS NULL AND (u.status <> 'running' OR u.attempt <> a.n)",
    "running units without an open attempt": f"{_COUNT}units u WHERE status = 'running' AND NOT EXISTS "
    "(SELECT 1 FROM attempts a WHERE a.unit = u.number AND a.n = u.attempt AND a.finished_at IS NULL)",
    "running units of an epoch that never was": f"{_COUNT}units WHERE epoch > (SELECT MAX(epoch) FROM supervisors)",
    "uncharged attempts that used a tool": f"{_COUNT}attempts a WHERE charged = 0 AND finished_at IS NOT NULL "
    "AND EXISTS "
    "(SELECT 1 FROM events e WHERE e.unit = a.unit AND e.attempt = a.n AND e.kind = 'agent.tool_use')",
    "units that said something and are not in the index": f"{_COUNT}sayings s WHERE number > (SELECT upto FROM unsaid) "
    "AND NOT EXISTS (SELECT 1 FROM said_docsize d WHERE d.id = s.number)",
    "units in the index that say nothing": f"{_COUNT}said_docsize d WHERE NOT EXISTS "
    "(SELECT 1 FROM sayings s WHERE s.number = d.id)",
    "minutes that are off": f"{_COUNT}job_minutes m JOIN jobs j ON j.number = m.job AND j.deleting = 0 WHERE "
    "(succeeded, flagged, failed, other, m.tokens, m.cache_read, m.cache_write, 1) IS NOT "
    "(SELECT SUM(succeeded), SUM(flagged), SUM(failed), SUM(other), SUM(tokens), SUM(cache_read), SUM(cache_write), "
    "ABS(SUM(cost_usd) - m.cost_usd) < 1e-6 FROM ended_attempts e WHERE e.job = m.job AND e.minute = m.minute)",
    "attempts that ended in no minute": f"{_COUNT}ended_attempts e JOIN jobs j ON j.number = e.job AND j.deleting = 0 "
    "WHERE NOT EXISTS (SELECT 1 FROM job_minutes m WHERE m.job = e.job AND m.minute = e.minute)",
}
DOUBLED = f"""
{_COUNT}(SELECT u.number FROM units u JOIN events e ON e.unit = u.number
    AND e.kind IN ('unit.succeeded', 'unit.flagged', 'unit.failed', 'unit.cancelled')
    GROUP BY u.number HAVING COUNT(*) > u.requests)
"""
GAPS = "SELECT COALESCE(MAX(seq), 0) - COUNT(*) FROM events"


def books(tx: engine.Tx, *, gap_free: bool = True) -> Findings:
    """Everything that can be read from the rows alone, at any moment."""
    counts = {what: tx.execute(statement).fetchone()[0] for what, statement in BOOKS.items()}
    if gap_free:
        counts["gaps between events"] = tx.execute(GAPS).fetchone()[0]
    wrong = [f"{n} {what}" for what, n in counts.items() if n]
    return Findings(doubled=tx.execute(DOUBLED).fetchone()[0], wrong=wrong)


OF_JOB = "SELECT status, cost_usd, options ->> 'budget_usd' AS budget_usd FROM jobs WHERE number = :job"
KEYS = "SELECT key, finished_at IS NOT NULL AS is_final FROM units WHERE job = :job"


def ended(tx: engine.Tx, job: int, keys: Collection[str]) -> Findings:
    """A job that has ended: every item is one unit, and that is final."""
    found = books(tx)
    rows = {row["key"]: row["is_final"] for row in tx.execute(KEYS, {"job": job})}
    found.lost = sum(not rows.get(key) for key in keys)
    found.wrong += [f"{key} was never enumerated" for key in rows.keys() - set(keys)]
    status = tx.execute(OF_JOB, {"job": job}).fetchone()["status"]
    found.wrong += [] if status == "completed" else [f"the job is {status}"]
    if (said := tx.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
        found.wrong.append(f"integrity: {said}")
    return found


ENDS_OF_TRIALS = """
SELECT t.n, t.ended_at IS NOT NULL AS has_ended, t.round = j.round AS is_last,
    (SELECT COUNT(*) FROM events e WHERE e.job = t.job AND e.kind IN ('trial.ended', 'job.review')
        AND e.data ->> 'trial' = t.n) AS told,
    (SELECT COUNT(*) FROM trial_results r WHERE r.job = t.job AND r.trial = t.n) AS results
FROM trials t JOIN jobs j ON j.number = t.job WHERE t.job = :job
"""
OF_ANOTHER_TRIAL = """
SELECT COUNT(*) FROM trial_results r JOIN units u ON u.number = r.unit
WHERE r.job = :job AND r.status = 'succeeded' AND NOT EXISTS (SELECT 1 FROM attempts a
    WHERE a.unit = r.unit AND a.trial = r.trial AND r.text = u.key || '#' || a.n)
"""
IN_FORCE = """
SELECT COUNT(*) FROM units u JOIN jobs j ON j.number = u.job LEFT JOIN trial_results r
    ON r.job = u.job AND r.trial = j.trial AND r.unit = u.number
WHERE u.job = :job AND u.pilot = 1 AND (u.status, u.text) IS NOT (r.status, r.text)
"""
PILOT = "SELECT number FROM units WHERE job = :job AND pilot = 1"


def review(tx: engine.Tx, job: int, did: Collection[Effect]) -> Findings:
    """A job in review, of which nobody asked for units again: each trial of its last round is recorded once, from what
    was said under it; no agent ever worked on anything but the pilot's units."""
    found, of = books(tx), {"job": job}
    pilot = {row["number"] for row in tx.execute(PILOT, of)}
    for row in tx.execute(ENDS_OF_TRIALS, of):
        if row["told"] > 1 or (row["is_last"] and not row["has_ended"]):
            found.wrong.append(f"trial {row['n']} ended {row['told']} times")
        if row["results"] != len(pilot) * row["told"]:
            found.wrong.append(f"trial {row['n']} has {row['results']} results of {len(pilot)} units")
    for what, sql in (("answers are not those of their trial", OF_ANOTHER_TRIAL), ("units are not as tried", IN_FORCE)):
        if n := tx.execute(sql, of).fetchone()[0]:
            found.wrong.append(f"{n} {what}")
    found.wrong += [f"unit {unit} ran before an approval" for unit in {one.unit for one in did} - pilot]
    return found


def money(tx: engine.Tx, job: int) -> Findings:
    """What was spent and is reserved is within the budget."""
    row = tx.execute(OF_JOB, {"job": job}).fetchone()
    over = row["cost_usd"] + reserved(tx, job) - row["budget_usd"]
    return Findings(overspend_usd=over if over > DUST else 0.0)


def reserved(tx: engine.Tx, job: int) -> float:
    statement = """
    SELECT COALESCE(SUM(a.reserved_usd), 0) FROM attempts a JOIN units u ON u.number = a.unit
    WHERE u.job = :job AND a.finished_at IS NULL
    """
    return float(tx.execute(statement, {"job": job}).fetchone()[0])


def epochs(tx: engine.Tx) -> dict[Attempt, int]:
    """Which supervisor started which attempt."""
    return {(row["unit"], row["n"]): row["epoch"] for row in tx.execute("SELECT unit, n, epoch FROM attempts")}


def answers(tx: engine.Tx) -> dict[int, Any]:
    """The text of each unit that succeeded."""
    return {
        row["number"]: row["text"] for row in tx.execute("SELECT number, text FROM units WHERE status = 'succeeded'")
    }


def log(
    found: list[Effect],
    epochs: dict[Attempt, int],
    texts: dict[int, Any],
    deaths: dict[int, float],
    *,
    slots: int,
    death_s: float = DEATH_S,
) -> Findings:
    """What agents did, against the rows. `deaths`: epoch → the moment at which its supervisor was killed."""
    verdict = Findings()
    late = effects.after_death(found, epochs, deaths)
    verdict.calls_after_death = sum(seconds > death_s for seconds in late.values())
    verdict.wrong += [f"unit {unit} attempt {n} was started twice" for unit, n in effects.started_twice(found)]
    verdict.wrong += [f"attempts {one} and {other} overlap" for one, other in effects.overlaps(found)]
    verdict.wrong += [f"attempt {one} has no row" for one in {(e.unit, e.n) for e in found} - epochs.keys()]
    if (most := effects.most_at_once(found)) > slots:
        verdict.wrong.append(f"{most} agents were at work at a time, and not {slots}")
    done = {(e.unit, f"{e.key}#{e.n}") for e in found if e.what == "done"}
    verdict.wrong += [f"unit {u}: nobody ever said {text!r}" for u, text in texts.items() if (u, text) not in done]
    return verdict
