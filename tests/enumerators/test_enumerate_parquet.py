"""Parquet: values keep their type as far as JSON has it, memory is bounded, and the extra says how to get it."""

import random
import sys
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from enumerate_help import children, complaint, keys, open_files, payloads, read, refusal

from batchproc.enumerators import build, catalogue, parquet
from batchproc.errors import SourceError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.parquet"


def put(path: Path, columns: dict[str, Any] | pa.Table, **how: Any) -> str:
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path, **how)
    return str(path)


def warnings(path: Path) -> list[str]:
    enumerator = build({"type": "parquet", "file_path": str(path)})
    list(enumerator.items())
    return enumerator.warnings()


@pytest.mark.parametrize(
    ("values", "kind", "told"),
    [
        ([1, None, 2**63 - 1], pa.int64(), [1, None, 2**63 - 1]),
        ([0, 2**64 - 1], pa.uint64(), [0, 2**64 - 1]),
        ([1.0, -0.5, None], pa.float64(), [1.0, -0.5, None]),
        ([1.5, None], pa.float16(), [1.5, None]),
        ([True, None], pa.bool_(), [True, None]),
        (["a", "", None, "é\u2028\0"], pa.string(), ["a", "", None, "é\u2028\0"]),
        (["a"], pa.large_string(), ["a"]),
        ([None], pa.null(), [None]),
        ([Decimal("1.10"), None], pa.decimal128(20, 2), ["1.10", None]),
        ([date(2026, 1, 2), None], pa.date32(), ["2026-01-02", None]),
        ([time(3, 4), time(3, 4, 5, 600)], pa.time64("us"), ["03:04:00", "03:04:05.0006"]),
        ([datetime(2026, 1, 2, 3, 4, 5)], pa.timestamp("ms"), ["2026-01-02T03:04:05"]),
        ([1_000_000_001], pa.timestamp("ns"), ["1970-01-01T00:00:01.000000001"]),
        ([datetime(2026, 7, 2, 12, tzinfo=UTC)], pa.timestamp("us", tz="Europe/Lisbon"), ["2026-07-02T12:00:00Z"]),
        ([timedelta(hours=30, milliseconds=500), None], pa.duration("ns"), ["PT30H0.5S", None]),
        ([[1, 2], [], None], pa.list_(pa.int8()), [[1, 2], [], None]),
        ([{"a": {"b": [date(2026, 1, 2)]}}], None, [{"a": {"b": ["2026-01-02"]}}]),
        ([{"a": Decimal("0.1")}], pa.struct([("a", pa.decimal128(3, 1))]), [{"a": "0.1"}]),
        ([[("k", 1)]], pa.map_(pa.string(), pa.int8()), [[["k", 1]]]),
        ([b"text", None], pa.binary(), ["text", None]),
    ],
)
def test_values_arrive_as_json_has_them(path: Path, values: list[Any], kind: Any, told: list[Any]) -> None:
    put(path, {"v": pa.array(values, kind)})

    found = [each["v"] for each in payloads("parquet", file_path=str(path))]

    assert found == told and [type(each) for each in found] == [type(each) for each in told]


def test_words_from_a_dictionary_are_words(path: Path) -> None:
    put(path, {"v": pa.array(["a", "b", "a", None]).dictionary_encode(), "n": [1, 2, 3, 4]})

    assert [each["v"] for each in payloads("parquet", file_path=str(path))] == ["a", "b", "a", None]


def test_row_groups_follow_each_other(path: Path) -> None:
    put(path, {"id": [f"k{n}" for n in range(10_000)]}, row_group_size=700)

    found = read("parquet", file_path=str(path), id_column="id")

    assert [(item.key, item.row) for item in found] == [(f"k{n}", n + 1) for n in range(10_000)]


def test_only_the_wanted_columns_are_read_in_their_order(path: Path) -> None:
    put(path, {"a": [1], "bytes": [b"\xff"], "b": [2], "id": ["k"]})

    found = read("parquet", file_path=str(path), columns=["b", "a"], id_column="id")

    assert [(item.key, list(item.payload.items())) for item in found] == [("k", [("b", 2), ("a", 1)])]
    assert "columns names 'c', but the columns are 'a', 'bytes', 'b', 'id'" in complaint(
        "parquet", file_path=str(path), columns=["c"]
    )
    assert "id_column names 'nr', but" in complaint("parquet", file_path=str(path), id_column="nr")


def test_a_dot_in_a_name_is_a_dot(path: Path) -> None:
    put(path, {"a": [{"b": 1}], "a.b": [2], "c": [3]})

    assert payloads("parquet", file_path=str(path), columns=["a.b"]) == [{"a.b": 2}]
    assert payloads("parquet", file_path=str(path), columns=["a"]) == [{"a": {"b": 1}}]


def test_ids_are_text_and_faulty_ones_are_told(path: Path) -> None:
    put(path, {"id": [7, 8], "v": ["x", None]})

    assert keys("parquet", file_path=str(path), id_column="id") == ["7", "8"]
    assert "row 2: 'v' is empty" in complaint("parquet", file_path=str(path), id_column="v")


def test_a_name_that_is_there_twice_is_told(path: Path) -> None:
    put(path, pa.table([[1], [2]], names=["a", "a"]))

    assert "has 'a' more than once" in complaint("parquet", file_path=str(path))


def test_nan_is_null_and_told_once_also_under_a_limit(path: Path) -> None:
    put(path, {"v": [1.0, float("nan"), None, float("nan")] * 2000})

    assert [each["v"] for each in payloads("parquet", file_path=str(path))][:4] == [1.0, None, None, None]
    assert warnings(path) == ["NaN in column 'v' was read as null, first in row 2"]
    limited = build({"type": "parquet", "file_path": str(path), "limit": 2})
    assert len(list(limited.items())) == 2 and len(limited.warnings()) == 1


@pytest.mark.parametrize("value", [float("inf"), [1.0, float("inf")], {"a": [float("nan")]}])
def test_what_json_does_not_have_is_told_with_its_row(path: Path, value: Any) -> None:
    good: Any = 1.0 if isinstance(value, float) else type(value)()
    put(path, {"v": pa.array([good] * 5000 + [value])})

    told = complaint("parquet", file_path=str(path))

    assert "row 5001: column 'v' holds a number that is infinite or none" in told and "columns" in told


def test_binary_data_is_told_with_its_column(path: Path) -> None:
    put(path, {"id": [1], "v": [b"\xff\xfe"]})

    assert "column 'v' holds binary data, which JSON does not have; leave it out" in complaint(
        "parquet", file_path=str(path)
    )
    put(path, {"id": [1], "v": [[b"\xff\xfe"]]})
    assert "cannot be read" in complaint("parquet", file_path=str(path)) or "binary" in complaint(
        "parquet", file_path=str(path)
    )


def test_an_empty_table_gives_nothing(path: Path) -> None:
    assert read("parquet", file_path=put(path, {"a": pa.array([], pa.int8())})) == []
    assert read("parquet", file_path=put(path, pa.table({}))) == []


@pytest.mark.parametrize("data", [b"", b"junk", b"PAR1" + b"x" * 100 + b"PAR1", b"id,v\n1,2\n"])
def test_what_is_no_parquet_file_is_told(path: Path, data: bytes) -> None:
    path.write_bytes(data)

    assert "is no Parquet file, or only a part of one" in complaint("parquet", file_path=str(path))


def test_a_truncated_file_is_told(path: Path) -> None:
    put(path, {"v": list(range(100_000))})
    path.write_bytes(path.read_bytes()[:-500])

    assert "is no Parquet file, or only a part of one" in complaint("parquet", file_path=str(path))


def test_damage_in_the_middle_is_told_with_the_rows_before_it(path: Path) -> None:
    rng = random.Random(1)
    put(path, {"v": [f"{rng.random()}" for _ in range(50_000)]}, compression="zstd", row_group_size=10_000)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2000] = bytes(2000)
    path.write_bytes(data)

    assert "is damaged" in complaint("parquet", file_path=str(path))


def test_many_files_are_one_source(path: Path) -> None:
    put(path.with_name("part-2.parquet"), {"id": [3]})
    put(path.with_name("part-1.parquet"), {"id": [1, 2]})

    assert keys("parquet", file_path=f"{path.parent}/part-*.parquet") == [
        "part-1.parquet:1",
        "part-1.parquet:2",
        "part-2.parquet:1",
    ]
    put(path.with_name("part-2.parquet"), {"nr": [3]})
    assert "part-2.parquet: lacks 'id' and has 'nr' besides" in complaint(
        "parquet", file_path=f"{path.parent}/part-*.parquet"
    )


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="the bound is Linux's")
def test_a_value_that_unpacks_to_a_gigabyte_is_refused(path: Path) -> None:
    put(path, {"v": ["x" * (1 << 20)] * 1000}, compression="zstd", use_dictionary=False, row_group_size=1000)
    assert path.stat().st_size < 1 << 20

    assert "needs more than 200 MiB of memory" in complaint("parquet", file_path=str(path))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_closing_early_ends_the_program(path: Path) -> None:
    put(path, {"v": list(range(100_000))})
    before, others = open_files(), children()
    items = build({"type": "parquet", "file_path": str(path)}).items()
    next(items)
    assert children() - others

    items.close()  # type: ignore[attr-defined]

    assert open_files() == before and children() == others


def test_without_the_extra_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "LIBRARY", "no_such_library")

    told = refusal("parquet", file_path="/a.parquet")

    assert told.startswith("enumerator.type = 'parquet': needs pyarrow")
    assert told.endswith('pip install "batchproc[parquet]"')
    assert "parquet" in {entry["type"] for entry in catalogue()}


def test_a_key_may_be_no_column_of_the_payload_and_columns_come_as_they_were_asked_for(path: Path) -> None:
    put(path, {"id": list(range(3000)), "a": list(range(3000)), "b": ["x", None, "y"] * 1000})
    found = read("parquet", file_path=str(path), id_column="id", columns=["b", "a"])

    assert [(item.key, item.row) for item in found] == [(str(n), n + 1) for n in range(3000)]
    assert list(found[0].payload.items()) == [("b", "x"), ("a", 0)]
    assert all(item.payload["a"] == item.row - 1 for item in found)


def test_a_key_that_is_empty_is_told_with_its_row_when_all_before_it_were_read(path: Path) -> None:
    put(path, {"id": [*range(700), None, *range(700, 1400)]})
    items = iter(build({"type": "parquet", "file_path": str(path), "id_column": "id"}).items())

    assert [next(items).key for _ in range(700)] == [str(n) for n in range(700)]
    with pytest.raises(SourceError, match="row 701: 'id' is empty"):
        next(items)


def test_a_table_without_rows_has_no_items(path: Path) -> None:
    put(path, {"id": pa.array([], pa.int64())})

    assert read("parquet", file_path=str(path), id_column="id") == []
