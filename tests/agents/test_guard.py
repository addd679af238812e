"""No process outlives its worker: parents are really killed, and children really looked for."""

import os
import shutil
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_claude_support import commands, tree

from batchproc.agents import guard
from batchproc.agents.guard import Guard
from batchproc.platform import processes
from tests.conftest import wait_until

STRAYS = "#!/bin/sh\nsetsid sleep 300 & sleep 300 & echo up; sleep 300\n"
PARENT = """
import os, subprocess, sys
env = {**os.environ, "BATCHPROC_WORKER": str(os.getpid())}
subprocess.Popen(sys.argv[1:], env=env).wait()
"""


class Family:
    """A parent that starts strays, through a guard or without one; all of them carry a tag."""

    def __init__(self, *command: str | Path) -> None:
        self.tag = uuid.uuid4().hex
        environment = {**os.environ, guard.TAG: f"{self.tag}:x"}
        self.parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, *command], env=environment, stdout=subprocess.PIPE
        )
        assert self.parent.stdout is not None
        assert self.parent.stdout.readline() == b"up\n"

    def kill_parent(self) -> None:
        self.parent.kill()
        self.parent.wait()

    def end(self) -> None:
        self.kill_parent()
        self.parent.stdout.close()  # type: ignore[union-attr]
        processes.sweep(guard.TAG, f"{self.tag}:", prefix=True)


@pytest.fixture
def strays(tmp_path: Path) -> Path:
    script = tmp_path / "it's a cli"
    script.write_text(STRAYS)
    script.chmod(0o700)
    return script


@pytest.fixture
def families() -> Iterator[list[Family]]:
    born: list[Family] = []
    yield born
    for family in born:
        family.end()


async def works(name: str) -> None:
    if not await guard._rehearse(name):
        pytest.skip(f"{name} does not work on this machine")


@pytest.mark.parametrize("name", ["namespaces", "bwrap"])
async def test_a_full_guard_leaves_nothing_of_a_killed_workers_tree(
    name: str, strays: Path, tmp_path: Path, families: list[Family]
) -> None:
    await works(name)
    families.append(family := Family(Guard(name=name, cli=strays).cli_path(tmp_path)))
    assert len(tree(family.tag)) > 3
    family.kill_parent()
    await wait_until(lambda: not tree(family.tag), "no process is left", 1)


async def test_a_partial_guard_ends_at_least_the_cli_and_a_sweep_the_rest(
    strays: Path, tmp_path: Path, families: list[Family]
) -> None:
    await works("pdeathsig")
    families.append(family := Family(Guard(name="pdeathsig", cli=strays).cli_path(tmp_path)))

    def cli_runs() -> bool:
        return any(str(strays).encode() in line for line in commands(family.tag))

    assert cli_runs()
    family.kill_parent()
    await wait_until(lambda: not cli_runs(), "the CLI is gone", 1)
    processes.sweep(guard.TAG, f"{family.tag}:", prefix=True)
    assert not tree(family.tag)


async def test_control_without_a_guard_a_killed_workers_tree_lives_on(strays: Path, families: list[Family]) -> None:
    families.append(family := Family(strays))
    family.kill_parent()
    with pytest.raises(AssertionError, match="no process is left"):
        await wait_until(lambda: not tree(family.tag), "no process is left", 0.5, 1)
    assert len(tree(family.tag)) >= 3


@pytest.mark.parametrize("name", ["namespaces", "bwrap", "pdeathsig", "none"])
def test_a_cli_whose_worker_died_while_it_started_does_not_start(name: str, strays: Path, tmp_path: Path) -> None:
    if name in ("namespaces", "pdeathsig") and not shutil.which("setpriv"):
        pytest.skip("needs setpriv")
    path = Guard(name=name, cli=strays).cli_path(tmp_path)
    env = {**os.environ, guard.WORKER: "1"}  # our child, but it is told that its worker was another
    done = subprocess.run([path], env=env, capture_output=True, timeout=5, check=False)
    assert (done.returncode, done.stdout) == (113, b"")


async def test_the_probe_takes_the_best_that_works_in_a_moment() -> None:
    began = time.monotonic()
    found = await guard.probe(Path("/usr/bin/true"))
    assert time.monotonic() - began < 10
    working = [name for name in guard._MEANS if await guard._rehearse(name)]
    best = working[0]
    assert found.name == best
    assert found.level == ("full" if best in ("namespaces", "bwrap") else "partial")


@pytest.mark.parametrize("name", guard._MEANS)
async def test_a_shell_can_be_walled_in_inside_every_guard(name: str) -> None:
    if not (shutil.which("bwrap") and shutil.which("socat")):
        pytest.skip("a shell's walls need bwrap and socat")
    await works(name)
    assert await guard._walls_stand(name)


@pytest.mark.parametrize("hole", ["--tmpfs", "--unshare-net", "--ro-bind", "nothing inside works"])
async def test_control_walls_with_a_hole_do_not_stand(
    hole: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A bubblewrap that leaves out one of the walls, or one that starts nothing at all."""
    real, fake = shutil.which("bwrap"), tmp_path / "bwrap"
    if not (real and shutil.which("socat")):
        pytest.skip("a shell's walls need bwrap and socat")
    wider = {"--tmpfs": "--dir", "--unshare-net": "--share-net", "--ro-bind": "--bind"}.get(hole)
    script = f'for a; do shift; [ "$a" = {hole} ] && a={wider}; set -- "$@" "$a"; done; exec {real} "$@"'
    fake.write_text(f"#!/bin/sh\n{script if wider else 'exit 1'}\n")
    fake.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert not await guard._walls_stand("none")


async def test_without_any_means_there_is_still_a_guard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for tool in ("sh", "sleep"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or "")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = await guard.probe(Path("/usr/bin/true"))
    assert (found.name, found.level, found.sandbox) == ("none", "partial", False)


def test_the_script_is_written_once_and_only_its_owner_may_touch_it(strays: Path, tmp_path: Path) -> None:
    path = Guard(name="none", cli=strays).cli_path(tmp_path)
    before = path.stat()
    assert stat.S_IMODE(before.st_mode) == 0o700
    assert Guard(name="none", cli=strays).cli_path(tmp_path).stat().st_mtime_ns == before.st_mtime_ns
    assert list(tmp_path.glob(".*")) == []
    Guard(name="none", cli=Path("/other")).cli_path(tmp_path)
    assert "/other" in path.read_text()


def test_the_bundled_cli_is_found_without_the_sdk_and_tells_its_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    code = "import sys; from batchproc.agents import guard; print(guard.find_cli()); print('claude_agent_sdk' in sys.modules)"  # noqa: E501
    found, imported = subprocess.check_output([sys.executable, "-c", code], text=True).splitlines()
    assert imported == "False"
    version = guard.cli_version(Path(found))
    assert version is not None
    assert version[0].isdigit()
    assert guard.cli_version(Path("/nowhere/claude")) is None
