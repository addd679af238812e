"""Files that are staged and put to their places: on real file systems, with links, races and full disks in the way."""

import errno
import hashlib
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from batchproc.models import Promise, PromisedFile, Settlement, UnitStatus
from batchproc.platform.files import Folder
from batchproc.supervisor import places, staging
from batchproc.supervisor.staging import Refused, Unwritten

JOB, UNIT, ATTEMPT = "job-1", 7, 2


class Desk:
    """An output folder, an agent's scratch folder, and the steps between them."""

    def __init__(self, out: Path, work: Path) -> None:
        self.out, self.work = out, work
        for folder in (out, work):
            folder.mkdir(parents=True, exist_ok=True)

    def write(self, **texts: str) -> None:
        for name, text in texts.items():
            path = self.work / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def files(self, *paths: str, **more):
        return tuple(PromisedFile(path=path, staged=str(n), sha256="", **more) for n, path in enumerate(paths))

    def prepare(self, *paths: str, **more) -> None:
        places.prepare(str(self.out), JOB, UNIT, ATTEMPT, self.files(*paths, **more))

    def promise(self, *paths: str, **more) -> Promise:
        """Prepared, staged and promised."""
        files = self.files(*paths, **more)
        places.prepare(str(self.out), JOB, UNIT, ATTEMPT, files)
        hashes = staging.stage(str(self.out), JOB, UNIT, ATTEMPT, self.work, files)
        files = tuple(
            PromisedFile(path=one.path, staged=one.staged, sha256=digest, **more)
            for one, digest in zip(files, hashes, strict=True)
        )
        end = Settlement(status=UnitStatus.SUCCEEDED, outcome="succeeded")
        return Promise(job=1, job_id=JOB, unit=UNIT, attempt=ATTEMPT, base=str(self.out), files=files, end=end)

    def clear(self) -> None:
        staging.clear(str(self.out), JOB, [(UNIT, ATTEMPT)])

    def tree(self) -> dict[str, str]:
        found = [path for path in self.out.rglob("*") if path.is_file() and ".batchproc" not in str(path)]
        return {str(path.relative_to(self.out)): path.read_text() for path in found}


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path / "out", tmp_path / "store/work")


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_files_come_to_their_places_and_nothing_else_stays(desk):
    desk.write(a="A", **{"sub__deep__ü b.md": "B"}, junk="no")
    promise = desk.promise("a", "sub/deep/ü b.md")
    assert desk.tree() == {}
    places.place(promise)
    desk.clear()
    assert desk.tree() == {"a": "A", "sub/deep/ü b.md": "B"}
    assert os.listdir(desk.out) == ["a", "sub"] or sorted(os.listdir(desk.out)) == ["a", "sub"]
    assert {(desk.out / "a").stat().st_nlink, (desk.out / "sub/deep/ü b.md").stat().st_nlink} == {1}


def test_placing_again_changes_nothing_even_with_the_staging_gone(desk):
    desk.write(a="A", b="B")
    promise = desk.promise("a", "b")
    places.place(promise)
    inode = (desk.out / "a").stat().st_ino
    places.place(promise)
    desk.clear()
    places.place(promise)
    assert desk.tree() == {"a": "A", "b": "B"} and (desk.out / "a").stat().st_ino == inode


def test_what_waited_and_is_gone_cannot_be_published(desk):
    desk.write(a="A", b="B")
    promise = desk.promise("a", "b")
    desk.clear()
    with pytest.raises(Refused, match="is gone"):
        places.place(promise)
    assert desk.tree() == {}


def test_what_was_changed_while_it_waited_is_not_published(desk):
    desk.write(a="A")
    promise = desk.promise("a")
    (desk.out / f".batchproc-{JOB}/{UNIT}-{ATTEMPT}/0").write_text("other")
    with pytest.raises(Refused, match="is gone"):
        places.place(promise)


def test_the_agents_own_file_is_copied_so_that_nobody_writes_to_it_later(desk):
    desk.write(a="A")
    with (desk.work / "a").open("a") as still_open:
        promise = desk.promise("a")
        still_open.write("late")
    places.place(promise)
    assert desk.tree() == {"a": "A"}


# What the agent wrote.


@pytest.mark.parametrize("how", ["nothing", "symlink", "hardlink", "folder", "pipe", "link above", "socket"])
def test_what_is_no_file_of_the_agents_own_was_not_written(desk, tmp_path, how):
    secret = tmp_path / "secret"
    secret.write_text("SECRET")
    (desk.work / "sub").mkdir()
    target = desk.work / "sub/a"
    match how:
        case "symlink":
            target.symlink_to(secret)
        case "hardlink":
            os.link(secret, target)
        case "folder":
            target.mkdir()
        case "pipe":
            os.mkfifo(target)
        case "socket":
            import socket

            with socket.socket(socket.AF_UNIX) as made:
                os.chdir(desk.work / "sub")
                made.bind("a")
                os.chdir(tmp_path)
        case "link above":
            (tmp_path / "elsewhere").mkdir()
            (tmp_path / "elsewhere/a").write_text("SECRET")
            (desk.work / "sub").rmdir()
            (desk.work / "sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unwritten, match="the agent did not write sub/a"):
        desk.promise("sub/a")


# What others have in the place.


def test_a_file_of_others_is_seen_before_anything_is_paid(desk):
    (desk.out / "a").write_text("mine")
    with pytest.raises(Refused, match="not of this job"):
        desk.prepare("b", "a")
    assert desk.tree() == {"a": "mine"}


@pytest.mark.parametrize("kind", ["folder", "link", "dangling link", "pipe"])
@pytest.mark.parametrize("overwrites", [False, True])
def test_nothing_but_a_file_is_ever_replaced(desk, tmp_path, kind, overwrites):
    place = desk.out / "a"
    match kind:
        case "folder":
            place.mkdir()
        case "pipe":
            os.mkfifo(place)
        case "link":
            (tmp_path / "target").write_text("mine")
            place.symlink_to(tmp_path / "target")
        case _:
            place.symlink_to(tmp_path / "nowhere")
    with pytest.raises(Refused, match="no regular file"):
        desk.prepare("a", overwrites=overwrites)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("overwrites", [False, True])
def test_no_link_is_followed_on_the_way(desk, tmp_path, overwrites):
    (tmp_path / "elsewhere").mkdir()
    (desk.out / "sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused, match="links are not followed"):
        desk.prepare("sub/a", overwrites=overwrites)
    assert not os.listdir(tmp_path / "elsewhere")


def test_an_output_folder_that_became_a_link_is_not_used(desk, tmp_path):
    desk.write(a="A")
    promise = desk.promise("a")
    desk.out.rename(tmp_path / "moved")
    desk.out.symlink_to(tmp_path / "moved")
    with pytest.raises(Refused, match="links are not followed"):
        places.place(promise)
    assert not (tmp_path / "moved/a").exists()


def test_a_file_in_the_place_of_a_folder_is_in_the_way(desk):
    (desk.out / "sub").write_text("mine")
    with pytest.raises(Refused, match="Not a directory"):
        desk.prepare("sub/a")


def test_a_staging_folder_that_somebody_laid_for_us_is_not_used(desk, tmp_path):
    (tmp_path / "theirs").mkdir()
    (desk.out / f".batchproc-{JOB}").symlink_to(tmp_path / "theirs")
    with pytest.raises(Refused, match="links are not followed"):
        desk.prepare("a")
    (desk.out / f".batchproc-{JOB}").unlink()
    (desk.out / f".batchproc-{JOB}").mkdir()
    (desk.out / f".batchproc-{JOB}").chmod(0o777)
    with pytest.raises(Refused, match="own folder"):
        desk.prepare("a")


def test_files_that_come_meanwhile_are_kept_and_nothing_stays_half_published(desk):
    desk.write(a="A", b="B", c="C")
    promise = desk.promise("a", "b", "sub/../c".replace("sub/../", ""))
    (desk.out / "b").write_text("mine")
    with pytest.raises(Refused, match="not of this job"):
        places.place(promise)
    assert desk.tree() == {"b": "mine"}


def test_a_file_that_comes_between_two_of_ours_undoes_the_first(desk, monkeypatch):
    desk.write(a="A", b="B")
    promise = desk.promise("a", "b")
    put = places.put

    def put_and_somebody_saves(root, mine, file):
        put(root, mine, file)
        if file.path == "a":
            (desk.out / "b").write_text("mine")

    monkeypatch.setattr(places, "put", put_and_somebody_saves)
    with pytest.raises(Refused, match="not of this job"):
        places.place(promise)
    assert desk.tree() == {"b": "mine"}


def test_undoing_gives_back_what_was_replaced(desk, monkeypatch):
    desk.write(a="new", b="new")
    (desk.out / "a").write_text("old")
    (desk.out / "b").write_text("old")
    promise = desk.promise("a", "b", replaces=sha("old"))
    put = places.put

    def put_and_somebody_edits(root, mine, file):
        put(root, mine, file)
        (desk.out / "b").write_text("edited")

    monkeypatch.setattr(places, "put", put_and_somebody_edits)
    with pytest.raises(Refused, match="not of this job"):
        places.place(promise)
    assert desk.tree() == {"a": "old", "b": "edited"}


def test_undoing_leaves_alone_what_a_person_made_of_ours(desk, monkeypatch):
    desk.write(a="A", b="B")
    promise = desk.promise("a", "b")
    put = places.put

    def put_and_somebody_saves(root, mine, file):
        put(root, mine, file)
        (desk.out / "a").unlink()
        (desk.out / "a").write_text("mine too")
        (desk.out / "b").write_text("mine")

    monkeypatch.setattr(places, "put", put_and_somebody_saves)
    with pytest.raises(Refused):
        places.place(promise)
    assert desk.tree() == {"a": "mine too", "b": "mine"}


def test_a_crowd_that_saves_the_same_file_never_loses_it(desk):
    """Two hundred times, somebody creates the file at the very moment at which it is published: one of both wins."""
    lost = 0
    for n in range(200):
        name = f"f{n}"
        desk.write(**{name: "agent"})
        promise = desk.promise(name)
        ready = threading.Barrier(2)
        won = []

        def save(path=desk.out / name, ready=ready, won=won):
            ready.wait()
            try:
                with path.open("x") as file:
                    file.write("person")
                won.append(path)
            except FileExistsError:
                pass

        saving = threading.Thread(target=save)
        saving.start()
        ready.wait()
        try:
            places.place(promise)
            published = True
        except Refused:
            published = False
        saving.join()
        lost += (desk.out / name).read_text() != ("agent" if published else "person") or published is bool(won)
    assert lost == 0


# What the job itself put there before.


def test_a_units_own_file_is_replaced(desk):
    desk.write(a="new")
    (desk.out / "a").write_text("old")
    places.place(desk.promise("a", replaces=sha("old")))
    desk.clear()
    assert desk.tree() == {"a": "new"} and (desk.out / "a").stat().st_nlink == 1


def test_a_units_own_file_that_a_person_changed_is_not(desk):
    (desk.out / "a").write_text("edited")
    with pytest.raises(Refused, match="was changed since"):
        desk.prepare("a", replaces=sha("old"))


def test_a_units_own_file_that_is_gone_is_written_anew(desk):
    desk.write(a="new")
    places.place(desk.promise("a", replaces=sha("old")))
    assert desk.tree() == {"a": "new"}


def test_a_job_that_may_replaces_any_file(desk):
    desk.write(a="new")
    (desk.out / "a").write_text("of others")
    places.place(desk.promise("a", overwrites=True))
    assert desk.tree() == {"a": "new"}


@pytest.mark.parametrize("cut", ["kept", "linked", "moved"])
def test_a_replacement_that_was_cut_off_goes_on(desk, cut, monkeypatch):
    """As a crash leaves it: the old file kept beside; then the new one linked; then moved."""
    desk.write(a="new")
    (desk.out / "a").write_text("old")
    promise = desk.promise("a", replaces=sha("old"))

    class Crash(BaseException):
        pass

    def crash(*_):
        raise Crash

    with monkeypatch.context() as broken:
        if cut == "moved":
            move = Folder.move
            broken.setattr(Folder, "move", lambda *given: (move(*given), crash()))
        else:
            broken.setattr(Folder, "move" if cut == "linked" else "digest_of_kept", crash, raising=False)
            if cut == "kept":
                link = Folder.link
                broken.setattr(Folder, "link", lambda *given: (link(*given), crash()))
        with pytest.raises(Crash):
            places.place(promise)
    assert desk.tree() == {"a": "new" if cut == "moved" else "old"}
    places.place(promise)
    desk.clear()
    assert desk.tree() == {"a": "new"} and not list(desk.out.glob(".batchproc*"))


# The machine.


def test_scratch_and_output_may_lie_on_different_file_systems(tmp_path):
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other file system here")
    place = other / f"batchproc-test-{os.getpid()}"
    desk = Desk(place / "out", tmp_path / "work")
    try:
        desk.write(a="A")
        places.place(desk.promise("a"))
        assert desk.tree() == {"a": "A"}
    finally:
        subprocess.run(["rm", "-rf", str(place)], check=True)


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "none", str(disk)]
    if os.getuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_folder_on_another_file_system_below_the_output_folder_is_refused(tmp_path, small_disk):
    desk = Desk(tmp_path, tmp_path / "work")
    with pytest.raises(Refused, match="another file system"):
        desk.prepare("disk/a")
    with pytest.raises(Refused, match="another file system"):
        desk.prepare("disk/new/a")


def test_a_full_disk_is_the_machines_trouble_and_staging_goes_on_when_there_is_room(tmp_path, small_disk):
    desk = Desk(small_disk / "out", tmp_path / "work")
    desk.write(a="A" * 200_000)
    (small_disk / "filler").write_bytes(b"\0" * 900_000)
    with pytest.raises(OSError, match="No space left") as full:
        desk.promise("a")
    assert full.value.errno == errno.ENOSPC and desk.tree() == {}
    (small_disk / "filler").unlink()
    desk.clear()
    places.place(desk.promise("a"))
    assert desk.tree() == {"a": "A" * 200_000}


LIMITED = """
import resource, signal, sys
from pathlib import Path
from tests.supervisor.test_places import Desk
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
desk = Desk(Path(sys.argv[1]), Path(sys.argv[2]))
desk.write(a="A" * 10_000)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
try:
    desk.promise("a")
except OSError as error:
    print(error.errno)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
desk.clear()
from batchproc.supervisor import places
places.place(desk.promise("a"))
"""


def test_files_that_cannot_grow_are_the_machines_trouble(desk):
    command = [sys.executable, "-c", LIMITED, str(desk.out), str(desk.work)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ}).stdout
    assert int(said) == errno.EFBIG and desk.tree() == {"a": "A" * 10_000}
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


@pytest.mark.skipif(os.getuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_seen_before_anything_is_paid(desk):
    (desk.out / "sub").mkdir(mode=0o500)
    with pytest.raises(Refused, match="cannot be written"):
        desk.prepare("sub/a")


AS_NOBODY = """
import os, sys
from pathlib import Path
from tests.supervisor.test_places import Desk
from batchproc.supervisor.staging import Refused
os.setgid(65534); os.setuid(65534)
desk = Desk(Path(sys.argv[1]), Path(sys.argv[1]))
try:
    desk.prepare("sub/a")
except Refused as problem:
    print(problem)
desk.prepare("open/a")
print(desk.tree())
"""


@pytest.mark.skipif(os.getuid() != 0, reason="for root, who can become somebody else")
def test_a_folder_that_somebody_else_may_not_write_is_seen_before_anything_is_paid():
    place = Path(f"/dev/shm/batchproc-nobody-{os.getpid()}")
    try:
        for name in ("", "sub", "open"):
            (place / name).mkdir()
            (place / name).chmod(0o755 if name == "sub" else 0o777)
        command = [sys.executable, "-c", AS_NOBODY, str(place)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert said == f"{place}/sub cannot be written\n{{}}\n"
    finally:
        subprocess.run(["rm", "-rf", str(place)], check=True)


def test_a_file_system_that_tells_cases_apart_has_two_files(desk):
    desk.prepare("A.md")
    places_of = (f"{desk.out}/A/é.md", f"{desk.out}/a/e\u0301.md")
    assert not staging.is_one(str(desk.out), JOB, UNIT, ATTEMPT, places_of)
    assert staging.is_one(str(desk.out), JOB, UNIT, ATTEMPT, (places_of[0], places_of[0]))


def test_what_ended_is_swept_and_what_runs_stays(desk):
    desk.prepare("a")
    places.prepare(str(desk.out), JOB, 8, 1, desk.files("b"))
    assert sorted(staging.waiting(str(desk.out), JOB)) == [(7, 2), (8, 1)]
    staging.clear(str(desk.out), JOB, [(7, 2)])
    assert staging.waiting(str(desk.out), JOB) == [(8, 1)]
    staging.clear(str(desk.out), JOB, [(8, 1)])
    assert os.listdir(desk.out) == [] and staging.waiting(str(desk.out), JOB) == []


def test_sweeping_removes_links_and_not_what_they_lead_to(desk, tmp_path):
    desk.prepare("a")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/x").write_text("x")
    (desk.out / f".batchproc-{JOB}/{UNIT}-{ATTEMPT}/link").symlink_to(tmp_path / "precious")
    desk.clear()
    assert (tmp_path / "precious/x").read_text() == "x" and os.listdir(desk.out) == []
