"""What the supervisor says is kept in the store: in order, about what it is, without secrets, whatever else fails."""

import asyncio
import logging

import pytest

from batchproc.errors import StoreError
from batchproc.store import logs
from batchproc.supervisor import chronicle
from batchproc.supervisor.chronicle import Chronicle, about

LOG = logging.getLogger("batchproc.supervisor.test")


@pytest.fixture(autouse=True)
def loud(caplog):
    caplog.set_level(logging.INFO, "batchproc")


async def kept(store):
    return [(line.level, line.text) for line in await store.read(logs.page, logs.Sought(), before=1 << 62, limit=99)][
        ::-1
    ]


async def test_lines_are_kept_in_their_order_from_info_on(store):
    async with Chronicle(store, str):
        LOG.debug("not this")
        for n in range(20):
            LOG.info("line %d", n)
        LOG.warning("told to stop")
    LOG.error("after it ended")
    assert await kept(store) == [*(("info", f"line {n}") for n in range(20)), ("warning", "told to stop")]


async def test_a_line_says_what_it_is_about(store, make_job):
    job = await make_job(2)
    async with Chronicle(store, str):
        LOG.warning("job pauses", extra=about(job.number))
        LOG.error("unit fails", extra=about(job.number, 2))
    found = await store.read(logs.page, logs.Sought(job=job.number), before=1 << 62, limit=9)
    assert [(line.job_id, line.key, line.source) for line in found] == [
        (job.job_id, "u2", "supervisor"),
        (job.job_id, None, "supervisor"),
    ]


async def test_of_an_error_it_is_said_what_it_was_and_no_secret_of_it(store):
    async with Chronicle(store, lambda text: text.replace("s3cret", "[redacted]")):
        try:
            raise ValueError("the key is s3cret")
        except ValueError:
            LOG.exception("attempt failed")
    assert await kept(store) == [("error", "attempt failed: ValueError: the key is [redacted]")]


async def test_a_line_said_on_another_thread_is_kept(store):
    async with Chronicle(store, str):
        await asyncio.to_thread(LOG.info, "from afar")
    assert await kept(store) == [("info", "from afar")]


async def test_a_store_that_takes_no_lines_stops_nobody(store, monkeypatch):
    async def full(*_, **__):
        raise StoreError("the disk is full")

    async with Chronicle(store, str):
        with monkeypatch.context() as patched:
            patched.setattr(store, "write", full)
            LOG.error("lost")
            await asyncio.sleep(0.05)
        LOG.info("kept again")
    assert await kept(store) == [("info", "kept again")]


async def test_lines_that_nobody_can_keep_do_not_pile_up(store, monkeypatch):
    monkeypatch.setattr(chronicle, "MOST_WAITING", 5)
    async with Chronicle(store, str):
        for n in range(50):
            LOG.info("line %d", n)
    assert len(await kept(store)) <= 7


async def test_a_line_that_cannot_be_said_silences_none_after_it(store, monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)

    def discreet(text):
        if "odd" in text:
            raise ValueError(text)
        return text

    async with Chronicle(store, discreet):
        LOG.info("%d items", "no number")
        LOG.info("odd")
        LOG.info("said")
    assert await kept(store) == [("info", "said")]
