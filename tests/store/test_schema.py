"""The invariants that stand in schema.sql: every process must obey them, whatever its code says."""

import pytest

from batchproc.models import Credential
from batchproc.store import (
    approvals,
    attempts,
    backlog,
    bills,
    claims,
    control,
    earlier,
    engine,
    jobs,
    logs,
    needs,
    pilots,
    processes,
    publications,
    refresh,
    results,
    retention,
    sayings,
    trials,
    units,
    update_items,
    updates,
)

NOW = 1_800_000_000.0

REFUSED = {
    "a unit that runs under no epoch": "UPDATE units SET status = 'running'",
    "a pending unit with an epoch": "UPDATE units SET epoch = 1",
    "a final unit that never finished": "UPDATE units SET status = 'succeeded'",
    "a pending unit that has finished": "UPDATE units SET finished_at = 1",
    "more charged attempts than starts": "UPDATE units SET charged = 1",
    "a failure without a signature": "UPDATE units SET status = 'failed', finished_at = 1",
    "a signature without a failure": "UPDATE units SET signature = 'x'",
    "a success with an error": "UPDATE units SET status = 'succeeded', finished_at = 1, error = 'x'",
    "an unknown unit status": "UPDATE units SET status = 'done'",
    "an unknown job status": "UPDATE jobs SET status = 'done'",
    "a paused job without a reason": "UPDATE jobs SET status = 'paused', paused_from = 'running'",
    "a job that runs and was never approved": "UPDATE jobs SET status = 'running', started_at = 1, "
    "credential = 'login'",
    "a pilot that tries nothing": "UPDATE jobs SET status = 'pilot', started_at = 1, credential = 'login'",
    "a review of what was approved": "UPDATE jobs SET status = 'review', started_at = 1, credential = 'login', "
    "trial = 1, approved_at = 1",
    "a unit beyond the pilot that runs before an approval": "UPDATE units SET status = 'running', epoch = 1",
    "a pause from nowhere": "UPDATE jobs SET status = 'paused', reason = 'user', paused_from = 'ready', "
    "started_at = 1, credential = 'login'",
    "a trial of no job": "INSERT INTO trials (job, n, round, instructions, options) VALUES (99, 1, 1, 'x', '{}')",
    "a result of no trial": "INSERT INTO trial_results (job, trial, unit, status, cost_usd, tokens, seconds) "
    "SELECT job, 1, number, 'failed', 0, 0, 0 FROM units",
    "a trial's result that is not final": "INSERT INTO trial_results (job, trial, unit, status, cost_usd, tokens, "
    "seconds) SELECT job, 1, number, 'pending', 0, 0, 0 FROM units",
    "a unit that is half of a pilot": "UPDATE units SET pilot = 2",
    "a job that runs on nothing": "UPDATE jobs SET status = 'running', started_at = 1",
    "an ended job without an end": "UPDATE jobs SET status = 'cancelled'",
    "an unpublished job that is ready": "UPDATE jobs SET published = 0",
    "a negative bill": "UPDATE jobs SET cost_usd = -1",
    "a completed job with pending units": "UPDATE jobs SET status = 'completed', started_at = 1, finished_at = 1, "
    "credential = 'login'",
    "a changed event": "UPDATE events SET kind = 'other'",
    "two units with one key": "INSERT INTO units (job, key, payload, row) SELECT job, key, '{}', 9 FROM units",
    "a unit of no job": "INSERT INTO units (job, key, payload, row) VALUES (99, 'k', '{}', 1)",
    "a failed reading of a source without a reason": "INSERT INTO source_updates (job, state, seen, asked_by, "
    "asked_at, ended_at) SELECT number, 'failed', 0, 'x', 1, 1 FROM jobs",
    "a plan that is not there": "INSERT INTO source_updates (job, state, seen, asked_by, asked_at, ended_at) "
    "SELECT number, 'ready', 0, 'x', 1, 1 FROM jobs",
    "a new item that is a unit's": "INSERT INTO update_items (job, key, row, unit, kind, touched) "
    "SELECT job, key, 1, number, 'new', 1 FROM units",
    "a second store": "INSERT INTO store VALUES (2, 'x', 1)",
    "a negative counter": "UPDATE counters SET n = -1",
    "an attempt with an end but no outcome": "INSERT INTO attempts (unit, n, epoch, started_at, finished_at) "
    "SELECT number, 1, 1, 1, 1 FROM units",
    "an intent for a unit that does not run": "UPDATE units SET intent = 'cancel'",
    "an unknown intent": "UPDATE units SET status = 'running', epoch = 1, attempt = 1, intent = 'x'",
    "a time to go on for a job that is not paused": "UPDATE jobs SET resume_at = 1",
    "a detail without a reason": "UPDATE jobs SET detail = 'x'",
    "a negative reservation": "INSERT INTO attempts (unit, n, epoch, started_at, reserved_usd) "
    "SELECT number, 1, 1, 1, -1 FROM units",
    "an attempt that goes on with itself": "INSERT INTO attempts (unit, n, epoch, started_at, resumed_from) "
    "SELECT number, 1, 1, 1, 1 FROM units",
    "a limit that is closed for no reason": "INSERT INTO limits VALUES ('c', 'm', 1, 5, NULL)",
    "a limit under one agent": "INSERT INTO limits VALUES ('c', 'm', 0.5, NULL, NULL)",
    "a correction that says nothing": "INSERT INTO verdicts (unit, job, verdict, judged_by, judged_at, status) "
    "SELECT number, job, 'correct', 'x', 1, 'succeeded' FROM units",
    "a correction of what is right": "INSERT INTO verdicts (unit, job, verdict, correction, judged_by, judged_at, "
    "status) SELECT number, job, 'accept', '1', 'x', 1, 'succeeded' FROM units",
    "an unknown verdict": "INSERT INTO verdicts (unit, job, verdict, judged_by, judged_at, status) "
    "SELECT number, job, 'maybe', 'x', 1, 'succeeded' FROM units",
    "a unit that was drawn in no draw": "INSERT INTO drawn_units (job, kind, place, unit, attempt) "
    "SELECT job, 'random', 1, number, 1 FROM units",
    "a draw of none": "INSERT INTO draws VALUES (1, 'x', 0, 1, 0, 'x', 1)",
    "a file of nobody's attempt": "INSERT INTO publications (job, path, folded, unit, sha256, published_at) "
    "SELECT job, '/x', '/x', number, 'h', 1 FROM units",
    "a file that was never published": "INSERT INTO publications (job, path, folded, unit, attempt, sha256) "
    "SELECT job, '/x', '/x', number, 1, 'h' FROM units",
    "a place of two units": "INSERT INTO publications (job, path, folded, unit) SELECT job, '/x', '/x', number "
    "FROM units UNION ALL SELECT job, '/x', '/x', number FROM units",
    "a promise to no unit": "INSERT INTO promises VALUES (99, 1, '/', '[]', '{}', 1)",
    "an attempt numbered 0": "INSERT INTO attempts (unit, n, epoch, started_at) SELECT number, 0, 1, 1 FROM units",
}


@pytest.mark.parametrize("sql", REFUSED.values(), ids=REFUSED.keys())
async def test_the_schema_refuses(store, make_job, sql):
    await make_job(1)
    with pytest.raises(engine.sqlite.IntegrityError):
        await store.write(lambda tx: tx.execute(sql).rowcount)


async def test_attempts_of_one_unit_never_overlap(store, make_job):
    job = await make_job(1)
    epoch = await store.write(processes.take_over, process="1:2:3", guard="full", now=NOW)
    await store.write(jobs.start, job.number, credential=Credential.LOGIN, now=NOW)
    [unit] = (await store.write(claims.claim, job.number, epoch=epoch, limit=1, now=NOW)).units
    second = f"INSERT INTO attempts (unit, n, epoch, started_at) VALUES ({unit.fence.unit}, 2, {epoch}, 1)"
    with pytest.raises(engine.sqlite.IntegrityError, match=r"attempts\.unit"):
        await store.write(lambda tx: tx.execute(second).rowcount)


STATEMENTS = [
    (claims.DUE.format(limit=1), {"job": 1, "now": 1}),
    (claims.CLAIM, {}),
    (jobs.UNDONE, {"number": 1}),
    (units.NEXT_DUE, {"job": 1}),
    (attempts.RUNNING, {}),
    (units.BRING_FORWARD, {"job": 1, "horizon": 1, "now": 1}),
    (jobs.ACTIVE, {}),
    (units.BY_KEY, {"job": 1, "key": "k"}),
    (units.FINAL_PAGE, {"job": 1, "after": 0, "limit": 1}),
    (units.FINAL_PAGE_BY_STATUS, {"job": 1, "status": "failed", "after": 0, "limit": 1}),
    (attempts.SETTLE, {}),
    (attempts.CLOSE_ATTEMPT, {}),
    (attempts.OF_UNIT, {"unit": 1}),
    (units.FIRST_PENDING, {"job": 1, "limit": 1}),
    (jobs.BY_ID, {"job_id": "x"}),
    (jobs.PAGE, {"before": 9, "limit": 1}),
    (jobs.PAGE_BY_STATUS, {"status": "ready", "before": 9, "limit": 1}),
    (jobs.COMPLETE, {"number": 1, "now": 1}),
    (sayings.TO_BE_READ, {}),
    (logs.PRUNE, {}),
    (jobs.LEDGER, {"number": 1}),
]


def looked_around():
    from itertools import product

    from batchproc.models import UnitStatus
    from batchproc.store import browsing, cards, events, logs, search, totals

    wanted = [browsing.narrowed(browsing.Wanted(status=s, signature=g)) for s, g in product([None, *UnitStatus], "x")]
    wanted += [browsing.narrowed(browsing.Wanted(status=status)) for status in (None, *UnitStatus)]
    pages = (browsing.NUMBERS, browsing.NUMBERS_FROM_THE_END, browsing.COUNT)
    lines = [
        logs.Sought(unit=1),
        logs.Sought(job=1),
        logs.Sought(job=1, level="info"),
        logs.Sought(source="supervisor"),
    ]
    lines += [logs.Sought(), logs.Sought(level="warning"), logs.Sought(source="agent")]
    return [
        *((sql.format(**how), {}) for sql in pages for how in wanted),
        *((sql, {"numbers": "[1]"}) for sql in (cards.JOBS, cards.LEDGERS, browsing.LINES)),
        *((sql, {}) for sql in (cards.JOB_NUMBERS, cards.COUNT_JOBS, browsing.COUNT_GROUP)),
        *((sql, {}) for sql in (browsing.BEFORE, browsing.AFTER, browsing.SIGNATURE, browsing.ENDS)),
        *((sql, {}) for sql in (search.NOT_YET, search.LOWEST, search.TAKE_IN, search.UPTO, search.GET_ON)),
        *((logs.PAGE.format(**logs.narrowed(sought)), {"levels": '["info"]'}) for sought in lines),
        *((sql, {}) for sql in (logs.FIRST_SINCE, events.OF_UNIT, events.BEFORE_OF_UNIT)),
        *((sql, {}) for sql in (events.JOBS_OF_FEW, events.JOBS_OF_MANY, events.DELETED_JOBS, events.NEWEST)),
        *((sql, {}) for sql in (totals.LATER, totals.PILOT_DUE, totals.RUNNING, totals.BUSY, totals.SPENT_BY)),
        *((sql, {}) for sql in (approvals.IS_REFUSED, approvals.ASK_ANEW, approvals.NOT_ENDED)),
    ]


def all_statements():
    from batchproc.store import answered, draws, events, status, verdicts

    more = [
        (events.AFTER, {"after": 0, "limit": 1}),
        (events.OF_JOB, {"job": 1, "after": 0, "limit": 1}),
        (events.TAIL_OF_UNIT, {"unit": 1, "limit": 1}),
        (events.OF_TOOLS, {"unit": 1, "after": 0, "limit": 1}),
        (events.LAST, {}),
        (status.RUNNING, {"job": 1, "limit": 1}),
        (status.LARGEST_GROUPS, {"job": 1, "limit": 1}),
        (status.EXAMPLE, {"job": 1, "signature": "x"}),
        (status.FINISHED, {"job": 1, "limit": 1}),
        (status.CANCELLING, {"job": 1}),
        (claims.DUE_AGAIN.format(limit=1), {"job": 1, "now": 1}),
        *((sql, {}) for sql in (attempts.LICENCE, claims.RESERVED, claims.SPENT, claims.SESSION, claims.BEFORE)),
        (attempts.ADOPT, {}),
        *((sql, {}) for sql in (attempts.SPOKEN, attempts.MAY_GO_ON, claims.AGAIN, bills.COST_OF, needs.RUNNING)),
        *(
            (sql, {})
            for sql in (
                jobs.GO_ON,
                jobs.PAUSE,
                jobs.START,
                jobs.REOPEN,
                bills.ADD,
                bills.ADD_TIME,
                control.HOLD,
                control.CANCEL,
                jobs.PUT_OFF,
            )
        ),
        *((sql, {}) for sql in (control.INTENDED, control.RUNNING, approvals.IS_APPROVED, retention.IS_MARKED)),
        (control.BY_KEYS, {"keys": '["k"]'}),
        (control.UNKNOWN_KEYS, {"keys": '["k"]'}),
        (control.INTEND, {"units": "[1]", "intent": "cancel"}),
        (control.CANCEL_UNITS, {"units": "[1]"}),
        (backlog.PUT_BACK, {"units": "[1]"}),
        (backlog.BY_KEYS, {"keys": '["k"]'}),
        (pilots.CHOOSE, {"units": "[1]"}),
        *((sql, {}) for sql in (pilots.BOUNDS, pilots.FIRST_FROM, pilots.BEGIN, pilots.NEWEST, pilots.GIVE_UP)),
        *(
            (sql, {})
            for sql in (pilots.PUT_BACK, pilots.ENDED, pilots.STOP, pilots.RESUME, pilots.UNDONE, pilots.RECORD)
        ),
        *((sql, {}) for sql in (pilots.END_TRIAL, pilots.NEXT, pilots.TAKE_UP, pilots.REVIEW, trials.RESTORE)),
        *((sql, {}) for sql in (trials.DECIDE, trials.DESCRIBE, trials.OF_JOB, trials.RESULTS, trials.KEYS)),
        *((sql, {}) for sql in (units.NEXT_DUE_PILOT, claims.DUE_PILOT.format(limit=1), attempts.FORGET_CHARGE)),
        *((sql, {}) for sql in (claims.DUE_AGAIN_PILOT.format(limit=1), trials.CHOOSABLE, trials.UNTRIED)),
        (trials.RUN_UNTRIED, {"units": "[1]"}),
        (earlier.KEEP, {"units": "[1]", "why": "source"}),
        (earlier.OWN_PAYLOADS, {"units": "[1]"}),
        (earlier.OF_UNIT, {"unit": 1, "limit": 1}),
        *((sql, {"chunk": "[]"}) for sql in (update_items.NOTES, update_items.ADD)),
        *((sql, {"kind": "new"}) for sql in (update_items.COUNT, update_items.FIRST, update_items.FIRST_UNTOUCHED)),
        *((sql, {"after": "k", "upto": "l"}) for sql in (update_items.MISS, update_items.MISS_LAST)),
        (update_items.WINDOW_ENDS, {"after": "k", "n": 1}),
        *((sql, {}) for sql in (update_items.NOTED, update_items.WHERE_IS, update_items.DISCARD, updates.BEING_READ)),
        *((sql, {}) for sql in (updates.NEWEST_EVENT, updates.LOOK, updates.ORDERED, updates.BEGIN, updates.REQUIRE)),
        *((sql, {}) for sql in (updates.COUNT_READ, updates.FINISH, updates.FAIL, updates.SHOW, updates.HAND_OVER)),
        *((sql, {"kind": "new", "units": "[1]"}) for sql in (refresh.OF_KIND, refresh.CHANGE, refresh.TAKE_NOTE)),
        *((sql, {"units": "[1]"}) for sql in (refresh.WAIT_AGAIN, refresh.MARK, refresh.SKIP, refresh.TELL)),
        *((sql, {}) for sql in (refresh.TELL_ADDED, refresh.GONE_PENDING, refresh.FOUND, updates.DELETED)),
        (refresh.UNTRY, {"units": "[1]"}),
        (refresh.ADD[refresh.ADD.index("SELECT") :], {}),  # the rest looks for children only while a check is pending
        *((sql, {}) for sql in (backlog.BY_STATUS, backlog.BY_SIGNATURE, backlog.PENDING_OF_CANCELLED)),
        *(
            (sql, {})
            for sql in (backlog.NEXT_RETRY_OF, backlog.NEXT_HALTING, backlog.NEXT_ABANDONED, backlog.NEXT_DELETED)
        ),
        *((sql, {}) for sql in (backlog.COUNT_BY_STATUS, backlog.COUNT_BY_SIGNATURE)),
        *((sql, {"units": "[1]"}) for sql in (verdicts.OF_UNITS, answered.SIGNS, draws.BY_NUMBERS)),
        *((sql, {}) for sql in (verdicts.JUDGE, verdicts.GOLD, answered.MARK, answered.PAGE)),
        *((sql, {}) for sql in (answered.BOUNDS, draws.CURRENT, draws.FORGET, draws.KEEP, draws.KEEP_UNIT)),
        *((sql, {}) for sql in (draws.COUNTS, draws.TAINTED, draws.TO_JUDGE)),
        *((sql, {"units": "[1]", "ran_as": 0}) for sql in (draws.PUT_BACK, draws.SAME_TRIAL)),
        *((sql.format(status=""), {}) for sql in (results.RESULTS, results.JUDGED_RESULTS, results.IS_JUDGED)),
        *((sql, {}) for sql in (attempts.FORGET_CLAIMS, attempts.FORGET_PROMISE)),
        (publications.OWNERS, {"paths": '["/x"]'}),
        (publications.OF_UNITS, {"units": "[1]"}),
        *((sql, {"path": "/x"}) for sql in (publications.BELOW, publications.TWINS, publications.OF_ATTEMPT)),
        *((sql, {}) for sql in (publications.WORKING, publications.FORGET_STAGING, publications.STAGE)),
    ]
    return [*STATEMENTS, *more, *looked_around()]


@pytest.mark.parametrize(("sql", "values"), all_statements(), ids=lambda v: v.split()[0] if isinstance(v, str) else "")
async def test_no_statement_scans_a_table_or_sorts(store, sql, values):
    import re

    named = {name: values.get(name, 1) for name in re.findall(r":(\w+)", sql)}

    def explain(tx):
        return [row["detail"] for row in tx.execute(f"EXPLAIN QUERY PLAN {sql}", named)]

    plan = await store.read(explain) if sql.lstrip().startswith("SELECT") else await store.write(explain)
    # `units_running` is a partial index that holds no more rows than there are slots: reading all of it is the point.
    # So are `units_intended`, `jobs_deleting` and the first row of `retries`; `json_each` reads what was passed.
    # `jobs_listed` holds of each job what a list is narrowed by: it is read as far as the page needs, or counted.
    fine = re.compile(
        r"SEARCH|SCALAR|LIST|CREATE BLOOM FILTER|CO-ROUTINE|MULTI|CORRELATED|COMPOUND|LEFT-MOST|UNION ALL|"
        r"SCAN (\w )?(json_each )?VIRTUAL|"
        r"SCAN u USING INDEX units_running$|SCAN units USING COVERING INDEX units_running$|"
        r"SCAN k|SCAN json_(each|tree)|"
        r"SCAN units USING (COVERING )?INDEX units_intended$|SCAN retries$|"
        r"SCAN jobs USING COVERING INDEX jobs_(deleting|listed)$|"
        r"SCAN source_updates USING INDEX source_updates_reading$"
    )
    assert not [step for step in plan if not fine.match(step)], plan


@pytest.mark.parametrize("has_words", [True, False])
async def test_a_search_asks_the_index_of_texts_once_and_keys_by_theirs(store, has_words):
    """Not once for each unit that it is narrowed to: that takes minutes where a word is in many."""
    from batchproc.models import UnitStatus
    from batchproc.store import search
    from batchproc.store.browsing import Wanted

    named = dict.fromkeys(("query", "job", "like", "status", "signature", "most"), 1)
    for wanted in (Wanted(), Wanted(status=UnitStatus.FAILED), Wanted(signature="x")):
        sql = f"EXPLAIN QUERY PLAN {search.hits(has_words, wanted)}"
        plan = [row["detail"] for row in await store.read(lambda tx, sql=sql: tx.execute(sql, named).fetchall())]
        asked = [step for step in plan if step.startswith("SCAN said")]
        assert len(asked) == has_words and not [step for step in asked if "=" in step], plan
        assert "SEARCH units USING COVERING INDEX sqlite_autoindex_units_1 (job=?)" in plan
        assert not [step for step in plan if "SCAN units" in step or "USING INDEX" in step], plan


async def test_what_ended_when_is_read_from_an_index(store):
    from batchproc.store import totals

    for how in (totals.OF_ALL, totals.OF_JOB):
        sql = f"EXPLAIN QUERY PLAN {totals.SERIES.format(**how)}"
        found = await store.read(lambda tx, sql=sql: tx.execute(sql, {"span": 1, "first": 1, "job": 1}).fetchall())
        assert "SEARCH job_minutes USING" in found[0]["detail"] and "minute>?" in found[0]["detail"]


async def test_the_plan_check_finds_a_scan_and_a_sort(store):
    for sql in ("SELECT * FROM units WHERE text = 'x'", "SELECT * FROM units WHERE job = 1 ORDER BY text"):
        with pytest.raises(AssertionError):
            await test_no_statement_scans_a_table_or_sorts(store, sql, {})
