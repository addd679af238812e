"""Sources that cannot be opened, or are something else than they should be: and what is said about them."""

import os
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

from malformed_help import Bad, Make, Odd, at, named

NOBODY = 65534


def closed(path: Path) -> None:
    for above in path.parents:  # a stranger has to get there to be refused
        if "pytest" in str(above):
            above.chmod(0o755)
    path.write_text("a,b\n1,2\n")
    path.chmod(0)


def closed_folder(path: Path) -> None:
    path.mkdir()
    closed(path / "x")
    path.chmod(0)


def a_loop(path: Path) -> None:
    path.symlink_to(path)


def dangling(path: Path) -> None:
    path.symlink_to(path.parent / "gone")


def a_socket(path: Path) -> None:
    os.chdir(path.parent)  # its path may be longer than a socket's may be
    with closing(socket.socket(socket.AF_UNIX)) as made:
        made.bind(path.name)


def a_file(path: Path) -> None:
    path.write_text("[1]")


def odd_names(path: Path) -> None:
    path.mkdir()
    (path / "a.txt").write_text("x")
    Path(os.fsdecode(os.fsencode(path) + b"/\xff.txt")).write_text("x")


def a_deep_folder(path: Path) -> None:
    """Deeper than a path may be long."""
    path.mkdir()
    at = os.open(path, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("x" * 200, dir_fd=at)
        below = os.open("x" * 200, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)


def a_list(*values: Any, **config: Any) -> Make:
    return lambda _: {"type": "list", "items": list(values), **config}


BAD = [
    *(
        bad
        for kind in ("csv", "json", "sql")
        for bad in (
            Bad(
                name=f"a folder for a {kind} file",
                make=named("x", kind, Path.mkdir),
                says=("is a folder", "name a file in it"),
            ),
            Bad(name=f"no {kind} file", make=named("x", kind, lambda _: None), says=("no such file", "check the path")),
            Bad(
                name=f"a file on the way to a {kind} file",
                make=named("x/y", kind, lambda path: a_file(path.parent)),
                says=("a part of this path is a file", "check"),
            ),
            Bad(
                name=f"a {kind} file without permission",
                make=named("x", kind, closed),
                says=("no permission", "read access"),
                reader=NOBODY,
            ),
            Bad(
                name=f"a link to no {kind} file",
                make=named("x", kind, dangling),
                says=("a link that leads nowhere", "mend it"),
            ),
            Bad(
                name=f"a {kind} file that is a link to itself",
                make=named("x", kind, a_loop),
                says=("cannot be read", "links", "check the path"),
            ),
            Bad(
                name=f"a pipe for a {kind} file", make=named("x", kind, os.mkfifo), says=("not a regular file", "copy")
            ),
            Bad(
                name=f"a socket for a {kind} file", make=named("x", kind, a_socket), says=("not a regular file", "copy")
            ),
            Bad(name=f"a device for a {kind} file", make=at(kind, "/dev/zero"), says=("not a regular file", "copy")),
            Bad(
                name=f"a {kind} path that is too long",
                make=at(kind, "/" + "x" * 5000),
                says=("cannot be read", "too long", "check the path"),
            ),
            Bad(
                name=f"a {kind} path that is no text",
                make=at(kind, "/tmp/\udcff.csv"),
                says=("enumerator.", "not valid text", "rename"),
            ),
            Bad(name=f"a {kind} path with a NUL", make=at(kind, "/tmp/a\0b"), says=("enumerator.", "absolute path")),
        )
    ),
    Bad(
        name="a csv file that cannot be read",
        make=at("csv", "/proc/self/mem"),
        says=("cannot be read", "check the path"),
    ),
    Bad(
        name="a json file that cannot be read",
        make=at("json", "/proc/self/mem"),
        says=("cannot be read", "check the path"),
    ),
    Bad(name="a file for a folder", make=named("x", "file", a_file), says=("is a file", "base_directory")),
    Bad(name="no folder", make=named("x", "file", lambda _: None), says=("no such folder", "check the path")),
    Bad(name="a link to no folder", make=named("x", "file", dangling), says=("a link that leads nowhere", "mend it")),
    Bad(
        name="a folder that is a link to itself",
        make=named("x", "file", a_loop),
        says=("cannot be read", "links", "check the path"),
    ),
    Bad(name="a device for a folder", make=at("file", "/dev/null"), says=("is a file", "base_directory")),
    Bad(
        name="a folder without permission",
        make=named("x", "file", closed_folder),
        says=("ermission", "read access"),
        reader=NOBODY,
    ),
    Bad(
        name="a name that is no text",
        make=named("x", "file", odd_names),
        place=r"file b'\xff.txt'",
        says=("not valid UTF-8", "exclude_patterns"),
    ),
    Bad(
        name="a folder path that is no text",
        make=at("file", "/tmp/\udcff"),
        says=("enumerator.base_directory", "not valid text", "rename"),
    ),
    Bad(
        name="folders deeper than a path may be long",
        make=named("x", "file", a_deep_folder),
        place="x" * 200,
        says=("too long", "exclude_patterns"),
    ),
    Bad(
        name="a list with half a surrogate pair",
        make=a_list("a", {"x": "\ud800"}),
        place="element 2",
        says=("'x'", "surrogate", "mend"),
    ),
    Bad(
        name="a list with no number",
        make=a_list(1, {"x": [float("nan")]}),
        place="element 2",
        says=("'x[0]' is nan", "null"),
    ),
    Bad(name="a list with a number beyond 64 bits", make=a_list(2**64), place="element 1", says=("64 bits", "as text")),
    Bad(
        name="a list with a key that is not there",
        make=a_list({"a": 1}, {"b": 1}, key_field="a"),
        place="element 2",
        says=("no field 'a'", "add it"),
    ),
    Bad(name="a list with nothing", make=a_list(), says=("enumerator.items", "at least 1")),
]

ODD: list[Odd] = []
