"""The contract of every enumerator, run over every kind, and what else holds for all of ours."""

import csv
import gzip
import json
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import workbooks
from enumerate_help import read, refusal

from batchproc.enumerators import KINDS, build, catalogue
from batchproc.enumerators.contract import EnumeratorContract
from batchproc.enumerators.registry import CLASSES

ROWS = [{"id": f"k{n}", "name": f'a "quoted", näme {n}\r\n', "note": "{{ braces }} \u2028 😀"} for n in range(1, 301)]

Source = Callable[[Path], dict[str, Any]]


def a_folder(folder: Path) -> dict[str, Any]:
    for n in range(300):
        place = folder / f"d{n % 7}"
        place.mkdir(exist_ok=True)
        (place / f"näme {n}.TXT").write_text("x" * n)
    return {"type": "file", "base_directory": str(folder)}


def a_table(folder: Path) -> dict[str, Any]:
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ROWS[0])
        writer.writeheader()
        writer.writerows(ROWS)
    return {"type": "csv", "file_path": str(folder / "t.csv"), "id_column": "id"}


def tables_of_a_month(folder: Path) -> dict[str, Any]:
    for n in (2, 0, 1):
        with (folder / f"part-{n}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ROWS[0])
            writer.writeheader()
            writer.writerows(ROWS[100 * n : 100 * n + 100])
    return {"type": "csv", "file_path": f"{folder}/part-*.csv"}


def a_compressed_table(folder: Path) -> dict[str, Any]:
    plain = Path(a_table(folder)["file_path"])
    (folder / "t.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    return {"type": "csv", "file_path": f"{folder}/t.csv.gz", "id_column": "id"}


def an_array(folder: Path) -> dict[str, Any]:
    (folder / "a.json").write_text(json.dumps({"data": {"items": ROWS}}))
    return {"type": "json", "file_path": str(folder / "a.json"), "items_path": "data.items", "id_field": "id"}


def json_lines(folder: Path) -> dict[str, Any]:
    (folder / "l.jsonl").write_bytes(b"\n".join(orjson.dumps(row) for row in ROWS))
    return {"type": "json", "file_path": str(folder / "l.jsonl"), "id_field": "id"}


def a_workbook(folder: Path) -> dict[str, Any]:
    rows = [["id", "name", "note"], *([row["id"], row["name"], row["note"]] for row in ROWS)]
    return {"type": "excel", "file_path": workbooks.xlsx(folder / "w.xlsx", rows), "id_column": "id"}


def a_parquet_file(folder: Path) -> dict[str, Any]:
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "p.parquet", row_group_size=120)
    return {"type": "parquet", "file_path": str(folder / "p.parquet"), "id_column": "id"}


def a_database(folder: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(folder / "d.db")) as database:
        database.execute("CREATE TABLE t (id, name, note)")
        database.executemany("INSERT INTO t VALUES (:id, :name, :note)", ROWS)
        database.commit()
    return {
        "type": "sql",
        "connection_string": f"sqlite:///{folder}/d.db",
        "query": "SELECT * FROM t",
        "id_column": "id",
    }


def a_list(folder: Path) -> dict[str, Any]:
    return {"type": "list", "items": ROWS, "key_field": "id"}


def a_program(folder: Path) -> dict[str, Any]:
    (folder / "rows.json").write_text(json.dumps(ROWS))
    code = "import json\ndef enumerate_items(context):\n    return json.load(open(context['path']))\n"
    context = {"path": str(folder / "rows.json")}
    given = {"type": "dynamic", "code": code, "context": context, "key_field": "id"}
    return {**given, "read_directories": [str(folder.resolve())]}


SOURCES = (a_folder, a_table, an_array, json_lines, a_workbook, a_parquet_file, a_database, a_list)
SOURCES += (a_program,) * (sys.platform == "linux")


class TestFile(EnumeratorContract):
    spec = staticmethod(a_folder)

    def a_missing_source(self, folder: Path) -> dict[str, Any]:
        return {"type": "file", "base_directory": str(folder / "nowhere")}


class OneFile(EnumeratorContract):
    """A kind that reads the file at `file_path`."""

    def a_missing_source(self, folder: Path) -> dict[str, Any]:
        return {"type": self.spec(folder)["type"], "file_path": str(folder / "nowhere")}


class TestCsv(OneFile):
    spec = staticmethod(a_table)


class TestCsvInManyFiles(OneFile):
    spec = staticmethod(tables_of_a_month)


class TestCsvCompressed(OneFile):
    spec = staticmethod(a_compressed_table)


class TestJsonArray(OneFile):
    spec = staticmethod(an_array)


class TestJsonLines(OneFile):
    spec = staticmethod(json_lines)


class TestExcel(OneFile):
    spec = staticmethod(a_workbook)


class TestParquet(OneFile):
    spec = staticmethod(a_parquet_file)


class TestSql(EnumeratorContract):
    spec = staticmethod(a_database)

    def a_missing_source(self, folder: Path) -> dict[str, Any]:
        return {**a_database(folder), "connection_string": f"sqlite:///{folder}/nowhere.db"}


class TestList(EnumeratorContract):
    spec = staticmethod(a_list)


@pytest.mark.skipif(sys.platform != "linux", reason="there is no jail to run it in")
class TestDynamic(EnumeratorContract):
    spec = staticmethod(a_program)

    def a_missing_source(self, folder: Path) -> dict[str, Any]:
        return {"type": "dynamic", "code": "1 / 0", "code_file": str(folder / "nowhere.py")}


@pytest.fixture(params=SOURCES, ids=lambda source: source.__name__)
def spec(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    source: Source = request.param
    return source(tmp_path)


def test_every_kind_has_a_source_here(tmp_path: Path) -> None:
    assert set(CLASSES) == {source(tmp_path)["type"] for source in SOURCES}


def test_all_300_items_are_there_and_numbered_from_one(spec: dict[str, Any]) -> None:
    assert [item.row for item in build(spec).items()] == list(range(1, 301))


def test_values_arrive_byte_for_byte(spec: dict[str, Any]) -> None:
    # In the XML of a workbook every line end is "\n" (XML 1.0, 2.11).
    rows = [{k: v.replace("\r\n", "\n") for k, v in row.items()} for row in ROWS] if spec["type"] == "excel" else ROWS
    if spec["type"] != "file":
        assert [dict(item.payload) for item in build(spec).items()] == rows


def test_an_unknown_setting_is_refused_with_the_known_ones(spec: dict[str, Any]) -> None:
    told = refusal(spec["type"], **{k: v for k, v in {**spec, "colour": "red"}.items() if k != "type"})

    assert "enumerator.colour = 'red'" in told
    assert all(name in told for name in KINDS[spec["type"]].config_model.model_fields)


def test_building_touches_nothing() -> None:
    for entry in catalogue():
        build(entry["example"])


def test_the_catalogue_has_an_example_for_every_kind_that_fits_its_schema() -> None:
    for entry in catalogue():
        jsonschema.Draft202012Validator.check_schema(entry["schema"])
        jsonschema.validate(entry["example"], entry["schema"])
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**entry["example"], "colour": "red"}, entry["schema"])
        assert entry["example"]["type"] == entry["type"] == entry["schema"]["properties"]["type"]["const"]
        assert len(entry["about"]) > 20


def test_every_setting_is_explained() -> None:
    for entry in catalogue():
        for name, setting in entry["schema"]["properties"].items():
            assert name == "type" or setting["description"], (entry["type"], name)


def test_a_key_of_more_than_1024_characters_is_told() -> None:
    assert read("list", items=[{"k": "x" * 1024}], key_field="k")
    with pytest.raises(Exception, match=r"element 1: 'k' has 1025 characters"):
        read("list", items=[{"k": "x" * 1025}], key_field="k")
