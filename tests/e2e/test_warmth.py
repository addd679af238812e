"""Whole jobs, and when each of their requests began: the first writes the prompt cache, the others read it."""

import asyncio
import time

import pytest

from batchproc.agents.rehearsal import Reply
from tests.conftest import wait_until

NAMES = ["Ann", "Bob", "Cyd", "Dan"]
LIST = {"type": "list", "items": [{"name": name} for name in NAMES], "key_field": "name"}
LONG = "Greet them as their country does; say nothing else. " * 60  # some 3,000 bytes: more than 512 tokens
OPTIONS = {"model": "haiku", "profile": "answer", "max_concurrency": 4, "max_attempts": 1, "budget_usd": 50}
LATER = pytest.mark.script.with_args(None, BATCHPROC_CACHE_WAIT_S="80")
"""The others come by the first answer, not by the bound's being over."""


class Clocked:
    """Answers the unit that asks first as it is told, and all others well; notes when each one began to ask, and when
    the first one was answered."""

    def __init__(self, first, *, after_s=0):
        self.first, self.after_s = first, after_s
        self.sessions, self.answered = {}, None

    async def __call__(self, call):
        self.sessions.setdefault(call.session_id, time.monotonic())
        if call.session_id != next(iter(self.sessions)):
            return Reply(text="RESULT: ok")
        await asyncio.sleep(self.after_s)
        self.answered = self.answered or time.monotonic()
        return self.first

    @property
    def began(self):
        return list(self.sessions.values())

    @property
    def gaps(self):
        """Seconds from the first request to each of the others."""
        return [began - self.began[0] for began in self.began[1:]]


async def run(house, script, instructions=LONG, **options):
    house.model._script = script
    return await house.run(instructions, LIST, **{**OPTIONS, **options})


@LATER
async def test_the_others_ask_only_when_the_first_answer_has_begun(house):
    script = Clocked(Reply(text="RESULT: ok"), after_s=3)
    status = await run(house, script)
    assert status.counts["succeeded"] == 4 and len(script.began) == 4
    assert min(script.began[1:]) >= script.answered
    assert max(script.gaps) < 40, "and not at the end of the bound"


@pytest.mark.long
async def test_a_job_whose_prefix_is_too_short_to_be_cached_waits_for_nobody(house):
    script = Clocked(Reply(text="RESULT: ok"), after_s=5)
    status = await run(house, script, "Greet them.")
    assert status.counts["succeeded"] == 4 and max(script.began) < script.answered


@pytest.mark.long
@pytest.mark.script.with_args(None, BATCHPROC_CACHE_WAIT_S="4")
async def test_a_first_unit_that_hangs_holds_the_others_no_longer_than_the_bound(house):
    script = Clocked(Reply(text="RESULT: ok", stall="headers"))
    status = await run(house, script, timeout_s=20)
    assert (status.counts["succeeded"], status.counts["failed"]) == (3, 1)
    assert min(script.gaps) > 3 and max(script.gaps) < 15


@pytest.mark.long
@LATER
async def test_a_first_unit_that_fails_lets_the_others_go(house):
    script = Clocked(Reply(status=400, message="no"), after_s=2)
    status = await run(house, script)
    assert (status.counts["succeeded"], status.counts["failed"]) == (3, 1)
    assert min(script.began[1:]) >= script.answered and max(script.gaps) < 40


@LATER
async def test_a_first_unit_that_is_cancelled_lets_the_others_go(house):
    script = Clocked(Reply(text="RESULT: ok"), after_s=60)
    house.model._script = script
    created = await house.create(LONG, LIST, **OPTIONS)
    await house.start(created.job_id)
    await wait_until(lambda: script.began, "the first one asks", 20)
    running = (await house.service.get_status(created.job_id)).running
    assert [unit.last_event.split(":")[0] for unit in running].count("unit.claimed") == 3
    [first] = [unit.key for unit in running if not unit.last_event.startswith("unit.claimed")]
    await house.service.cancel_units(created.job_id, [first])
    status = await house.ended(created.job_id)
    assert (status.counts["succeeded"], status.counts["cancelled"]) == (3, 1)
    assert max(script.gaps) < 40
