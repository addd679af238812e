"""CSV: every value the text that stands in the file, and every fault told by its place."""

import csv
import io
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from enumerate_help import as_nobody, complaint, folder_of_a_stranger, keys, payloads, read, refusal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchproc.enumerators import build


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.csv"


def put(path: Path, data: str | bytes) -> str:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return str(path)


TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
SPICY = st.lists(
    st.sampled_from(['"', ",", "\r", "\n", "\r\n", "'", " ", "\0", "\ufeff", "a", "é", "\u2028"]), max_size=8
)
TABLE = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.lists(TEXT | SPICY.map("".join), min_size=width, max_size=width), min_size=1, max_size=12)
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=TABLE, delimiter=st.sampled_from([",", ";", "\t", "|"]), end=st.sampled_from(["\r\n", "\n"]), bom=st.booleans()
)
def test_any_table_is_read_back_exactly(path: Path, rows: list[list[str]], delimiter: str, end: str, bom: bool) -> None:
    header = [f"column {n}" for n in range(len(rows[0]))]
    text = io.StringIO(newline="")
    # Python's writer quotes a lone \r only if its own line end has one.
    quoting = csv.QUOTE_ALL if end == "\n" else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerows([header, *rows])
    put(path, ("\ufeff" if bom else "") + text.getvalue())

    found = read("csv", file_path=str(path), delimiter=delimiter)

    assert [list(item.payload.values()) for item in found] == rows
    assert all(list(item.payload) == header for item in found)
    assert [item.row for item in found] == list(range(1, len(rows) + 1))


def test_values_stay_text(path: Path) -> None:
    put(path, "zip,price,yes\n01234, 1.50 ,TRUE\n")

    assert payloads("csv", file_path=str(path)) == [{"zip": "01234", "price": " 1.50 ", "yes": "TRUE"}]


def test_line_ends_inside_a_value_survive(path: Path) -> None:
    put(path, b'a,b\r\n"one\r\ntwo\nthree\rfour",x\r\n')

    assert payloads("csv", file_path=str(path)) == [{"a": "one\r\ntwo\nthree\rfour", "b": "x"}]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_any_line_end_ends_a_row(path: Path, end: str, last: bool) -> None:
    put(path, end.join(["a,b", "1,2", "3,4"]) + (end if last else ""))

    assert payloads("csv", file_path=str(path)) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_without_an_id_column_the_row_number_is_the_key(path: Path) -> None:
    put(path, "a\nx\ny\n")

    assert [(item.key, item.row) for item in read("csv", file_path=str(path))] == [("1", 1), ("2", 2)]


def test_the_id_columns_value_is_the_key(path: Path) -> None:
    put(path, "id,a\n007,x\n08,y\n")

    assert keys("csv", file_path=str(path), id_column="id") == ["007", "08"]


def test_an_empty_id_is_told_with_its_row(path: Path) -> None:
    put(path, "id,a\n1,x\n ,y\n")

    assert "row 2: 'id' is empty" in complaint("csv", file_path=str(path), id_column="id")


def test_an_id_of_more_than_1024_characters_is_told_with_its_row(path: Path) -> None:
    put(path, f"id\n{'x' * 1024}\n{'y' * 1025}\n")

    assert "row 2: 'id' has 1025 characters" in complaint("csv", file_path=str(path), id_column="id")


def test_an_unknown_id_column_is_told_with_the_known_ones(path: Path) -> None:
    put(path, "a,b\n1,2\n")

    assert "'nr', but the columns are 'a', 'b'" in complaint("csv", file_path=str(path), id_column="nr")


def test_only_the_wanted_columns_are_kept_in_their_order(path: Path) -> None:
    put(path, "a,b,id\n1,2,k\n")

    found = read("csv", file_path=str(path), columns=["b", "a"], id_column="id")

    assert [(item.key, list(item.payload.items())) for item in found] == [("k", [("b", "2"), ("a", "1")])]


def test_an_unknown_column_is_told_with_the_known_ones(path: Path) -> None:
    put(path, "a,b\n1,2\n")

    assert "'c', but the columns are 'a', 'b'" in complaint("csv", file_path=str(path), columns=["a", "c"])


def test_without_a_header_columns_are_numbered(path: Path) -> None:
    put(path, "x,y\nz,w\n")

    found = read("csv", file_path=str(path), has_header=False, id_column="column_1")

    assert [(item.key, item.row, item.payload) for item in found] == [
        ("x", 1, {"column_1": "x", "column_2": "y"}),
        ("z", 2, {"column_1": "z", "column_2": "w"}),
    ]


def test_an_empty_header_name_is_numbered(path: Path) -> None:
    put(path, "a,,c\n1,2,3\n")

    assert payloads("csv", file_path=str(path)) == [{"a": "1", "column_2": "2", "c": "3"}]


def test_a_header_name_that_is_there_twice_is_told(path: Path) -> None:
    put(path, "a,b,a\n1,2,3\n")

    assert "'a' more than once" in complaint("csv", file_path=str(path))


@pytest.mark.parametrize("data", ["", "\n\n", "a,b\n", "a,b", "\ufeff", "\ufeffa,b\r\n\r\n"])
def test_a_table_without_rows_has_no_items(path: Path, data: str) -> None:
    assert read("csv", file_path=put(path, data)) == []


def test_blank_lines_are_no_rows(path: Path) -> None:
    put(path, "\na,b\n\n1,2\n\r\n\n3,4\n\n")

    assert [(item.row, item.payload["a"]) for item in read("csv", file_path=str(path))] == [(1, "1"), (2, "3")]


@pytest.mark.parametrize("row", ["1", "1,2,3"])
def test_a_ragged_row_is_told_with_row_and_line(path: Path, row: str) -> None:
    put(path, f'a,b\n"x\ny",2\n\n{row}\n')

    told = complaint("csv", file_path=str(path))

    assert f"row 2, line 5: has {len(row.split(','))} values where the first row has 2" in told


def test_rows_before_a_fault_were_read_but_nothing_is_dropped_silently(path: Path) -> None:
    put(path, "a,b\n1,2\n3\n")
    items = build({"type": "csv", "file_path": str(path)}).items()

    assert next(items).payload == {"a": "1", "b": "2"}
    with pytest.raises(Exception, match="row 2, line 3"):
        next(items)


@pytest.mark.parametrize("lines", [2, 30_000])
def test_bad_bytes_are_told_with_their_line(path: Path, lines: int) -> None:
    put(path, b"a\n" + "näme\n".encode() * lines + b"caf\xe9\n" + b"x\n" * 10)

    told = complaint("csv", file_path=str(path))

    assert f"line {lines + 2}: the byte 0xe9 is not utf-8" in told
    assert "cp1252" in told


def test_a_character_cut_off_at_the_end_is_told(path: Path) -> None:
    put(path, b"a\nx\nna\xc3")

    assert "line 3: the byte 0xc3" in complaint("csv", file_path=str(path))


def test_another_character_set_may_be_named(path: Path) -> None:
    put(path, "a\ncafé €\n".encode("cp1252"))

    assert payloads("csv", file_path=str(path), encoding="cp1252") == [{"a": "café €"}]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("named", [True, False])
def test_a_byte_order_mark_is_understood_and_never_data(path: Path, encoding: str, named: bool) -> None:
    put(path, "a,b\né,😀\n".encode(encoding))

    found = payloads("csv", file_path=str(path), **({"encoding": encoding.removesuffix("-sig")} if named else {}))

    assert found == [{"a": "é", "b": "😀"}]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("named", [True, False])
def test_utf16_without_a_mark_is_understood(path: Path, encoding: str, named: bool) -> None:
    put(path, "a,b\né,2\n".encode(encoding))

    assert payloads("csv", file_path=str(path), **({"encoding": encoding} if named else {})) == [{"a": "é", "b": "2"}]


def test_nul_characters_in_the_header_are_told(path: Path) -> None:
    put(path, "\na,b\0\n1,2\n")

    assert "line 2: holds NUL characters: set encoding" in complaint("csv", file_path=str(path))


def test_bad_utf16_is_told_with_its_line(path: Path) -> None:
    put(path, "a\nx\n".encode("utf-16") + b"\x00\xd8\x41\x00")

    assert "line 3" in complaint("csv", file_path=str(path))


@pytest.mark.parametrize("encoding", ["klingon", "base64", "rot13", "unicode_escape", "utf-7", "idna", ""])
def test_what_is_no_character_set_is_refused(encoding: str) -> None:
    assert "no such character set" in refusal("csv", file_path="/a.csv", encoding=encoding)


def test_a_tsv_is_split_at_tabs(tmp_path: Path) -> None:
    put(tmp_path / "t.TSV", "a\tb\n1,5\t2\n")

    assert payloads("csv", file_path=str(tmp_path / "t.TSV")) == [{"a": "1,5", "b": "2"}]


@pytest.mark.parametrize("delimiter", [";", "|", "\t", "\\t", "\x01", " "])
def test_a_delimiter_may_be_named(path: Path, delimiter: str) -> None:
    put(path, "a;b\n1,5;2\n".replace(";", delimiter.replace("\\t", "\t")))

    assert payloads("csv", file_path=str(path), delimiter=delimiter) == [{"a": "1,5", "b": "2"}]


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n", "\r"])
def test_what_is_no_delimiter_is_refused(delimiter: str) -> None:
    assert "write one character" in refusal("csv", file_path="/a.csv", delimiter=delimiter)


def test_a_table_that_looks_misread_is_warned_of(path: Path) -> None:
    put(path, "a;b\n1;2\n")
    enumerator = build({"type": "csv", "file_path": str(path)})

    list(enumerator.items())

    assert enumerator.warnings() == ["there is only one column, 'a;b': set delimiter to ';' if that is wrong"]


@pytest.mark.parametrize("before", [0, 3])
def test_a_quote_that_is_never_closed_is_told_with_the_line_where_it_was_opened(path: Path, before: int) -> None:
    put(path, "a,b\n" + "1,2\n" * before + '3,"4\n' + "5,6\n" * 100)

    told = complaint("csv", file_path=str(path))

    assert f"row {before + 1}, line {before + 2}: a quote is opened here and never closed" in told


def test_a_quote_that_is_never_closed_in_the_header_is_told(path: Path) -> None:
    put(path, 'a,"b\n1,2\n')

    assert "header, line 1: a quote is opened here" in complaint("csv", file_path=str(path))


def test_text_after_a_closing_quote_is_told(path: Path) -> None:
    put(path, 'a,b\n1,2\n"3"x,4\n')

    assert "row 2, line 3: text follows a closing quote" in complaint("csv", file_path=str(path))


def test_a_value_of_a_megabyte_is_just_a_value(path: Path) -> None:
    big = 'line "quoted"\r\n' * 70_000
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["a", "b"], [big, "x"]])

    assert payloads("csv", file_path=str(path)) == [{"a": big, "b": "x"}]


@pytest.mark.parametrize("value", ["x" * (4 << 20), '"' + "x\n" * (3 << 20)], ids=["a line", "a quote"])
def test_a_value_larger_than_4_mib_is_told(path: Path, value: str) -> None:
    put(path, "a,b\n1,2\n" + value)

    assert "row 2, line 3: this row is larger than 4 MiB" in complaint("csv", file_path=str(path))


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")

    assert "no such file" in complaint("csv", file_path=str(tmp_path / "none.csv"))
    assert "is a folder" in complaint("csv", file_path=str(tmp_path))
    assert "not a regular file" in complaint("csv", file_path=str(tmp_path / "pipe"))
    assert "a part of this path is a file" in complaint("csv", file_path=put(tmp_path / "f", "") + "/a.csv")


def test_a_file_without_permission_is_told() -> None:
    with folder_of_a_stranger() as folder:
        put(folder / "a.csv", "a\n1\n")
        (folder / "a.csv").chmod(0)
        with as_nobody():
            assert "no permission to read this file" in complaint("csv", file_path=str(folder / "a.csv"))


PROGRAM = """
import re, sys
from batchproc.enumerators import build
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
items = build({"type": "csv", "file_path": sys.argv[1], "id_column": "id"}).items()
kept = [next(items) for _ in range(1000)]
early = peak()
for count, item in enumerate(items, 1001):
    if sys.argv[2] == "keep": kept.append(item)
print(count, peak() - early)
"""


def growth(path: Path, keep: str) -> tuple[int, int]:
    """Rows read, and kB of memory that reading them took on top of the first thousand."""
    count, grown = subprocess.check_output([sys.executable, "-c", PROGRAM, str(path), keep]).split()
    return int(count), int(grown)


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_million_rows_take_no_more_memory_than_a_thousand(path: Path) -> None:
    with path.open("w") as file:
        file.write("id,a,b,c\n")
        file.writelines(f"{n},name {n},12.5,lorem\n" for n in range(1_000_000))

    count, grown = growth(path, "drop")

    assert count == 1_000_000
    assert grown < 4096


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_measure_of_memory_notices_a_list(path: Path) -> None:
    """Negative control of the test above."""
    put(path, "id,a,b,c\n" + "".join(f"{n},name {n},12.5,lorem\n" for n in range(50_000)))

    assert growth(path, "keep")[1] > 8192


def test_rows_are_read_fast(path: Path) -> None:
    """Three times slower than measured still passes: this is to notice a slip in the hot loop, on any machine."""
    path.write_text("id,a,b,c\n" + "".join(f"{n},name {n},12.5,lorem\n" for n in range(100_000)))
    items: Any = build({"type": "csv", "file_path": str(path), "id_column": "id"}).items()
    began = time.process_time()

    assert sum(1 for _ in items) == 100_000

    assert 100_000 / (time.process_time() - began) > 150_000


def test_the_limit_of_values_is_only_ever_raised(path: Path) -> None:
    before = csv.field_size_limit(1 << 28)
    try:
        read("csv", file_path=put(path, "a\n1\n"))
        assert csv.field_size_limit() == 1 << 28
    finally:
        csv.field_size_limit(before)
