"""Builds the walls of `jail` without bubblewrap, then becomes the program. Not imported by anything.

Started by `unshare` as root of a user namespace of its own, with namespaces of its own for all else. Arguments: one
JSON object (binds: [[from, to]], links: [[target, path]], scratch, scratch_bytes, filter_fd), then the program.
"""

import ctypes
import json
import os
import sys
from pathlib import Path

BIND, RECURSIVE, NOSUID, NODEV, NOEXEC, READ_ONLY = 0x1000, 0x4000, 2, 4, 8, 1
DETACH = 2
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
MOUNT_SETATTR = 442
AT_RECURSIVE, AT_FDCWD = 0x8000, -100
DROP_FROM_BOUNDING_SET, NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER_MODE = 24, 38, 22, 2
ROOT = "/sys"
"""Where the new root is put together: a folder that is everywhere, and that nothing inside needs."""

libc = ctypes.CDLL(None, use_errno=True)


class MountAttributes(ctypes.Structure):
    """The kernel's struct mount_attr."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


class Filter(ctypes.Structure):
    """The kernel's struct sock_fprog."""

    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_void_p)]


def main() -> None:
    order, program = json.loads(sys.argv[1]), sys.argv[2:]
    _filesystem("tmpfs", ROOT, NOSUID | NODEV, "size=1m,mode=755")
    for source, target in order["binds"]:
        _bind(source, Path(ROOT + target))
    for aim, path in order["links"]:
        Path(ROOT + path).parent.mkdir(parents=True, exist_ok=True)
        Path(ROOT + path).symlink_to(aim)
    for path in (order["scratch"], "/proc"):
        Path(ROOT + path).mkdir(parents=True, exist_ok=True)
    _filesystem("proc", ROOT + "/proc", NOSUID | NODEV | NOEXEC, "")
    _read_only(ROOT)
    _filesystem("tmpfs", ROOT + order["scratch"], NOSUID | NODEV, f"size={order['scratch_bytes']},mode=700")
    _move_in()
    os.chdir(order["scratch"])
    os.setsid()
    _give_up_power()
    _take_filter(order["filter_fd"])
    os.execv(program[0], program)  # noqa: S606 - a program, not a shell


def _filesystem(kind: str, path: str, flags: int, options: str) -> None:
    _must(libc.mount(kind.encode(), path.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()), path)


def _bind(source: str, target: Path) -> None:
    folder = target if Path(source).is_dir() else target.parent
    folder.mkdir(parents=True, exist_ok=True)
    if folder is not target:
        target.touch()
    _must(libc.mount(os.fsencode(source), os.fsencode(target), None, ctypes.c_ulong(BIND | RECURSIVE), None), source)


def _read_only(path: str) -> None:
    """With every mount below it: remounting them one by one would miss those that were bound along."""
    attributes = MountAttributes(set=READ_ONLY | NOSUID)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    call = libc.syscall(MOUNT_SETATTR, AT_FDCWD, path.encode(), AT_RECURSIVE, ctypes.byref(attributes), size)
    _must(call, "read-only")


def _move_in() -> None:
    """The old root lies under the new one for a moment, and is then gone."""
    os.chdir(ROOT)
    _must(libc.syscall(PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    _must(libc.umount2(b".", DETACH), "old root")
    os.chdir("/")


def _give_up_power() -> None:
    """Root of this namespace could take the walls down; without its capabilities it is nobody. Lost at `execv`."""
    for capability in range(64):
        if libc.prctl(DROP_FROM_BOUNDING_SET, capability, 0, 0, 0) != 0:
            break
    _must(libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0), "no new privileges")


def _take_filter(fd: int) -> None:
    with os.fdopen(fd, "rb") as file:
        steps = file.read()
    memory = ctypes.create_string_buffer(steps, len(steps))
    chosen = Filter(length=len(steps) // 8, steps=ctypes.addressof(memory))
    _must(libc.prctl(SET_SECCOMP, FILTER_MODE, ctypes.byref(chosen), 0, 0), "seccomp")


def _must(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


if __name__ == "__main__":
    main()
