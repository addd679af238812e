"""What an agent was given or has read, as text: files in every coding, payloads, and what its tools showed it."""

import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from batchproc import material
from batchproc.material import Unreadable, found_in_file, found_in_texts, shown, texts_in
from batchproc.models import AttemptTask, Event, Profile, Workspace
from tests.conftest import OPTIONS

TEXT = "Größe: 5 m².\r\nThe “fee” is due."
QUOTES = ["Größe: 5 m².", 'The "fee" is due.', "never said"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_a_text_is_read_in_whatever_it_is_written(tmp_path, encoding):
    (tmp_path / "a.txt").write_bytes(TEXT.encode(encoding))
    assert found_in_file(QUOTES, tmp_path / "a.txt") == set(QUOTES[:2])


def test_one_wrong_byte_spoils_nothing_but_itself(tmp_path):
    (tmp_path / "a.txt").write_bytes(TEXT.encode() + b" caf\xe9. " + "Straße.".encode())
    assert found_in_file([*QUOTES, "Straße.", "café."], tmp_path / "a.txt") == {*QUOTES[:2], "Straße.", "café."}


@pytest.mark.parametrize(
    "content",
    [b"%PDF-1.7 fee", b"PK\x03\x04fee", b"\x89PNG fee", b"fee" + bytes(range(32)) * 10, b"\xd0\xcf\x11\xe0 fee"],
)
def test_what_is_no_text_is_not_looked_through(tmp_path, content):
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises(Unreadable, match=r"not text \(\.bin\)"):
        found_in_file(["fee"], tmp_path / "a.bin")


def test_a_file_that_is_gone_says_so(tmp_path):
    with pytest.raises(Unreadable, match="No such file"):
        found_in_file(["x"], tmp_path / "gone")


@pytest.mark.long
def test_a_large_file_is_looked_through_without_being_held(tmp_path):
    import tracemalloc

    with (tmp_path / "a.txt").open("w") as file:
        for n in range(1_200_000):
            file.write(f"Line {n} of many.\n")
        file.write("The last\nword.")
    tracemalloc.start()
    assert found_in_file(["Line 7 of many. Line 8", "The last word.", "no"], tmp_path / "a.txt") == {
        "Line 7 of many. Line 8",
        "The last word.",
    }
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_of_a_file_beyond_all_bounds_only_the_beginning_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(material, "MOST_BYTES", 1 << 20)
    (tmp_path / "a.txt").write_text("first words " + "x " * 600_000 + " last words")
    assert found_in_file(["first words"], tmp_path / "a.txt") == {"first words"}
    with pytest.raises(Unreadable, match="more than 1 MB"):
        found_in_file(["last words"], tmp_path / "a.txt")


def test_a_quote_does_not_run_from_one_field_into_the_next():
    payload = {"a": "one", "b": ["two", {"c": 12.5}], "d": None}
    assert found_in_texts(["one", "two", "12.5", "one two", "a"], texts_in(payload)) == {"one", "two", "12.5"}


def a_task(profile, **more):
    options = replace(OPTIONS, profile=profile, working_directory=more.pop("folder", None))
    given = {"job_id": "j", "unit": 1, "key": "k", "attempt": 1, "prompt": "p", "session_id": "s", "directory": "/d"}
    return AttemptTask(**{**given, "options": options, **more})


def used(name, path, content, *, n=1, **result):
    moment = datetime.now(UTC)
    field = {"Read": "file_path", "Grep": "path"}.get(name, "url")
    told = {"id": "t", "name": name, "input": {field: path}}
    return [
        Event(seq=1, at=moment, kind="agent.tool_use", attempt=n, data=told),
        Event(seq=2, at=moment, kind="agent.tool_result", attempt=n, data={"id": "t", "content": content, **result}),
    ]


def texts(task, *events):
    return [text.strip() for text in shown(task, [event for pair in events for event in pair], set())]


def test_what_read_shows_of_the_own_file_counts_without_its_numbers_and_remarks():
    task = a_task(Profile.READ_ONLY, file="/x/a.pdf")
    content = "1\tfirst\n2\t2 and second\n<system-reminder>be good</system-reminder>"
    assert texts(task, used("Read", "/x/a.pdf", content)) == ["first\n2 and second"]
    blocks = [{"type": "text", "text": "     1→seen"}, {"type": "image", "source": {}}]
    assert texts(task, used("Read", "/x/a.pdf", blocks)) == ["seen"]
    assert texts(task, used("Read", "/x/a.pdf", "no", is_error=True)) == []
    assert texts(task, used("Read", "/x/b.pdf", "another's")) == []
    assert texts(task, used("WebFetch", "/x/a.pdf", "the web's")) == []


@pytest.mark.parametrize(
    ("profile", "counts"), [(Profile.READ_ONLY, True), (Profile.EDIT, False), (Profile.FULL, False)]
)
def test_files_of_the_jobs_folder_count_where_agents_cannot_write(tmp_path, profile, counts):
    task = a_task(profile, folder=str(tmp_path))
    inside, outside = str(tmp_path / "a"), str(tmp_path / "../other")
    assert texts(task, used("Read", inside, "1\tx"), used("Grep", str(tmp_path), "y")) == (["x", "y"] if counts else [])
    assert texts(task, used("Read", outside, "x"), used("Grep", "", "y")) == []


def test_uses_and_results_on_two_pages_belong_together():
    task, counted = a_task(Profile.READ_ONLY, file="/x"), set()
    use, result = used("Read", "/x", "1\tx")
    assert list(shown(task, [use], counted)) == [] and list(shown(task, [result], counted)) == ["x"]
    other = replace(result, attempt=2)
    assert list(shown(task, [other], counted)) == [], "another attempt's tool of the same id"


async def test_a_file_that_agents_may_have_written_is_no_evidence(tmp_path, make_job):
    job = await make_job(1)
    path = tmp_path / "a.txt"
    path.write_text("x")
    task = a_task(Profile.EDIT, file=str(path))
    shared = replace(
        OPTIONS, profile=Profile.EDIT, workspace=Workspace.SHARED, working_directory=str(tmp_path.resolve())
    )
    before, after = (replace(job, options=shared, created_at=datetime.fromtimestamp(at, UTC)) for at in (1, 2**31))
    assert material.is_the_agents_work(before, task) and not material.is_the_agents_work(after, task)
    os.utime(path, (0, 0))
    assert material.is_the_agents_work(before, task), "the time of the change cannot be set back"
    scratch = replace(before, options=replace(shared, workspace=Workspace.SCRATCH))
    reads = replace(before, options=replace(shared, profile=Profile.READ_ONLY))
    assert not material.is_the_agents_work(scratch, task) and not material.is_the_agents_work(reads, task)
