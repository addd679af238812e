"""Units that are found by a text: pages of them, what else narrows them, and what is said of the search."""

import pytest

from batchproc.errors import InvalidJob
from batchproc.store import engine, search


async def keys(service, job, **how):
    return [unit.key for unit in (await service.browse_units(job.job_id, **how)).units]


async def test_a_page_of_hits_goes_on_and_begins_anywhere(service, make_job, run):
    job = await make_job(9)
    await run(job, *["succeeded", "failed"] * 4)
    first = await service.browse_units(job.job_id, text="fine", limit=3)
    assert ([unit.key for unit in first.units], first.total, first.offset) == (["u1", "u3", "u5"], 4, 0)
    rest = await service.browse_units(job.job_id, text="fine", limit=3, cursor=first.next_cursor)
    assert ([unit.key for unit in rest.units], rest.offset, rest.next_cursor) == (["u7"], 3, None)
    assert await keys(service, job, text="fine", offset=2, limit=1) == ["u5"]
    assert await keys(service, job, text="fine", offset=9) == []
    assert await keys(service, job, text="500", status="failed", limit=2) == ["u2", "u4"]
    assert await keys(service, job, text="500", status="succeeded") == []
    assert await keys(service, job, text="u9", status="pending") == ["u9"]
    assert (first.caveat, rest.caveat) == (None, None)


async def test_a_text_of_spaces_looks_for_nothing(service, make_job):
    job = await make_job(2)
    assert await keys(service, job, text="  ") == ["u1", "u2"]


async def test_a_text_that_is_too_long_or_holds_a_nul_is_refused(service, make_job):
    job = await make_job(1)
    for text in ("x" * 501, "a\0b"):
        with pytest.raises(InvalidJob, match="text"):
            await service.browse_units(job.job_id, text=text)


@pytest.mark.parametrize("text", ["\ud800", 'a" OR "b', "*"])
async def test_odd_texts_find_nothing_and_break_nothing(service, make_job, run, text):
    job = await make_job(1)
    await run(job, "succeeded")
    assert await keys(service, job, text=text) == []
    assert await keys(service, job, signature=text) == []


async def test_a_search_takes_older_units_in_and_says_while_some_are_missing(
    service, make_job, run, store, monkeypatch
):
    from batchproc.service import browsing

    job = await make_job(6)
    await run(job, *["succeeded"] * 6)
    await store.write(lambda tx: tx.execute("DELETE FROM said").rowcount)
    await store.write(lambda tx: tx.execute("UPDATE unsaid SET upto = (SELECT MAX(number) FROM units)").rowcount)
    monkeypatch.setattr(search, "STEP", 2)
    monkeypatch.setattr(browsing, "CATCH_UP_S", 0.0)
    found = await service.browse_units(job.job_id, text="fine")
    assert found.total == 0 and "look again" in found.caveat
    assert await service.take_in_older_units(5)
    found = await service.browse_units(job.job_id, text="fine")
    assert (found.total, found.caveat) == (6, None)


async def test_a_search_in_a_broken_index_finds_keys_and_says_that_there_may_be_more(
    service, make_job, run, store, monkeypatch
):
    from batchproc.service import browsing

    job = await make_job(6)
    await run(job, *["succeeded"] * 6)
    monkeypatch.setattr(browsing, "CATCH_UP_S", 0.0)
    for damage in ("DELETE FROM said_data", "DROP TABLE said_config", "DROP TABLE said"):
        outside = engine.sqlite.connect(str(store.path), isolation_level=None)
        outside.execute(damage)
        outside.close()
        found = await service.browse_units(job.job_id, text="u3")
        assert [unit.key for unit in found.units] == ["u3"] and "look again" in found.caveat
        assert await service.take_in_older_units(5)
        assert ((found := await service.browse_units(job.job_id, text="fine")).total, found.caveat) == (6, None)


async def test_more_hits_than_can_be_looked_through_are_said_to_be_more(service, make_job, monkeypatch):
    monkeypatch.setattr(search, "MOST", 4)
    found = await service.browse_units((await make_job(6)).job_id, text="u")
    assert found.total == 4 and "more than 4" in found.caveat
