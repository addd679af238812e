"""Rows of SQL travel many at a time: nothing of a single one is lost by that, not its number, its error or its time."""

import sqlite3
import time
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from enumerate_help import read

from batchproc.enumerators import build, sql
from batchproc.errors import SourceError
from batchproc.models import Item

BAD = 700
"""In the middle of a block that is not the first."""


@pytest.fixture
def path(tmp_path: Path) -> str:
    with closing(sqlite3.connect(tmp_path / "numbers.db")) as database:
        database.execute("CREATE TABLE t AS SELECT 1 AS a")
    return str(tmp_path / "numbers.db")


def numbers(last: int, columns: str) -> str:
    return f"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {last}) SELECT {columns} FROM c"


def until_it_breaks(path: str, query: str, **config: Any) -> tuple[list[Item], str]:
    """What was read, and what was said then."""
    items: list[Item] = []
    with pytest.raises(SourceError) as told:
        for item in build({"type": "sql", "connection_string": path, "query": query, **config}).items():
            items.append(item)
    return items, str(told.value)


@pytest.mark.parametrize("rows", [1, 2, 236, 237, 238, 256, 257, 512, 5000])
def test_every_row_comes_once_and_in_order(path: str, rows: int) -> None:
    query = numbers(rows, "n, CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN 'null' ELSE n / 2.0 END AS v")
    found = read("sql", connection_string=path, query=query, id_column="n")

    assert [(item.key, item.row) for item in found] == [(str(n), n) for n in range(1, rows + 1)]
    assert [item.payload for item in found] == [
        {"n": n, "v": {0: None, 1: "null", 2: n / 2}[n % 3]} for n in range(1, rows + 1)
    ]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("x'00'", "column 'v' holds binary data"),
        ("9e999", "an infinite number is no JSON"),
        ("-9e999", "an infinite number is no JSON"),
        ("printf('%.*c', 67108864, 'x')", "is larger than 64 MiB as JSON"),
    ],
)
@pytest.mark.parametrize("others", ["NULL", "'null'", "1.5"])
def test_a_row_that_cannot_be_carried_is_told_when_all_before_it_were_read(
    path: str, value: str, says: str, others: str
) -> None:
    query = numbers(2000, f"n, CASE n WHEN {BAD} THEN {value} ELSE {others} END AS v")

    items, told = until_it_breaks(path, query)

    assert f"row {BAD}: {says}" in told
    assert "after" not in told
    assert [item.payload["n"] for item in items] == list(range(1, BAD))
    assert len(read("sql", connection_string=path, query=query, limit=BAD - 1)) == BAD - 1


def test_of_two_bad_rows_the_first_is_told(path: str) -> None:
    query = numbers(2000, f"CASE n WHEN {BAD} THEN 9e999 WHEN {BAD + 1} THEN x'00' END AS v")

    assert f"row {BAD}: an infinite number" in until_it_breaks(path, query)[1]


@pytest.mark.parametrize(("key", "says"), [("NULL", "'k' is empty"), ("''", "'k' is empty"), ("'  '", "'k' is empty")])
@pytest.mark.parametrize("others", ["n", "'key ' || n", "n / 2.0"])
def test_a_row_without_a_key_is_told_when_all_before_it_were_read(path: str, key: str, says: str, others: str) -> None:
    query = numbers(2000, f"CASE n WHEN {BAD} THEN {key} ELSE {others} END AS k")

    items, told = until_it_breaks(path, query, id_column="k")

    assert f"row {BAD}: {says}" in told
    assert [item.row for item in items] == list(range(1, BAD))


def test_whole_numbers_are_exact_as_values_and_as_keys(path: str) -> None:
    query = "SELECT 9223372036854775807 AS n UNION ALL SELECT -9223372036854775808 UNION ALL SELECT 9007199254740993"
    found = read("sql", connection_string=path, query=query, id_column="n")

    assert [(item.key, item.payload["n"]) for item in found] == [
        (str(n), n) for n in (9223372036854775807, -9223372036854775808, 9007199254740993)
    ]


@pytest.mark.parametrize(
    ("value", "says"),
    [("abs(-9223372036854775807 - 1)", "integer overflow"), ("CAST(x'ff' AS TEXT)", "not UTF-8")],
)
def test_an_error_of_the_database_is_told_after_the_last_row_that_was_read(path: str, value: str, says: str) -> None:
    """It reads one row ahead, or does not: which of the next ones is bad is not known, and not said."""
    items, told = until_it_breaks(path, numbers(2000, f"CASE n WHEN {BAD} THEN {value} ELSE n END AS v"))

    assert says in told
    assert f", after row {len(items)}: " in told
    assert BAD - 2 <= len(items) <= BAD - 1


def test_an_error_before_any_row_has_no_place(path: str) -> None:
    items, told = until_it_breaks(path, "SELECT CAST(x'ff' AS TEXT) AS v")

    assert items == []
    assert told.startswith(f"{path}: column 'v' holds text")


ENDLESS = "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c)"


def test_rows_are_not_kept_back_by_a_slow_one(path: str) -> None:
    query = f"SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT {ENDLESS}"
    items = build({"type": "sql", "connection_string": path, "query": query, "timeout_s": 30}).items()
    began = time.monotonic()

    found = [item.row for item in islice(items, 2)]

    assert found == [1, 2]
    assert time.monotonic() - began < 15
    items.close()  # type: ignore[attr-defined]


def test_what_was_read_before_a_query_was_stopped_is_not_lost(path: str) -> None:
    query = f"SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT {ENDLESS}"

    items, told = until_it_breaks(path, query, timeout_s=2)

    assert f", after row {len(items)}: the query took longer than 2 s" in told
    assert len(items) in (2, 3)


def test_a_query_is_not_silent_while_rows_come(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes some time, and a block of them takes longer than any may."""
    monkeypatch.setattr(sql, "SILENCE_S", 1.0)
    work = (
        "(WITH RECURSIVE w(m) AS (SELECT c.n UNION ALL SELECT m + 1 FROM w WHERE m < c.n + 50000) SELECT max(m) FROM w)"
    )
    items = build({"type": "sql", "connection_string": path, "query": numbers(10**9, f"{work} AS m")}).items()
    began, count = time.monotonic(), 0

    for _ in items:
        count += 1
        if time.monotonic() - began > 2.5:
            break

    assert count > 2
    items.close()  # type: ignore[attr-defined]
