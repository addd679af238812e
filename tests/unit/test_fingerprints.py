"""The files of a command: what changes is seen, however it is changed."""

import os
import sys
from pathlib import Path

import pytest

from batchproc import fingerprints


def rewritten(file: Path) -> None:
    file.write_text("exit 1\n")


def as_if_untouched(file: Path) -> None:
    """The same size, and the time of its last change put back."""
    before = file.stat()
    file.write_text("exit 1\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced(file: Path) -> None:
    other = file.with_name("other")
    other.write_text("exit 1\n")
    other.replace(file)


def led_elsewhere(file: Path) -> None:
    file.unlink()
    file.symlink_to("/bin/false")


@pytest.mark.parametrize("change", [rewritten, as_if_untouched, replaced, led_elsewhere, Path.unlink])
def test_a_changed_file_is_seen(change, tmp_path):
    file = tmp_path / "check"
    file.write_text("exit 0\n")
    command = ["/bin/sh", str(file), "-v"]
    known = fingerprints.of(command)
    assert list(known) == [str(file)] and fingerprints.changes(known) == []
    change(file)
    assert fingerprints.changes(known) == [str(file)]


def test_whose_python_looks_again_does_not_matter(tmp_path, monkeypatch):
    known = fingerprints.of([sys.executable, "/bin/sh", "-c", "/" + "x" * 5_000])
    monkeypatch.setattr(fingerprints, "SYSTEM", (str(tmp_path),))
    assert fingerprints.changes(known) == []


def test_a_file_that_comes_only_later_is_a_change(tmp_path):
    command = ["/bin/sh", str(tmp_path / "check")]
    known = fingerprints.of(command)
    assert known == {command[1]: ""} and fingerprints.changes(known) == []
    (tmp_path / "check").write_text("exit 0\n")
    assert fingerprints.changes(known) == [str(tmp_path / "check")]


def test_what_holds_the_same_again_is_the_same(tmp_path):
    file = tmp_path / "check"
    file.write_text("exit 0\n")
    known = fingerprints.of([str(file)])
    file.write_text("exit 1\n")
    replaced(file)
    file.write_text("exit 0\n")
    assert fingerprints.changes(known) == []
