"""Excel: what a sheet shows is what a unit gets, and what a library would pass over in silence is told."""

import subprocess
import sys
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import workbooks
import xlwt
from enumerate_help import (
    as_nobody,
    children,
    complaint,
    folder_of_a_stranger,
    keys,
    open_files,
    payloads,
    read,
    refusal,
)

from batchproc.enumerators import build


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.xlsx"


def warnings(**config: Any) -> list[str]:
    enumerator = build({"type": "excel", **config})
    list(enumerator.items())
    return enumerator.warnings()


def test_values_have_the_type_that_the_sheet_has(path: Path) -> None:
    row = [7, 1.5, True, date(2026, 1, 2), datetime(2026, 1, 2, 3, 4, 5), time(3, 4), timedelta(hours=30), "007", None]
    workbooks.xlsx(path, [[f"c{n}" for n in range(9)], row])

    assert list(payloads("excel", file_path=str(path))[0].values()) == [
        7,
        1.5,
        True,
        "2026-01-02",
        "2026-01-02T03:04:05",
        "03:04:00",
        "PT30H",
        "007",
        "",
    ]
    assert type(payloads("excel", file_path=str(path))[0]["c0"]) is int
    assert warnings(file_path=str(path)) == []


def test_whole_numbers_are_whole_as_far_as_a_sheet_can_count(path: Path) -> None:
    workbooks.xlsx(path, [["n"], [2**53 - 1], [-(2**53) + 1], [1e300], [0.1]])

    assert [each["n"] for each in payloads("excel", file_path=str(path))] == [2**53 - 1, -(2**53) + 1, 1e300, 0.1]


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods"])
@pytest.mark.parametrize("name", ["t.{}", "t.xlsx", "t.xls", "t.ods", "t", "T.bin"])
def test_all_three_formats_are_known_by_what_is_in_them(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / name.format(kind)
    if kind == "ods":
        cell, row = workbooks.ods_cell, workbooks.ods_row
        table = row(cell("id"), cell("n")) + row(cell("k1"), cell("5", "float", 'office:value="5"'))
        workbooks.ods(path, table)
    else:
        (tmp_path / "w").touch()
        getattr(workbooks, kind)(tmp_path / f"w.{kind}", [["id", "n"], ["k1", 5]])
        (tmp_path / f"w.{kind}").rename(path)

    assert read("excel", file_path=str(path), id_column="id") == [("k1", {"id": "k1", "n": 5}, 1)]


def test_any_text_is_read_back_exactly(path: Path) -> None:
    text = ['a "quoted", näme', "{{ braces }}", "two\nlines", "😀 \u2028", " spaces ", "<tag> & entity", "=no formula"]
    book = openpyxl.Workbook()
    book.active.append(["t"])
    for n, value in enumerate(text, 2):
        book.active.cell(n, 1).value = value
        book.active.cell(n, 1).data_type = "s"
    book.save(path)

    assert [each["t"] for each in payloads("excel", file_path=str(path))] == text


def test_the_first_visible_sheet_is_read_and_others_are_told(path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title, book.active.sheet_state = "Hidden", "hidden"
    book.create_chartsheet("Chart")
    for name in ("One", "Two"):
        book.create_sheet(name).append([name])
        book[name].append(["x"])
    book.save(path)

    assert payloads("excel", file_path=str(path)) == [{"One": "x"}]
    assert payloads("excel", file_path=str(path), sheet="Two") == [{"Two": "x"}]
    assert warnings(file_path=str(path)) == [
        "1 other sheets are in the workbook; this is 'One', set sheet for another, first 'Two'"
    ]
    assert warnings(file_path=str(path), sheet="Two") == []
    told = complaint("excel", file_path=str(path), sheet="Chart")
    assert "has no sheet 'Chart', only 'Hidden', 'One', 'Two'; set sheet to one of them" in told


def test_empty_rows_do_not_count_and_leading_ones_are_no_header(path: Path) -> None:
    book = openpyxl.Workbook()
    for cell, value in {"C4": "id", "D4": "v", "C5": "a", "C8": "b", "D8": 2}.items():
        book.active[cell] = value
    book.save(path)

    assert read("excel", file_path=str(path)) == [
        ("1", {"id": "a", "v": ""}, 1),
        ("2", {"id": "b", "v": 2}, 2),
    ]


def test_a_sheet_with_nothing_gives_nothing(path: Path) -> None:
    openpyxl.Workbook().save(path)

    assert read("excel", file_path=str(path)) == []
    assert read("excel", file_path=workbooks.xlsx(path, [["a", "b"]])) == []


def test_without_a_header_columns_are_numbered(path: Path) -> None:
    workbooks.xlsx(path, [["x", 1], ["y", 2]])

    assert read("excel", file_path=str(path), has_header=False, id_column="column_1") == [
        ("x", {"column_1": "x", "column_2": 1}, 1),
        ("y", {"column_1": "y", "column_2": 2}, 2),
    ]


def test_header_names_are_text_and_empty_ones_are_numbered(path: Path) -> None:
    workbooks.xlsx(path, [["a", None, 2026, True, None], [1, 2, 3, 4, None]])

    assert payloads("excel", file_path=str(path)) == [{"a": 1, "column_2": 2, "2026": 3, "true": 4}]


def test_a_header_name_that_is_there_twice_is_told(path: Path) -> None:
    workbooks.xlsx(path, [[], ["a", "b", "a"], [1, 2, 3]])

    assert "sheet 'S', line 2: the header has 'a' more than once" in complaint("excel", file_path=str(path))


def test_merged_cells_in_the_header_are_told(path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["Sales of 2026"], ["id", "v"], [1, 2]):
        book.active.append(row)
    book.active.merge_cells("A1:B1")
    book.save(path)

    told = complaint("excel", file_path=str(path))

    assert "sheet 'Sheet', line 1: the header has merged cells (A1:B1): unmerge them" in told
    assert len(read("excel", file_path=str(path), has_header=False)) == 3


def test_merged_cells_below_are_a_warning(path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["id", "v"], [1, "both"], [2, None]):
        book.active.append(row)
    book.active.merge_cells("B2:B3")
    book.save(path)

    assert [each["v"] for each in payloads("excel", file_path=str(path))] == ["both", ""]
    assert warnings(file_path=str(path)) == [
        "1 merged areas: only the first row and column of each has its value, first B2:B3"
    ]


def test_a_value_beyond_the_header_is_told_with_its_cell(path: Path) -> None:
    workbooks.xlsx(path, [["a"], [1], [2, None, "stray"]])

    assert "row 2, cell S!C3: holds a value, but its column has no name" in complaint("excel", file_path=str(path))


def test_ids_are_text_and_faulty_ones_are_told_with_their_cell(path: Path) -> None:
    workbooks.xlsx(path, [["v", "id"], [1, 7], [2, 2.5], [3, date(2026, 1, 2)], [4, True]])
    assert keys("excel", file_path=str(path), id_column="id") == ["7", "2.5", "2026-01-02", "true"]

    workbooks.xlsx(path, [["v", "id"], [1, 7], [2, None]])
    assert "cell S!B3, row 2: 'id' is empty" in complaint("excel", file_path=str(path), id_column="id")

    assert "id_column names 'nr', but the columns are 'v', 'id'" in complaint(
        "excel", file_path=str(path), id_column="nr"
    )


def test_only_the_wanted_columns_are_kept_in_their_order(path: Path) -> None:
    workbooks.xlsx(path, [["a", "b", "id"], [1, 2, "k"]])

    found = read("excel", file_path=str(path), columns=["b", "a"], id_column="id")

    assert [(item.key, list(item.payload.items())) for item in found] == [("k", [("b", 2), ("a", 1)])]
    assert "'c', but the columns are" in complaint("excel", file_path=str(path), columns=["c"])


def test_cells_with_errors_are_read_as_the_sheet_shows_them_and_counted(path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["id", "v"])
    for n, error in enumerate(["#DIV/0!", "#N/A", "#REF!"], 2):
        book.active.append([n, error])
        assert book.active.cell(n, 2).data_type == "e"
    book.save(path)

    assert [each["v"] for each in payloads("excel", file_path=str(path))] == ["#DIV/0!", "#N/A", "#REF!"]
    assert warnings(file_path=str(path), limit=1) == [
        "3 cells hold an error, and were read as its text, first B2 #DIV/0!"
    ]


def test_errors_are_found_in_the_sheet_that_is_read_only(path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["#N/A"])
    book.create_sheet("Good").append(["id"])
    book["Good"].append([1])
    book.save(path)

    assert warnings(file_path=str(path), sheet="Good") == []


def test_errors_in_an_old_workbook_are_found_too(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    book.add_sheet("First").write(0, 0, "nothing wrong")
    sheet = book.add_sheet("Zweites Blatt ü")
    for column, name in enumerate(("id", "v")):
        sheet.write(0, column, name)
    for row in range(1, 200):
        sheet.write(row, 0, row)
        sheet.row(row).set_cell_error(1, "#N/A!" if row % 2 else "#DIV/0!")
    book.save(str(tmp_path / "t.xls"))
    where = {"file_path": str(tmp_path / "t.xls"), "sheet": "Zweites Blatt ü"}

    found = payloads("excel", **where)

    assert found[0] == {"id": 1, "v": "#N/A"} and found[198]["v"] == "#N/A" and found[1]["v"] == "#DIV/0!"
    assert warnings(**where) == ["199 cells hold an error, and were read as its text, first B2 #N/A"]
    assert warnings(file_path=str(tmp_path / "t.xls"), sheet="First") == []


def test_errors_in_an_open_document_are_found_too(tmp_path: Path) -> None:
    cell, row = workbooks.ods_cell, workbooks.ods_row
    new = cell("#DIV/0!", "string", 'office:string-value="" calcext:value-type="error"')
    old = cell("#N/A", "float", 'office:value="0" calcext:value-type="error"')
    gap = '<table:table-cell table:number-columns-repeated="2"/>'
    table = row(*(cell(name) for name in "abcd")) + row(cell("x"), gap, new) + row(cell("y"), times=3)
    path = workbooks.ods(tmp_path / "t.ods", table + row(old, cell("z")))

    found = payloads("excel", file_path=path)

    assert [(each["a"], each["d"]) for each in found] == [
        ("x", "#DIV/0!"),
        ("y", ""),
        ("y", ""),
        ("y", ""),
        ("#N/A", ""),
    ]
    assert warnings(file_path=path) == ["2 cells hold an error, and were read as its text, first D2 #DIV/0!"]


def test_a_formula_that_was_never_calculated_is_told(path: Path) -> None:
    workbooks.xlsx(path, [["id", "v"], [1, "=A2+1"], [2, "=A3+1"]])

    assert [each["v"] for each in payloads("excel", file_path=str(path))] == ["", ""]
    assert "2 formulas have no stored result" in warnings(file_path=str(path))[0]
    assert warnings(file_path=str(path))[0].endswith("first B2")


def test_a_formula_with_a_result_is_its_result(path: Path) -> None:
    workbooks.xlsx(path, [["id", "v"], [1, "=A2+1"], [2, '=""']])
    text = zipfile.ZipFile(path).read(workbooks.SHEET).decode()
    first, second = (part.split("</c>")[0] for part in text.split("<f>")[1:])
    one, two = first.replace("<v></v>", "<v>2</v>").replace("<v />", "<v>2</v>"), second
    workbooks.edited(path, (first, one), ('r="B3"', 'r="B3" t="str"'), (two, two))

    assert [each["v"] for each in payloads("excel", file_path=str(path))] == [2, ""]
    assert warnings(file_path=str(path)) == []


@pytest.mark.parametrize("number", ["NaN", "1e999", "-1e999"])
def test_what_is_no_number_in_json_is_told(path: Path, number: str) -> None:
    workbooks.xlsx(path, [["id", "v"], [1, 12345]])
    workbooks.edited(path, ("<v>12345</v>", f"<v>{number}</v>"))

    assert payloads("excel", file_path=str(path)) == [{"id": 1, "v": "#NUM!"}]
    assert "first B2" in warnings(file_path=str(path))[0]


# --- what cannot be read


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty; it is no workbook"),
        (b"id,v\n1,2\n", "is a text file under the name of a workbook; if it holds a table as CSV use the type 'csv'"),
        (b"\xef\xbb\xbf<html><table>", "is a text file under the name of a workbook"),
        (b"%PDF-1.7\n\0\xff", "is no workbook (.xlsx, .xls or .ods)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000), "is no workbook that can be read"),
        (b"PK\x03\x04" + bytes(500), "is cut off or damaged"),
    ],
)
def test_what_is_no_workbook_is_told(path: Path, data: bytes, told: str) -> None:
    path.write_bytes(data)

    assert told in complaint("excel", file_path=str(path))


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.99])
def test_a_truncated_workbook_is_told(path: Path, kept: float) -> None:
    workbooks.xlsx(path, [["id"], *[[n] for n in range(2000)]])
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])

    assert "is cut off or damaged" in complaint("excel", file_path=str(path))


def test_a_changed_byte_is_told(path: Path) -> None:
    workbooks.xlsx(path, [["id"], *[[n] for n in range(20_000)]])
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(workbooks.SHEET)
    data[info.header_offset + 200 + info.compress_size // 2] ^= 0xFF
    path.write_bytes(data)

    assert "damaged" in complaint("excel", file_path=str(path))


def test_a_zip_of_something_else_is_told(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "hello")

    assert "is no workbook that can be read" in complaint("excel", file_path=str(path))


def test_a_workbook_with_a_password_is_told(tmp_path: Path) -> None:
    asks = '<manifest:encryption-data manifest:checksum-type="SHA1/1K" manifest:checksum="x"/>'
    for path in (
        workbooks.encrypted(tmp_path / "t.xlsx"),
        workbooks.encrypted(tmp_path / "t.bin"),
        workbooks.protected_xls(tmp_path / "t.xls"),
        workbooks.ods(tmp_path / "t.ods", "", asks),
    ):
        assert "is protected by a password; save a copy without one" in complaint("excel", file_path=path)


def test_a_binary_workbook_is_refused_with_the_way_out(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.bin", b"")

    assert "(.xlsb)" in complaint("excel", file_path=str(path)) and "save it as .xlsx" in complaint(
        "excel", file_path=str(path)
    )


def test_a_doctype_is_refused(path: Path) -> None:
    workbooks.xlsx(path, [["id", "v"], [1, 12345]])
    entity = '<!DOCTYPE a [<!ENTITY x "1"><!ENTITY y "&x;&x;&x;&x;">]><worksheet'
    workbooks.edited(path, ("<worksheet", entity), ("<v>12345</v>", "<v>&y;</v>"))

    assert "holds a DOCTYPE" in complaint("excel", file_path=str(path))


def peak_of_reading(path: str) -> tuple[str, float, float]:
    """What is told, and the megabytes that this process and its child took at most."""
    program = (
        "import re, resource, sys\n"
        "from pathlib import Path\n"
        "from batchproc.enumerators import build\n"
        "from batchproc.errors import SourceError\n"
        "try:\n"
        "    print(sum(1 for _ in build({'type': 'excel', 'file_path': sys.argv[1]}).items()))\n"
        "except SourceError as error: print(error)\n"
        # not ru_maxrss for ourselves: it survives exec, so it would be the tests' own
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]) / 1024)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)\n"
    )
    out = subprocess.check_output([sys.executable, "-c", program, path], text=True)
    told, own, child = out.strip().rsplit("\n", 2)
    return told, float(own), float(child)


@pytest.mark.skipif(sys.platform != "linux", reason="the bound is Linux's")
class TestBombs:
    def test_two_cells_at_the_ends_of_a_sheet(self, path: Path) -> None:
        workbooks.xlsx(path, [["id"], [12345]])
        workbooks.edited(path, ('r="A2"', 'r="XFD1048576"'), ('<row r="2"', '<row r="1048576"'))
        self._is_refused(str(path))

    def test_a_cell_that_is_repeated_over_the_whole_sheet(self, tmp_path: Path) -> None:
        cell, row = workbooks.ods_cell, workbooks.ods_row
        wide = cell("x", extra='table:number-columns-repeated="16384"')
        self._is_refused(workbooks.ods(tmp_path / "t.ods", row(cell("id")) + row(wide, times=6000)))
        self._is_refused(workbooks.ods(tmp_path / "t.ods", row(cell("id")) + row(wide, times=1_000_000)))

    @pytest.mark.long
    def test_many_small_cells(self, path: Path) -> None:
        workbooks.xlsx(path, [["id"], [12345]])
        rows = "".join(f'<row r="{n}">' + "<c><v>1</v></c>" * 100 + "</row>" for n in range(3, 60_003))
        workbooks.edited(path, ("</sheetData>", rows + "</sheetData>"))
        self._is_refused(str(path))

    @pytest.mark.long
    def test_a_sheet_of_spaces(self, path: Path) -> None:
        workbooks.xlsx(path, [["id"], [12345]])
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/comments1.xml", "w") as part:
            for _ in range(404):
                part.write(b" " * (1 << 20))
        told = self._is_refused(str(path), "unpacks to 404 MiB, and 400 is the most")
        assert "xl/comments1.xml" in told

    def test_a_directory_that_lies(self, path: Path) -> None:
        workbooks.xlsx(path, [["id"], *[[n] for n in range(50_000)]])
        with zipfile.ZipFile(path) as archive:
            size = archive.getinfo(workbooks.SHEET).file_size
        data = path.read_bytes()
        assert size.to_bytes(4, "little") in data
        path.write_bytes(data.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little")))
        self._is_refused(str(path), "damaged")

    def _is_refused(self, path: str, why: str = "needs more than 200 MiB of memory") -> str:
        assert Path(path).stat().st_size < 3 << 20
        told, own, child = peak_of_reading(path)
        assert why in told
        assert own + child < 300
        return told


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_closing_early_ends_the_program(path: Path) -> None:
    workbooks.xlsx(path, [["id"], *[[n] for n in range(20_000)]])
    before, others = open_files(), children()
    items = build({"type": "excel", "file_path": str(path)}).items()
    next(items)
    assert children() - others

    items.close()  # type: ignore[attr-defined]

    assert open_files() == before and children() == others


def test_a_file_that_is_not_there_or_not_for_us_is_told(path: Path) -> None:
    assert "no such file" in complaint("excel", file_path=str(path))
    assert "is a folder" in complaint("excel", file_path=str(path.parent))
    with folder_of_a_stranger() as folder:
        workbooks.xlsx(folder / "t.xlsx", [["id"]])
        (folder / "t.xlsx").chmod(0)
        with as_nobody():
            told = complaint("excel", file_path=str(folder / "t.xlsx"))
    assert "no permission to read this file" in told


def test_settings_are_checked_at_the_door() -> None:
    assert "give an absolute path" in refusal("excel", file_path="t.xlsx")
    assert "enumerator.sheet = ''" in refusal("excel", file_path="/t.xlsx", sheet="")
    assert "did you mean 'sheet'" in refusal("excel", file_path="/t.xlsx", sheets="a")
