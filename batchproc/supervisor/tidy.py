"""What attempts leave on the disk, and when it goes: an agent's configuration, its transcript, its scratch files."""

import contextlib
import shutil
from pathlib import Path

from batchproc.models import Job, Profile, Workspace
from batchproc.store import attempts, db, jobs

CONVERSATIONS = "config"
"""Beside a unit's attempts: the configuration of its agents, and what was said in them."""


def tidy(place: Path, job: Job, *, keep_conversation: bool) -> None:
    """Remove an ended attempt's directory; what an agent was allowed to write stays, if it wrote anything. Its unit's
    conversations stay if one of them may go on."""
    _tidy_attempt(place, job)
    if not keep_conversation:
        shutil.rmtree(place.parent / CONVERSATIONS, ignore_errors=True)
    with contextlib.suppress(OSError):  # others of the same unit or job still have theirs there
        place.parent.rmdir()
        place.parent.parent.rmdir()


def _tidy_attempt(place: Path, job: Job) -> None:
    keeps = job.options.profile in {Profile.EDIT, Profile.FULL} and job.options.workspace is Workspace.SCRATCH
    keeps = keeps and not job.options.outputs  # what was to be kept of it is published
    work = place / "work"
    if keeps and work.is_dir() and any(work.iterdir()):
        targets = [each for each in place.iterdir() if each != work]
    else:
        targets = [place]
    for target in targets:
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target, ignore_errors=True)
        else:
            target.unlink(missing_ok=True)


async def tidy_after_the_dead(store: db.Database, home: Path) -> None:
    """Remove what the attempts of a killed supervisor left. To be called before any attempt runs."""
    for folder in sorted((home / "agents").glob("*")):
        job = await store.read(jobs.by_id, folder.name)
        if job is None:
            shutil.rmtree(folder, ignore_errors=True)
            continue
        for place in sorted(
            folder.glob("[0-9]*/[0-9]*")
        ):  # not the conversations that are kept: there may be thousands
            keep = await store.read(attempts.may_go_on, int(place.parent.name))
            tidy(place, job, keep_conversation=keep)
