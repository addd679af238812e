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
import tempfile
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from batchproc.agents import sandbox
from batchproc.platform import processes

TAG = "BATCHPROC_AGENT"
"""Marks every process of an attempt, as `<tag of the worker>:<session id>`."""
WORKER = "BATCHPROC_WORKER"
"""The pid of the worker that starts the CLI: whoever finds another parent was orphaned while it started, and ends."""

_CHECK = f'[ "$PPID" = "${WORKER}" ] || exit 113; '
# For root, bubblewrap covers parts of /proc, and then the kernel lets nobody inside mount another, so that the CLI's
# sandbox could not start. So root mounts a whole one over it.
_ROOT = '[ "$(id -u)" = 0 ]'
_MOUNT = 'mount -t proc proc /proc 2>/dev/null; exec \\"\\$0\\" \\"\\$@\\"'
_BWRAP = "bwrap --die-with-parent --dev-bind / / --unshare-pid --proc /proc"
# setpriv asks for the signal, then a shell looks who its parent is: dying in between changes the parent, dying later
# sends the signal. The CLI travels as $0, its arguments as $@.
_MEANS = {
    "namespaces": "setpriv --pdeathsig KILL -- /bin/sh -c '"
    + _CHECK
    + 'exec unshare --user --map-current-user --pid --fork --kill-child --mount-proc -- "$0" "$@"\'',
    "bwrap": "/bin/sh -c '"
    + _CHECK
    + f'{_ROOT} && exec {_BWRAP} --cap-add CAP_SYS_ADMIN -- /bin/sh -c "{_MOUNT}" "$0" "$@"; '
    + f'exec {_BWRAP} -- "$0" "$@"\'',
    "pdeathsig": "setpriv --pdeathsig TERM -- /bin/sh -c '" + _CHECK + 'exec "$0" "$@"\'',
    "none": "/bin/sh -c '" + _CHECK + 'BUN_FEATURE_FLAG_NO_ORPHANS=1 exec "$0" "$@"\'',
}
_FULL = frozenset({"namespaces", "bwrap"})
_STRAYS = "setsid sleep 60 & sleep 60 & echo up; wait"
_PLAIN = "echo up; exec sleep 60"


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """`name`: namespaces, bwrap, pdeathsig or none. `sandbox`: whether a shell's walls were seen to stand in it."""

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
    """The best guard that works here and now, found by killing a parent and waiting for its strays' last breath; and
    whether a shell can be walled in inside this very guard, found by attacks that succeed outside its walls only."""
    found = Guard(name="none", cli=cli)
    for name in _MEANS:
        if await _rehearse(name):
            found = Guard(name=name, cli=cli)
            break
    return replace(found, sandbox=await _walls_stand(found.name))


async def _walls_stand(name: str) -> bool:
    with tempfile.TemporaryDirectory(prefix="batchproc-") as place:
        shell = Guard(name=name, cli=Path("/bin/sh")).cli_path(Path(place))
        return await sandbox.stands(shell, {WORKER: str(os.getpid())})


async def _rehearse(name: str) -> bool:
    """Run a shell with children under the guard, kill its parent; whether nothing is left after a second."""
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
                await parent.stdout.readuntil(b"up\n")
                handle.kill()
                if name != "none":
                    await parent.stdout.read()  # ends when the last process that holds the pipe is gone
                return True
        except (TimeoutError, asyncio.IncompleteReadError):
            return False
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
