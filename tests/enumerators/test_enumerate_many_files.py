"""A pattern in file_path: many files are one source, with one order, unique keys, and errors that name the file."""

import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest
import workbooks
from enumerate_help import complaint, keys, open_files, payloads, read, refusal

from batchproc import jobs
from batchproc.enumerators import build
from batchproc.enumerators.base import where
from batchproc.errors import DuplicateKey, SourceError
from batchproc.models import JobSpec
from batchproc.store import jobs as rows
from tests.conftest import OPTIONS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three months of a table, out of order, beside something else."""
    put(tmp_path / "2026-02.csv", "id,v\nc,3\n")
    put(tmp_path / "2026-10.csv", "id,v\nd,4\n")
    put(tmp_path / "2026-01.csv", "id,v\na,1\nb,2\n")
    put(tmp_path / "notes.csv", "other\nx\n")
    put(tmp_path / ".2026-hidden.csv", "id,v\nz,0\n")
    return tmp_path


def put(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text)


def test_files_come_in_order_with_keys_that_name_them(folder: Path) -> None:
    assert read("csv", file_path=f"{folder}/2026-*.csv") == [
        ("2026-01.csv:1", {"id": "a", "v": "1"}, 1),
        ("2026-01.csv:2", {"id": "b", "v": "2"}, 2),
        ("2026-02.csv:1", {"id": "c", "v": "3"}, 3),
        ("2026-10.csv:1", {"id": "d", "v": "4"}, 4),
    ]


def test_keys_do_not_change_when_a_file_is_added(folder: Path) -> None:
    before = dict.fromkeys(keys("csv", file_path=f"{folder}/2026-*.csv"))
    put(folder / "2026-00.csv", "id,v\nnew,0\n")

    assert set(before) < set(keys("csv", file_path=f"{folder}/2026-*.csv"))


def test_with_an_id_column_it_is_the_key(folder: Path) -> None:
    assert keys("csv", file_path=f"{folder}/2026-*.csv", id_column="id") == ["a", "b", "c", "d"]


def test_the_limit_is_for_all_files_together(folder: Path) -> None:
    assert [item.row for item in read("csv", file_path=f"{folder}/2026-*.csv", limit=3)] == [1, 2, 3]


@pytest.mark.parametrize("pattern", ["**/*.csv", "*/t.csv", "?/t.csv", "[ab]/t.csv"])
def test_a_pattern_may_cross_folders(tmp_path: Path, pattern: str) -> None:
    for name in ("b", "a"):
        put(tmp_path / name / "t.csv", f"v\n{name}\n")

    assert keys("csv", file_path=f"{tmp_path}/{pattern}") == ["a/t.csv:1", "b/t.csv:1"]


def test_a_file_that_is_really_called_so_is_that_file(tmp_path: Path) -> None:
    put(tmp_path / "report [1].csv", "v\n1\n")
    put(tmp_path / "report 1.csv", "v\n2\n")

    assert read("csv", file_path=f"{tmp_path}/report [1].csv") == [("1", {"v": "1"}, 1)]


def test_json_lines_arrays_and_compressed_files_can_stand_side_by_side(tmp_path: Path) -> None:
    put(tmp_path / "a.json", json.dumps([{"n": 1}, {"n": 2}]))
    put(tmp_path / "b.jsonl", '{"n": 3}\n\n{"m": 4}\n')
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(b'{"n": 5}\n'))
    enumerator = build({"type": "json", "file_path": f"{tmp_path}/*.json*"})

    found = list(enumerator.items())

    assert [item.key for item in found] == ["a.json:1", "a.json:2", "b.jsonl:1", "b.jsonl:3", "c.jsonl.gz:1"]
    assert [where(enumerator, item.row) for item in found] == [
        "element 1 of a.json",
        "element 2 of a.json",
        "line 1 of b.jsonl",
        "line 3 of b.jsonl",
        "line 1 of c.jsonl.gz",
    ]


def test_workbooks_can_be_many_too(tmp_path: Path) -> None:
    for n in (2, 1):
        workbooks.xlsx(tmp_path / f"{n}.xlsx", [["id"], [n]])

    assert read("excel", file_path=f"{tmp_path}/*.xlsx") == [("1.xlsx:1", {"id": 1}, 1), ("2.xlsx:1", {"id": 2}, 2)]


def test_an_error_names_the_file(folder: Path) -> None:
    put(folder / "2026-02.csv", "id,v\n1,2,3\n")

    assert complaint("csv", file_path=f"{folder}/2026-*.csv").startswith(f"{folder}/2026-02.csv, row 1, line 2: ")


def test_a_file_with_another_header_is_told_with_the_difference(folder: Path) -> None:
    put(folder / "2026-02.csv", "id,w\n1,2\n")

    told = complaint("csv", file_path=f"{folder}/2026-*.csv")

    assert told.startswith(f"{folder}/2026-02.csv: lacks 'v' and has 'w' besides, compared to {folder}/2026-01.csv; ")
    assert payloads("csv", file_path=f"{folder}/2026-*.csv", columns=["id"])[-1] == {"id": "d"}


def test_the_order_of_the_columns_does_not_matter(folder: Path) -> None:
    put(folder / "2026-02.csv", "v,id\n3,c\n")

    assert payloads("csv", file_path=f"{folder}/2026-*.csv")[2] == {"id": "c", "v": "3"}


def test_no_match_is_told_with_what_would_match(folder: Path) -> None:
    put(folder / "old" / "2025.tsv", "v\n1\n")

    assert f"no file matches '2027-*.csv' in {folder}; check" in complaint("csv", file_path=f"{folder}/2027-*.csv")
    assert "; '**/*.tsv' would match some" in complaint("csv", file_path=f"{folder}/*.tsv")
    assert "no such folder" in complaint("csv", file_path=f"{folder}/nowhere/*.csv")


def test_hidden_files_need_a_pattern_that_begins_with_a_dot(folder: Path) -> None:
    assert keys("csv", file_path=f"{folder}/.2026*.csv") == [".2026-hidden.csv:1"]


def test_a_pattern_that_cannot_work_is_refused_at_the_door() -> None:
    assert "enumerator.file_path = '/data/[z-a].csv': as a pattern" in refusal("csv", file_path="/data/[z-a].csv")
    assert "as a pattern it cannot work" in refusal("csv", file_path="/data/*/../x.csv")
    assert "give an absolute path" in refusal("csv", file_path="data/*.csv")


def test_warnings_name_the_file(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", "a;b\n1;2\n")
    (tmp_path / "outside.csv").symlink_to("/etc/hostname")
    enumerator = build({"type": "csv", "file_path": f"{tmp_path}/*.csv"})
    list(enumerator.items())

    first, second = enumerator.warnings()

    assert first.startswith("a.csv: there is only one column") and "links that leave" in second


def test_a_second_reading_starts_anew(folder: Path) -> None:
    enumerator = build({"type": "csv", "file_path": f"{folder}/2026-*.csv"})

    assert list(enumerator.items()) == list(enumerator.items())
    assert where(enumerator, 4) == "row 1 of 2026-10.csv"


def test_closing_early_releases_the_files(folder: Path) -> None:
    before = open_files()
    items = build({"type": "csv", "file_path": f"{folder}/2026-*.csv"}).items()
    next(items)

    items.close()  # type: ignore[attr-defined]

    assert open_files() == before


async def reading(store: Any, **config: Any) -> None:
    spec = JobSpec(name="many", instructions="look at {{ id }}", enumerator={"type": "csv", **config})
    job, _ = await store.write(rows.create, spec, OPTIONS, reader=jobs.me(), now=time.time())
    await jobs.Reading(store, job, jobs.check(spec), token=rows.FIRST_READING).run()


async def test_a_key_that_is_in_two_files_is_told_with_both(store: Any, folder: Path) -> None:
    put(folder / "2026-10.csv", "id,v\nb,4\n")

    with pytest.raises(DuplicateKey, match=r"key 'b' stands in both row 2 of 2026-01.csv and row 1 of 2026-10.csv"):
        await reading(store, file_path=f"{folder}/2026-*.csv", id_column="id")


async def test_a_field_that_the_template_misses_is_told_with_the_file(store: Any, tmp_path: Path) -> None:
    put(tmp_path / "a.jsonl", '{"id": 1}\n')
    put(tmp_path / "b.jsonl", '{"id": 1}\n{"no": 1}\n')

    with pytest.raises(SourceError, match=r"line 2 of b.jsonl: the template needs 'id'"):
        await reading(store, type="json", file_path=f"{tmp_path}/*.jsonl")
