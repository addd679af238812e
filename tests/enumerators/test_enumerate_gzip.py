"""gzip: a compressed table reads like the table, and a broken or lying one is told by its place."""

import gzip
import json
import random
import tracemalloc
import zlib
from pathlib import Path

import pytest
from enumerate_help import complaint, keys, open_files, payloads, read

from batchproc.enumerators import _gzip, build

TABLE = "id,näme\n" + "".join(f"k{n},näme {n}\n" for n in range(5000))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.csv.gz"


def put(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv", "t", "t.GZ"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_compressed_table_is_read_whatever_its_name(tmp_path: Path, name: str, encoding: str) -> None:
    plain = put(tmp_path / "plain.csv", TABLE.encode(encoding))
    packed = put(tmp_path / name, gzip.compress(TABLE.encode(encoding)))

    assert read("csv", file_path=packed) == read("csv", file_path=plain)
    assert keys("csv", file_path=packed, id_column="id")[:2] == ["k0", "k1"]


def test_a_plain_file_that_is_only_called_gz_is_read_as_it_is(path: Path) -> None:
    assert len(read("csv", file_path=put(path, TABLE.encode()))) == 5000


def test_a_compressed_table_with_tabs_is_known_by_its_name(tmp_path: Path) -> None:
    assert payloads("csv", file_path=put(tmp_path / "t.tsv.gz", gzip.compress(b"a\tb\n1\t2\n"))) == [
        {"a": "1", "b": "2"}
    ]


@pytest.mark.parametrize("name", ["t.jsonl.gz", "t.jsonl", "t.gz"])
def test_compressed_json_lines_are_read(tmp_path: Path, name: str) -> None:
    lines = "".join(json.dumps({"id": n, "text": "ü\u2028"}, ensure_ascii=False) + "\n" for n in range(5000))
    found = read("json", file_path=put(tmp_path / name, gzip.compress(lines.encode())), id_field="id")

    assert [item.row for item in found] == list(range(1, 5001))
    assert found[-1].payload == {"id": 4999, "text": "ü\u2028"}
    assert build({"type": "json", "file_path": "/a/t.jsonl.gz"}).place == "line"


def test_a_compressed_array_is_read(tmp_path: Path) -> None:
    packed = gzip.compress(json.dumps({"data": [{"n": n} for n in range(3000)]}).encode())

    assert len(read("json", file_path=put(tmp_path / "a.json.gz", packed), items_path="data")) == 3000


def test_several_files_compressed_into_one_are_read_one_after_the_other(path: Path) -> None:
    half = TABLE.index("k2500")
    parts = gzip.compress(TABLE[:half].encode()), gzip.compress(TABLE[half:].encode())

    assert len(read("csv", file_path=put(path, parts[0] + parts[1]))) == 5000
    assert len(read("csv", file_path=put(path, parts[0] + bytes(700) + parts[1] + bytes(200_000)))) == 5000


@pytest.mark.parametrize("missing", [1, 4, 8, 9, 4000])
def test_a_truncated_file_is_told_with_the_last_whole_line(path: Path, missing: int) -> None:
    put(path, gzip.compress(TABLE.encode())[:-missing])

    told = complaint("csv", file_path=str(path))

    assert told.startswith(f"{path}, after line ")
    assert "ends in the middle; copy or download the file again" in told
    assert missing > 8 or "after line 5001:" in told


def test_a_truncated_file_of_lines_is_told_too(tmp_path: Path) -> None:
    packed = gzip.compress(b'{"a": 1}\n' * 100_000)
    told = complaint("json", file_path=put(tmp_path / "t.jsonl.gz", packed[:-20]))

    assert ", after line " in told and "ends in the middle" in told


@pytest.mark.parametrize("header_only", [1, 5, 9])
def test_a_file_that_ends_in_its_first_bytes_is_told(path: Path, header_only: int) -> None:
    put(path, gzip.compress(TABLE.encode())[: max(header_only, 2)])

    assert "after line 0: the gzip data ends in the middle" in complaint("csv", file_path=str(path))


def test_a_changed_byte_is_told(path: Path) -> None:
    data = bytearray(gzip.compress(TABLE.encode()))
    data[-6] ^= 1  # in the checksum

    assert "the gzip data is damaged" in complaint("csv", file_path=put(path, bytes(data)))


def test_something_else_after_the_end_is_told(path: Path) -> None:
    told = complaint("csv", file_path=put(path, gzip.compress(TABLE.encode()) + b"id,more\n"))

    assert "after line 5001: the gzip data is damaged" in told


def test_a_fault_in_the_text_is_told_as_in_a_plain_file(path: Path) -> None:
    assert "row 1, line 2" in complaint("csv", file_path=put(path, gzip.compress(b"a,b\n1,2,3\n")))
    assert "row 1, line 2: a quote is opened" in complaint("csv", file_path=put(path, gzip.compress(b'a,b\n"1,2\n')))
    assert "line 2: the byte 0xff is not utf-8" in complaint(
        "csv", file_path=put(path, gzip.compress(b"a,b\n\xff,2\n"))
    )


def bomb(path: Path, pattern: bytes, megabytes: int) -> str:
    deflate, block = zlib.compressobj(9, wbits=31), pattern * ((1 << 20) // len(pattern))
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(deflate.compress(block))
        file.write(deflate.flush())
    return str(path)


NO_TABLE = "grows to more than 250 times its size, as no table does"


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "name", "pattern", "said"),
    [
        ("csv", "t.csv.gz", b"x", "this row is larger than 4 MiB"),
        ("json", "t.json.gz", b" ", NO_TABLE),
    ],
)
def test_a_bomb_is_refused_before_it_fills_the_memory(
    tmp_path: Path, kind: str, name: str, pattern: bytes, said: str
) -> None:
    path = bomb(tmp_path / name, pattern, 400)
    assert Path(path).stat().st_size < 2 << 20
    tracemalloc.start()

    told = complaint(kind, file_path=path)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert said in told
    assert peak < 200 << 20


@pytest.mark.parametrize(("kind", "name", "row"), [("csv", "t.csv.gz", b"7,77\n"), ("json", "t.jsonl.gz", b"{} \n")])
def test_a_bomb_of_short_rows_ends_too(
    tmp_path: Path, kind: str, name: str, row: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_gzip, "FREE", 1 << 18)

    assert "grows to more than 250 times" in complaint(kind, file_path=bomb(tmp_path / name, row, 4))


def test_a_small_file_of_equal_rows_is_no_bomb(path: Path) -> None:
    assert len(read("csv", file_path=put(path, gzip.compress(b"a,b\n" + b"0,0\n" * 100_000, 9)))) == 100_000


def test_more_text_than_one_source_may_hold_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_gzip, "TOTAL", 50_000)
    told = complaint("csv", file_path=put(path, gzip.compress(TABLE.encode())))

    assert "holds more than 0 GiB of text; split it" in told


def test_memory_does_not_grow_with_the_file(path: Path) -> None:
    rng = random.Random(5)
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write("id,text\n")
        for n in range(40_000):
            file.write(f"k{n},{rng.random()} {rng.random()}\n")
    tracemalloc.start()

    assert sum(1 for _ in build({"type": "csv", "file_path": str(path)}).items()) == 40_000

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_closing_early_releases_the_file(path: Path) -> None:
    put(path, gzip.compress(TABLE.encode()))
    before = open_files()
    items = build({"type": "csv", "file_path": str(path)}).items()
    next(items)

    items.close()  # type: ignore[attr-defined]

    assert open_files() == before
