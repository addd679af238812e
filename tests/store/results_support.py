"""Jobs whose units have given answers, without agents."""

import json
import time

from batchproc.models import JobSpec
from batchproc.store import db, jobs, readings, rows, units
from tests.conftest import OPTIONS

ANSWER = """
UPDATE units SET status = :status, attempt = :attempts, charged = :attempts, finished_at = 1, text = :text,
    output = :output, error = :error, signature = :signature, cost_usd = :cost_usd, gone = :gone
WHERE job = :job AND key = :key
"""
JUDGE = """
INSERT INTO verdicts (unit, job, verdict, correction, judged_by, judged_at, status, text, output)
SELECT number, job, :verdict, :correction, 'test', 1, status, text, output FROM units WHERE job = :job AND key = :key
"""


async def job_of(store: db.Database, payloads, options=OPTIONS, key=None):
    """A job with these payloads; their keys are u1…un."""
    spec = JobSpec(name="a job", instructions="do", enumerator={"type": "list"}, idempotency_key=key)
    job, _ = await store.write(jobs.create, spec, options, reader="test", now=time.time())
    token = jobs.FIRST_READING
    for first in range(0, len(payloads), 10_000):
        part = payloads[first : first + 10_000]
        chunk = json.dumps([(f"u{i}", one, i) for i, one in enumerate(part, first + 1)])
        await store.write(units.add_many, job.number, token, chunk)
    return await store.write(readings.publish, job.number, token, now=time.time())


async def answer(store, job, key, text="yes", output=None, status="succeeded", error=None, **more):
    values = {"attempts": 1, "cost_usd": 0.01, "gone": None} | more
    values["signature"] = "s" if status in {"failed", "flagged"} else None
    values["output"] = None if output is None else rows.dump(output)
    named = {"job": job.number, "key": key, "text": text, "status": status, "error": error}
    assert await store.write(lambda tx: tx.execute(ANSWER, named | values).rowcount) == 1


async def judge(store, job, key, verdict="accept", correction=None):
    values = {"verdict": verdict, "correction": None if correction is None else rows.dump(correction)}
    await store.write(lambda tx: tx.execute(JUDGE, values | {"job": job.number, "key": key}).rowcount)
