"""The staging folder of a job: where the files of its attempts wait until they are published.

It lies below the output folder, on its file system. Each attempt has a folder of its own in it, where its files are
`0`, `1`, …; `0.old` is what the first one replaced, until its unit has ended. Blocks: use a thread.
"""

import errno
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from batchproc import outputs
from batchproc.models import PromisedFile
from batchproc.platform.files import Folder

TRIES = 5
"""To make a folder in one that somebody removes while it is empty."""
OF_THE_PLACE = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP),
        *(errno.EXDEV, errno.EMLINK, errno.ENAMETOOLONG, errno.EINVAL, errno.ENOTSUP, errno.EILSEQ, errno.ENOTEMPTY),
    }
)
"""What is wrong with one place, and is still tomorrow. Anything else is the machine's, or the disk's."""


class Refused(Exception):
    """A file cannot be put to its place, for this reason."""


class Unwritten(Exception):
    """The agent did not write a file that it was to write."""


def stage(
    base: str, job_id: str, unit: int, attempt: int, work: Path, files: Sequence[PromisedFile]
) -> tuple[str, ...]:
    """Copy what the agent wrote in `work` into the staging folder, onto the disk; returns the hash of each file.

    A copy, for whoever still has the agent's file open could write to it. Raises `Unwritten`, `Refused`, `OSError`.
    """
    with ExitStack() as held:
        held.enter_context(refusing())
        root = held.enter_context(Folder.open(Path(base)))
        mine = held.enter_context(own(root, job_id, unit, attempt))
        hashes = tuple(_copy(work, mine, file) for file in files)
        for folder in (mine, held.enter_context(root.inner(_name(job_id))), root):
            folder.sync()
        return hashes


def _copy(work: Path, mine: Folder, file: PromisedFile) -> str:
    folders, name = split(file.path)
    with ExitStack() as held:
        try:
            source = held.enter_context(Folder.open(work.parent.resolve() / work.name))
            folder = held.enter_context(source.along(folders))
            written = held.enter_context(folder.file(name, one_name=True))
        except OSError as error:
            if error.errno not in OF_THE_PLACE:
                raise
            why = "" if error.errno == errno.ENOENT else f": {error.strerror}"
            raise Unwritten(f"the agent did not write {file.path}{why}") from None
        mine.remove(file.staged)  # of a try for which there was no room
        return mine.take_copy(written, file.staged)


def is_one(base: str, job_id: str, unit: int, attempt: int, places: tuple[str, str]) -> bool:
    """Whether the file system takes two spellings of a path for one. Tried out in the staging folder."""
    one, other = (place.split("/") for place in places)
    with refusing(), Folder.open(Path(base)) as root, own(root, job_id, unit, attempt) as mine:
        return all(a == b or _answers_to(mine, a, b) for a, b in zip(one, other, strict=True))


def _answers_to(mine: Folder, name: str, other: str) -> bool:
    mine.make_file(name)
    try:
        return mine.kind(other) is not None
    finally:
        mine.remove(name)


def waiting(base: str, job_id: str) -> list[tuple[int, int]]:
    """Whose folders there are in the job's staging folder: unit and attempt."""
    try:
        with Folder.open(Path(base)) as root, root.inner(_name(job_id)) as staging:
            found = [name.split("-") for name in staging.names()]
    except FileNotFoundError:
        return []
    return [(int(name[0]), int(name[1])) for name in found if len(name) == 2 and all(map(str.isdecimal, name))]


def clear(base: str, job_id: str, ended: Iterable[tuple[int, int]]) -> None:
    """Remove what these attempts left in the staging folder; and the folder if it is empty then."""
    try:
        with Folder.open(Path(base)) as root:
            with root.inner(_name(job_id)) as staging:
                for unit, attempt in ended:
                    staging.remove_tree(f"{unit}-{attempt}")
            root.remove_folder(_name(job_id))
    except FileNotFoundError:
        return


def own(root: Folder, job_id: str, unit: int, attempt: int, *, make: bool = False) -> Folder:
    """An attempt's folder in it, of ours alone. Raises `Refused`, `OSError`."""
    for left in range(TRIES - 1, -1, -1):
        with root.inner(_name(job_id), make=make, mode=0o700) as staging:
            if not staging.is_private:
                raise Refused(f"{staging.path} is not this job's own folder; remove it")
            try:
                return staging.inner(f"{unit}-{attempt}", make=make, mode=0o700)
            except FileNotFoundError:
                if not (make and left):
                    raise
    raise AssertionError("the last try returns or raises")


def _name(job_id: str) -> str:
    return f"{outputs.STAGING}{job_id}"


def split(path: str) -> tuple[tuple[str, ...], str]:
    *folders, name = path.split("/")
    return tuple(folders), name


@contextmanager
def refusing() -> Iterator[None]:
    """What is wrong with the place is said in words."""
    try:
        yield
    except OSError as error:
        if error.errno not in OF_THE_PLACE:
            raise
        where = f"{error.filename} " if error.filename else ""
        raise Refused(f"{where}cannot be used: {error.strerror}") from None
