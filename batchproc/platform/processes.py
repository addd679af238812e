"""The only place that knows what a process is to the operating system.

Nothing is signalled by its bare number: Linux holds a process by a pidfd, looks once more, and signals through that.
macOS has neither /proc nor pidfds: the same functions ask `ps` and check the start time right before the signal.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

LINUX = sys.platform == "linux"
PROC = Path("/proc")
DEAD = frozenset("ZXx")
NEEDED = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
"""What Python needs to start."""


def environment(*more: str) -> dict[str, str]:
    """That of a program that is to know of ours what it needs to start, and the variables named here: no credential."""
    return {name: os.environ[name] for name in (*NEEDED, *more) if name in os.environ}


ISOLATED = ("-I", "-S", "-B", "-X", "utf8")
"""To a Python of ours: the user's Python settings and folders do not count, and neither does the locale."""


def start_python(program: Path, **variables: str) -> subprocess.Popen[bytes]:
    """Start a program of ours, that talks over its standard input and output. Raises `OSError`."""
    return subprocess.Popen(
        [sys.executable, *ISOLATED, str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment("TMPDIR") | variables,
        cwd=os.sep,
        bufsize=1 << 16,
    )


class Identity(NamedTuple):
    """A process that cannot be mistaken for a later one with its number, not even after a reboot."""

    pid: int
    started: str
    boot: str


def identity(pid: int | None = None) -> Identity | None:
    """Of `pid`, or of this process; None when there is no such process, or only its zombie."""
    pid = os.getpid() if pid is None else pid
    state, started = _look(pid)
    return None if not started or state in DEAD else Identity(pid, started, _boot())


def is_alive(who: Identity) -> bool:
    """Whether that very process runs. A zombie is dead; a later process with its number is a stranger."""
    return identity(who.pid) == who


class Handle:
    """A child of ours, held so that a signal reaches it or nobody. Open it before it can have been waited for."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._identity = identity(pid)
        self._fd: int | None = None
        if LINUX:
            with contextlib.suppress(ProcessLookupError):
                self._fd = os.pidfd_open(pid)

    def kill(self) -> None:
        """SIGKILL, at once. Does nothing when it has already gone."""
        with contextlib.suppress(ProcessLookupError):
            if self._fd is not None:
                signal.pidfd_send_signal(self._fd, signal.SIGKILL)
            elif not LINUX and self._identity is not None and is_alive(self._identity):
                os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def sweep(variable: str, value: str, *, prefix: bool = False, limit_s: float = 1.0) -> int:
    """SIGKILL every process whose environment says `variable=value` (or begins so), until none is left.

    Never this process, and for at most `limit_s`; 0 is one pass. Returns how many were killed. Blocks: use a thread.
    """
    mark = f"{variable}={value}".encode()
    killed: set[tuple[int, str]] = set()
    until = time.monotonic() + limit_s
    empty = 0
    while empty < 2:  # one that is just starting its program shows no environment for a moment
        found = list(marked(mark, prefix))
        empty = 0 if found else empty + 1
        killed.update(who for who in found if _kill_marked(who[0], mark, prefix))
        if time.monotonic() >= until:
            break
        time.sleep(0.005)
    return len(killed)


def detach(argv: Sequence[str], *, env: Mapping[str, str], log: Path, cwd: Path) -> int:
    """Start `argv` so that it outlives us: own session, nothing inherited but `env`. Its output is added to `log`."""
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        process = subprocess.Popen(
            list(argv),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            close_fds=True,
        )
    finally:
        os.close(out)
    # If it ends before we do, somebody has to collect it: a zombie would keep its number.
    threading.Thread(target=process.wait, name=f"wait-{process.pid}", daemon=True).start()
    return process.pid


def _look(pid: int) -> tuple[str, str]:
    """State letter and start time of a process; two empty strings when there is none."""
    if not LINUX:
        state, _, started = _ps("-o", "stat=,lstart=", "-p", str(pid)).strip().partition(" ")
        return state[:1], started.strip()
    try:
        fields = (PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return "", ""
    return fields[0].decode(), fields[19].decode()


def _boot() -> str:
    if LINUX:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    return subprocess.run(["sysctl", "-n", "kern.boottime"], capture_output=True, text=True, check=False).stdout.strip()


def _ps(*arguments: str) -> str:
    return subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False).stdout


def marked(mark: bytes, prefix: bool) -> Iterator[tuple[int, str]]:
    """(pid, start time) of every living process that carries the mark, except this one."""
    for pid in _pids():
        if pid != os.getpid() and _carries(pid, mark, prefix):
            state, started = _look(pid)
            if started and state not in DEAD:
                yield pid, started


def _pids() -> list[int]:
    if LINUX:
        return [int(name) for name in os.listdir(PROC) if name.isdigit()]  # noqa: PTH208 - names only, and fast
    return [int(pid) for pid in _ps("-ax", "-o", "pid=").split()]


def _carries(pid: int, mark: bytes, prefix: bool) -> bool:
    """Whether the environment of a process holds the mark. What we may not read is not ours."""
    if LINUX:
        try:
            variables = (PROC / str(pid) / "environ").read_bytes().split(b"\0")
        except OSError:
            return False
    else:
        variables = _ps("-E", "-ww", "-o", "command=", "-p", str(pid)).encode().split()
    return any(v.startswith(mark) if prefix else v == mark for v in variables)


def _kill_marked(pid: int, mark: bytes, prefix: bool) -> bool:
    """Hold it, look again, and only then kill it: between the first look and now the number may have changed hands."""
    handle = Handle(pid)
    try:
        if not _carries(pid, mark, prefix):
            return False
        handle.kill()
        return True
    finally:
        handle.close()
