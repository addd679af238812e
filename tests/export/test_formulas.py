"""Texts that a spreadsheet would take for formulas are none in a CSV; numbers are left alone."""

import csv
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from batchproc.columns import Kind
from batchproc.export import csv as exported
from tests.export.support import made, write

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
NUMBERS = ["-12.5", "+5", "1e5", "-1e-7", "-12,5", "-1,234.5", "-1.234,5", "+0", "-.5", "-5%", "-12", "+3.", "0"]
NO_NUMBERS = [
    "+49 30",
    "+49 30 1234567",
    "-",
    "+",
    "-a",
    "@name",
    "@",
    "--5",
    "+-5",
    "-1-2",
    "=5",
    "-5 m",
    "1-2",
    "-0x1f",
]
MARKED = [text for text in NO_NUMBERS if text != "1-2"]


@pytest.mark.parametrize("text", NUMBERS)
def test_a_text_that_is_a_number_is_left_alone(text):
    assert exported.neutral(text) == text


@pytest.mark.parametrize("text", MARKED)
def test_a_text_that_begins_like_a_formula_and_is_no_number_gets_a_mark(text):
    assert exported.neutral(text) == f"'{text}"


HIDDEN = [
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\u00a0=1+1",
    "\u200b=1+1",
    "\ufeff=1+1",
    "\u3000@x",
    "\0=1",
    "\tx",
    "\r",
]
HIDDEN += ["\nx", "\uff1d1+1", "\uff0b1+1+A1", "\uff0d1+A1", "\uff20SUM(1)", "\ufe661+1", " \n \uff1d1"]


@pytest.mark.parametrize("text", HIDDEN)
def test_what_hides_before_the_sign_or_only_looks_like_it_does_not_help(text):
    assert exported.neutral(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["a=1", "Smith - Jones", "x@y.z", "", "'=1", "(-5)", "ok", "ä", "“quoted”", "1-2", "• a"]
)
def test_everything_else_stays_as_it_is(text):
    assert exported.neutral(text) == text
    assert exported._texts([text]) == [text]


def test_no_first_character_is_taken_for_harmless_that_begins_a_formula():
    for number in range(0x110000):
        first = chr(number)
        assert not (first in exported.HARMLESS and exported.FORMULA.match(first)), ascii(first)


def test_values_of_columns_with_many_types_are_looked_at_too():
    assert exported._any(["=1+1", -5, [1], {"a": "=1"}, True, None, "x"]) == [
        "'=1+1", -5, "[1]", '{"a":"=1"}', "true", None, "x",
    ]  # fmt: skip


CORES = ["1+1", "SUM(1;2)", "1*1", "2^3", 'LEN("abc")', "A1", 'CONCATENATE("a";"b")', 'HYPERLINK("http://x.test";"y")']
CORES += ['WEBSERVICE("http://x.test")', "cmd|' /C calc'!A0", 'DDE("soffice";"a";"b")', "IF(1=1;2;3)", "NOW()", "PI()"]
CORES += [
    'IMPORTXML("http://x.test";"//a")',
    "1+1+cmd|' /C calc'!A0",
    "-1+1",
    "+2+5",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "10/2",
]
STARTS = ["=", "+", "-", "@", "=+", "=-", "=@", " =", "\t=", "\n=", "\r=", "\u00a0=", "\uff1d", "\uff0b", "\uff0d"]
STARTS += ["\uff20", "+=", "-=", "@=", "  +", "\t-", "\u200b=", "\ufeff=", "==", "=\t"]
PAYLOADS = [start + core for start in STARTS for core in CORES]
PLAIN = ["-12.5", "+49 30", "@name", "7", "1e5", "-3"]


def cells_of(path: Path) -> list[list[tuple[str | None, str, str]]]:
    """(formula, kind, text) of each cell of a flat OpenDocument sheet."""
    office = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
    table = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
    text = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
    rows = []
    for row in ElementTree.parse(path).iter(f"{table}table-row"):  # noqa: S314 - LibreOffice made it
        cells = []
        for cell in row.iter(f"{table}table-cell"):
            said = "\n".join("".join(part.itertext()) for part in cell.iter(f"{text}p"))
            kind, formula = cell.get(f"{office}value-type", ""), cell.get(f"{table}formula")
            one = (formula, kind, cell.get(f"{office}value") or said)
            cells += [one] * min(int(cell.get(f"{table}number-columns-repeated", "1")), 20)
        rows += [cells] * min(int(row.get(f"{table}number-rows-repeated", "1")), 600)
    return rows


def calculated(path: Path, tmp_path: Path) -> list[list[tuple[str | None, str, str]]]:
    """What LibreOffice makes of a CSV file: comma, double quote, UTF-8, formulas evaluated (token 15) as when a person
    opens it and lets it."""
    profile = tmp_path / "profile"
    filters = "CSV:44,34,76,1,,0,false,true,false,false,false,-1,true"
    assert SOFFICE
    start = [SOFFICE, f"-env:UserInstallation=file://{profile}", "--headless", f"--infilter={filters}"]
    made_in = ["--convert-to", "fods", "--outdir", str(tmp_path / "made")]
    subprocess.run([*start, *made_in, str(path)], check=True, capture_output=True, timeout=170)
    return cells_of(tmp_path / "made" / f"{path.stem}.fods")


@pytest.mark.long
@pytest.mark.skipif(SOFFICE is None, reason="needs LibreOffice Calc (Debian: libreoffice-calc)")
def test_no_formula_of_500_is_evaluated_by_libreoffice_and_numbers_stay_numbers(tmp_path):
    assert len(PAYLOADS) == 500
    columns = {"key": Kind.TEXT, "text": Kind.TEXT, "any": Kind.JSON, "n": Kind.REAL}
    rows = [[f"u{n}", text, text, -12.5] for n, text in enumerate(PAYLOADS + PLAIN)]
    safe, unsafe = tmp_path / "safe.csv", tmp_path / "unsafe.csv"
    write("csv", safe, made(tmp_path, columns, rows))
    with unsafe.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_NONNUMERIC).writerows([list(columns), *rows])

    evaluated = [cell for row in calculated(unsafe, tmp_path) for cell in row if cell[0]]
    assert len(evaluated) >= 100, "the control finds no formulas: this test would see none either"

    table = calculated(safe, tmp_path)[1 : len(rows) + 1]
    assert not [cell for row in table for cell in row if cell[0]]
    assert [row[0][2] for row in table] == [row[0] for row in rows]
    assert all(row[3][:3] == (None, "float", "-12.5") for row in table)
    by_text = {rows[n][1]: row[1] for n, row in enumerate(table)}
    assert by_text["-12.5"] == (None, "float", "-12.5") and by_text["1e5"] == (None, "float", "100000")
    assert by_text["7"] == (None, "float", "7") and by_text["-3"] == (None, "float", "-3")
    assert by_text["+49 30"] == (None, "string", "'+49 30") and by_text["@name"] == (None, "string", "'@name")
    assert all(row[1][1] == "string" for row in table[:500])
