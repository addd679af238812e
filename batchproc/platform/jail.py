"""The only place that knows how a program that nobody vouches for is locked in.

It reads what it was given and the system's programs, writes in a scratch folder of memory that vanishes with it, sees
no other process, has no network and no socket, starts no process, and ends when whoever started it does.

- `bwrap`: bubblewrap builds the walls.
- `unshare`: the same walls by `unshare` and a few system calls, where users may make namespaces but have no bubblewrap.

Both are Linux's. Where neither stands, nothing runs: there is no third.
"""

import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from batchproc.platform import seccomp

NAMES = ("bwrap", "unshare")
SCRATCH = "/scratch"
SCRATCH_BYTES = 64 * 1024 * 1024
SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"),
    *("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime"),
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
FORBIDDEN = ("/proc", "/sys", "/dev", "/run", "/var/run")
"""Never shown: they lead to other processes and their secrets, to devices, to the sockets of services."""

ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": SCRATCH,
    "TMPDIR": SCRATCH,
    "LANG": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
}
WALLS = Path(__file__).with_name("_jail_walls.py")
PROBE_S = 5.0

_ATTACK = """
{ read -r line < "$1/canary" && echo "$line"; } 2>/dev/null
{ echo x > "$1/written"; } 2>/dev/null && echo wrote
{ echo x > /usr/batchproc-probe; } 2>/dev/null && echo wrote
{ command : >> /proc/sys/kernel/core_pattern; } 2>/dev/null && echo ruled
kill -0 "$2" 2>/dev/null && echo reached
while read -r name rest; do case "$name" in lo:) ;; *:) echo connected ;; esac; done < /proc/net/dev
echo x > here && read -r line < here && echo "$line"
( : ) 2>/dev/null && echo forked
"""


def start(name: str, program: Sequence[str], *, read: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """The program, locked in, with pipes for input, output and errors. `read` maps what it may read, files or folders
    by their real paths, to where it finds them. Killing the process that comes back ends all of it.

    Call it from a thread that lives as long as the program may: the program dies with it. Raises OSError.
    """
    assert not name or name in NAMES  # noqa: S101
    filter_ = seccomp.program(platform.machine())
    if filter_ is None:
        raise OSError(f"no system call filter is known for {platform.machine()}")
    with _readable(filter_) as fd:
        command = _by_bwrap(program, read, fd) if name == "bwrap" else _by_unshare(program, read, fd)
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,  # and not only inside: the jail's own process can be seen from there
            cwd="/",
            pass_fds=[fd],
            start_new_session=True,
        )


def best() -> str | None:
    """The first jail that was seen to hold here and now; None if none does. Takes some tens of milliseconds, once."""
    with contextlib.suppress(_NoneStands):
        return _best()
    return None


def forbidden(path: str) -> bool:
    """Whether a folder may not be shown to a program, because it is, holds or lies in what must stay hidden."""
    place = Path(path)
    return any(place == hidden or place in hidden.parents or hidden in place.parents for hidden in map(Path, FORBIDDEN))


class _NoneStands(Exception):
    """Nothing to remember: it may be installed by the next time."""


@cache
def _best() -> str:
    for name in NAMES:
        if stands(name):
            return name
    raise _NoneStands


def stands(name: str) -> bool:
    """Whether attacks fail in this jail that succeed outside: reading and writing a folder, reaching a process."""
    if sys.platform != "linux" or shutil.which(name) is None:
        return False
    with tempfile.TemporaryDirectory(prefix="batchproc-") as place:
        Path(place, "canary").write_text("seen\n")
        try:
            process = start(name, ["/bin/sh", "-c", _ATTACK, "sh", place, str(os.getpid())], read={})
        except OSError:
            return False
        try:
            return process.communicate(timeout=PROBE_S)[0] == b"x\n"
        except subprocess.TimeoutExpired:
            return False
        finally:
            process.kill()
            process.communicate()


def _by_bwrap(program: Sequence[str], read: Mapping[str, str], fd: int) -> list[str]:
    binds, links = _system()
    return [
        *("bwrap", "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
        *(word for path in binds for word in ("--ro-bind", path, path)),
        *(word for aim, path in links for word in ("--symlink", aim, path)),
        *(word for real, path in read.items() for word in ("--ro-bind", real, path)),
        # Root without capabilities may still write /proc/sys, and with it have programs started outside.
        *("--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev", "--remount-ro", "/dev"),
        *("--size", str(SCRATCH_BYTES), "--tmpfs", SCRATCH, "--remount-ro", "/"),
        *("--chdir", SCRATCH, "--seccomp", str(fd), "--", *program),
    ]


def _by_unshare(program: Sequence[str], read: Mapping[str, str], fd: int) -> list[str]:
    binds, links = _system()
    everything = [*binds, *filter(os.path.exists, DEVICES)]
    order = {
        "binds": [*([path, path] for path in everything), *(list(pair) for pair in read.items())],
        "links": links,
        "scratch": SCRATCH,
        "scratch_bytes": SCRATCH_BYTES,
        "filter_fd": fd,
    }
    return [
        *("setpriv", "--pdeathsig", "KILL", "--", "unshare", "--user", "--map-root-user", "--mount", "--pid"),
        *("--net", "--ipc", "--uts", "--cgroup", "--fork", "--kill-child", "--"),
        *(str(Path(sys.executable).resolve()), "-I", "-S", "-B", str(WALLS), json.dumps(order), *program),
    ]


def _system() -> tuple[list[str], list[tuple[str, str]]]:
    """The system's folders to bind, and its links to draw again."""
    there = [path for path in SYSTEM if os.path.lexists(path)]
    links = [(os.readlink(path), path) for path in there if os.path.islink(path)]  # noqa: PTH114, PTH115
    return [path for path in there if not os.path.islink(path)], links  # noqa: PTH114


@contextlib.contextmanager
def _readable(content: bytes) -> Iterator[int]:
    """A descriptor from which a child can read `content`: small enough for a pipe."""
    reading, writing = os.pipe()
    try:
        os.write(writing, content)
        os.close(writing)
        yield reading
    finally:
        os.close(reading)
