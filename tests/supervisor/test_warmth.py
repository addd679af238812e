"""One attempt writes what all of a job share to the prompt cache; the others wait for it, and never long."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchproc.models import AttemptTask, Message, Profile
from batchproc.supervisor import warmth
from batchproc.supervisor.warmth import KEPT_S, Prefix, Warmth
from tests.conftest import OPTIONS, wait_until

SAYS = Message(kind="text", data={"text": "hm"})


def test_the_first_writes_and_the_others_wait_until_an_answer_begins():
    prefix = Prefix()
    assert prefix.waits_s("a", 0.0, 20.0) == 0.0
    assert [prefix.waits_s(who, 5.0, 20.0) for who in "bc"] == [15.0, 15.0]
    prefix.answered(asked_at=0.0)
    assert prefix.waits_s("d", 6.0, 20.0) == 0.0 and prefix.writer is None


def test_a_writer_that_hangs_holds_nobody_longer_than_the_bound_and_only_once():
    prefix = Prefix()
    prefix.waits_s("a", 0.0, 20.0)
    assert [prefix.waits_s(who, 20.0 + n, 20.0) for n, who in enumerate("bcd")] == [0.0, 0.0, 0.0]
    assert prefix.waits_s("e", KEPT_S - 1, 20.0) == 0.0 and prefix.writer == "a"


def test_a_writer_that_fails_lets_all_go_and_the_next_failures_hold_nobody():
    prefix = Prefix()
    for n, who in enumerate("abcdef"):
        assert prefix.waits_s(who, float(n), 20.0) == 0.0
        prefix.left(who)
    prefix.waits_s("g", KEPT_S, 20.0)
    assert prefix.waits_s("h", KEPT_S + 1, 20.0) == 19.0, "after five minutes it is worth another try"


def test_one_of_the_others_that_ends_opens_nothing():
    prefix = Prefix()
    prefix.waits_s("a", 0.0, 20.0)
    prefix.left("b")
    assert prefix.waits_s("c", 1.0, 20.0) == 19.0


def test_it_is_written_anew_once_nobody_has_read_it_for_as_long_as_it_is_kept():
    prefix = Prefix()
    prefix.waits_s("a", 0.0, 20.0)
    prefix.answered(asked_at=0.0)
    assert prefix.waits_s("b", KEPT_S - 1, 20.0) == 0.0, "warm, and reading keeps it"
    assert prefix.waits_s("c", 2 * KEPT_S - 2, 20.0) == 0.0
    assert prefix.waits_s("d", 4 * KEPT_S, 20.0) == 0.0
    assert prefix.waits_s("e", 4 * KEPT_S + 1, 20.0) == 19.0


def test_what_counts_is_when_it_was_asked_and_not_when_the_answer_came():
    prefix = Prefix()
    prefix.waits_s("a", 0.0, 20.0)
    prefix.answered(asked_at=0.0)
    prefix.answered(asked_at=0.0)  # the last words of a long answer, four minutes later
    assert prefix.warm_until == KEPT_S


@given(
    st.lists(st.tuples(st.sampled_from(["ask", "answer", "end"]), st.integers(0, 5), st.floats(0, 100)), max_size=60)
)
def test_whatever_happens_nobody_waits_longer_than_the_bound_or_for_nobody(steps):
    prefix, now, running = Prefix(), 0.0, set()
    for what, who, later in steps:
        now += later
        if what == "ask":
            waits_s = prefix.waits_s(who, now, 20.0)
            assert 0.0 <= waits_s <= 20.0
            assert not waits_s or prefix.writer in running
            running.add(who)
        elif what == "answer" and who in running:
            prefix.answered(now)
        elif what == "end":
            prefix.left(who)
            running.discard(who)


class Units:
    """Attempts on one prefix, and who of them has begun to ask, in order."""

    def __init__(self, **how):
        self.warmth, self.began, self.turns, self.go = Warmth(**how), [], {}, {}

    async def run(self, who, prefix="p"):
        self.go[who] = asyncio.Event()
        async with self.warmth.turn(prefix) as turn:
            self.began.append(who)
            self.turns[who] = turn
            await self.go[who].wait()

    async def start(self, group, *names, **more):
        tasks = [group.create_task(self.run(who, **more)) for who in names]
        await self.settle()
        return tasks

    async def settle(self):
        for _ in range(10):
            await asyncio.sleep(0)

    def end(self, *names):
        for who in names:
            self.go[who].set()


async def test_units_begin_when_the_first_one_has_said_something():
    units = Units()
    async with asyncio.TaskGroup() as group:
        await units.start(group, "a", "b", "c")
        assert units.began == ["a"]
        for kind in ("init", "system", "api_retry", "stderr", "rate_limit"):
            units.turns["a"].heard(Message(kind=kind, data={}))
        await units.settle()
        assert units.began == ["a"], "that is no answer"
        units.turns["a"].heard(SAYS)
        await units.settle()
        assert units.began == ["a", "b", "c"]
        await units.start(group, "d")
        assert units.began[-1] == "d"
        units.end(*"abcd")


async def test_units_begin_when_the_first_one_has_ended_or_was_stopped():
    for how in ("ended", "stopped"):
        units = Units()
        async with asyncio.TaskGroup() as group:
            first, *_ = await units.start(group, "a", "b", "c")
            units.end("a") if how == "ended" else first.cancel()
            await units.settle()
            assert units.began == ["a", "b", "c"]
            units.end("b", "c")


async def test_units_begin_when_they_have_waited_long_enough():
    units = Units(hold_s=0.1)
    async with asyncio.TaskGroup() as group:
        await units.start(group, "a", "b", "c")
        assert units.began == ["a"]
        await wait_until(lambda: len(units.began) == 3, "they do not wait for ever", 5)
        units.end(*"abc")


async def test_one_that_is_stopped_while_it_waits_harms_nobody():
    units = Units()
    async with asyncio.TaskGroup() as group:
        _, second, _ = await units.start(group, "a", "b", "c")
        second.cancel()
        await units.settle()
        assert units.began == ["a"]
        units.turns["a"].heard(SAYS)
        await units.settle()
        assert units.began == ["a", "c"]
        units.end("a", "c")


async def test_nobody_waits_for_a_stranger_or_where_there_is_nothing_to_cache_or_it_is_switched_off():
    for how, prefixes in (({}, ("p", "q")), ({}, (None, None)), ({"hold_s": 0}, ("p", "p"))):
        units = Units(**how)
        async with asyncio.TaskGroup() as group, AsyncExitStack() as stack:
            stack.callback(lambda units=units: units.end("a", "b"))
            await units.start(group, "a", prefix=prefixes[0])
            await units.start(group, "b", prefix=prefixes[1])
            assert units.began == ["a", "b"]
            units.turns["a"].heard(SAYS)


async def test_prefixes_that_are_over_are_forgotten(monkeypatch):
    now = [0.0]
    kept = Warmth(clock=lambda: now[0])
    for n in range(1_000):
        now[0] += KEPT_S / 50
        async with kept.turn(n):
            pass
    assert len(kept._known) <= warmth.MOST_PREFIXES + 2


TASK = AttemptTask(
    job_id="j",
    unit=1,
    key="k",
    attempt=1,
    prompt="p",
    options=replace(OPTIONS, model="haiku"),
    session_id="s",
    directory="/tmp/u/1",
)
LONG = "Find every clause that limits liability. " * 60  # about 2,500 bytes, more than 512 tokens


@pytest.mark.parametrize(
    ("model", "system", "profile", "worth"),
    [
        ("haiku", "Be brief.", Profile.ANSWER, False),
        ("haiku", LONG, Profile.ANSWER, True),
        ("haiku", "Be brief.", Profile.EDIT, True),
        (None, LONG, Profile.ANSWER, True),
        ("rehearsal", LONG * 50, Profile.FULL, False),
        ("claude-haiku-4-5", LONG, Profile.EDIT, False),
        ("claude-haiku-4-5-20251001", LONG * 7, Profile.ANSWER, True),
        ("claude-sonnet-4-5", LONG, Profile.ANSWER, False),
        ("claude-sonnet-4-5", LONG, Profile.READ_ONLY, False),
        ("claude-sonnet-4-5", LONG * 2, Profile.ANSWER, True),
        ("claude-opus-4-6", LONG * 2, Profile.ANSWER, False),
        ("somebody-elses", LONG * 2, Profile.ANSWER, False),
    ],
)
def test_only_what_the_api_caches_is_waited_for(model, system, profile, worth):
    task = replace(TASK, system_prompt=system, options=replace(OPTIONS, model=model, profile=profile))
    assert (warmth.prefix_of(task, "me") is not None) is worth


def test_a_prefix_is_the_same_only_for_one_payer_job_and_text():
    task = replace(TASK, system_prompt=LONG)
    same = warmth.prefix_of(replace(task, unit=2, prompt="x", directory="/tmp/v/1", session_id="t"), "me")
    assert same == warmth.prefix_of(task, "me")
    others = [
        warmth.prefix_of(task, "you"),
        warmth.prefix_of(replace(task, job_id="i"), "me"),
        warmth.prefix_of(replace(task, system_prompt=LONG + "!"), "me"),
    ]
    assert same not in others and len(set(others)) == 3


WIDE = {"type": "object", "properties": {f"field_{n}": {"type": "string"} for n in range(100)}}
NARROW = {"type": "object", "properties": {"field": {"type": "string"}}}


def test_attempts_of_one_job_with_other_tools_or_another_schema_do_not_wait_for_each_other():
    task = replace(TASK, system_prompt=LONG, output_schema=NARROW)
    server = {"a": {"command": "/opt/server"}}
    others = [
        replace(task, output_schema=None),
        replace(task, output_schema=WIDE),
        *(
            replace(task, options=replace(task.options, **change))
            for change in (
                {"profile": Profile.EDIT},
                {"allowed_tools": ["WebFetch"]},
                {"mcp_servers": server},
                {"mcp_servers": server, "disallowed_tools": ["mcp__a__x"]},
            )
        ),
    ]
    assert len({warmth.prefix_of(one, "me") for one in (task, *others)}) == 1 + len(others)


def test_a_schema_is_part_of_the_prefix():
    assert warmth.prefix_of(TASK, "me") is None and warmth.prefix_of(replace(TASK, output_schema=WIDE), "me")


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("claude-opus-4-1", 1_024),
        ("claude-opus-4-5-20251101", 4_096),
        ("claude-opus-5-5", 512),
        ("claude-opus-4-7", 2_048),
    ],
)
def test_the_longest_name_of_a_model_wins(model, tokens):
    assert warmth.least_tokens(model) == tokens
