"""The lock that dies with its holder, the doorbell, and reading ahead on a thread."""

import asyncio
import os
import signal
import stat
import subprocess
import sys

import pytest

from batchproc.platform import doorbell, lock, processes
from batchproc.readahead import ReadAhead
from tests.conftest import wait_until

HOLD = """
import pathlib, subprocess, sys, time
from batchproc.platform.lock import FileLock
assert FileLock(pathlib.Path(sys.argv[1])).acquire()
child = subprocess.Popen(["sleep", "30"]) if sys.argv[2:] else None
print(child.pid if child else 0, flush=True)
time.sleep(30)
"""


def holder(path, *more):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path), *more], stdout=subprocess.PIPE, text=True)
    return process, int(process.stdout.readline())


def end(process):
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_lock_is_free_once_its_holder_was_killed(tmp_path):
    path = tmp_path / "lock"
    process, _ = holder(path)
    assert lock.is_held(path) and not lock.FileLock(path).acquire()
    end(process)
    mine = lock.FileLock(path)
    assert mine.acquire(2.0)
    mine.release()
    assert not lock.is_held(path)


def test_a_child_of_the_holder_does_not_keep_the_lock(tmp_path):
    path = tmp_path / "lock"
    process, child = holder(path, "with a child")
    end(process)
    try:
        assert not lock.is_held(path)
    finally:
        os.kill(child, signal.SIGKILL)


async def test_the_doorbell_answers_and_tells_watchers_the_newest_number(tmp_path):
    async def answer(request):
        return {"heard": request}

    where = doorbell.address(tmp_path)
    async with doorbell.Doorbell(where, answer) as bell:
        assert stat.S_IMODE(where.stat().st_mode) == 0o600
        assert await doorbell.ask(where, {"ring": True}, timeout_s=2) == {"heard": {"ring": True}}
        seen = []

        async def listen():
            async for seq in doorbell.watch(where):
                seen.append(seq)

        listener = asyncio.create_task(listen())
        await wait_until(lambda: seen, "the first number comes at once", 2)
        for seq in range(1, 200):
            await bell.announce(seq)
        await wait_until(lambda: seen[-1] == 199, "the newest number arrives", 2)
        assert seen == sorted(seen)
    await asyncio.wait_for(listener, 2)
    with pytest.raises(OSError):
        await doorbell.ask(where, {"ring": True}, timeout_s=2)


async def test_a_visitor_who_talks_nonsense_is_hung_up_on_and_nobody_else_notices(tmp_path):
    async def answer(request):
        return {"ok": True}

    where = doorbell.address(tmp_path)
    async with doorbell.Doorbell(where, answer):
        reader, writer = await asyncio.open_unix_connection(where)
        writer.write(b"\xff\xfe not json\n")
        assert await asyncio.wait_for(reader.read(), 2) == b""
        writer.close()
        await writer.wait_closed()
        assert await doorbell.ask(where, {"ring": True}, timeout_s=2) == {"ok": True}


def test_a_long_home_gets_a_socket_that_fits(tmp_path):
    assert len(os.fsencode(doorbell.address(tmp_path / ("x" * 120)))) < 104


async def test_reading_ahead_keeps_order_raises_where_the_source_does_and_closes_it():
    closed = []

    def source(n):
        try:
            yield from range(n)
            raise ValueError("broken at the end")
        finally:
            closed.append(True)

    got = []
    with pytest.raises(ValueError, match="broken at the end"):
        async for value in ReadAhead(source(50)):
            got.append(value)
    assert got == list(range(50))
    async for value in ReadAhead(source(10**9)):
        if value == 3:
            break
    await wait_until(lambda: len(closed) == 2, "an abandoned source is closed", 2)


def test_a_program_is_given_what_it_needs_to_start_and_nothing_else(monkeypatch):
    for name in ("ANTHROPIC_API_KEY", "PYTHONPATH", "TMPDIR", "LD_LIBRARY_PATH"):
        monkeypatch.setenv(name, "x")
    assert processes.environment() == {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": "x"}
    assert processes.environment("TMPDIR", "ABSENT") == {**processes.environment(), "TMPDIR": "x"}
