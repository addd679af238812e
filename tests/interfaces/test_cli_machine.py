"""A machine that refuses a file is told of by name and with the way out, by every command; nobody meets a traceback."""

import subprocess
import sys

import pytest

from batchproc import __main__
from batchproc.interfaces import cli
from batchproc.platform import lock


def run(*argv):
    return cli.main(argv, demo=__main__._demo, serve=__main__._serve)


@pytest.fixture
def home(tmp_path, monkeypatch):
    home = tmp_path / "store"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("BATCHPROC_HOME", str(home))
    return home


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("supervisor.lock", ["supervisor", "run"]),
        ("dashboard.lock", ["dashboard", "--no-browser"]),
        ("dashboard.log", ["dashboard", "--no-browser", "--detach"]),
    ],
)
def test_a_file_of_the_store_that_cannot_be_used_is_named_with_the_way_out(home, capsys, file, command):
    (home / file).mkdir()

    assert run(*command) == 1

    said = capsys.readouterr().err
    assert said == (
        f"batchproc: {home / file} cannot be used (Is a directory); "
        "set BATCHPROC_HOME to a folder of yours on a local disk that has room\n"
    )


@pytest.mark.parametrize("command", [["supervisor", "run"], ["dashboard", "--no-browser"], ["status"]])
def test_a_store_that_is_a_file_is_refused_by_every_command(home, tmp_path, monkeypatch, capsys, command):
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("BATCHPROC_HOME", str(tmp_path / "file"))

    assert run(*command) == 1

    assert "set BATCHPROC_HOME" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("error", [OSError(9, "Bad file descriptor", 3), TimeoutError()], ids=["a number", "no words"])
def test_a_refusal_that_names_no_file_names_the_store(home, error):
    said = cli._refused_by_the_machine(error)
    assert said.startswith(f"{error.strerror or 'TimeoutError'}; the store is {home}")


def test_nobody_holds_a_lock_in_a_folder_that_is_none(tmp_path):
    (tmp_path / "file").write_text("")

    assert not lock.is_held(tmp_path / "file" / "supervisor.lock")


INTERRUPTED = """
import sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "batchproc.interfaces.cli":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
from batchproc.__main__ import main
main()
"""


def test_ctrl_c_while_the_command_is_still_loading_ends_it_quietly():
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")
