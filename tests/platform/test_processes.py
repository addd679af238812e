"""Processes, by real ones."""

import fcntl
import os
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batchproc.platform import processes

Start = Callable[..., "subprocess.Popen[bytes]"]
SLEEP = ("sleep", "300")


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts processes with variables; whatever still runs at the end of the test is killed."""
    born: list[subprocess.Popen[bytes]] = []

    def begin(*command: str, **variables: str) -> subprocess.Popen[bytes]:
        born.append(subprocess.Popen(command or SLEEP, env={**os.environ, **variables}))
        return born[-1]

    yield begin
    for process in born:
        process.kill()
        process.wait()


def until(fact: Callable[[], bool], name: str, limit_s: float = 20) -> None:
    end = time.monotonic() + limit_s
    while not fact():
        assert time.monotonic() < end, f"not within {limit_s} s: {name}"
        time.sleep(0.005)


def test_a_process_is_alive_until_it_ends_and_its_zombie_is_dead(start: Start) -> None:
    process = start()
    who = processes.identity(process.pid)
    assert who is not None
    assert processes.is_alive(who)
    process.kill()
    until(lambda: not processes.is_alive(who), "it is dead, though nobody has waited for it")
    assert process.returncode is None
    os.kill(process.pid, 0)  # the number still answers: that is why nobody asks it
    process.wait()
    assert processes.identity(process.pid) is None


def test_a_stranger_with_the_same_number_is_not_taken_for_it() -> None:
    me = processes.identity()
    assert me is not None
    assert processes.is_alive(me)
    assert not processes.is_alive(me._replace(started="1"))
    assert not processes.is_alive(me._replace(boot="another"))


def test_a_sweep_kills_those_with_the_mark_and_nobody_else(start: Start) -> None:
    tag = uuid.uuid4().hex
    mine, child, stranger = (
        start(MARK=tag),
        start("sh", "-c", "setsid sleep 300 & wait", MARK=tag),
        start(MARK=tag + "x"),
    )
    until(lambda: len(list(processes.marked(f"MARK={tag}".encode(), False))) == 3, "three carry the mark")
    assert processes.sweep("MARK", tag) == 3
    assert (mine.wait(5), child.wait(5)) == (-9, -9)
    assert stranger.poll() is None
    assert processes.sweep("MARK", tag) == 0


def test_a_sweep_by_prefix_takes_the_whole_family(start: Start) -> None:
    tag = uuid.uuid4().hex
    family, stranger = [start(MARK=f"{tag}:{n}") for n in range(3)], start(MARK=f"x{tag}:1", OTHER=f"MARK={tag}:1")
    until(lambda: len(list(processes.marked(f"MARK={tag}:".encode(), True))) == 3, "three carry the mark")
    assert processes.sweep("MARK", f"{tag}:", prefix=True) == 3
    assert [process.wait(5) for process in family] == [-9] * 3
    assert stranger.poll() is None


def test_a_sweep_spares_whoever_sweeps() -> None:
    tag = uuid.uuid4().hex
    code = f"from batchproc.platform import processes; print(processes.sweep('MARK', '{tag}'))"
    said = subprocess.check_output([sys.executable, "-c", code], env={**os.environ, "MARK": tag}, timeout=20)
    assert said == b"0\n"


def test_a_sweep_ends_in_time_even_if_new_ones_keep_coming(start: Start) -> None:
    tag = uuid.uuid4().hex
    start("sh", "-c", "while :; do MARK=$TAG sleep 300 & sleep 0.001; done", TAG=tag)
    until(lambda: bool(list(processes.marked(f"MARK={tag}".encode(), False))), "one carries the mark")
    began = time.monotonic()
    assert processes.sweep("MARK", tag, limit_s=0.3) > 1
    assert time.monotonic() - began < 10, "new ones would come for ever"
    start_over = processes.sweep("TAG", tag)
    assert start_over >= 1


def test_a_handle_kills_its_own_and_never_a_successor(start: Start) -> None:
    process = start()
    handle = processes.Handle(process.pid)
    handle.kill()
    assert process.wait(5) == -9
    handle.kill()
    handle.close()
    handle.close()


def test_a_detached_process_outlives_its_starter_in_a_session_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    script = 'echo "$X $(pwd)"; echo oops >&2; cat; exec sleep 300'
    code = (
        "import sys; from pathlib import Path; from batchproc.platform import processes\n"
        "place = Path(sys.argv[1])\n"
        "print(processes.detach(['/bin/sh', '-c', sys.argv[2]], env={'X': 'x', 'PATH': '/usr/bin:/bin'},"
        " log=place / 'log', cwd=place))"
    )
    pid = int(subprocess.check_output([sys.executable, "-c", code, str(tmp_path), script], timeout=20))
    who = processes.identity(pid)
    assert who is not None
    try:
        until(lambda: log.read_text() == f"before\nx {tmp_path}\noops\n", "its output is in the log")
        assert os.getsid(pid) == pid
        assert processes.is_alive(who)
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        assert not any(v.startswith((b"HOME=", b"PYTEST")) for v in variables)
    finally:
        os.kill(pid, 9)


def test_a_detached_process_keeps_no_lock_of_ours_and_its_new_log_is_private(tmp_path: Path) -> None:
    with open(tmp_path / "lock", "w") as ours:
        os.set_inheritable(ours.fileno(), True)
        fcntl.flock(ours, fcntl.LOCK_EX)
        pid = processes.detach([*SLEEP], env={"PATH": os.environ["PATH"]}, log=tmp_path / "log", cwd=tmp_path)
    try:
        assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600
        with open(tmp_path / "lock") as theirs:
            fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.kill(pid, 9)
    until(lambda: processes.identity(pid) is None, "it is gone")
    until(lambda: not Path(f"/proc/{pid}").exists(), "somebody has waited for it")


def test_a_log_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="log"):
        processes.detach([*SLEEP], env={}, log=tmp_path / "log", cwd=tmp_path)
