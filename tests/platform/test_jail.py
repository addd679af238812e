"""A program that is locked in: what it can reach, under each jail that this machine has."""

import os
import platform
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from batchproc.platform import jail, seccomp
from tests.conftest import wait_until

linux = pytest.mark.skipif(sys.platform != "linux", reason="there is a jail on Linux only")
PYTHON = str(Path(sys.executable).resolve())


@pytest.fixture(params=jail.NAMES)
def name(request):
    if not jail.stands(request.param):
        pytest.skip(f"no {request.param} on this machine")
    return request.param


def run(name, code, *arguments, read=None):
    """What a Python program says in the jail."""
    visible = {sys.base_prefix: sys.base_prefix, **(read or {})}
    process = jail.start(name, [PYTHON, "-I", "-S", "-B", "-c", textwrap.dedent(code), *arguments], read=visible)
    out, errors = process.communicate(timeout=20)
    assert not errors, errors.decode()
    return out.decode().strip()


@linux
def test_this_machine_has_a_jail():
    assert jail.best() in jail.NAMES


@linux
def test_it_reads_what_it_was_given_and_writes_in_its_scratch_only(name, tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    code = """
        import os, sys
        print(open(sys.argv[1] + "/a.txt").read(), os.getcwd(), os.listdir("."))
        open("mine", "w").write("x")
        for path in (sys.argv[1] + "/b", "/b", "/usr/b", "/dev/b", "/proc/sys/kernel/core_pattern", "/etc/b"):
            try:
                open(path, "w")
                print("wrote", path)
            except OSError:
                pass
    """
    assert run(name, code, "/given", read={str(tmp_path): "/given"}) == "hello /scratch []"
    assert os.listdir(tmp_path) == ["a.txt"]


@linux
def test_root_inside_rules_nothing_outside(name):
    """Root without capabilities may write /proc/sys, unless that is read-only too."""
    code = """
        import os
        for folder, _, files in os.walk("/proc/sys"):
            for file in files:
                try:
                    os.close(os.open(f"{folder}/{file}", os.O_WRONLY))
                    print("open", folder, file)
                except OSError:
                    pass
    """
    assert run(name, code) == ""


@linux
def test_it_sees_neither_our_files_nor_our_processes(name, tmp_path):
    code = """
        import os, sys
        pids = [p for p in os.listdir("/proc") if p.isdigit()]
        print(os.path.exists(sys.argv[1]), sorted(os.listdir("/")), max(map(int, pids)))
        print([open(f"/proc/{p}/environ").read() for p in pids])
    """
    said = run(name, code, str(tmp_path))
    assert said.startswith("False") and "'tmp'" not in said and "'home'" not in said
    assert int(said.split("]")[1].split()[0]) < 10
    assert "ANTHROPIC" not in said


@linux
def test_there_is_no_way_to_a_socket(name, tmp_path):
    """Not even to one that lies in a folder it may read."""
    with socket.socket(socket.AF_UNIX) as ours:
        ours.bind(str(tmp_path / "s"))
        ours.listen()
        ours.setblocking(False)
        code = """
            import socket, sys
            for family in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_PACKET):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
                    try:
                        socket.socket(family, kind)
                        print("a socket", family, kind)
                    except PermissionError:
                        pass
            a, b = socket.socketpair()
            a.send(b"fine")
            print(b.recv(9))
        """
        assert run(name, code, read={str(tmp_path): "/given"}) == "b'fine'"
        with pytest.raises(BlockingIOError):
            ours.accept()


@linux
def test_it_starts_no_process_and_threads_are_fine(name):
    code = """
        import ctypes, os, threading
        libc = ctypes.CDLL(None, use_errno=True)
        for attempt in (os.fork, lambda: os.posix_spawn("/bin/true", ["true"], {})):
            try:
                print("started", attempt())
            except PermissionError:
                pass
        for number in (56, 57, 58, 435, 0x40000000 + 57):
            if libc.syscall(number, 0, 0, 0, 0, 0) >= 0:
                print("started by", number)
        threading.Thread(target=print, args=("a thread",)).start()
    """
    if platform.machine() != "x86_64":
        code = code.replace("(56, 57, 58, 435, 0x40000000 + 57)", "(220, 435)")
    assert run(name, code) == "a thread"


@linux
def test_its_power_is_gone(name):
    code = """
        import re
        status = open("/proc/self/status").read()
        print(re.findall(r"Cap(?:Prm|Eff|Bnd|Amb):\\s+(\\w+)", status))
        print(re.findall(r"(?:NoNewPrivs|Seccomp):\\s+(\\d)", status))
    """
    assert run(name, code) == f"{['0' * 16] * 4}\n['1', '2']"


@linux
def test_a_killed_jail_leaves_no_process(name):
    process = jail.start(name, ["/bin/sh", "-c", "echo up; while :; do :; done"], read={})
    assert process.stdout.readline() == b"up\n"
    process.kill()
    began = time.monotonic()
    assert process.stdout.read() == b""  # ends when the last process that holds the pipe is gone
    assert time.monotonic() - began < 20, "it would run for ever"
    process.communicate()


PARENT = """
import sys, time
from batchproc.platform import jail
process = jail.start(sys.argv[1], ["/bin/sh", "-c", "echo up; while :; do :; done"], read={})
print(process.pid, process.stdout.readline(), flush=True)
time.sleep(60)
"""


@linux
async def test_a_jail_dies_with_whoever_started_it(name):
    with subprocess.Popen([sys.executable, "-c", PARENT, name], stdout=subprocess.PIPE, text=True) as parent:
        pid = parent.stdout.readline().split()[0]
        inside = [pid, *_below(pid)]
        assert len(inside) > 1
        parent.send_signal(signal.SIGKILL)
        await wait_until(lambda: not any(Path("/proc", each).exists() for each in inside), "all gone", 5)


def _below(pid):
    found = []
    for task in Path("/proc", pid, "task").iterdir():
        for child in (task / "children").read_text().split():
            found += [child, *_below(child)]
    return found


def test_a_jail_that_lets_something_through_does_not_stand(monkeypatch):
    """Negative control: the probe sees a jail with a hole."""
    if sys.platform != "linux" or not jail.stands("bwrap"):
        pytest.skip("no bwrap on this machine")
    walls = jail._by_bwrap
    holes = [["--dev-bind", "/tmp", "/tmp"], ["--share-net"], ["--proc", "/proc"]]
    for hole in holes:

        def with_hole(program, read, fd, hole=hole):
            command = walls(program, read, fd)
            return [*command[: command.index("--seccomp")], *hole, *command[command.index("--seccomp") :]]

        monkeypatch.setattr(jail, "_by_bwrap", with_hole)
        if hole == ["--proc", "/proc"] and os.geteuid() != 0:
            continue  # a hole for root only
        assert not jail.stands("bwrap"), hole


@pytest.mark.parametrize("path", ["/", "/proc", "/proc/self", "/sys/x", "/dev", "/run/user/1", "/var", "/var/run"])
def test_what_must_stay_hidden_is_never_shown(path):
    assert jail.forbidden(path)


@pytest.mark.parametrize("path", ["/home/me", "/tmp", "/runner", "/devel", "/var/data"])
def test_folders_with_data_may_be_shown(path):
    assert not jail.forbidden(path)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_is_a_list_of_steps_that_ends_in_an_answer(machine):
    steps = list(struct.iter_unpack("=HBBI", seccomp.program(machine)))
    assert steps[-1] == (seccomp.RETURN, 0, 0, seccomp.ALLOW)
    assert len(steps) < 4096
    for place, (code, yes, no, _) in enumerate(steps):
        assert code in {seccomp.LOAD, seccomp.EQUAL, seccomp.AT_LEAST, seccomp.ANY_BIT, seccomp.RETURN}
        assert place + 1 + max(yes, no) < len(steps) or code == seccomp.RETURN


def test_a_machine_without_known_numbers_has_no_filter():
    assert seccomp.program("riscv64") is None
