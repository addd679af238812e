"""The contract of all formats: what was put in is read back by a library that did not write it."""

import json
import math
import os

import duckdb
import pytest

from batchproc import export
from batchproc.columns import Kind
from batchproc.errors import InvalidJob, StoreError
from batchproc.export import parquet
from tests.export.support import COUNTS, LEDGER, READ, ending, ledger_of, made, place, write

FORMATS = list(export.FORMATS)
COLUMNS = {
    "key": Kind.TEXT,
    "text": Kind.TEXT,
    "n": Kind.INTEGER,
    "x": Kind.REAL,
    "sure": Kind.BOOLEAN,
    "any": Kind.JSON,
}


def back(name, tmp_path, rows, columns=COLUMNS, **more):
    path = tmp_path / f"out{ending(name)}"
    write(name, path, made(tmp_path, columns, rows, **more))
    return READ[name](path, columns)


@pytest.mark.parametrize("name", FORMATS)
def test_every_value_comes_back_as_what_it_was_in_the_order_it_had(name, tmp_path):
    rows = [
        ["a", "yes", 1, 0.5, True, {"b": [1, {"c": None}]}],
        ["b", "ja, „so“; 'x' \"y\"\r\nzwei\tdrei 🙂", 2**53 + 1, 1e-9, False, [1, "two", None]],
        ["c", None, None, None, None, None],
        ["d", "true", -(2**63), -3.0, None, 2**64 - 1],
        ["e", "0012", 2**63 - 1, 1.7976931348623157e308, None, "text among others"],
    ]
    assert back(name, tmp_path, rows) == rows


@pytest.mark.parametrize("name", FORMATS)
def test_a_job_without_results_has_its_columns_and_its_ledger(name, tmp_path):
    ledger = LEDGER | {"rows": 0, "counts": dict.fromkeys(COUNTS, 0), "ledger": "no units"}
    assert back(name, tmp_path, [], ledger=ledger) == []
    assert ledger_of(name, tmp_path / f"out{ending(name)}")["ledger"] == "no units"


@pytest.mark.parametrize("name", FORMATS)
def test_the_ledger_goes_with_it(name, tmp_path):
    back(name, tmp_path, [["a", "yes", 1, 0.5, True, None]] * 3)
    found = ledger_of(name, tmp_path / f"out{ending(name)}")
    assert {key: found[key] for key in ("ledger", "counts", "job_id", "rows")} == {
        "ledger": "2 succeeded · 1 failed",
        "counts": COUNTS,
        "job_id": "job-1",
        "rows": 3,
    }


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "]]>",
    "javascript:alert(1)",
    "a\u2028b\u2029c",
    "\u202etxt.exe",
    "'; DROP TABLE results; --",
    '"',
    "\\",
    "x" * 200_000,
    "\ufeffbom",
    " leading and trailing ",
    "null",
    "{}",
]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:30]))
def test_texts_that_mean_something_elsewhere_come_back_unchanged(name, tmp_path, text):
    rows = [[text, text, 1, 1.0, True, {text: text}]]
    assert back(name, tmp_path, rows) == rows


@pytest.mark.parametrize("name", FORMATS)
def test_control_characters_come_back_or_are_visibly_replaced(name, tmp_path):
    [[key, *_]] = back(name, tmp_path, [["a\0b\x1bc\x7f", "t", 1, 1.0, True, None]])
    assert key == ("a\ufffdb\ufffdc\ufffd" if name == "csv" else "a\0b\x1bc\x7f")


@pytest.mark.parametrize("name", FORMATS)
def test_values_nested_deeper_than_the_quick_writer_goes_come_back(name, tmp_path):
    deep = [1]
    for _ in range(400):
        deep = [deep]
    rows = [["a", "t", 1, 1.0, True, deep]]
    assert back(name, tmp_path, rows) == rows


NAMES = ['in_"quoted"', "in_a b", "in_ä;,", "in_'x'", "in_</script>", "in_%s{}"]


@pytest.mark.parametrize("name", FORMATS)
def test_columns_may_have_any_name(name, tmp_path):
    columns = dict.fromkeys(NAMES, Kind.TEXT)
    assert back(name, tmp_path, [["x"] * len(NAMES)], columns) == [["x"] * len(NAMES)]


@pytest.mark.parametrize("name", FORMATS)
def test_a_table_as_wide_as_one_can_be_is_written(name, tmp_path):
    columns = {f"c{n}": Kind.INTEGER for n in range(1811)}
    rows = [list(range(1811)), [None] * 1811]
    assert back(name, tmp_path, rows, columns) == rows


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in {"sqlite", "parquet"}])
def test_pages_come_as_the_results_do(name, tmp_path):
    """Nothing is gathered: after each page at most one block more than it shows has been read."""
    read = []

    def blocks():
        for n in range(50):
            read.append(n)
            yield [["a"], ["b"], [n], [1.0], [True], [None]]

    what = made(tmp_path, COLUMNS, [])
    object.__setattr__(what, "blocks", blocks())
    written = b""
    for page in export.FORMATS[name].pages(what):
        written += page
        seen = written.count(b'"a"')
        assert len(read) <= seen + 1
    assert len(read) == 50


def test_parquet_has_row_groups_and_duckdb_reads_it_too(tmp_path):
    path = tmp_path / "out.parquet"
    rows = [["k", "t", n, n / 2, n % 2 == 0, [n]] for n in range(150_000)]
    write("parquet", path, made(tmp_path, COLUMNS, rows, block=1000))
    found = duckdb.sql(f"SELECT count(*), sum(n), sum(x), count_if(sure) FROM '{path}'").fetchall()
    assert found == [(150_000, sum(range(150_000)), math.fsum(n / 2 for n in range(150_000)), 75_000)]
    groups = duckdb.sql(f"SELECT count(DISTINCT row_group_id) FROM parquet_metadata('{path}')").fetchall()
    assert groups == [(3,)]


def test_html_takes_no_more_than_a_browser_can_show(tmp_path):
    rows = [["k", "x" * 1_000_000, 1, 1.0, True, None]] * 140
    with pytest.raises(InvalidJob, match=r"larger than 128 MiB.*jsonl, parquet or sqlite"):
        back("html", tmp_path, rows)
    assert os.listdir(tmp_path) == []


def test_a_cell_that_excel_would_cut_is_told_of(tmp_path):
    what = made(tmp_path, {"text": Kind.TEXT}, [["x" * 32_768]])
    write("csv", tmp_path / "out.csv", what)
    assert what.warnings == [
        "a cell has 32,768 characters, and Excel keeps 32,767; jsonl, parquet and sqlite have no such bound"
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_an_earlier_export_is_replaced_and_another_file_is_not(name, tmp_path):
    path = tmp_path / f"out{ending(name)}"
    write(name, path, made(tmp_path, {"key": Kind.TEXT}, [["old"]]))
    write(name, path, made(tmp_path, {"key": Kind.TEXT}, [["new"]]))
    assert READ[name](path, {"key": Kind.TEXT}) == [["new"]]
    for foreign in (b"my own", b"", b"SQLite format 3\0" + b"\0" * 100, b"PAR1" + b"\0" * 30 + b"PAR1"):
        path.write_bytes(foreign)
        with pytest.raises(InvalidJob, match=r"no .* export made.*overwrite=true"):
            write(name, path, made(tmp_path, {"key": Kind.TEXT}, [["newer"]]))
        assert path.read_bytes() == foreign
    write(name, path, made(tmp_path, {"key": Kind.TEXT}, [["newest"]]), overwrite=True)
    assert READ[name](path, {"key": Kind.TEXT}) == [["newest"]]


@pytest.mark.parametrize("name", ["csv", "jsonl"])
def test_an_export_that_somebody_edited_is_not_replaced(name, tmp_path):
    path = tmp_path / f"out{ending(name)}"
    write(name, path, made(tmp_path, {"key": Kind.TEXT}, [["old"]]))
    path.write_bytes(path.read_bytes() + b"mine\n")
    with pytest.raises(InvalidJob, match="changed since"):
        write(name, path, made(tmp_path, {"key": Kind.TEXT}, [["new"]]))
    described = json.loads((tmp_path / f"{path.name}.ledger.json").read_text())
    assert described["file"] == path.name and described["bytes"] < path.stat().st_size


@pytest.mark.parametrize("name", FORMATS)
def test_what_fails_on_the_way_leaves_what_was_there_and_nothing_else(name, tmp_path):
    path = tmp_path / f"out{ending(name)}"
    write(name, path, made(tmp_path, {"key": Kind.TEXT}, [["old"]]))
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}

    def broken():
        yield [["new"]]
        raise OSError(28, "No space left on device")

    what = made(tmp_path, {"key": Kind.TEXT}, [])
    object.__setattr__(what, "blocks", broken())
    with pytest.raises(InvalidJob, match="no room"), place(path) as found:
        export.write(export.FORMATS[name], what, found, overwrite=False)
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before


def test_the_format_is_what_the_ending_says_or_has_to_fit_it():
    assert export.chosen(None, "/a/B.CSV").name == "csv"
    assert export.chosen("sqlite", "/a/b.db").name == "sqlite"
    with pytest.raises(InvalidJob, match=r"path = '/a/b\.txt': its ending says no format; known ones are \.csv"):
        export.chosen(None, "/a/b.txt")
    with pytest.raises(InvalidJob, match=r"a csv file ends in \.csv"):
        export.chosen("csv", "/a/b.txt")
    with pytest.raises(InvalidJob, match="format = 'xml': known ones are csv, jsonl, parquet, sqlite, html"):
        export.chosen("xml", "/a/b.xml")


def test_what_parquet_needs_is_said_where_it_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "find_spec", lambda _: None)
    with pytest.raises(InvalidJob, match=r"format = 'parquet': needs pyarrow.*pip install \"batchproc\[parquet\]\""):
        back("parquet", tmp_path, [])
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("program", ["raise SystemExit(3)", "import os; os.kill(os.getpid(), 9)"])
def test_a_program_that_dies_is_told_of_and_leaves_nothing(tmp_path, monkeypatch, program):
    (tmp_path / "program.py").write_text(program)
    monkeypatch.setattr(parquet, "PROGRAM", tmp_path / "program.py")
    with pytest.raises(StoreError, match="the program that makes Parquet files"):
        back("parquet", tmp_path, [["a", "b", 1, 1.0, True, None]] * 100)
    assert os.listdir(tmp_path) == ["program.py"]
