"""Files that are put to their places: looked at before anything is paid, and moved once their attempt is accepted.

Nothing that is there is replaced but what the unit itself put there, or what the job may replace. No link is followed.
Blocks: use a thread.
"""

import stat
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from batchproc.models import Promise, PromisedFile
from batchproc.platform.files import Folder
from batchproc.supervisor import staging
from batchproc.supervisor.staging import Refused, refusing, split


def prepare(base: str, job_id: str, unit: int, attempt: int, files: Sequence[PromisedFile]) -> None:
    """See, before anything is paid, that the files can be put to their places, and make the attempt's staging folder.

    Raises `Refused`; `OSError` for what is the machine's.
    """
    with refusing(), Folder.open(Path(base)) as root:
        for file in files:
            _require_free(root, file)
        with staging.own(root, job_id, unit, attempt, make=True) as mine:
            mine.make_file("probe")
            mine.link("probe", mine, "link")  # not every file system has them
            mine.remove("link")
            mine.remove("probe")


def place(promise: Promise) -> None:
    """Put all files to their places, or none: some may be there already, of a try that was cut off.

    Raises `Refused`, with nothing left of them; `OSError` for what is the machine's, and then it is to be tried again.
    """
    with ExitStack() as held:
        held.enter_context(refusing())
        root = held.enter_context(Folder.open(Path(promise.base)))
        mine = _kept(root, promise)
        held.push(mine) if mine is not None else None
        try:
            with refusing():
                for file in promise.files:
                    _require_ready(root, mine, file)
                for file in promise.files:
                    put(root, mine, file)
        except Refused:
            for file in promise.files:
                _take_back(root, mine, file)
            raise


def _kept(root: Folder, promise: Promise) -> Folder | None:
    try:
        return staging.own(root, promise.job_id, promise.unit, promise.attempt)
    except FileNotFoundError:
        return None


def _require_ready(root: Folder, mine: Folder | None, file: PromisedFile) -> None:
    """The file is there already; or it waits, and may be put there."""
    if _is_there(root, file):
        return
    if mine is None or mine.digest(file.staged) != file.sha256:
        raise Refused(f"{root.path / file.path} cannot be put there: what the agent wrote is gone from {root.path}")
    _require_free(root, file)


def _is_there(root: Folder, file: PromisedFile) -> bool:
    folders, name = split(file.path)
    try:
        with root.along(folders) as folder:
            return folder.kind(name) == stat.S_IFREG and folder.digest(name) == file.sha256
    except FileNotFoundError:
        return False


def put(root: Folder, mine: Folder | None, file: PromisedFile) -> None:
    """One file to its place, in one step, and onto the disk. What waits keeps its name until the unit has ended."""
    folders, name = split(file.path)
    with root.along(folders, make=True) as folder:
        if not (folder.kind(name) == stat.S_IFREG and folder.digest(name) == file.sha256) and mine is not None:
            _link(mine, folder, name, file) if folder.kind(name) is None else _replace(mine, folder, name, file)
    for depth in range(len(folders), -1, -1):
        with root.along(folders[:depth]) as folder:
            folder.sync()


def _link(mine: Folder, folder: Folder, name: str, file: PromisedFile) -> None:
    mine.remove(f"{file.staged}.old")
    try:
        mine.link(file.staged, folder, name)
    except FileExistsError:
        raise Refused(_foreign(folder.path / name)) from None


def _replace(mine: Folder, folder: Folder, name: str, file: PromisedFile) -> None:
    """What is there is kept beside, and looked at there, where no other program renames it."""
    old, new = f"{file.staged}.old", f"{file.staged}.new"
    mine.remove(old)
    folder.link(name, mine, old)
    if not file.overwrites and mine.digest(old) != file.replaces:
        mine.remove(old)
        raise Refused(_foreign(folder.path / name))
    mine.remove(new)
    mine.link(file.staged, mine, new)
    mine.move(new, folder, name)


def _take_back(root: Folder, mine: Folder | None, file: PromisedFile) -> None:
    """Undo `put`, if what is there is ours."""
    folders, name = split(file.path)
    try:
        with root.along(folders) as folder:
            if mine is None or not folder.is_same(name, mine, file.staged):
                return
            if mine.kind(f"{file.staged}.old") is not None:
                mine.move(f"{file.staged}.old", folder, name)
            else:
                folder.remove(name)
            folder.sync()
    except FileNotFoundError:
        return


def _require_free(root: Folder, file: PromisedFile) -> None:
    """As far as its folders are there, they are folders that take it; and nothing stands in its place but what it may
    replace."""
    folders, name = split(file.path)
    for depth, inner in enumerate((*folders, name)):
        with root.along(folders[:depth]) as folder:
            if depth < len(folders) and folder.kind(inner) is not None:
                continue
            if folder.device != root.device:
                raise Refused(
                    f"{folder.path} lies on another file system than {root.path}; name it as output_directory"
                )
            if not folder.can_take():
                raise Refused(f"{folder.path} cannot be written")
            if depth == len(folders):
                _require_replaceable(folder, name, file)
            return


def _require_replaceable(folder: Folder, name: str, file: PromisedFile) -> None:
    kind = folder.kind(name)
    if kind is None:
        return
    if kind != stat.S_IFREG:
        raise Refused(f"{folder.path / name} is there already, and no regular file; nothing is put in its place")
    if not file.overwrites and (file.replaces is None or folder.digest(name) != file.replaces):
        raise Refused(_foreign(folder.path / name, changed=file.replaces is not None))


def _foreign(place: Path, *, changed: bool = False) -> str:
    what = "was changed since this job put it there" if changed else "is there already, and not of this job"
    return f"{place} {what}; move it away, or let the job have options.overwrite_outputs"
