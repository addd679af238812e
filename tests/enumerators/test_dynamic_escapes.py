"""Dynamic code that wants out: nothing written outside its scratch, no socket, over in time, no process left."""

import contextlib
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import dynamic_escapes
import pytest
from enumerate_help import children
from watching import Watch

from batchproc import enumerators
from batchproc.errors import SourceError
from batchproc.platform import jail

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="there is a sandbox on Linux only"),
]
LIMIT_S = 2.0
MEMORY = 1200 << 20
SECRET = f"sk-secret-{uuid.uuid4().hex}"


@pytest.fixture(params=jail.NAMES)
def walls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if not jail.stands(request.param):
        pytest.skip(f"no {request.param} on this machine")
    monkeypatch.setattr(jail, "best", lambda: request.param)
    return str(request.param)


class World:
    """What the attempts would like to reach, and what became of it."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "store"
        self.store.mkdir()
        (self.store / "batch.db").write_bytes(b"rows")
        (self.store / "tokens").write_text(SECRET)
        name = f"batchproc-escape-{uuid.uuid4().hex}"
        places = ["/tmp", "/var/tmp", "/dev/shm", str(Path.home()), str(self.store), str(folder), os.getcwd(), "/"]
        self.marks = [f"{place}/{name}" for place in places if os.access(place, os.W_OK)]
        self.sockets = [socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)]
        self.sockets[1].bind(str(self.store / "supervisor.sock"))
        self.sockets[1].listen()
        self.port = self.sockets[0].getsockname()[1]
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind(("127.0.0.1", self.port))
        self._before = self._contents()

    def context(self) -> dict[str, Any]:
        return {"marks": self.marks, "store": str(self.store), "port": self.port, "pid": os.getpid()}

    def changed(self) -> list[str]:
        return [path for path in self.marks if os.path.lexists(path)] + (
            [str(self.store)] if self._contents() != self._before else []
        )

    def visitors(self) -> int:
        """Connections and datagrams that arrived."""
        found = 0
        for each, take in [*((s, s.accept) for s in self.sockets), (self.datagrams, lambda: self.datagrams.recv(9))]:
            each.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                take()
                found += 1
        return found

    def close(self) -> None:
        for each in (*self.sockets, self.datagrams):
            each.close()
        for path in self.marks:
            shutil.rmtree(path) if os.path.isdir(path) else Path(path).unlink(missing_ok=True)

    def _contents(self) -> dict[str, str]:
        files = (path for path in sorted(self.store.rglob("*")) if path.is_file())
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def world(tmp_path: Path) -> Any:
    world = World(tmp_path)
    yield world
    world.close()


def is_inside(pid: str, status: str) -> bool:
    """Python in a process namespace of its own; who builds the walls may ask the kernel by a socket."""
    numbers = re.search(r"NSpid:(.*)", status)
    return bool(numbers) and len(numbers[1].split()) > 1 and "python" in os.readlink(f"/proc/{pid}/exe")


def attempt(world: World, code: str, limit_s: float = LIMIT_S) -> tuple[list[Any], str, list[str]]:
    """Items, error and logs."""
    spec = {"type": "dynamic", "code": code, "context": world.context(), "timeout_s": limit_s}
    source = enumerators.build(enumerators.carry({**spec, "read_directories": [str(world.store)]}))
    payloads: list[Any] = []
    try:
        for item in source.items():
            if len(payloads) < 100:
                payloads.append(item.payload)
    except SourceError as error:
        return payloads, str(error), enumerators.logs(source)
    return payloads, "", enumerators.logs(source)


@pytest.mark.parametrize("name", dynamic_escapes.ALL)
def test_an_attempt_to_escape_fails(name: str, walls: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
    if name == "SECRETS":  # the store's own token lies where the code may read
        (world.store / "tokens").write_text("none")
        world._before = world._contents()
    before, folders = children(), set(os.listdir("/tmp"))
    watch = Watch(is_inside)
    watch.start()
    began = time.monotonic()

    payloads, error, logs = attempt(world, dynamic_escapes.ALL[name])

    took = time.monotonic() - began
    watch.stop()
    assert world.changed() == []
    assert world.visitors() == 0
    assert watch.sockets == 0
    assert took < LIMIT_S + 15, took
    assert watch.left(5) == [] and children() <= before
    assert watch.memory < MEMORY
    assert watch.inside, "nothing was watched"
    assert "escaped" not in str(payloads)
    assert SECRET not in str((payloads, error, logs))
    assert not [made for made in set(os.listdir("/tmp")) - folders if "escape" in made]
    assert payloads or error


OVER = {
    "LOOP": "took longer than 2 s",
    "STUCK_IN_C": "took longer than 2 s",
    "ENDLESS": "took longer than 2 s",
    "SIGNALS": "took longer than 2 s",
    "CHATTER": "took longer than 2 s",
    "MEMORY_BOMB": "line 5: the code needs more than 1024 MiB",
    "GIANT": "item 1, line 3: is larger than 16 MiB",
    "GIANT_WITHOUT_US": "item is larger than 17 MiB",
    "OUR_DESCRIPTORS": "the code wrote where only items are written",
    "CLOSED": "took longer than 2 s",  # the jail itself holds the pipe
    "HUGE": "ran out of its 1024 MiB",
    "EXIT": "ended its own process",
    "DAEMON": "line 4: PermissionError",
}


@pytest.mark.parametrize("name", OVER)
def test_what_stopped_it_is_told(name: str, world: World) -> None:
    limit_s = LIMIT_S if "longer" in OVER[name] else 30.0

    _, error, _ = attempt(world, dynamic_escapes.ALL[name], limit_s)

    assert error and OVER[name] in error, error


@pytest.mark.parametrize("name", ["WRITING", "ATTACH", "NETWORK", "SHELL", "SUBPROCESS", "PTRACE", "SECRETS", "LIMITS"])
def test_the_attempts_succeed_where_there_is_no_sandbox(name: str, world: World, tmp_path: Path) -> None:
    """Negative control: what fails above would have worked, and would have been seen. (In a folder of its own.)"""
    world.marks = [f"{tmp_path}/mark"]
    code = dynamic_escapes.ALL[name].replace('"/etc/passwd", "/usr/x", "/proc/sys/kernel/core_pattern"', "")
    code = code.replace('("~", "/root", "/home", "/tmp", "/etc/ssh", "/run/secrets", context["store"])', "()")
    context = {**world.context(), "pid": 2**30} | ({"pid": 0} if name != "PTRACE" else {})
    program = f"import json, sys\n{code}\nfor item in enumerate_items(json.loads(sys.argv[1])): print(item)"
    if name == "PTRACE":
        program = program.replace('(context["pid"], os.getppid(), 1)', "(int(sys.argv[2]),)")
    with subprocess.Popen(["sleep", "60"]) as victim:
        done = subprocess.run(
            [sys.executable, "-c", program, __import__("json").dumps(context), str(victim.pid)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "ANTHROPIC_API_KEY": SECRET},
            timeout=20,
        )
        victim.kill()
    escaped = "escaped" in done.stdout or SECRET in done.stdout
    assert escaped or world.changed() or world.visitors(), done


def test_without_any_sandbox_nothing_runs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from batchproc.errors import InvalidJob

    monkeypatch.setattr(jail, "best", lambda: None)
    monkeypatch.setattr(jail, "start", lambda *a, **k: pytest.fail("it was started"))
    source = enumerators.build(enumerators.carry({"type": "dynamic", "code": dynamic_escapes.LOOP}))

    with pytest.raises(InvalidJob, match="install bubblewrap"):
        next(iter(source.items()))
