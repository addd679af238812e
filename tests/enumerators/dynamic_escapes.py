"""Attempts to get out of the sandbox of dynamic code. Each is code whose every way out would leave a mark.

`{marks}`: paths that must never come to be. `{port}`: a port of loopback where somebody listens. `{pid}`: the process
that reads the items. `{store}`: a folder with files that must not change.
"""

WRITING = """
import os
def enumerate_items(context):
    ruling = ["/etc/passwd", "/usr/x", "/proc/sys/kernel/core_pattern"]
    for path in context["marks"] + [context["store"] + "/batch.db"] + ruling:
        for flags in (os.O_WRONLY, os.O_WRONLY | os.O_CREAT):
            try:
                os.write(os.open(path, flags), b"escaped")
            except OSError:
                pass
        for change in (os.remove, os.rmdir, lambda p: os.chmod(p, 0o777), lambda p: os.rename(p, p + "2"), os.mkdir):
            try:
                change(path)
            except OSError:
                pass
    yield "done"
"""

ATTACH = """
import sqlite3
def enumerate_items(context):
    for path in [*context["marks"], context["store"] + "/batch.db"]:
        try:
            database = sqlite3.connect(":memory:")
            database.execute("ATTACH ? AS evil", [path])
            database.execute("CREATE TABLE evil.escaped (a)")
            database.commit()
        except sqlite3.Error:
            pass
    yield "done"
"""

NETWORK = """
import socket, urllib.request
def enumerate_items(context):
    for attempt in (
        lambda: socket.create_connection(("127.0.0.1", context["port"]), 1),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", context["port"])),
        lambda: urllib.request.urlopen("http://127.0.0.1:%d/" % context["port"], timeout=1),
        lambda: socket.getaddrinfo("example.com", 80),
        lambda: socket.socket(socket.AF_UNIX).connect(context["store"] + "/supervisor.sock"),
        lambda: socket.create_server(("127.0.0.1", 0)),
    ):
        try:
            attempt()
            yield "escaped"
        except OSError:
            pass
    yield "done"
"""

SHELL = """
import os
def enumerate_items(context):
    for path in context["marks"]:
        if os.system("echo x > " + path) == 0:
            yield "escaped"
    yield "done"
"""

SUBPROCESS = """
import subprocess, multiprocessing
def enumerate_items(context):
    for path in context["marks"]:
        for shell in (True, False):
            try:
                subprocess.run(["touch " + path] if shell else ["touch", path], shell=shell, check=True)
                yield "escaped"
            except (OSError, subprocess.SubprocessError):
                pass
    multiprocessing.get_context("fork").Process(target=print).start()
"""

DAEMON = """
import os, time
def enumerate_items(context):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(3)
            open(context["marks"][0], "w").write("escaped")
        os._exit(0)
    yield "done"
"""

RAW_FORK = """
import ctypes, time
def enumerate_items(context):
    libc = ctypes.CDLL(None)
    for number in (56, 57, 58, 435):
        if libc.syscall(number, 0, 0, 0, 0, 0) >= 0:
            time.sleep(60)
    yield "done"
"""

PARENT = """
import os, signal
def enumerate_items(context):
    for pid in (context["pid"], os.getppid()):
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP):
            try:
                os.kill(pid, number)
            except OSError:
                pass
    yield "done"
"""

PTRACE = """
import ctypes, os
def enumerate_items(context):
    libc = ctypes.CDLL(None, use_errno=True)
    for pid in (context["pid"], os.getppid(), 1):
        if libc.ptrace(16, pid, 0, 0) == 0:
            yield "escaped"
        buffer = ctypes.create_string_buffer(16)
        if libc.process_vm_readv(pid, buffer, 1, buffer, 1, 0) > 0:
            yield "escaped"
        try:
            open("/proc/%d/mem" % pid, "r+b").read(1)
            yield "escaped"
        except OSError:
            pass
    yield "done"
"""

SECRETS = """
import os
def enumerate_items(context):
    for pid in os.listdir("/proc"):
        for name in ("environ", "cmdline"):
            try:
                print(open("/proc/%s/%s" % (pid, name), errors="replace").read())
            except OSError:
                pass
    for folder in ("~", "/root", "/home", "/tmp", "/etc/ssh", "/run/secrets", context["store"]):
        for where, folders, files in os.walk(os.path.expanduser(folder)):
            for file in files:
                try:
                    if os.path.getsize(where + "/" + file) < 4096:
                        print(open(where + "/" + file, errors="replace").read())
                except OSError:
                    pass
    yield dict(os.environ)
"""

FORK_BOMB = """
import os
def enumerate_items(context):
    while True:
        try:
            os.fork()
        except OSError:
            yield "no more"
"""

MEMORY_BOMB = """
def enumerate_items(context):
    kept = []
    while True:
        kept.append(bytearray(8 << 20))
"""

HIDDEN_MEMORY_BOMB = """
import ctypes, os
def enumerate_items(context):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    for _ in range(100):
        number = libc.shmget(0, 64 << 20, 0o1666)
        if number >= 0:
            yield "escaped"
        try:
            os.ftruncate(os.memfd_create("x"), 64 << 20)
            yield "escaped"
        except OSError:
            pass
    size = 0
    try:
        while True:
            with open("f%d" % size, "wb") as file:
                file.write(bytes(8 << 20))
            size += 8
    except OSError:
        yield "escaped" if size > 64 else "done"
"""

LOOP = """
def enumerate_items(context):
    while True:
        pass
"""

STUCK_IN_C = """
import re
def enumerate_items(context):
    yield bool(re.match("(a+)+$", "a" * 60 + "b"))
"""

ENDLESS = """
import itertools
def enumerate_items(context):
    for n in itertools.count():
        yield {"n": n, "text": "x" * 1000}
"""

GIANT = """
def enumerate_items(context):
    yield {"text": "x" * (40 << 20)}
"""

HUGE = """
def enumerate_items(context):
    yield {"text": "x" * (400 << 20)}
"""

GIANT_WITHOUT_US = """
import os
def enumerate_items(context):
    for fd in range(3, 20):
        try:
            while True:
                os.write(fd, b"x" * 65536)
        except OSError:
            pass
"""

OUR_DESCRIPTORS = """
import os
def enumerate_items(context):
    for fd in range(256):
        try:
            os.write(fd, b"\\x00garbage\\n[1, 2, 3]\\n{\\n")
        except OSError:
            pass
    yield "done"
"""

CLOSED = """
import os, time
def enumerate_items(context):
    os.closerange(0, 256)
    time.sleep(60)
    yield "done"
"""

SYMLINKS = """
import os
def enumerate_items(context):
    for n, path in enumerate([*context["marks"], context["store"] + "/batch.db"]):
        os.symlink(path, "link%d" % n)
        try:
            open("link%d" % n, "w").write("escaped")
        except OSError:
            pass
        try:
            os.link(path, "hard%d" % n)
            yield "escaped"
        except OSError:
            pass
    os.symlink("/proc/self/root/../..", "up")
    yield sorted(os.listdir("up")) == sorted(os.listdir("/")) or "escaped"
"""

PRELOAD = """
import os
def enumerate_items(context):
    open("evil.so", "wb").write(b"\\x7fELF")
    os.environ["LD_PRELOAD"] = "/scratch/evil.so"
    os.execv("/bin/sh", ["sh", "-c", "echo x > " + context["marks"][0] + "; while :; do :; done"])
"""

EXIT = """
import os
def enumerate_items(context):
    yield "one"
    os._exit(0)
"""

DEEP = """
import sys
def enumerate_items(context):
    sys.setrecursionlimit(10 ** 9)
    def deeper(n): return repr([deeper(n + 1)])
    yield deeper(0)
"""

THREADS = """
import atexit, threading, time
def enumerate_items(context):
    for _ in range(20):
        threading.Thread(target=time.sleep, args=(10 ** 6,)).start()
    atexit.register(time.sleep, 10 ** 6)
    yield "done"
"""

SIGNALS = """
import signal, time
def enumerate_items(context):
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    while True:
        try:
            time.sleep(1)
        except BaseException:
            pass
"""

NAMESPACES = """
import ctypes
def enumerate_items(context):
    libc = ctypes.CDLL(None, use_errno=True)
    for attempt in (
        lambda: libc.unshare(0x10000000 | 0x00020000),
        lambda: libc.mount(b"tmpfs", b"/scratch", b"tmpfs", 0, None),
        lambda: libc.mount(None, b"/", None, 0x20 | 0x1000, None),
        lambda: libc.umount2(b"/usr", 2),
        lambda: libc.chroot(b"/scratch"),
        lambda: libc.setns(0, 0),
        lambda: libc.setuid(0) or libc.prctl(22, 0, 0, 0, 0),
    ):
        if attempt() == 0:
            yield "escaped"
    yield "done"
"""

LIMITS = """
import resource
def enumerate_items(context):
    for what in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):
        try:
            resource.setrlimit(what, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            yield "escaped"
        except (ValueError, OSError):
            pass
    yield "done"
"""

CHATTER = """
def enumerate_items(context):
    while True:
        print("x" * 10000)
"""

ALL = {name: code for name, code in dict(globals()).items() if isinstance(code, str) and "def enumerate_items" in code}
