"""Where exports may go: below allowed roots, through no link, whole or not at all, whatever happens meanwhile."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from batchproc import export
from batchproc.columns import Kind
from batchproc.errors import InvalidJob
from batchproc.export import place as places
from tests.conftest import wait_until
from tests.export.support import READ, made, write

COLUMNS = {"key": Kind.TEXT}


@pytest.fixture
def house(tmp_path):
    """A user's home, a folder of somebody else's, and the store."""
    for name in ("home", "home/data", "other", "home/store"):
        (tmp_path / name).mkdir()
    return tmp_path


def go(house, path, *roots, text="new", overwrite=False, name="csv"):
    home = house / "home"
    with export.opened(str(path), home=home, roots=(home, *roots), forbidden=home / "store") as found:
        what = made(home / "store", COLUMNS, [[text]])
        return export.write(export.FORMATS[name], what, found, overwrite=overwrite)


def everything(folder: Path):
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_the_home_is_allowed_and_so_is_what_is_named(house):
    assert go(house, house / "home/data/x.csv").path == str(house / "home/data/x.csv")
    assert go(house, "~/x.csv").path == str(house / "home/x.csv")
    assert go(house, house / "other/x.csv", house / "other").path == str(house / "other/x.csv")


REFUSED = {
    "elsewhere": ("{0}/other/x.csv", "exports go below {0}/home; .*BATCHPROC_EXPORT_ROOTS"),
    "by dots": ("{0}/home/../other/x.csv", "it is in {0}/other"),
    "a neighbour whose name begins alike": ("{0}/home2/x.csv", "it is in {0}/home2"),
    "relative": ("x.csv", "give an absolute path, like {0}/home/results.csv"),
    "nothing": ("", "give an absolute path"),
    "a folder": ("{0}/home/data/", "end it with the name of a file"),
    "dots at the end": ("{0}/home/..", "end it with the name of a file"),
    "no such folder": ("{0}/home/nowhere/x.csv", "there is no such folder; make it"),
    "below a file": ("{0}/home/file/x.csv", "is no folder"),
    "the store": ("{0}/home/store/x.csv", "batchproc's own"),
    "below the store": ("{0}/home/store/deep/x.csv", "batchproc's own"),
    "half a character": ("{0}/home/\ud800.csv", "end it with the name of a file"),
    "an end of text": ("{0}/home/x\0.csv", "end it with the name of a file"),
    "too long": ("{0}/home/" + "x" * 250 + ".csv", "choose a shorter name"),
    "something that is a folder": ("{0}/home/folder.csv", "a folder, a link or a device has this name"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_no_export_goes(house, case):
    path, said = (text.replace("{0}", str(house)) for text in REFUSED[case])
    (house / "home2").mkdir()
    (house / "home/file").write_text("")
    (house / "home/store/deep").mkdir()
    (house / "home/folder.csv").mkdir()
    before = everything(house)
    with pytest.raises(InvalidJob, match=said) as error:
        go(house, path, overwrite=True)
    assert str(error.value).startswith("path = ")
    assert everything(house) == before


def test_a_link_that_leads_out_is_refused_and_one_that_stays_inside_is_what_it_leads_to(house):
    (house / "home/out").symlink_to(house / "other")
    (house / "home/in").symlink_to(house / "home/data")
    with pytest.raises(InvalidJob, match=f"it is in {house}/other"):
        go(house, house / "home/out/x.csv")
    assert go(house, house / "home/in/x.csv").path == str(house / "home/data/x.csv")


def test_a_name_that_is_a_link_is_not_followed(house):
    (house / "other/precious").write_text("mine")
    for name in ("x.csv", "y.csv.ledger.json"):
        (house / "home" / name).symlink_to(house / "other/precious")
    for name in ("x.csv", "y.csv"):
        with pytest.raises(InvalidJob, match="a folder, a link or a device"):
            go(house, house / "home" / name, overwrite=True)
    assert everything(house / "other") == {"precious": b"mine"}


def test_a_folder_that_becomes_a_link_after_it_was_looked_at_is_not_followed(house, monkeypatch):
    real = os.path.realpath

    def swapped(path, **more):
        found = real(path, **more)
        if str(path).endswith("data"):
            (house / "home/data").rmdir()
            (house / "home/data").symlink_to(house / "other")
        return found

    monkeypatch.setattr(places.os.path, "realpath", swapped)
    with pytest.raises(InvalidJob, match="a part of it is no folder"):
        go(house, house / "home/data/x.csv")
    assert everything(house / "other") == {}


def test_a_file_that_comes_meanwhile_is_not_replaced(house):
    path = house / "home/x.csv"

    def blocks():
        path.write_text("theirs")
        yield [["new"]]

    what = made(house, COLUMNS, [])
    object.__setattr__(what, "blocks", blocks())
    home = house / "home"
    for overwrite in (False, True):
        path.unlink(missing_ok=True)
        object.__setattr__(what, "blocks", blocks())
        with (
            pytest.raises(InvalidJob, match="somebody else wrote there meanwhile"),
            export.opened(str(path), home=home, roots=(home,), forbidden=home / "store") as found,
        ):
            export.write(export.FORMATS["csv"], what, found, overwrite=overwrite)
        assert everything(home) == {"x.csv": b"theirs"}


def test_a_new_file_has_the_rights_that_the_user_gives_and_an_old_one_keeps_its_own(house):
    old = os.umask(0o027)
    try:
        go(house, "~/x.csv")
    finally:
        os.umask(old)
    path, ledger = house / "home/x.csv", house / "home/x.csv.ledger.json"
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, ledger)] == [0o640, 0o640]
    path.chmod(0o600)
    go(house, "~/x.csv", text="newer")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


KILLED = """
import os, signal, sys, time
from pathlib import Path
from batchproc import export
from batchproc.columns import Kind
from tests.export.support import made
name, root, many = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
def blocks():
    for n in range(many):
        yield [[f"row {n} " + "x" * 1000] * 100]
        if n == 20:
            print("half", flush=True)
            time.sleep(60)
what = made(root / "store", {"key": Kind.TEXT}, [])
object.__setattr__(what, "blocks", blocks())
path = str(root / ("x" + export.FORMATS[name].suffixes[0]))
with export.opened(path, home=root, roots=(root,), forbidden=root / "store") as place:
    export.write(export.FORMATS[name], what, place, overwrite=False)
"""


@pytest.mark.parametrize("name", list(export.FORMATS))
async def test_a_kill_in_the_middle_leaves_the_old_file_or_none_and_the_next_export_tidies_up(house, name):
    home = house / "home"
    path = home / f"x{export.FORMATS[name].suffixes[0]}"
    for before in ({}, None):
        if before is None:
            write(name, path, made(home / "store", COLUMNS, [["old"]]))
            before = everything(home)
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, name, str(home), "40"],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert child.stdout.readline() == b"half\n"
        drafts = [one for one in os.listdir(home) if one.startswith(places.DRAFT)]
        assert drafts
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        found = {file: content for file, content in everything(home).items() if not file.startswith(places.DRAFT)}
        assert found == before
    write(name, path, made(home / "store", COLUMNS, [["new"]]))
    assert READ[name](path, COLUMNS) == [["new"]]
    assert not [one for one in os.listdir(home) if one.startswith(places.DRAFT)]
    assert os.listdir(home / "store") == []


async def test_a_draft_of_a_living_export_stays(house):
    home = house / "home"
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, "csv", str(home), "40"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert child.stdout.readline() == b"half\n"
        go(house, "~/y.csv")
        assert len([one for one in os.listdir(home) if one.startswith(places.DRAFT)]) == 1
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    await wait_until(lambda: child.returncode is not None, "it is gone", 5)
    go(house, "~/z.csv")
    assert not [one for one in os.listdir(home) if one.startswith(places.DRAFT)]


LEAVES_A_LOG = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("UPDATE results SET key = 'mine'")
os._exit(9)
"""


def test_what_a_program_left_of_the_old_database_does_not_get_into_the_new_one(house):
    """Seen with SQLite: the new file, opened beside the log of the old one, had the rows of that."""
    go(house, "~/x.sqlite", name="sqlite")
    path = house / "home" / "x.sqlite"
    subprocess.run([sys.executable, "-c", LEAVES_A_LOG, str(path)], check=False)
    assert path.with_name("x.sqlite-wal").exists()
    for overwrite in (False, True):
        with pytest.raises(InvalidJob, match=r"x\.sqlite-wal.*close it, or choose another name"):
            go(house, "~/x.sqlite", name="sqlite", overwrite=overwrite)


def test_two_exports_to_one_place_leave_one_of_them_whole(house):
    home = house / "home"
    script = KILLED.replace("time.sleep(60)", "time.sleep(0.05)")
    children = [
        subprocess.Popen(
            [sys.executable, "-c", script, "jsonl", str(home), "60"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for _ in range(3)
    ]
    said = [child.communicate(timeout=60)[1].decode() for child in children]
    assert all(not one or "somebody else wrote there meanwhile" in one or "export made" in one for one in said), said
    assert any(not one for one in said)
    assert len(READ["jsonl"](home / "x.jsonl", COLUMNS)) == 6000
    assert sorted(os.listdir(home)) == ["data", "store", "x.jsonl", "x.jsonl.ledger.json"]
    go(house, "~/x.jsonl", name="jsonl")
