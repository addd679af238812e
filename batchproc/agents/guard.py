"""No process of an attempt outlives its worker, whatever kills it.

A guard is a way to start the CLI, best first :

- `namespaces`: the CLI is process 1 of its own PID namespace, which the kernel empties when its parent dies.
- `bwrap`: the same through bubblewrap, where unprivileged user namespaces are allowed to it alone.
- `pdeathsig`: the CLI gets SIGTERM when its parent dies, and clears most of its children.
- `none`: a flag of the CLI's runtime that ends it and its direct children.

The first two are `full`: nothing is left. The others are `partial`: what was put in the background may survive until
the next sweep by tag (`platform.processes.sweep`). The parent-death signal belongs to the *thread* that starts the
CLI, so workers start agents from their main thread.
"""

import asyncio
import contextlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

from batchproc.platform import processes

TAG = "BATCHPROC_AGENT"
"""Marks every process of an attempt, as `<tag of the worker>:<session id>`."""
WORKER = "BATCHPROC_WORKER"
"""The pid of the worker that starts the CLI: whoever finds another parent was orphaned while it started, and ends."""

_CHECK = f'[ "$PPID" = "${WORKER}" ] || exit 113; '
# setpriv asks for the signal, then a shell looks who its parent is: dying in between changes the parent, dying later
# sends the signal. The CLI travels as $0, its arguments as $@.
_MEANS = {
    "namespaces": "setpriv --pdeathsig KILL -- /bin/sh -c '"
    + _CHECK
    + 'exec unshare --user --map-current-user --pid --fork --kill-child --mount-proc -- "$0" "$@"\'',
    "bwrap": "/bin/sh -c '"
    + _CHECK
    + 'exec bwrap --die-with-parent --dev-bind / / --unshare-pid --proc /proc -- "$0" "$@"\'',
    "pdeathsig": "setpriv --pdeathsig TERM -- /bin/sh -c '" + _CHECK + 'exec "$0" "$@"\'',
    "none": "/bin/sh -c '" + _CHECK + 'BUN_FEATURE_FLAG_NO_ORPHANS=1 exec "$0" "$@"\'',
}
_FULL = frozenset({"namespaces", "bwrap"})
_SANDBOX = "bwrap --unshare-all --ro-bind / / --proc /proc --dev /dev true 2>/dev/null && echo sandbox"
_STRAYS = f"{_SANDBOX}; setsid sleep 60 & sleep 60 & echo up; wait"
_PLAIN = f"{_SANDBOX}; echo up; exec sleep 60"


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """`name`: namespaces, bwrap, pdeathsig or none. `sandbox`: whether the CLI's shell sandbox works inside it."""

    name: str
    cli: Path
    sandbox: bool = False

    @property
    def level(self) -> str:
        """`full` where nothing can outlive the worker, else `partial`."""
        return "full" if self.name in _FULL else "partial"

    def cli_path(self, directory: Path) -> Path:
        """The script to start instead of the CLI. Written to `directory` once, for its owner only."""
        path = directory / f"claude-{self.name}.sh"
        text = f'#!/bin/sh\nexec {_MEANS[self.name]} {shlex.quote(str(self.cli))} "$@"\n'
        if not path.exists() or path.read_text() != text:
            draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700), "w") as file:  # noqa: PTH123
                file.write(text)
            draft.replace(path)
        return path


async def probe(cli: Path) -> Guard:
    """The best guard that works here and now, found by killing a parent and waiting for its strays' last breath."""
    for name in _MEANS:
        said = await _rehearse(name)
        if said is not None:
            return Guard(name=name, cli=cli, sandbox="sandbox" in said and shutil.which("socat") is not None)
    return Guard(name="none", cli=cli)


async def _rehearse(name: str) -> str | None:
    """Run a shell with children under the guard, kill its parent; what it said if nothing is left after a second."""
    script = _STRAYS if name in _FULL else _PLAIN
    mark = f"probe:{uuid.uuid4().hex}"
    parent = await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        f'{WORKER}=$$ {_MEANS[name]} /bin/sh -c "$0" & wait',
        script,
        env={**os.environ, TAG: mark},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert parent.stdout is not None  # noqa: S101
    with contextlib.closing(processes.Handle(parent.pid)) as handle:
        try:
            async with asyncio.timeout(1):
                said = (await parent.stdout.readuntil(b"up\n")).decode()
                handle.kill()
                if name != "none":
                    await parent.stdout.read()  # ends when the last process that holds the pipe is gone
                return said
        except (TimeoutError, asyncio.IncompleteReadError):
            return None
        finally:
            handle.kill()
            await asyncio.to_thread(processes.sweep, TAG, mark)
            await parent.wait()


def find_cli() -> Path | None:
    """The CLI that comes with the SDK, without importing the SDK; else `claude` on the PATH."""
    spec = importlib.util.find_spec("claude_agent_sdk")
    bundled = Path(spec.origin).parent / "_bundled" / "claude" if spec and spec.origin else None
    if bundled is not None and bundled.is_file():
        return bundled
    found = shutil.which("claude")
    return Path(found) if found else None


def cli_version(cli: Path) -> str | None:
    """What it calls itself, like "2.1.330"; None when it does not start. Blocks for the time of one start."""
    try:
        said = subprocess.run([cli, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    return said.split()[0] if said.strip() else None
