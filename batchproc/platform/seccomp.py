"""System calls that a locked-in program may not make, as a filter that the kernel runs. Pure.

The namespaces of `jail` leave some ways open, and this closes them: a program could connect to a socket that lies in
a folder it may read; fork until the machine stands still, since the kernel counts no processes of root; or take memory
that no limit counts. Threads, pipes and `socketpair` (asyncio wants one) stay.
"""

import struct

EPERM, ENOSYS = 1, 38
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, MACHINE, FIRST_ARGUMENT = 0, 4, 16  # offsets in the kernel's struct seccomp_data
CLONE_THREAD = 0x00010000
X32 = 0x40000000

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

DENIED = {
    # sockets: whoever has none cannot reach anybody
    "socket": (41, 198),
    # other processes, and other programs' memory
    "fork": (57, None),
    "vfork": (58, None),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "pidfd_getfd": (438, 438),
    # memory that the limit of the address space does not count
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    # new walls, or holes in these
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    # large and seldom needed parts of the kernel
    "io_uring_setup": (425, 425),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "bpf": (321, 280),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
}
"""Name: numbers on x86_64 and aarch64 (the kernel's syscall_64.tbl and asm-generic/unistd.h)."""

CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435


def program(machine: str) -> bytes | None:
    """The filter for a kind of machine (`platform.machine()`); None where the numbers are not known."""
    if machine not in ARCHITECTURES:
        return None
    column = list(ARCHITECTURES).index(machine)
    numbers = [row[column] for row in DENIED.values()]
    steps = [
        (LOAD, 0, 0, MACHINE),
        *_answer(EQUAL, ARCHITECTURES[machine], KILL, unless=True),
        (LOAD, 0, 0, NUMBER),
        *_answer(AT_LEAST, X32, ERRNO | EPERM),
        *_answer(EQUAL, CLONE3, ERRNO | ENOSYS),  # its flags lie in memory; the C library falls back to clone
        *(step for number in numbers if number is not None for step in _answer(EQUAL, number, ERRNO | EPERM)),
        *_answer(EQUAL, CLONE[machine], ALLOW, unless=True),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        *_answer(ANY_BIT, CLONE_THREAD, ERRNO | EPERM, unless=True),
        (RETURN, 0, 0, ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _answer(test: int, value: int, answer: int, *, unless: bool = False) -> tuple[tuple[int, int, int, int], ...]:
    """Answer if the test holds (or unless it does), else go on."""
    return (test, 1, 0, value) if unless else (test, 0, 1, value), (RETURN, 0, 0, answer)
