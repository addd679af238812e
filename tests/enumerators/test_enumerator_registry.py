"""What the user wrote, and what they are told about it."""

import json
import subprocess
import sys
from typing import Any

import pytest
from enumerate_help import refusal

from batchproc.enumerators import KINDS, build
from batchproc.errors import InvalidJob, UnknownEnumerator


@pytest.mark.parametrize("kind", ["xlsx", "", None, [], {}, 5, "_common", "base"])
def test_an_unknown_type_is_told_with_the_known_ones(kind: Any) -> None:
    with pytest.raises(UnknownEnumerator, match="known types are csv, dynamic, excel, file, json, list, parquet, sql"):
        build({"type": kind})


def test_a_missing_type_is_told_with_the_known_ones() -> None:
    with pytest.raises(UnknownEnumerator, match="known types are"):
        build({"file_path": "/a.csv"})


def test_a_kind_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        KINDS["_common"]


def test_a_missing_setting_is_told_with_its_meaning() -> None:
    assert "enumerator.file_path = None: is missing: Absolute path of the CSV or TSV file" in refusal("csv")


def test_a_slip_of_the_pen_is_told_with_what_was_meant() -> None:
    assert "did you mean 'delimiter'?" in refusal("csv", file_path="/a.csv", delimter=";")


def test_all_wrong_settings_are_named() -> None:
    told = refusal("csv", file_path="a.csv", limit=0, encoding="klingon")

    assert told.startswith("enumerator.file_path = 'a.csv': give an absolute path")
    assert told.endswith("(also wrong: encoding, limit)")


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("csv", {"file_path": "data/a.csv"}),
        ("json", {"file_path": "./a.json"}),
        ("file", {"base_directory": "."}),
        ("sql", {"connection_string": "shop.db", "query": "SELECT 1"}),
        ("csv", {"file_path": "~nobody-of-this-name/a.csv"}),
        ("csv", {"file_path": "/a\0b"}),
        ("csv", {"file_path": ""}),
    ],
)
def test_a_path_that_is_not_absolute_is_refused(kind: str, config: dict[str, Any]) -> None:
    assert "give an absolute path" in refusal(kind, **config) or "memory" in refusal(kind, **config)


def test_a_path_that_is_no_text_is_refused() -> None:
    assert "not valid text" in refusal("csv", file_path="/a\ud800")


def test_the_home_folder_may_be_written_as_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")

    assert build({"type": "csv", "file_path": "~/a.csv"}).source == "/home/someone/a.csv"
    assert build({"type": "sql", "connection_string": "sqlite:///~/a.db", "query": "SELECT 1"}).source.startswith(
        "/home/"
    )


def test_a_password_in_a_connection_string_is_never_repeated() -> None:
    for url in ("mysql+other://me:hunter2@host/db", "mysql+other://me:hun/ter2@ho@st/db?password=hunter2"):
        told = refusal("sql", connection_string=url, query="SELECT 1")
        assert "ter2" not in told
        assert "another driver" in told


def test_an_error_has_no_words_of_our_tools() -> None:
    for config in ({"file_path": 5}, {"file_path": "/a", "limit": "many"}, {"file_path": "/a", "columns": []}):
        with pytest.raises(InvalidJob) as told:
            build({"type": "csv", **config})
        assert "pydantic" not in str(told.value).lower()
        assert "input" not in str(told.value).split(":")[0].lower()


def test_a_server_that_starts_imports_no_kind() -> None:
    """Heavy libraries and kinds are imported when they are first used."""
    program = "import sys, json, batchproc.enumerators; print(json.dumps(sorted(sys.modules)))"
    modules = json.loads(subprocess.check_output([sys.executable, "-c", program]))

    assert not {"orjson", "pathspec", "python_calamine", "pyarrow", "pysqlite3", "batchproc.enumerators.csv"} & set(
        modules
    )
