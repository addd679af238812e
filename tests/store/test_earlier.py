"""Answers that give way are kept, each with the payload that it was given for."""

from batchproc.store import attempts, claims, earlier, units
from tests.store.test_units import NOW, done, start, take_over


async def answered(store, make_job, n=3):
    """A job with `n` units of which all but the last have run."""
    job, epoch = await make_job(n), await take_over(store)
    await start(store, job)
    for unit in (await store.write(claims.claim, job.number, epoch=epoch, limit=n - 1, now=NOW)).units:
        await store.write(attempts.settle, unit.fence, done(f"answer of {unit.key}"), now=NOW)
    return [await store.read(units.by_key, job.number, f"u{i}") for i in range(1, n + 1)]


async def kept(store):
    sql = "SELECT unit, attempt, source_version, payload, status, text, why, replaced_at FROM earlier_answers"
    return [tuple(row) for row in await store.read(lambda tx: tx.execute(f"{sql} ORDER BY number").fetchall())]


async def test_what_ran_is_kept_and_what_never_did_is_not(store, make_job):
    one, two, three = await answered(store, make_job)
    numbers = [one.number, two.number, three.number]
    assert await store.write(earlier.keep, numbers, why="description", now=NOW) == 2
    assert await kept(store) == [
        (one.number, 1, 1, None, "succeeded", "answer of u1", "description", NOW),
        (two.number, 1, 1, None, "succeeded", "answer of u2", "description", NOW),
    ]


async def test_each_kept_answer_has_the_payload_that_it_was_given_for(store, make_job):
    one, *_ = await answered(store, make_job)
    await store.write(earlier.keep, [one.number], why="description", now=NOW)
    await store.write(earlier.own_payloads, [one.number])
    await store.write(earlier.keep, [one.number], why="source", now=NOW + 1)
    await store.write(lambda tx: tx.execute("UPDATE units SET payload = '{\"value\":2}'").rowcount)
    await store.write(earlier.keep, [one.number], why="description", now=NOW + 2)
    assert [row[3] for row in await kept(store)] == ['{"value":1}', '{"value":1}', None]
