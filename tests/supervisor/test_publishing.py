"""What becomes of a unit whose file cannot be put to its place, decided on the real store and a real folder."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from batchproc.models import AttemptTask, Cause, Credential, Profile, Promise, PromisedFile, UnitStatus, Verdict
from batchproc.store import claims, jobs, publications, units
from batchproc.supervisor import publishing, staging
from batchproc.supervisor.publishing import Publishing
from batchproc.supervisor.staging import Refused
from tests.store.test_units import NOW, done, take_over


@pytest.fixture
async def running(store, make_job, tmp_path):
    """Two units of one job that run, each with what its attempt needs: `at(n, *files)` gives attempt and task."""
    (tmp_path / "out").mkdir()
    job, epoch = await make_job(2), await take_over(store)
    await store.write(jobs.start, job.number, credential=Credential.LOGIN, now=NOW)
    found = (await store.write(claims.claim, job.number, epoch=epoch, limit=2, now=NOW)).units
    place = {"outputs": ["x"], "output_directory": str(tmp_path / "out")}
    job = replace(job, options=replace(job.options, profile=Profile.EDIT, **place))

    def at(n, *files, mends=None):
        unit, scratch = replace(found[n], mends=mends), tmp_path / f"scratch{n}"
        (scratch / "work").mkdir(parents=True, exist_ok=True)
        known = {"job_id": job.job_id, "unit": unit.fence.unit, "key": unit.key, "attempt": 1, "prompt": "go"}
        more = {"options": job.options, "session_id": "s", "directory": str(scratch), "files": files}
        return SimpleNamespace(job=job, unit=unit, files=(), report=None), AttemptTask(**known, **more)

    return Publishing(store=store, clock=lambda: NOW), at, tmp_path / "out"


async def test_two_spellings_of_one_place_are_one_where_the_file_system_says_so(running, monkeypatch):
    publisher, at, out = running
    await publisher.prepare(*at(0, "Á.md"))
    await publisher.prepare(*at(1, "a\u0301.md"))  # here it tells them apart
    asked = []
    monkeypatch.setattr(staging, "is_one", lambda *where: asked.append(where[-1]) or True)
    with pytest.raises(Refused, match="is the same file as"):
        await publisher.prepare(*at(1, "a\u0301.md"))
    assert asked == [(f"{out}/a\u0301.md", f"{out}/Á.md")]


@pytest.mark.parametrize(("mends", "verdict"), [(None, Verdict.EMPTY), ("you did not write it", Verdict.FLAGGED)])
async def test_a_file_that_is_missing_is_asked_for_once(running, mends, verdict):
    publisher, at, _ = running
    attempt, task = at(0, "a.md", mends=mends)
    await publisher.prepare(attempt, task)
    outcome = await publisher.doubt(attempt, task)
    assert (outcome.verdict, outcome.cause) == (verdict, Cause.UNWRITTEN)
    assert outcome.message == "the agent did not write a.md"


async def test_a_promise_that_cannot_be_kept_leaves_the_answer_and_flags_the_unit(running, store):
    publisher, at, out = running
    attempt, task = at(0, "a.md")
    await publisher.prepare(attempt, task)
    (out.parent / "scratch0/work/a.md").write_text("A")
    assert await publisher.doubt(attempt, task) is None
    (out / "a.md").write_text("mine")
    await publisher.end(attempt, done("the answer"))
    unit = await store.read(units.by_key, attempt.job.number, "u1")
    assert (unit.status, unit.text) == (UnitStatus.FLAGGED, "the answer")
    assert "is there already, and not of this job" in unit.error
    assert [path.name for path in out.iterdir()] == ["a.md"] and (out / "a.md").read_text() == "mine"


async def test_a_fault_of_ours_flags_the_unit_and_does_not_leave_it_running(running, store, monkeypatch):
    _, at, out = running
    attempt, _ = at(0, "a.md")
    files = (PromisedFile(path="a.md", staged="0", sha256="x"),)
    known = {"job": attempt.job.number, "job_id": attempt.job.job_id, "unit": attempt.unit.fence.unit, "attempt": 1}
    await store.write(publications.promise, attempt.unit.fence, str(out), files, done(), now=NOW)
    monkeypatch.setattr("batchproc.supervisor.places.place", lambda _: 1 / 0)
    promise = Promise(**known, base=str(out), files=files, end=done())
    await publishing.keep(store, promise, attempt.unit.fence, epoch=1, clock=lambda: NOW)
    unit = await store.read(units.by_key, attempt.job.number, "u1")
    assert unit.status is UnitStatus.FLAGGED and "ZeroDivisionError" in unit.error


async def test_what_is_swept_is_what_does_not_run(running, store):
    publisher, at, out = running
    attempt, task = at(0, "a.md")
    await publisher.prepare(attempt, task)
    left = out / f".batchproc-{attempt.job.job_id}" / "99-1"
    left.mkdir()
    (left / "0").write_text("of a dead one")
    await publishing.sweep(store)
    assert not left.exists() and staging.waiting(str(out), attempt.job.job_id) == [(attempt.unit.fence.unit, 1)]
